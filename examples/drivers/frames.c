#include "check.h"

#define FRAME(bytes)                           \
  CHECK(frame_##bytes(n), c_frame_##bytes(n)); \
  CHECK(frame_##bytes##_call(n), c_frame_##bytes##_call(n))

int main(void) {
  for (int64_t n = -5; n <= 60; n += 13) {
    FRAME(0);
    FRAME(8);
    FRAME(120);
    FRAME(136);
    FRAME(4096);
    FRAME(70000);
    FRAME(600000);
    int64_t ours = n, twin = n;
    CHECK(add_to(&ours, 7), c_add_to(&twin, 7));
    CHECK(ours, twin);
  }
  for (int64_t n = 0; n <= 100; n += 10) CHECK(deep(n), c_deep(n));
  SHOW("a frame of 600000 bytes: %lld", (long long)frame_600000_call(7));
  return report("frames");
}
