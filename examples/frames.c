// The C twin of frames.clif.
#include "examples.h"

int64_t c_add_to(int64_t *word, int64_t n) {
  int64_t before = *word;
  *word += n;
  return before;
}

int64_t c_frame_0(int64_t n) { return n * 3; }
int64_t c_frame_0_call(int64_t n) { return c_frame_0(n) + n; }

// The array must stay in the frame, so it is volatile.
#define FRAME(bytes)                                          \
  int64_t c_frame_##bytes(int64_t n) {                        \
    volatile int64_t slot[bytes / 8];                         \
    slot[0] = n;                                              \
    slot[bytes / 8 - 1] = n * 5;                              \
    return slot[0] + slot[bytes / 8 - 1];                     \
  }                                                           \
  int64_t c_frame_##bytes##_call(int64_t n) {                 \
    volatile int64_t slot[bytes / 8];                         \
    slot[0] = n;                                              \
    slot[bytes / 8 - 1] = n;                                  \
    int64_t a = c_add_to((int64_t *)slot, n);                 \
    int64_t b = c_add_to((int64_t *)slot + bytes / 8 - 1, a); \
    return slot[0] + slot[bytes / 8 - 1] + b;                 \
  }

FRAME(8)
FRAME(120)
FRAME(136)
FRAME(4096)
FRAME(70000)
FRAME(600000)

int64_t c_deep(int64_t n) {
  int64_t sum = 0;
  for (int64_t k = 1; k <= n; k++) sum += 2 * k;
  return sum;
}
