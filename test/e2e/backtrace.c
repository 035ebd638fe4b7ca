// Stops in a callback above many of our frames, for a debugger to look around.
#include "examples.h"
#include <stdio.h>

__attribute__((noinline)) int64_t stop_here(int64_t n) {
  __asm__ volatile("" ::: "memory");
  return n + 1;
}

static int64_t stop_at(int64_t address) { return stop_here(*(const int64_t *)(intptr_t)address) + 1; }
static int64_t to_buffer(int64_t n) { return apply_to_buffer(stop_at, n) + 1; }
static int64_t crowded(int64_t n) { return (int64_t)apply_crowded(to_buffer, n, 2.5) + 1; }

int main(int count, char **arguments) {
  (void)arguments;
  // Known at run time only, and needed after the call: a preserved register holds it.
  int64_t witness = count * 4711;
  int64_t result = nested(crowded, 3, witness);
  printf("%lld %lld\n", (long long)result, (long long)witness);
  return 0;
}
