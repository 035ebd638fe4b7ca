#include "check.h"

static int32_t ours[5000], twin[5000];

int main(void) {
  static const int64_t sizes[] = {0, 1, 2, 3, 7, 64, 1000, 5000};
  for (int k = 0; k < 8; k++) {
    int64_t n = sizes[k];
    fill(ours, n, 42 + k);
    c_fill(twin, n, 42 + k);
    CHECK_BYTES(ours, twin, (size_t)n * 4);
    quicksort(ours, 0, n - 1);
    c_quicksort(twin, 0, n - 1);
    CHECK_BYTES(ours, twin, (size_t)n * 4);
    CHECK(order(ours, n), c_order(twin, n));
  }
  // All equal, ascending, descending.
  for (int kind = 0; kind < 3; kind++) {
    for (int i = 0; i < 300; i++) ours[i] = twin[i] = kind == 0 ? 5 : kind == 1 ? i : -i;
    quicksort(ours, 0, 299);
    c_quicksort(twin, 0, 299);
    CHECK_BYTES(ours, twin, 1200);
  }
  ours[0] = 2;
  ours[1] = 1;
  CHECK(order(ours, 2), -1);
  fill(ours, 8, 1);
  quicksort(ours, 0, 7);
  SHOW("the smallest of 8 is %d, the largest %d", ours[0], ours[7]);
  return report("quicksort");
}
