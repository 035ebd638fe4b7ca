// The C twin of fib.clif.
#include "examples.h"

int64_t c_fib(int64_t n) {
  if ((uint64_t)n < 2) return n;
  return c_fib(n - 1) + c_fib(n - 2);
}

int64_t c_fib_loop(int64_t n) {
  uint64_t current = 0, next = 1;
  for (; n != 0; n--) {
    uint64_t sum = current + next;
    current = next;
    next = sum;
  }
  return (int64_t)current;
}
