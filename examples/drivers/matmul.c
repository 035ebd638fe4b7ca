#include "check.h"

static double a[1600], b[1600], ours[1600], twin[1600];

int main(void) {
  for (int i = 0; i < 1600; i++) {
    a[i] = (double)((i * 37) % 101) / 7 - 5;
    b[i] = (double)((i * 53) % 97) / 3 - 11;
  }
  static const int64_t sizes[] = {0, 1, 2, 5, 17, 40};
  for (int k = 0; k < 6; k++) {
    matmul(ours, a, b, sizes[k]);
    c_matmul(twin, a, b, sizes[k]);
    CHECK_BYTES(ours, twin, sizeof ours);
  }
  SHOW("the middle of the product is %.6f", ours[20 * 40 + 20]);
  return report("matmul");
}
