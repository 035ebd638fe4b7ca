// The C twin of sieve.clif.
#include "examples.h"

int64_t c_sieve(uint8_t *flags, int64_t n) {
  for (uint64_t i = 0; i < (uint64_t)n; i++) flags[i] = 0;
  int64_t primes = 0;
  for (uint64_t i = 2; i < (uint64_t)n; i++) {
    if (flags[i]) continue;
    primes++;
    for (uint64_t k = i * i; k < (uint64_t)n; k += i) flags[k] = 1;
  }
  return primes;
}
