#include "check.h"

static const int64_t values[] = {0,
                                 1,
                                 -1,
                                 2,
                                 3,
                                 7,
                                 8,
                                 31,
                                 32,
                                 63,
                                 64,
                                 127,
                                 128,
                                 255,
                                 256,
                                 -128,
                                 -129,
                                 0x7fff,
                                 0x8000,
                                 0xffff,
                                 0x10000,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 -0x80000000LL,
                                 0x0123456789abcdef,
                                 -0x0123456789abcdef,
                                 INT64_MAX,
                                 INT64_MIN,
                                 INT64_MIN + 1,
                                 0x5555555555555555,
                                 0x00ff00ff00ff00ff};
enum { COUNT = sizeof values / sizeof *values };

int main(void) {
  for (int i = 0; i < COUNT; i++) {
    int64_t a = values[i];
    CHECK(counts(a), c_counts(a));
    CHECK(reversed(a), c_reversed(a));
    for (int k = 0; k < COUNT; k++) {
      int64_t b = values[k], c = values[(i * 7 + k * 3) % COUNT];
      CHECK(narrow_i8((int8_t)a, (int8_t)b), c_narrow_i8((int8_t)a, (int8_t)b));
      CHECK(narrow_i16((int16_t)a, (int16_t)b), c_narrow_i16((int16_t)a, (int16_t)b));
      CHECK(shifts(a, (int32_t)b), c_shifts(a, (int32_t)b));
      CHECK(high(a, b), c_high(a, b));
      CHECK(compare_ints(a, b), c_compare_ints(a, b));
      CHECK(median(a, b, c), c_median(a, b, c));
      CHECK(clamp(a, b, c), c_clamp(a, b, c));
      CHECK(blend(a, b, c), c_blend(a, b, c));
      CHECK(carries(a, b), c_carries(a, b));
      CHECK_F64(choose(a, (double)b, (double)c), c_choose(a, (double)b, (double)c));
    }
  }
  SHOW("the median of 3, 9 and 5 is %lld", (long long)median(3, 9, 5));
  return report("bits");
}
