#include "check.h"

int main(void) {
  static const int64_t array[] = {5, -3, 100000, 0, 7, -100000, 12, 3};
  for (int64_t n = 0; n <= 8; n++) {
    CHECK(checked_sum(array, n), c_checked_sum(array, n));
    for (int64_t k = 0; k < n; k++) CHECK(element(array, n, k), c_element(array, n, k));
  }
  static const int64_t values[] = {1,
                                   2,
                                   3,
                                   7,
                                   -1,
                                   -2,
                                   -7,
                                   10,
                                   100,
                                   127,
                                   -128,
                                   255,
                                   1000,
                                   32767,
                                   -32768,
                                   65536,
                                   -65537,
                                   INT32_MAX,
                                   INT32_MIN,
                                   INT64_MAX,
                                   INT64_MIN,
                                   0x123456789abcdef,
                                   -0x123456789abcdef};
  for (int i = 0; i < 23; i++) {
    int64_t a = values[i];
    CHECK(by_constants(a), c_by_constants(a));
    for (int k = 0; k < 23; k++) {
      int64_t b = values[k];
      if (!(a == INT64_MIN && b == -1)) CHECK(divisions(a, b), c_divisions(a, b));
      if ((int32_t)b != 0 && !((int32_t)a == INT32_MIN && (int32_t)b == -1))
        CHECK(divisions_i32((int32_t)a, (int32_t)b), c_divisions_i32((int32_t)a, (int32_t)b));
      if ((int16_t)b != 0 && !((int16_t)a == INT16_MIN && (int16_t)b == -1))
        CHECK(divisions_i16((int16_t)a, (int16_t)b), c_divisions_i16((int16_t)a, (int16_t)b));
      if ((int8_t)b != 0 && !((int8_t)a == INT8_MIN && (int8_t)b == -1))
        CHECK(divisions_i8((int8_t)a, (int8_t)b), c_divisions_i8((int8_t)a, (int8_t)b));
    }
  }
  CHECK(divisions(0, 5), c_divisions(0, 5));
  SHOW("the sum of eight: %lld", (long long)checked_sum(array, 8));
  return report("traps");
}
