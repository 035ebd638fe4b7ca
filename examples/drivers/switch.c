#include "check.h"

int main(void) {
  for (int32_t month = -2; month <= 15; month++) {
    CHECK(days_in_month(month, 0), c_days_in_month(month, 0));
    CHECK(days_in_month(month, 1), c_days_in_month(month, 1));
  }
  CHECK(days_in_month(INT32_MIN, 1), c_days_in_month(INT32_MIN, 1));
  // x; x * x - 3; unknown operations; and a loop: n times sum = sum * 2 + x, from 1, with n = x.
  static const uint8_t same[] = {2, 0}, polynomial[] = {2, 6, 5, 1, 3, 4, 0}, unknown[] = {2, 11}, large[] = {255};
  static const uint8_t loop[] = {1, 1, 2, /* here */ 7, 1, 2, 5, 2, 3, 7, 10, 6, 8, 11, 9, 0};
  for (int64_t x = 1; x <= 12; x++) {
    CHECK(interpret(same, x), c_interpret(same, x));
    CHECK(interpret(polynomial, x), c_interpret(polynomial, x));
    CHECK(interpret(loop, x), c_interpret(loop, x));
    CHECK(interpret(unknown, x), -1);
    CHECK(interpret(large, x), -1);
  }
  for (int32_t kind = -2; kind <= 6; kind++) CHECK_F64(weight(kind, 1.75), c_weight(kind, 1.75));
  SHOW("a program of 16 bytes gives %lld", (long long)interpret(loop, 9));
  return report("switch");
}
