// The C twin of conventions.clif. gcc knows both conventions on both systems.
#include "examples.h"

#define MIX(name)                                                                                              \
  double name(int64_t a, double b, int32_t c, float d, int64_t e, int64_t f, int64_t g, int64_t h, double i) { \
    return (double)(a + e - f + g - h + c) + b * (double)d - i;                                                \
  }
MIX(SYSV c_sysv_mix)
MIX(WIN c_win_mix)

#define CALLS(name, other)                                                     \
  double name(int64_t a, double x) {                                           \
    int64_t b = a * 11, c = b + 11;                                            \
    double first = other(a, x, (int32_t)c, (float)x, b, c, 11, a, x + x);      \
    double second = other(b, first, (int32_t)c, (float)x, c, a, 11, b, x + x); \
    return (second + (double)b) * x - (x + x);                                 \
  }
CALLS(SYSV c_sysv_calls_win, c_win_mix)
CALLS(WIN c_win_calls_sysv, c_sysv_mix)

SYSV double c_sysv_ping(int64_t n, double x) { return n == 0 ? x : c_win_pong(n - 1, x + 1.5) + (double)n * x; }
WIN double c_win_pong(int64_t n, double x) { return n == 0 ? x : c_sysv_ping(n - 1, x - 1.5) + (double)n * x; }

SYSV double c_sysv_applies_win(WinCallback *f, int64_t n, double x) { return f(n, x) + x; }
WIN double c_win_applies_sysv(SysvCallback *f, int64_t n, double x) { return f(n, x) + x; }
