// Runs six examples, as one compiler made them, and times each: bench/run.mjs links this once with our objects, once with
// the peer's, once with the C twins (PREFIX=c_). Prints a line of JSON for each program; the checksum says that the
// compilers computed the same.
//
//   programs ROUNDS [NAME...]
#define _GNU_SOURCE
#include "examples.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef PREFIX
#define PREFIX
#endif
#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define F(name) JOIN(PREFIX, name)

static uint64_t mixed(uint64_t sum, uint64_t value) { return (sum ^ value) * 0x100000001b3u + (sum >> 29); }

static uint64_t of_bytes(const void *memory, size_t size) {
  uint64_t sum = 0xcbf29ce484222325u;
  const uint8_t *bytes = memory;
  for (size_t i = 0; i < size; i++) sum = mixed(sum, bytes[i]);
  return sum;
}

enum { NUMBERS = 200000, FLAGS = 2000000, N = 160, BYTES = 4000000 };
static int32_t numbers[NUMBERS];
static uint8_t flags[FLAGS], text[BYTES];
static double a[N * N], b[N * N], c[N * N];
static Body bodies[5];
static uint64_t result; // what the timed part leaves for its checksum

static void prepare_nothing(void) {}
static void prepare_quicksort(void) { F(fill)(numbers, NUMBERS, 99); }
static void prepare_matmul(void) {
  for (int i = 0; i < N * N; i++) {
    a[i] = (double)((i * 37) % 101) / 7 - 5;
    b[i] = (double)((i * 53) % 97) / 3 - 11;
  }
}
static void prepare_nbody(void) {
  for (int i = 0; i < 5; i++) {
    bodies[i] = (Body){i * 5.1, i * -3.3 + 1, i * 0.7, i * 0.01, 0.02, i * -0.003, i == 0 ? 39.5 : 0.01 * i};
  }
}
static void prepare_hash(void) {
  uint64_t x = 1;
  for (int i = 0; i < BYTES; i++) text[i] = (uint8_t)((x = x * 6364136223846793005u + 1) >> 56);
}

static void run_fib(void) { result = (uint64_t)F(fib)(33); }
static void run_quicksort(void) { F(quicksort)(numbers, 0, NUMBERS - 1); }
static void run_sieve(void) { result = (uint64_t)F(sieve)(flags, FLAGS); }
static void run_matmul(void) { F(matmul)(c, a, b, N); }
static void run_nbody(void) {
  for (int i = 0; i < 100000; i++) F(advance)(bodies, 5, 0.001);
}
static void run_hash(void) {
  result = (uint64_t)F(hash64)(text, BYTES, 7);
  result = mixed(result, (uint64_t)F(fnv1a)(text, BYTES));
  result = mixed(result, F(crc32)(text, BYTES / 16));
  for (int i = 0; i < 1000000; i++) result = (uint64_t)F(finish)((int64_t)result);
}

static uint64_t sum_result(void) { return result; }
static uint64_t sum_quicksort(void) { return of_bytes(numbers, sizeof numbers); }
static uint64_t sum_sieve(void) { return mixed(of_bytes(flags, sizeof flags), result); }
static uint64_t sum_matmul(void) { return of_bytes(c, sizeof c); }
static uint64_t sum_nbody(void) { return of_bytes(bodies, sizeof bodies); }

static const struct {
  const char *name;
  void (*prepare)(void), (*run)(void);
  uint64_t (*sum)(void);
} programs[] = {
    {"fib", prepare_nothing, run_fib, sum_result},
    {"quicksort", prepare_quicksort, run_quicksort, sum_quicksort},
    {"sieve", prepare_nothing, run_sieve, sum_sieve},
    {"matmul", prepare_matmul, run_matmul, sum_matmul},
    {"nbody", prepare_nbody, run_nbody, sum_nbody},
    {"hash", prepare_hash, run_hash, sum_result},
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *x, const void *y) {
  const double p = *(const double *)x, q = *(const double *)y;
  return p < q ? -1 : p > q;
}

int main(int count, char **arguments) {
  const int rounds = count > 1 ? atoi(arguments[1]) : 5;
  double *times = malloc((size_t)rounds * sizeof *times);
  for (int k = 0; k < 6; k++) {
    int chosen = count <= 2;
    for (int i = 2; i < count; i++) chosen |= strcmp(arguments[i], programs[k].name) == 0;
    if (!chosen) continue;
    uint64_t sum = 0;
    for (int round = 0; round < rounds; round++) {
      programs[k].prepare();
      const double start = now();
      programs[k].run();
      times[round] = now() - start;
      const uint64_t this_sum = programs[k].sum();
      if (round > 0 && this_sum != sum) return 1;
      sum = this_sum;
    }
    qsort(times, (size_t)rounds, sizeof *times, ascending);
    printf("{\"program\":\"%s\",\"medianNs\":%.0f,\"leastNs\":%.0f,\"checksum\":\"%016llx\"}\n", programs[k].name,
           times[rounds / 2], times[0], (unsigned long long)sum);
  }
  return 0;
}
