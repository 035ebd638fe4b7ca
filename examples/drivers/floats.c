#include "check.h"
#include <math.h>

static const double values[] = {0.0,
                                -0.0,
                                0.5,
                                -0.5,
                                1.0,
                                -1.0,
                                0.9999,
                                -0.9999,
                                2.5,
                                -7.25,
                                1e9,
                                -1e9,
                                2147483647.0,
                                2147483648.0,
                                -2147483648.0,
                                -2147483649.0,
                                4294967295.0,
                                4294967295.5,
                                4294967296.0,
                                9007199254740993.0,
                                0x1p62,
                                0x1p63,
                                -0x1p63,
                                -0x1.1p63,
                                0x1.fffffffffffffp63,
                                0x1p64,
                                1e30,
                                -1e30,
                                1e-310,
                                -1e-310,
                                0x1.fffffep127,
                                1e300,
                                -1e300,
                                INFINITY,
                                -INFINITY,
                                NAN};
enum { COUNT = sizeof values / sizeof *values };

static const int64_t integers[] = {0,
                                   1,
                                   -1,
                                   127,
                                   128,
                                   255,
                                   256,
                                   -128,
                                   32767,
                                   32768,
                                   65535,
                                   16777217,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000001,
                                   9007199254740993,
                                   0x7fffffffffffffff,
                                   INT64_MIN,
                                   INT64_MIN + 1,
                                   -2,
                                   -16777217,
                                   0x7ffffffffffffdff,
                                   0x7ffffffffffffe00,
                                   (int64_t)0x8000000000000401};

int main(void) {
  float numbers[COUNT];
  for (int i = 0; i < COUNT; i++) numbers[i] = (float)i * 0.3f;
  for (int64_t n = 0; n <= COUNT; n += 5) CHECK_F32(mean_f32(numbers, n), c_mean_f32(numbers, n));
  for (int i = 0; i < COUNT; i++) {
    double a = values[i];
    for (int k = 0; k < COUNT; k++) {
      double b = values[k];
      CHECK(compare_bits(a, b), c_compare_bits(a, b));
      CHECK(compare_bits_f32((float)a, (float)b), c_compare_bits_f32((float)a, (float)b));
      CHECK(relation(a, b), c_relation(a, b));
      CHECK_F64(signs(a, b), c_signs(a, b));
      CHECK_F32(signs_f32((float)a, (float)b), c_signs_f32((float)a, (float)b));
      CHECK_F64(least(a, b), c_least(a, b));
      CHECK_F32(greatest((float)a, (float)b), c_greatest((float)a, (float)b));
      CHECK_F64(root(a, b, 1.5, -99), c_root(a, b, 1.5, -99));
    }
    Integers ours = {0}, twin = {0};
    saturate(&ours, a);
    c_saturate(&twin, a);
    CHECK_BYTES(&ours, &twin, sizeof ours);
    if (fabs(a) < 2147483000.0) {
      truncate_all(&ours, a);
      c_truncate_all(&twin, a);
      CHECK_BYTES(&ours, &twin, sizeof ours);
    }
    if (a > 0) CHECK_F64(next_up(a), c_next_up(a));
    CHECK(exponent((float)a), c_exponent((float)a));
    if (a > 0 && a < 1e30) CHECK_F64(newton(a), c_newton(a));
  }
  for (int i = 0; i < (int)(sizeof integers / sizeof *integers); i++) {
    Floats ours = {0}, twin = {0};
    from_integer(&ours, integers[i]);
    c_from_integer(&twin, integers[i]);
    CHECK_BYTES(&ours, &twin, sizeof ours);
  }
  SHOW("the root of 2 is %.12f", newton(2));
  return report("floats");
}
