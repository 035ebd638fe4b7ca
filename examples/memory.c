// The C twin of memory.clif.
#include "examples.h"

int64_t example_counter = 1000;
int64_t example_table[4] = {1, 20, 300, 4000};

void c_copy_fields(Fields *to, const Fields *from) { *to = *from; }

int64_t c_add_fields(const Fields *f) {
  return (int64_t)((uint64_t)f->wide + f->u8 + (uint64_t)f->s8 + f->u16 + (uint64_t)f->s16 + f->u32 + (uint64_t)f->s32);
}

void c_reverse_bytes(uint8_t *bytes, int64_t n) {
  for (int64_t i = 0, k = n - 1; i < k; i++, k--) {
    uint8_t t = bytes[i];
    bytes[i] = bytes[k];
    bytes[k] = t;
  }
}

void c_histogram(uint32_t *counters, const uint8_t *bytes, int64_t n) {
  for (int64_t i = 0; i < n; i++) counters[bytes[i]]++;
}

int64_t c_count(int64_t n) {
  example_counter += n;
  return example_counter + example_table[1] + example_table[2];
}

double c_through_slot(int64_t n, double x) { return x - (double)n; }

void c_exchange(int64_t *a, int64_t *b) {
  int64_t t = *a;
  *a = *b;
  *b = t;
}
