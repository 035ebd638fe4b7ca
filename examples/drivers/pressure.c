#include "check.h"

int main(void) {
  for (int64_t a = -3; a <= 12; a++) {
    double x = (double)a * 1.375 + 0.1;
    CHECK(twist(a), c_twist(a));
    CHECK_F64(halve(x), c_halve(x));
    CHECK_F64(across(a, x), c_across(a, x));
    CHECK_F64(across(a * 0x123456789abcd, -x), c_across(a * 0x123456789abcd, -x));
  }
  for (int64_t n = 0; n <= 40; n++) CHECK_F64(around(n, n * 77, 0.5 * (double)n), c_around(n, n * 77, 0.5 * (double)n));
  SHOW("across(5, 2.5) = %.6f", across(5, 2.5));
  return report("pressure");
}
