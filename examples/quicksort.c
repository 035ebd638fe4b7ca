// The C twin of quicksort.clif.
#include "examples.h"

void c_quicksort(int32_t *array, int64_t low, int64_t high) {
  while (low < high) {
    int32_t pivot = array[low + ((high - low) >> 1)];
    int64_t i = low - 1, j = high + 1;
    for (;;) {
      do i++;
      while (array[i] < pivot);
      do j--;
      while (array[j] > pivot);
      if (i >= j) break;
      int32_t t = array[i];
      array[i] = array[j];
      array[j] = t;
    }
    c_quicksort(array, low, j);
    low = j + 1;
  }
}

void c_fill(int32_t *array, int64_t n, int64_t seed) {
  uint64_t state = (uint64_t)seed;
  for (int64_t i = 0; i < n; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    array[i] = (int32_t)(state >> 33);
  }
}

int64_t c_order(const int32_t *array, int64_t n) {
  uint64_t sum = 0;
  int32_t before = INT32_MIN;
  for (int64_t i = 0; i < n; i++) {
    if (array[i] < before) return -1;
    before = array[i];
    sum = sum * 31 + (uint64_t)(int64_t)before;
  }
  return (int64_t)sum;
}
