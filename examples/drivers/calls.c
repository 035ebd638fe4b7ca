#include "check.h"

int main(void) {
  for (int i = -20; i <= 20; i++) {
    int64_t n = i * INT64_C(12345);
    double x = i * 0.625 + 0.1;
    float y = (float)x;
    int32_t m = i * 3;
    CHECK_F64(mix0(), c_mix0());
    CHECK_F64(mix1(n), c_mix1(n));
    CHECK_F64(mix2(n, x), c_mix2(n, x));
    CHECK_F64(mix3(n, x, m), c_mix3(n, x, m));
    CHECK_F64(mix4(n, x, m, y), c_mix4(n, x, m, y));
    CHECK_F64(mix5(n, x, m, y, n + 4), c_mix5(n, x, m, y, n + 4));
    CHECK_F64(mix6(n, x, m, y, n + 4, x * 5), c_mix6(n, x, m, y, n + 4, x * 5));
    CHECK_F64(mix7(n, x, m, y, n + 4, x * 5, m - 6), c_mix7(n, x, m, y, n + 4, x * 5, m - 6));
    CHECK_F64(mix8(n, x, m, y, n + 4, x * 5, m - 6, y + 7), c_mix8(n, x, m, y, n + 4, x * 5, m - 6, y + 7));
    CHECK_F64(mix9(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8),
              c_mix9(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8));
    CHECK_F64(mix10(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9),
              c_mix10(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9));
    CHECK_F64(mix11(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9, m - 10),
              c_mix11(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9, m - 10));
    CHECK_F64(mix12(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9, m - 10, y + 11),
              c_mix12(n, x, m, y, n + 4, x * 5, m - 6, y + 7, n + 8, x * 9, m - 10, y + 11));
    CHECK(ints12(n, 1, 2, n, -4, 5, 6, -n, 8, 9, n, 11), c_ints12(n, 1, 2, n, -4, 5, 6, -n, 8, 9, n, 11));
    CHECK_F64(floats12(x, 1, 2, x, -4, 5, 6, -x, 8, 9, x, 11), c_floats12(x, 1, 2, x, -4, 5, 6, -x, 8, 9, x, 11));
    CHECK(narrow((int8_t)(i * 9), (uint8_t)(i * 9), (int16_t)(i * 2000), (uint16_t)(i * 2000), m, (int8_t)-i,
                 (uint16_t)-i),
          c_narrow((int8_t)(i * 9), (uint8_t)(i * 9), (int16_t)(i * 2000), (uint16_t)(i * 2000), m, (int8_t)-i,
                   (uint16_t)-i));
    CHECK_F64(direct(n, x), c_direct(n, x));
    CHECK_F64(colocated(n, x), c_colocated(n, x));
    CHECK_F64(indirect(n, x), c_indirect(n, x));
    CHECK_F64(crowd(n, x), c_crowd(n, x));
  }
  SHOW("direct(1, 0.5) = %.6f", direct(1, 0.5));
  return report("calls");
}
