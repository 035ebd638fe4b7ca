#include "check.h"

int main(void) {
  for (int64_t n = 0; n <= 22; n++) CHECK(fib(n), c_fib(n));
  for (int64_t n = 0; n <= 120; n += 3) CHECK(fib_loop(n), c_fib_loop(n));
  SHOW("fib(22) = %lld", (long long)fib(22));
  return report("fib");
}
