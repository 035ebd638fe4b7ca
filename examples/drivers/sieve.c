#include "check.h"

static uint8_t ours[10000], twin[10000];

int main(void) {
  static const int64_t sizes[] = {0, 1, 2, 3, 4, 100, 9973, 10000};
  for (int k = 0; k < 8; k++) {
    CHECK(sieve(ours, sizes[k]), c_sieve(twin, sizes[k]));
    CHECK_BYTES(ours, twin, sizeof ours);
  }
  SHOW("%lld primes below 10000", (long long)sieve(ours, 10000));
  return report("sieve");
}
