// The C twin of returns.clif.
#include "examples.h"

int64_t c_sign(int64_t n) { return n > 0 ? 1 : n != 0 ? -1 : 0; }
int64_t c_square(int64_t n) { return (int64_t)((uint64_t)n * (uint64_t)n); }

int64_t c_stairs(int64_t a, int64_t b) {
  if (a < 10) return b;
  int64_t square = c_square(b);
  if (a < 100) return square + a;
  int64_t fourth = c_square(square);
  if (fourth < a) return fourth ^ b;
  int64_t other = c_square(a);
  if (a < 1000) return other - fourth - b;
  if (other & 1) return other + square;
  return c_square(square - other);
}

int64_t c_first_square_above(int64_t bound, int64_t limit) {
  for (int64_t n = 0; n <= limit; n++) {
    if (c_square(n) > bound) return n;
  }
  return -1;
}

void c_store_divmod(int64_t *to, int64_t a, int64_t b) {
  to[0] = (int64_t)((uint64_t)a / (uint64_t)b);
  to[1] = (int64_t)((uint64_t)a % (uint64_t)b);
}

void c_store_split(Split *to, double x) {
  to->whole = x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : x != x ? 0 : (int64_t)x;
  to->rest = x - (double)to->whole;
}

int64_t c_gcd(int64_t a, int64_t b) {
  uint64_t x = (uint64_t)a, y = (uint64_t)b;
  while (y != 0) {
    uint64_t rest = x % y;
    x = y;
    y = rest;
  }
  return (int64_t)x;
}
