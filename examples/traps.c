// The C twin of traps.clif.
#include "examples.h"
#include <stdlib.h>

int64_t c_element(const int64_t *array, int64_t length, int64_t index) {
  if ((uint64_t)index >= (uint64_t)length) abort();
  return array[index];
}

#define DIVISIONS(name, type, u)                                  \
  type name(type a, type b) {                                     \
    u quotient = (u)(a / b), rest = (u)(a % b);                   \
    u uquotient = (u)((u)a / (u)b), urest = (u)((u)a % (u)b);     \
    return (type)(u)(((u)(quotient + rest) ^ uquotient) - urest); \
  }
DIVISIONS(c_divisions, int64_t, uint64_t)
DIVISIONS(c_divisions_i32, int32_t, uint32_t)
DIVISIONS(c_divisions_i16, int16_t, uint16_t)
DIVISIONS(c_divisions_i8, int8_t, uint8_t)

int64_t c_by_constants(int64_t n) {
  uint64_t u = (uint64_t)n;
  return (int64_t)((uint64_t)(n / 10) + (uint64_t)(n / -7) + u / 16 + u % 16 + 0 + (uint64_t)(n % 1000));
}

int64_t c_checked_sum(const int64_t *array, int64_t length) {
  int64_t sum = 0;
  for (int64_t i = 0; i < length; i++) {
    if (__builtin_add_overflow(sum, c_element(array, length, i), &sum)) abort();
    if (sum > 1000000) abort();
  }
  if (sum < 0) abort();
  return sum;
}
