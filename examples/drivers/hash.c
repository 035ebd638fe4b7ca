#include "check.h"

static uint8_t bytes[300];

int main(void) {
  for (int i = 0; i < 300; i++) bytes[i] = (uint8_t)(i * 167 + 13);
  for (int64_t n = 0; n <= 270; n += n < 20 ? 1 : 25) {
    CHECK(fnv1a(bytes, n), c_fnv1a(bytes, n));
    CHECK(hash64(bytes + n % 7, n, n * 99), c_hash64(bytes + n % 7, n, n * 99));
    CHECK(crc32(bytes, n), c_crc32(bytes, n));
    CHECK(finish(n * 0x123456789abcdef), c_finish(n * 0x123456789abcdef));
  }
  // Published values.
  CHECK(crc32((const uint8_t *)"123456789", 9), 0xcbf43926u);
  CHECK(fnv1a((const uint8_t *)"foobar", 6), 0x85944171f73967e8u);
  SHOW("crc32 of 123456789: %08x", crc32((const uint8_t *)"123456789", 9));
  return report("hash");
}
