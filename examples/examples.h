// The functions of the examples: each as the CLIF defines it, and its C twin with c_ in front.
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BOTH(result, name, parameters) \
  result name parameters;              \
  result c_##name parameters

// fib
BOTH(int64_t, fib, (int64_t n));
BOTH(int64_t, fib_loop, (int64_t n));

// quicksort
BOTH(void, quicksort, (int32_t *array, int64_t low, int64_t high));
BOTH(void, fill, (int32_t *array, int64_t n, int64_t seed));
BOTH(int64_t, order, (const int32_t *array, int64_t n));

// sieve
BOTH(int64_t, sieve, (uint8_t *flags, int64_t n));

// matmul
BOTH(void, matmul, (double *c, const double *a, const double *b, int64_t n));

// nbody
typedef struct {
  double x, y, z, vx, vy, vz, mass;
} Body;
BOTH(void, advance, (Body * bodies, int64_t n, double dt));
BOTH(double, distance, (const Body *a, const Body *b));
BOTH(double, energy, (const Body *bodies, int64_t n));

// hash
BOTH(int64_t, fnv1a, (const uint8_t *bytes, int64_t n));
BOTH(int64_t, finish, (int64_t h));
BOTH(int64_t, hash64, (const uint8_t *bytes, int64_t n, int64_t seed));
BOTH(uint32_t, crc32, (const uint8_t *bytes, int64_t n));

// pressure
BOTH(int64_t, twist, (int64_t x));
BOTH(double, halve, (double x));
BOTH(double, across, (int64_t a, double x));
BOTH(double, around, (int64_t rounds, int64_t a, double x));

// calls
BOTH(double, mix0, (void));
BOTH(double, mix1, (int64_t a));
BOTH(double, mix2, (int64_t a, double b));
BOTH(double, mix3, (int64_t a, double b, int32_t c));
BOTH(double, mix4, (int64_t a, double b, int32_t c, float d));
BOTH(double, mix5, (int64_t a, double b, int32_t c, float d, int64_t e));
BOTH(double, mix6, (int64_t a, double b, int32_t c, float d, int64_t e, double f));
BOTH(double, mix7, (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g));
BOTH(double, mix8, (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h));
BOTH(double, mix9, (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i));
BOTH(double, mix10,
     (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j));
BOTH(double, mix11,
     (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j,
      int32_t k));
BOTH(double, mix12,
     (int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j, int32_t k,
      float l));
#define TWELVE(type) type a, type b, type c, type d, type e, type f, type g, type h, type i, type j, type k, type l
BOTH(int64_t, ints12, (TWELVE(int64_t)));
BOTH(double, floats12, (TWELVE(double)));
BOTH(int64_t, narrow, (int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, int8_t f, uint16_t g));
BOTH(double, direct, (int64_t a, double x));
BOTH(double, colocated, (int64_t a, double x));
BOTH(double, indirect, (int64_t a, double x));
BOTH(double, crowd, (int64_t a, double x));

// frames
BOTH(int64_t, add_to, (int64_t *word, int64_t n));
BOTH(int64_t, deep, (int64_t n));
#define FRAMES(bytes)                        \
  BOTH(int64_t, frame_##bytes, (int64_t n)); \
  BOTH(int64_t, frame_##bytes##_call, (int64_t n))
FRAMES(0);
FRAMES(8);
FRAMES(120);
FRAMES(136);
FRAMES(4096);
FRAMES(70000);
FRAMES(600000);

// returns
typedef struct {
  int64_t whole;
  double rest;
} Split;
BOTH(int64_t, sign, (int64_t n));
BOTH(int64_t, square, (int64_t n));
BOTH(int64_t, stairs, (int64_t a, int64_t b));
BOTH(int64_t, first_square_above, (int64_t bound, int64_t limit));
BOTH(void, store_divmod, (int64_t *to, int64_t a, int64_t b));
BOTH(void, store_split, (Split * to, double x));
BOTH(int64_t, gcd, (int64_t a, int64_t b));

// results
typedef struct {
  int64_t i64;
  double f64;
  int64_t i32;
  double f32;
  int64_t i16;
  double twice;
  int64_t i8, negative;
} Mixture;
BOTH(void, store_five, (int64_t *to, int64_t a, int64_t b));
BOTH(void, store_mixture, (Mixture * to, int64_t a, double x));

// switch
BOTH(int32_t, days_in_month, (int32_t month, int8_t leap));
BOTH(int64_t, interpret, (const uint8_t *program, int64_t x));
BOTH(double, weight, (int32_t kind, double x));

// floats
typedef struct {
  int64_t s64;
  uint64_t u64;
  int32_t s32;
  uint32_t u32;
  int64_t s64f;
  uint64_t u64f;
  int32_t s32f;
  uint32_t u32f;
} Integers;
typedef struct {
  double s64, u64, s32, u32;
  float s64f, u64f, s32f, u32f;
  double s16;
  float u8f, sum;
} Floats;
BOTH(double, root, (double a, double b, double c, double none));
BOTH(int32_t, compare_bits, (double a, double b));
BOTH(int32_t, compare_bits_f32, (float a, float b));
BOTH(int32_t, relation, (double a, double b));
BOTH(float, mean_f32, (const float *numbers, int64_t n));
BOTH(double, signs, (double a, double b));
BOTH(float, signs_f32, (float a, float b));
BOTH(double, least, (double a, double b));
BOTH(float, greatest, (float a, float b));
BOTH(void, saturate, (Integers * to, double x));
BOTH(void, truncate_all, (Integers * to, double x));
BOTH(void, from_integer, (Floats * to, int64_t n));
BOTH(double, next_up, (double x));
BOTH(int32_t, exponent, (float x));
BOTH(double, newton, (double x));

// traps
BOTH(int64_t, element, (const int64_t *array, int64_t length, int64_t index));
BOTH(int64_t, divisions, (int64_t a, int64_t b));
BOTH(int32_t, divisions_i32, (int32_t a, int32_t b));
BOTH(int16_t, divisions_i16, (int16_t a, int16_t b));
BOTH(int8_t, divisions_i8, (int8_t a, int8_t b));
BOTH(int64_t, by_constants, (int64_t n));
BOTH(int64_t, checked_sum, (const int64_t *array, int64_t length));

// bits
BOTH(int8_t, narrow_i8, (int8_t a, int8_t b));
BOTH(int16_t, narrow_i16, (int16_t a, int16_t b));
BOTH(int64_t, counts, (int64_t n));
BOTH(int64_t, reversed, (int64_t n));
BOTH(int64_t, shifts, (int64_t n, int32_t by));
BOTH(int64_t, high, (int64_t a, int64_t b));
BOTH(int32_t, compare_ints, (int64_t a, int64_t b));
BOTH(int64_t, median, (int64_t a, int64_t b, int64_t c));
BOTH(int64_t, clamp, (int64_t n, int64_t low, int64_t high));
BOTH(double, choose, (int64_t n, double a, double b));
BOTH(int64_t, blend, (int64_t mask, int64_t a, int64_t b));
BOTH(int64_t, carries, (int64_t a, int64_t b));

// memory
typedef struct {
  uint8_t u8;
  int8_t s8;
  uint16_t u16;
  int16_t s16, i16;
  uint32_t u32;
  int32_t s32;
  int64_t wide;
  float f32;
  int8_t i8, unused[3];
  double f64;
} Fields;
extern int64_t example_counter, example_table[4];
BOTH(void, copy_fields, (Fields * to, const Fields *from));
BOTH(int64_t, add_fields, (const Fields *fields));
BOTH(void, reverse_bytes, (uint8_t *bytes, int64_t n));
BOTH(void, histogram, (uint32_t *counters, const uint8_t *bytes, int64_t n));
BOTH(int64_t, count, (int64_t n));
BOTH(double, through_slot, (int64_t n, double x));
BOTH(void, exchange, (int64_t *a, int64_t *b));

// callback
typedef int64_t Callback(int64_t);
typedef int64_t Callback8(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);
BOTH(int64_t, apply, (Callback * f, int64_t a));
BOTH(int64_t, apply_twice, (Callback * f, int64_t a, int64_t b));
BOTH(double, apply_crowded, (Callback * f, int64_t a, double x));
BOTH(int64_t, apply_to_buffer, (Callback * f, int64_t a));
BOTH(int64_t, apply_many,
     (Callback8 * f, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t g, int64_t h, int64_t i));
BOTH(int64_t, nested, (Callback * f, int64_t depth, int64_t value));
BOTH(int64_t, sum_of_results, (Callback * f, int64_t from, int64_t to));

// conventions
#define SYSV __attribute__((sysv_abi))
#define WIN __attribute__((ms_abi))
#define BOTH_AS(convention, result, name, parameters) \
  convention result name parameters;                  \
  convention result c_##name parameters
#define MIXTURE (int64_t a, double b, int32_t c, float d, int64_t e, int64_t f, int64_t g, int64_t h, double i)
typedef SYSV double SysvCallback(int64_t, double);
typedef WIN double WinCallback(int64_t, double);
BOTH_AS(SYSV, double, sysv_mix, MIXTURE);
BOTH_AS(WIN, double, win_mix, MIXTURE);
BOTH_AS(SYSV, double, sysv_calls_win, (int64_t a, double x));
BOTH_AS(WIN, double, win_calls_sysv, (int64_t a, double x));
BOTH_AS(SYSV, double, sysv_ping, (int64_t n, double x));
BOTH_AS(WIN, double, win_pong, (int64_t n, double x));
BOTH_AS(SYSV, double, sysv_applies_win, (WinCallback * f, int64_t n, double x));
BOTH_AS(WIN, double, win_applies_sysv, (SysvCallback * f, int64_t n, double x));

#ifdef __cplusplus
}
#endif
#endif
