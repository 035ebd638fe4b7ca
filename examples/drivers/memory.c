#include "check.h"

int main(void) {
  static const Fields all[] = {
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0},
      {1, 2, 3, 4, 5, 6, 7, 8, 9.5f, 10, {0}, 11.25},
      {255, -1, 65535, -1, -1, 0xffffffff, -1, -1, -1.5f, -1, {0}, -2.5},
      {128, -128, 32768, -32768, -32768, 0x80000000, INT32_MIN, INT64_MIN, 0x1p127f, -128, {0}, 1e300}};
  for (int i = 0; i < 4; i++) {
    Fields ours = {0}, twin = {0};
    copy_fields(&ours, &all[i]);
    c_copy_fields(&twin, &all[i]);
    CHECK_BYTES(&ours, &twin, sizeof ours);
    CHECK(add_fields(&all[i]), c_add_fields(&all[i]));
  }
  uint8_t our_bytes[100], twin_bytes[100];
  uint32_t our_counters[256] = {0}, twin_counters[256] = {0};
  for (int64_t n = 0; n <= 100; n += 7) {
    for (int i = 0; i < 100; i++) our_bytes[i] = twin_bytes[i] = (uint8_t)(i * i + 3 * i);
    histogram(our_counters, our_bytes, n);
    c_histogram(twin_counters, twin_bytes, n);
    CHECK_BYTES(our_counters, twin_counters, sizeof our_counters);
    reverse_bytes(our_bytes, n);
    c_reverse_bytes(twin_bytes, n);
    CHECK_BYTES(our_bytes, twin_bytes, 100);
    CHECK_F64(through_slot(n, 0.5 * (double)n), c_through_slot(n, 0.5 * (double)n));
    int64_t one = n, two = -n;
    exchange(&one, &two);
    CHECK(one, -n);
    CHECK(two, n);
  }
  for (int64_t n = -3; n < 10; n++) {
    example_counter = 1000 * n;
    int64_t ours = count(n), counter = example_counter;
    example_counter = 1000 * n;
    CHECK(ours, c_count(n));
    CHECK(counter, example_counter);
  }
  SHOW("the counter stands at %lld", (long long)example_counter);
  return report("memory");
}
