// The C twin of hash.clif.
#include "examples.h"
#include <string.h>

int64_t c_fnv1a(const uint8_t *bytes, int64_t n) {
  uint64_t h = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < n; i++) h = (h ^ bytes[i]) * 0x100000001b3u;
  return (int64_t)h;
}

int64_t c_finish(int64_t value) {
  uint64_t h = (uint64_t)value;
  h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
  return (int64_t)(h ^ h >> 33);
}

static uint64_t rotl(uint64_t x, int by) { return x << by | x >> (64 - by); }

int64_t c_hash64(const uint8_t *bytes, int64_t n, int64_t seed) {
  uint64_t h = (uint64_t)seed;
  int64_t left = n;
  for (; left >= 8; left -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    h ^= rotl(word * 0x87c37b91114253d5u, 31) * 0x4cf5ad432745937fu;
    h = rotl(h, 27) * 5 + 0x52dce729;
  }
  for (; left > 0; left--) h = rotl((h ^ *bytes++) * 0x87c37b91114253d5u, 64 - 13);
  return c_finish((int64_t)(h ^ (uint64_t)n));
}

uint32_t c_crc32(const uint8_t *bytes, int64_t n) {
  uint32_t crc = ~0u;
  for (int64_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (-(crc & 1) & 0xedb88320u);
  }
  return ~crc;
}
