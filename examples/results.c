// The C twin of results.clif.
#include "examples.h"

void c_store_five(int64_t *to, int64_t a, int64_t b) {
  to[0] = (int64_t)((uint64_t)a + (uint64_t)b);
  to[1] = (int64_t)((uint64_t)a - (uint64_t)b);
  to[2] = (int64_t)((uint64_t)a * (uint64_t)b);
  to[3] = a < b ? a : b;
  to[4] = a < b ? b : a;
}

void c_store_mixture(Mixture *to, int64_t a, double x) {
  to->i64 = a;
  to->f64 = -x;
  to->i32 = (int32_t)a;
  to->f32 = (float)x;
  to->i16 = (int16_t)a;
  to->twice = x + x;
  to->i8 = (int8_t)a;
  to->negative = (int64_t)(0 - (uint64_t)a);
}
