#include "check.h"

static int64_t plus_seven(int64_t n) { return n + 7; }
static int64_t times_n(int64_t n) { return n * (n - 1); }
static int64_t write_there(int64_t address) {
  *(int64_t *)(intptr_t)address += 100;
  return 5;
}
static int64_t mix(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
  return ((((((a * 3 + b) * 3 + c) * 3 + d) * 3 + e) * 3 + f) * 3 + g) * 3 + h;
}

int main(void) {
  static Callback *const callbacks[] = {plus_seven, times_n};
  for (int i = 0; i < 2; i++) {
    Callback *f = callbacks[i];
    for (int64_t n = -9; n <= 9; n += 3) {
      CHECK(apply(f, n), c_apply(f, n));
      CHECK(apply_twice(f, n, n + 5), c_apply_twice(f, n, n + 5));
      CHECK_F64(apply_crowded(f, n, 0.5 * (double)n), c_apply_crowded(f, n, 0.5 * (double)n));
      CHECK(nested(f, 9 - n, n), c_nested(f, 9 - n, n));
      CHECK(sum_of_results(f, n, 12), c_sum_of_results(f, n, 12));
    }
  }
  CHECK(apply_to_buffer(write_there, 11), c_apply_to_buffer(write_there, 11));
  CHECK(apply_many(mix, 1, 2, 3, 4, 5, 6, 7, 8), c_apply_many(mix, 1, 2, 3, 4, 5, 6, 7, 8));
  SHOW("nested(plus_seven, 5, 1) = %lld", (long long)nested(plus_seven, 5, 1));
  return report("callback");
}
