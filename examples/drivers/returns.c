#include "check.h"

int main(void) {
  static const int64_t values[] = {0,   1,   -1,  2,    9,    10,   11,   50, 99,        100,
                                   101, 500, 999, 1000, 1001, 1234, 4321, -7, INT64_MIN, INT64_MAX};
  for (int i = 0; i < 20; i++) {
    CHECK(sign(values[i]), c_sign(values[i]));
    CHECK(square(values[i]), c_square(values[i]));
    for (int64_t b = -3; b <= 40; b += 4) CHECK(stairs(values[i], b), c_stairs(values[i], b));
    CHECK(first_square_above(values[i], 30), c_first_square_above(values[i], 30));
    for (int k = 0; k < 20; k++) {
      CHECK(gcd(values[i], values[k]), c_gcd(values[i], values[k]));
      if (values[k] == 0) continue;
      int64_t ours[2], twin[2];
      store_divmod(ours, values[i], values[k]);
      c_store_divmod(twin, values[i], values[k]);
      CHECK_BYTES(ours, twin, 16);
    }
  }
  static const double doubles[] = {0, 0.75, -0.75, 123456.125, -1e15, 0x1p63, -0x1p63, 0x1p80, -0x1p80};
  for (int i = 0; i < 9; i++) {
    Split ours, twin;
    store_split(&ours, doubles[i]);
    c_store_split(&twin, doubles[i]);
    CHECK(ours.whole, twin.whole);
    CHECK_F64(ours.rest, twin.rest);
  }
  SHOW("gcd(1234, 4321 * 1234) = %lld", (long long)gcd(1234, 4321 * 1234));
  return report("returns");
}
