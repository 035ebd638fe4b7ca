#include "check.h"

int main(void) {
  for (int64_t a = -3; a <= 3; a++) {
    for (int64_t b = -4; b <= 4; b++) {
      int64_t ours[5], twin[5];
      store_five(ours, a * 0x123456789abcd, b * 0x7777777);
      c_store_five(twin, a * 0x123456789abcd, b * 0x7777777);
      CHECK_BYTES(ours, twin, sizeof ours);
      Mixture our, their;
      store_mixture(&our, a * 0x123456789abcd, (double)b * 0.3);
      c_store_mixture(&their, a * 0x123456789abcd, (double)b * 0.3);
      CHECK_BYTES(&our, &their, sizeof our);
    }
  }
  return report("results");
}
