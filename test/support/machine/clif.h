// What the C twins of CLIF functions are written in (clif-to-c.ts): one function for each opcode that C has no operator
// for, as the CLIF reference describes it (section 3). Nothing here is fast; it is meant to be compared with the words.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned __int128 u128;
typedef __int128 s128;
typedef float f32;
typedef double f64;

extern _Noreturn void fw_trap(int code);

#define INT_OVF 252
#define INT_DIVZ 254
#define BAD_TOINT 255

#define FN static inline __attribute__((unused))

FN u32 bits_f32(f32 x) { u32 b; memcpy(&b, &x, 4); return b; }
FN u64 bits_f64(f64 x) { u64 b; memcpy(&b, &x, 8); return b; }
FN f32 from_f32(u32 b) { f32 x; memcpy(&x, &b, 4); return x; }
FN f64 from_f64(u64 b) { f64 x; memcpy(&x, &b, 8); return x; }

FN u64 reverse(u64 x, int bits) {
    u64 r = 0;
    for (int i = 0; i < bits; i++) r |= (x >> i & 1) << (bits - 1 - i);
    return r;
}
FN u64 count(u64 x) {
    u64 n = 0;
    for (int i = 0; i < 64; i++) n += x >> i & 1;
    return n;
}
FN u64 leading(u64 x, int bits) {
    int n = 0;
    while (n < bits && (x >> (bits - 1 - n) & 1) == 0) n++;
    return (u64)n;
}
FN u64 trailing(u64 x, int bits) {
    int n = 0;
    while (n < bits && (x >> n & 1) == 0) n++;
    return (u64)n;
}
FN u64 swapped(u64 x, int bits) {
    u64 r = 0;
    for (int i = 0; i < bits; i += 8) r |= (x >> i & 255) << (bits - 8 - i);
    return r;
}

#define INTEGER(U, S, W)                                                                                               \
    FN U iabs_##U(U x) { return (S)x < 0 ? (U)(0 - (u64)x) : x; }                                                      \
    FN U umulhi_##U(U x, U y) { return (U)((u128)x * y >> W); }                                                        \
    FN U smulhi_##U(U x, U y) { return (U)((s128)(S)x * (S)y >> W); }                                                  \
    FN U udiv_##U(U x, U y) { if (y == 0) fw_trap(INT_DIVZ); return x / y; }                                           \
    FN U urem_##U(U x, U y) { if (y == 0) fw_trap(INT_DIVZ); return x % y; }                                           \
    FN U sdiv_##U(U x, U y) {                                                                                          \
        if (y == 0) fw_trap(INT_DIVZ);                                                                                 \
        const s128 q = (s128)(S)x / (S)y;                                                                              \
        if (q != (S)q) fw_trap(INT_OVF);                                                                               \
        return (U)q;                                                                                                   \
    }                                                                                                                  \
    FN U srem_##U(U x, U y) { if (y == 0) fw_trap(INT_DIVZ); return (U)((s128)(S)x % (S)y); }                          \
    FN U uadd_overflow_##U(U x, U y, u8 *f) { const u128 r = (u128)x + y; *f = r != (U)r; return (U)r; }               \
    FN U usub_overflow_##U(U x, U y, u8 *f) { *f = x < y; return (U)(x - y); }                                         \
    FN U umul_overflow_##U(U x, U y, u8 *f) { const u128 r = (u128)x * y; *f = r != (U)r; return (U)r; }               \
    FN U sadd_overflow_##U(U x, U y, u8 *f) { const s128 r = (s128)(S)x + (S)y; *f = r != (S)r; return (U)r; }         \
    FN U ssub_overflow_##U(U x, U y, u8 *f) { const s128 r = (s128)(S)x - (S)y; *f = r != (S)r; return (U)r; }         \
    FN U smul_overflow_##U(U x, U y, u8 *f) { const s128 r = (s128)(S)x * (S)y; *f = r != (S)r; return (U)r; }         \
    FN U uadd_overflow_cin_##U(U x, U y, u8 c, u8 *f) {                                                                \
        const u128 r = (u128)x + y + (c != 0); *f = r != (U)r; return (U)r;                                            \
    }                                                                                                                  \
    FN U sadd_overflow_cin_##U(U x, U y, u8 c, u8 *f) {                                                                \
        const s128 r = (s128)(S)x + (S)y + (c != 0); *f = r != (S)r; return (U)r;                                      \
    }                                                                                                                  \
    FN U usub_overflow_bin_##U(U x, U y, u8 c, u8 *f) {                                                                \
        const s128 r = (s128)x - y - (c != 0); *f = r < 0; return (U)r;                                                \
    }                                                                                                                  \
    FN U ssub_overflow_bin_##U(U x, U y, u8 c, u8 *f) {                                                                \
        const s128 r = (s128)(S)x - (S)y - (c != 0); *f = r != (S)r; return (U)r;                                      \
    }                                                                                                                  \
    FN U uadd_overflow_trap_##U(U x, U y, int code) {                                                                  \
        const u128 r = (u128)x + y; if (r != (U)r) fw_trap(code); return (U)r;                                         \
    }                                                                                                                  \
    FN U ishl_##U(U x, u64 n) { return (U)((u64)x << n % W); }                                                         \
    FN U ushr_##U(U x, u64 n) { return (U)((u64)x >> n % W); }                                                         \
    FN U sshr_##U(U x, u64 n) { return (U)((s64)(S)x >> n % W); }                                                      \
    FN U rotl_##U(U x, u64 n) { return n % W == 0 ? x : (U)((u64)x << n % W | (u64)x >> (W - n % W)); }                \
    FN U rotr_##U(U x, u64 n) { return n % W == 0 ? x : (U)((u64)x >> n % W | (u64)x << (W - n % W)); }                \
    FN U clz_##U(U x) { return (U)leading(x, W); }                                                                     \
    FN U ctz_##U(U x) { return (U)trailing(x, W); }                                                                    \
    FN U cls_##U(U x) { return (U)((S)x < 0 ? leading((U)~x, W) - 1 : leading(x, W) - 1); }                            \
    FN U popcnt_##U(U x) { return (U)count(x); }                                                                       \
    FN U bitrev_##U(U x) { return (U)reverse(x, W); }                                                                  \
    FN U bswap_##U(U x) { return (U)swapped(x, W); }                                                                   \
    FN U load_##U(u64 p) { U x; memcpy(&x, (const void *)p, sizeof x); return x; }                                     \
    FN void store_##U(u64 p, U x) { memcpy((void *)p, &x, sizeof x); }                                                 \
    /* From the wider of the float formats, in which all values of the other and all bounds are exact. */              \
    FN U to_sint_##U(f64 x) {                                                                                          \
        if (x != x) fw_trap(BAD_TOINT);                                                                                \
        x = trunc(x);                                                                                                  \
        if (x < -ldexp(1, W - 1) || x >= ldexp(1, W - 1)) fw_trap(INT_OVF);                                            \
        return (U)(S)x;                                                                                                \
    }                                                                                                                  \
    FN U to_uint_##U(f64 x) {                                                                                          \
        if (x != x) fw_trap(BAD_TOINT);                                                                                \
        x = trunc(x);                                                                                                  \
        if (x < 0 || x >= ldexp(1, W)) fw_trap(INT_OVF);                                                               \
        return (U)x;                                                                                                   \
    }                                                                                                                  \
    FN U to_sint_sat_##U(f64 x) {                                                                                      \
        const U least = (U)((u64)1 << (W - 1));                                                                        \
        if (x != x) return 0;                                                                                          \
        if (x <= -ldexp(1, W - 1)) return least;                                                                       \
        if (x >= ldexp(1, W - 1)) return (U)(least - 1);                                                               \
        return (U)(S)x;                                                                                                \
    }                                                                                                                  \
    FN U to_uint_sat_##U(f64 x) {                                                                                      \
        if (!(x > 0)) return 0;                                                                                        \
        if (x >= ldexp(1, W)) return (U)-1;                                                                            \
        return (U)x;                                                                                                   \
    }

INTEGER(u8, s8, 8)
INTEGER(u16, s16, 16)
INTEGER(u32, s32, 32)
INTEGER(u64, s64, 64)

#define FLOAT(F, U, SIGN, SUFFIX)                                                                                      \
    FN F load_##F(u64 p) { F x; memcpy(&x, (const void *)p, sizeof x); return x; }                                     \
    FN void store_##F(u64 p, F x) { memcpy((void *)p, &x, sizeof x); }                                                 \
    FN F band_##F(F x, F y) { return from_##F(bits_##F(x) & bits_##F(y)); }                                            \
    FN F bor_##F(F x, F y) { return from_##F(bits_##F(x) | bits_##F(y)); }                                             \
    FN F bxor_##F(F x, F y) { return from_##F(bits_##F(x) ^ bits_##F(y)); }                                            \
    FN F bnot_##F(F x) { return from_##F(~bits_##F(x)); }                                                              \
    FN F bitselect_##F(F c, F x, F y) {                                                                                \
        return from_##F((bits_##F(c) & bits_##F(x)) | (~bits_##F(c) & bits_##F(y)));                                   \
    }                                                                                                                  \
    FN F fneg_##F(F x) { return from_##F(bits_##F(x) ^ SIGN); }                                                        \
    FN F fabs_##F(F x) { return from_##F(bits_##F(x) & ~SIGN); }                                                       \
    FN F fcopysign_##F(F x, F y) { return from_##F((bits_##F(x) & ~SIGN) | (bits_##F(y) & SIGN)); }                    \
    FN F fmin_##F(F x, F y) {                                                                                          \
        if (x != x || y != y) return (F)NAN;                                                                           \
        if (x == 0 && y == 0) return bits_##F(x) & SIGN ? x : y;                                                       \
        return x < y ? x : y;                                                                                          \
    }                                                                                                                  \
    FN F fmax_##F(F x, F y) {                                                                                          \
        if (x != x || y != y) return (F)NAN;                                                                           \
        if (x == 0 && y == 0) return bits_##F(x) & SIGN ? y : x;                                                       \
        return x > y ? x : y;                                                                                          \
    }                                                                                                                  \
    FN F sqrt_##F(F x) { return sqrt##SUFFIX(x); }                                                                     \
    FN F ceil_##F(F x) { return ceil##SUFFIX(x); }                                                                     \
    FN F floor_##F(F x) { return floor##SUFFIX(x); }                                                                   \
    FN F trunc_##F(F x) { return trunc##SUFFIX(x); }                                                                   \
    FN F nearest_##F(F x) { return nearbyint##SUFFIX(x); }                                                             \
    FN F fma_##F(F x, F y, F z) { return fma##SUFFIX(x, y, z); }                                                       \
    FN u8 uno_##F(F x, F y) { return x != x || y != y; }

FLOAT(f32, u32, UINT32_C(0x80000000), f)
FLOAT(f64, u64, UINT64_C(0x8000000000000000), )
