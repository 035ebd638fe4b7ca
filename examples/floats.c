// The C twin of floats.clif.
#include "examples.h"
#include <math.h>
#include <string.h>

double c_root(double a, double b, double c, double none) {
  double inside = b * b - 4 * a * c;
  if (inside < 0) return none;
  return (sqrt(inside) - b) / (a + a);
}

#define COMPARE(name, type)                                                       \
  int32_t name(type a, type b) {                                                  \
    int less = a<b, equal = a == b, greater = a> b, unordered = a != a || b != b; \
    const int bits[14] = {equal,                                                  \
                          !equal,                                                 \
                          less,                                                   \
                          less || equal,                                          \
                          greater,                                                \
                          greater || equal,                                       \
                          !unordered,                                             \
                          unordered,                                              \
                          less || greater,                                        \
                          equal || unordered,                                     \
                          less || unordered,                                      \
                          less || equal || unordered,                             \
                          greater || unordered,                                   \
                          greater || equal || unordered};                         \
    int32_t sum = 0;                                                              \
    for (int i = 0; i < 14; i++) sum |= bits[i] << i;                             \
    return sum;                                                                   \
  }
COMPARE(c_compare_bits, double)
COMPARE(c_compare_bits_f32, float)

int32_t c_relation(double a, double b) { return a == b ? 0 : a < b ? -1 : a > b ? 1 : 2; }

float c_mean_f32(const float *numbers, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += numbers[i];
  return sum / (float)(uint64_t)n;
}

// CLIF: NaN when either is, and -0 below +0.
static double lower(double a, double b) { return a != a || b != b ? NAN : a < b ? a : b < a ? b : signbit(a) ? a : b; }
static double upper(double a, double b) { return a != a || b != b ? NAN : a > b ? a : b > a ? b : signbit(a) ? b : a; }

double c_signs(double a, double b) {
  double with = copysign(fabs(a), -b);
  return upper(lower(with, b), -b) + with;
}

float c_signs_f32(float a, float b) {
  float with = copysignf(fabsf(a), -b);
  return (float)upper(lower(with, b), -b) + with;
}

double c_least(double a, double b) { return lower(a, b); }
float c_greatest(float a, float b) { return (float)upper(a, b); }

static int64_t clamp_s64(double x) {
  return x != x ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}
static uint64_t clamp_u64(double x) { return x != x || x <= 0 ? 0 : x >= 0x1p64 ? UINT64_MAX : (uint64_t)x; }
static int32_t clamp_s32(double x) {
  return x != x ? 0 : x >= 0x1p31 ? INT32_MAX : x <= -0x1p31 ? INT32_MIN : (int32_t)x;
}
static uint32_t clamp_u32(double x) { return x != x || x <= 0 ? 0 : x >= 0x1p32 ? UINT32_MAX : (uint32_t)x; }

void c_saturate(Integers *to, double x) {
  *to = (Integers){clamp_s64(x), clamp_u64(x), clamp_s32(x), clamp_u32(x), 0, 0, 0, 0};
  float y = (float)x;
  to->s64f = clamp_s64(y);
  to->u64f = clamp_u64(y);
  to->s32f = clamp_s32(y);
  to->u32f = clamp_u32(y);
}

void c_truncate_all(Integers *to, double x) {
  double a = fabs(x);
  *to = (Integers){(int64_t)x, (uint64_t)a, (int32_t)x, (uint32_t)a, 0, 0, 0, 0};
  float y = (float)x, b = (float)a;
  to->s64f = (int64_t)y;
  to->u64f = (uint64_t)b;
  to->s32f = (int32_t)y;
  to->u32f = (uint32_t)b;
}

void c_from_integer(Floats *to, int64_t n) {
  to->s64 = (double)n;
  to->u64 = (double)(uint64_t)n;
  to->s32 = (double)(int32_t)n;
  to->u32 = (double)(uint32_t)n;
  to->s64f = (float)n;
  to->u64f = (float)(uint64_t)n;
  to->s32f = (float)(int32_t)n;
  to->u32f = (float)(uint32_t)n;
  to->s16 = (double)(int16_t)n;
  to->u8f = (float)(uint8_t)n;
  to->sum = (float)((double)(uint8_t)n + (double)(int16_t)n);
}

double c_next_up(double x) {
  uint64_t bits;
  memcpy(&bits, &x, 8);
  bits++;
  memcpy(&x, &bits, 8);
  return x;
}

int32_t c_exponent(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return (int32_t)(bits >> 23 & 0xff) - 127;
}

double c_newton(double x) {
  double guess = 1, next = 1;
  do {
    guess = next;
    next = (guess + x / guess) * 0.5;
  } while (fabs(next - guess) > next * 0x1p-40);
  return next;
}
