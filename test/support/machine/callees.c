// What compiled functions call: the same functions in both conventions, for the names' last letter.
#include <stdint.h>

#define BOTH(result, name, params, body)                              \
    __attribute__((sysv_abi)) result name##_s params { return body; } \
    __attribute__((ms_abi)) result name##_w params { return body; }

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

BOTH(int32_t, c_add, (int32_t a, int32_t b), (int32_t)((uint32_t)a + (uint32_t)b * 3))
BOTH(int64_t, c_narrow, (int8_t a, int16_t b, int32_t c, int64_t d), a * 5 + b * 7 + (int64_t)c * 11 + (d >> 3))
BOTH(double, c_scale, (double a, float b, int32_t n), n % 3 == 0 ? a : b)
BOTH(float, c_single, (float a, float b), a > b ? a : -b)
BOTH(int8_t, c_byte, (int64_t a), (int8_t)(a ^ (a >> 8)))
BOTH(int16_t, c_short, (double a, int16_t b), (int16_t)(a < 0 ? ~b : b))
BOTH(int64_t, c_many,
     (int32_t a, double b, int64_t c, float d, int8_t e, int32_t f, int64_t g, double h, int16_t i, int64_t j, float k,
      int32_t l),
     a + (b < h ? c : g) + (d < k ? e : i) + f * (int64_t)3 + (j ^ l))
BOTH(double, c_floats,
     (double a, double b, double c, double d, float e, double f, double g, double h, int16_t i, float j, double k),
     a < b ? c : d < e ? f : g < h ? i : j < k ? k : a)
