// What the drivers share: each calls the compiled CLIF and its C twin with the same arguments and compares, bit by bit.
#ifndef CHECK_H
#define CHECK_H

#include "../examples.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, wrong;
static uint64_t checksum = 0xcbf29ce484222325u;

static inline void check_bits(uint64_t got, uint64_t want, const char *text, int line) {
  checks++;
  checksum = (checksum ^ got) * 0x100000001b3u;
  if (got == want) return;
  wrong++;
  printf("line %d: %s gives 0x%llx, its twin 0x%llx\n", line, text, (unsigned long long)got, (unsigned long long)want);
}

static inline uint64_t bits64(double value) {
  uint64_t bits;
  memcpy(&bits, &value, 8);
  return value != value ? 0x7ff8000000000000u : bits; // no NaN is promised
}

static inline uint64_t bits32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return value != value ? 0x7fc00000u : bits;
}

static inline void check_bytes(const void *got, const void *want, size_t size, const char *text, int line) {
  const unsigned char *a = got, *b = want;
  checks++;
  for (size_t i = 0; i < size; i++) checksum = (checksum ^ a[i]) * 0x100000001b3u;
  for (size_t i = 0; i < size; i++) {
    if (a[i] == b[i]) continue;
    wrong++;
    printf("line %d: %s differs from its twin at byte %llu\n", line, text, (unsigned long long)i);
    return;
  }
}

// Integers of at most 64 bits, f64, f32, memory.
#define CHECK(ours, twin) check_bits((uint64_t)(ours), (uint64_t)(twin), #ours, __LINE__)
#define CHECK_F64(ours, twin) check_bits(bits64(ours), bits64(twin), #ours, __LINE__)
#define CHECK_F32(ours, twin) check_bits(bits32(ours), bits32(twin), #ours, __LINE__)
#define CHECK_BYTES(ours, twin, size) check_bytes(ours, twin, size, #ours, __LINE__)

#define SHOW(...) (printf("  "), printf(__VA_ARGS__), printf("\n"))

static inline int report(const char *name) {
  printf("%s: %d results compared, %d wrong, checksum %016llx\n", name, checks, wrong, (unsigned long long)checksum);
  return wrong == 0 ? 0 : 1;
}

#endif
