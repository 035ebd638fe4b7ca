// The C twin of bits.clif.
#include "examples.h"

int8_t c_narrow_i8(int8_t a, int8_t b) {
  uint8_t product = (uint8_t)((uint8_t)(a + b) * (uint8_t)a - (uint8_t)b);
  uint8_t mixed = (uint8_t)(product >> 3) ^ (uint8_t)((int8_t)product >> 3);
  int by = a & 7;
  uint8_t turned = (uint8_t)(mixed << by | mixed >> ((8 - by) & 7));
  return (int8_t)(turned < (uint8_t)b ? turned : ~turned);
}

int16_t c_narrow_i16(int16_t a, int16_t b) {
  uint16_t product = (uint16_t)((uint32_t)(uint16_t)(a + b) * (uint16_t)a - (uint16_t)b);
  uint16_t mixed = (uint16_t)(product >> 5) ^ (uint16_t)((int16_t)product >> 5);
  int by = a & 15;
  uint16_t turned = (uint16_t)(mixed >> by | mixed << ((16 - by) & 15));
  uint16_t chosen = (int16_t)turned < b ? turned : (uint16_t)-turned;
  return (int16_t)__builtin_bswap16(chosen);
}

int64_t c_counts(int64_t n) {
  uint64_t x = (uint64_t)n;
  uint32_t w = (uint32_t)x;
  uint16_t h = (uint16_t)x;
  uint8_t b = (uint8_t)x;
  const int counts[13] = {x ? __builtin_clzll(x) : 64,
                          x ? __builtin_ctzll(x) : 64,
                          __builtin_popcountll(x),
                          w ? __builtin_clz(w) : 32,
                          w ? __builtin_ctz(w) : 32,
                          __builtin_popcount(w),
                          h ? __builtin_clz(h) - 16 : 16,
                          h ? __builtin_ctz(h) : 16,
                          __builtin_popcount(h),
                          b ? __builtin_clz(b) - 24 : 8,
                          b ? __builtin_ctz(b) : 8,
                          __builtin_popcount(b),
                          __builtin_clrsbll(n)};
  uint64_t sum = 0;
  for (int i = 0; i < 13; i++) sum = sum * 67 + (uint64_t)counts[i];
  return (int64_t)sum;
}

static uint64_t reverse(uint64_t x, int bits) {
  uint64_t result = 0;
  for (int i = 0; i < bits; i++) result |= (x >> i & 1) << (bits - 1 - i);
  return result;
}

int64_t c_reversed(int64_t n) {
  uint64_t x = (uint64_t)n;
  uint32_t w = (uint32_t)x;
  return (int64_t)((reverse(x, 64) ^ __builtin_bswap64(x)) + reverse(w, 32) -
                   (uint64_t)(int64_t)(int32_t)__builtin_bswap32(w));
}

int64_t c_shifts(int64_t n, int32_t by) {
  uint64_t x = (uint64_t)n;
  int a = by & 63, b = n & 31;
  uint32_t w = (uint32_t)x;
  uint64_t left = x << a | x >> ((64 - a) & 63), right = x >> a | x << ((64 - a) & 63);
  uint32_t turned = w << b | w >> ((32 - b) & 31);
  uint32_t small = ((w << b ^ w >> b) + (uint32_t)((int32_t)w >> b)) ^ turned;
  return (int64_t)((((((x << a) + (x >> a)) ^ (uint64_t)(n >> a)) + left) ^ right) - small);
}

int64_t c_high(int64_t a, int64_t b) {
  uint64_t u = (uint64_t)((unsigned __int128)(uint64_t)a * (uint64_t)b >> 64);
  uint64_t s = (uint64_t)((__int128)a * b >> 64);
  uint64_t u32 = (uint64_t)(uint32_t)a * (uint32_t)b >> 32;
  int64_t s32 = (int64_t)(int32_t)a * (int32_t)b >> 32;
  return (int64_t)((u ^ s) + u32 - (uint64_t)s32);
}

int32_t c_compare_ints(int64_t a, int64_t b) {
  uint64_t x = (uint64_t)a, y = (uint64_t)b;
  const int bits[10] = {a == b, a != b, a<b, a <= b, a> b, a >= b, x<y, x <= y, x> y, x >= y};
  int32_t sum = 0;
  for (int i = 0; i < 10; i++) sum |= bits[i] << i;
  return sum;
}

int64_t c_median(int64_t a, int64_t b, int64_t c) {
  int64_t low = a < b ? a : b, high = a < b ? b : a;
  int64_t lesser = high < c ? high : c;
  return lesser > low ? lesser : low;
}

int64_t c_clamp(int64_t n, int64_t low, int64_t high) {
  int64_t x = n > low ? n : low;
  x = x < high ? x : high;
  x = (uint64_t)x < (uint64_t)high ? x : high;
  x = (uint64_t)x > (uint64_t)low ? x : low;
  return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
}

double c_choose(int64_t n, double a, double b) {
  double larger = a > b ? a : b;
  return ((uint64_t)n > 5 ? larger : a) + (double)(a > b ? n : 5);
}

int64_t c_blend(int64_t mask, int64_t a, int64_t b) { return (((mask & a) | (~mask & b)) & (a ? -1 : 0)) | ~b; }

int64_t c_carries(int64_t a, int64_t b) {
  uint64_t x = (uint64_t)a, y = (uint64_t)b, sum, difference, product;
  int64_t s, d, p;
  uint64_t flags = __builtin_add_overflow(x, y, &sum);
  flags |= (uint64_t)__builtin_add_overflow(a, b, &s) << 1;
  flags = flags << 1 | __builtin_sub_overflow(x, y, &difference);
  flags = flags << 1 | __builtin_sub_overflow(a, b, &d);
  flags = flags << 1 | __builtin_mul_overflow(x, y, &product);
  flags = flags << 1 | __builtin_mul_overflow(a, b, &p);
  uint64_t mixed = (((sum ^ difference) + product) ^ (uint64_t)p) + (uint64_t)s - (uint64_t)d;
  return (int64_t)(flags << 58 ^ mixed);
}
