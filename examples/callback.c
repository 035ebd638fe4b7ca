// The C twin of callback.clif.
#include "examples.h"

int64_t c_apply(Callback *f, int64_t a) { return f(a) + 1; }

int64_t c_apply_twice(Callback *f, int64_t a, int64_t b) {
  int64_t x = f(a), y = f(b);
  return x * y + a - b;
}

double c_apply_crowded(Callback *f, int64_t a, double x) {
  int64_t integers[8];
  double floats[8];
  for (int k = 0; k < 8; k++) {
    integers[k] = a;
    floats[k] = x;
    a *= 3;
    x *= 1.5;
  }
  int64_t bits = f(integers[1]);
  for (int k = 0; k < 8; k++) bits ^= integers[k];
  double total = floats[0];
  for (int k = 1; k < 8; k++) total -= floats[k];
  return total + (double)bits;
}

int64_t c_apply_to_buffer(Callback *f, int64_t a) {
  volatile int64_t buffer[8750];
  buffer[0] = buffer[8749] = a;
  int64_t result = f((int64_t)(intptr_t)buffer);
  return buffer[0] + buffer[8749] + result;
}

int64_t c_apply_many(Callback8 *f, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t g, int64_t h,
                     int64_t i) {
  return f(i, h, g, e, d, c, b, a) + i;
}

int64_t c_nested(Callback *f, int64_t depth, int64_t value) {
  return depth != 0 ? c_nested(f, depth - 1, value + depth) + value : c_apply(f, value);
}

int64_t c_sum_of_results(Callback *f, int64_t from, int64_t to) {
  int64_t sum = 0;
  for (int64_t n = from; n < to; n++) {
    if (n & 1) sum += f(n);
  }
  return sum;
}
