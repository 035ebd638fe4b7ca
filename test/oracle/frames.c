// Functions with every kind of frame that C compilers make, and cases (step.h) that run through them. It includes no
// header of a system, so that compilers for targets without one can compile it.
#include "step.h"

#define NOINLINE __attribute__((noinline))
#ifdef ONE_CONVENTION
#define OTHER_ABI
#elif defined _WIN32
#define OTHER_ABI __attribute__((sysv_abi))
#else
#define OTHER_ABI __attribute__((ms_abi))
#endif

typedef long long Int;
volatile Int sink;
static volatile Int seed = 3;

NOINLINE static Int leaf(Int a) { return a * 3 + seed; }
NOINLINE static double leaf_double(double a) { return a * 1.5 + (double)seed; }
NOINLINE static void use(volatile char *bytes, Int count) {
  for (Int i = 0; i < count; i += 64) bytes[i] = (char)i, sink += bytes[i];
}

NOINLINE static Int recurse(Int n) { return n <= 1 ? leaf(n) : recurse(n - 1) * 2 + recurse(n - 2); }

// More values live across calls than there are registers that survive one.
NOINLINE static Int pressure(Int a, Int b, Int c, Int d) {
  const Int e = a ^ b, f = b + c, g = c - d, h = a * d, i = e + f, j = g ^ h, k = e * g, l = f - h;
  const Int sum = leaf(a) + leaf(b) + leaf(c);
  return sum + a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10 + k * 11 + l * 12;
}

NOINLINE static double vectors(double a, double b) {
  const double c = a + b, d = a - b, e = a * b, f = a / b, g = c * d, h = e + f, i = g - h, j = c * h;
  const double sum = leaf_double(a) + leaf_double(b);
  return sum + a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 + i * 9 + j * 10;
}

NOINLINE static Int large_5000(Int n) {
  volatile char bytes[5000];
  use(bytes, sizeof bytes);
  return bytes[n] + leaf(n);
}

NOINLINE static Int large_70000(Int n) {
  volatile char bytes[70000];
  use(bytes, sizeof bytes);
  return bytes[n] + pressure(n, 2, 3, 4);
}

NOINLINE static Int variable_array(Int n, Int m) {
  volatile char bytes[n];
  use(bytes, n);
  Int sum = leaf(m);
  for (Int i = 1; i < 3; i++) {
    volatile Int words[i * 4];
    words[0] = i + m;
    sum += leaf(words[0]);
  }
  return sum + bytes[0];
}

NOINLINE static Int allocates(Int n) {
  Int sum = 0;
  for (Int i = 0; i < 3; i++) {
    volatile char *bytes = __builtin_alloca((unsigned long long)(n + i * 16));
    use(bytes, n);
    sum += bytes[0] + leaf(i);
  }
  return sum;
}

// The stack is realigned; then also with arguments behind it, and with a size that nobody knows.
NOINLINE static Int aligned(Int n) {
  volatile Int words[8] __attribute__((aligned(64)));
  for (int i = 0; i < 8; i++) words[i] = n + i;
  return leaf(words[3]) + words[0];
}

NOINLINE static Int aligned_arguments(Int a, Int b, Int c, Int d, Int e, Int f, Int g, Int h, Int i) {
  volatile Int words[8] __attribute__((aligned(32)));
  for (int k = 0; k < 8; k++) words[k] = a + k;
  return leaf(words[3]) + b + c + d + e + f + g * 2 + h * 3 + i * 4 + words[1];
}

NOINLINE static Int aligned_variable(Int n, Int a, Int b, Int c, Int d, Int e, Int f, Int g) {
  volatile Int words[4] __attribute__((aligned(128)));
  volatile char *bytes = __builtin_alloca((unsigned long long)n);
  words[0] = n;
  use(bytes, n);
  return pressure(words[0], a, b, c) + d + e + f + g + bytes[0];
}

NOINLINE static Int many_arguments(Int a, Int b, Int c, Int d, Int e, Int f, Int g, Int h) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * leaf(g) + 8 * h;
}

NOINLINE static Int tail(Int a, Int b) {
  if (a > 10) return leaf(a);
  return pressure(a, b, leaf(b), 4);
}

NOINLINE static Int early(Int a, Int b) {
  if (a < 0) return b;
  if (__builtin_expect(b == 77, 0)) return pressure(a, a, leaf(b), b) - leaf(a);
  Int sum = 0;
  for (Int i = 0; i < a; i++) {
    if (i == b) return sum + leaf(i);
    sum += leaf(i) ^ b;
  }
  return sum;
}

NOINLINE static Int varied(int kind, Int a) {
  switch (kind) {
  case 0: return leaf(a);
  case 1: return leaf(a) + 1;
  case 2: return large_5000(a);
  case 3: return aligned(a) * 2;
  case 4: return leaf(a) ^ 5;
  case 5: return pressure(a, 1, 2, 3);
  default: return -1;
  }
}

NOINLINE static Int variadic(int count, ...) {
  __builtin_va_list list;
  __builtin_va_start(list, count);
  Int sum = 0;
  for (int i = 0; i < count; i++) sum += leaf(__builtin_va_arg(list, Int));
  __builtin_va_end(list);
  return sum;
}

typedef struct {
  Int words[9];
} Big;
NOINLINE static Big big(Int a) { return (Big){{leaf(a), a, a + 1, a + 2, a + 3, a + 4, a + 5, a + 6, a + 7}}; }
NOINLINE static Int takes_big(Big value, Int a) { return value.words[2] + leaf(a) + value.words[8]; }

// The convention of the other system, which saves other registers.
NOINLINE OTHER_ABI static Int other(Int a, double b) { return leaf(a) + (Int)leaf_double(b) + a; }
NOINLINE static Int calls_other(Int a) { return other(a, 2.5) + leaf(a); }

NOINLINE static Int through(Int (*function)(Int), Int a) { return function(a) + function(a + 1); }

// Calls that do not come back, at the end of a function: the return address belongs to the next one. The driver ends there.
__attribute__((noreturn)) void end_of_walks(void);
__attribute__((noinline, noreturn)) static void leave(Int n) {
  sink = leaf(n);
  end_of_walks();
}
NOINLINE static Int never(Int n) {
  if (n > 3) leave(n);
  return leaf(n);
}

static void run_recurse(void) { sink = recurse(5); }
static void run_pressure(void) { sink = pressure(1, 2, 3, 4); }
static void run_vectors(void) { sink = (Int)vectors(1.5, 2.5); }
static void run_large(void) { sink = large_5000(7) + large_70000(7); }
static void run_variable(void) { sink = variable_array(200, 3) + allocates(100); }
static void run_aligned(void) {
  sink = aligned(5) + aligned_arguments(1, 2, 3, 4, 5, 6, 7, 8, 9) + aligned_variable(100, 1, 2, 3, 4, 5, 6, 7);
}
static void run_arguments(void) { sink = many_arguments(1, 2, 3, 4, 5, 6, 7, 8) + variadic(9, 1LL, 2LL, 3LL, 4LL, 5LL, 6LL, 7LL, 8LL, 9LL); }
static void run_exits(void) {
  sink = tail(20, 1) + tail(1, 2) + early(-1, 2) + early(5, 77) + early(9, 3);
  for (int kind = 0; kind < 8; kind++) sink += varied(kind, 9);
}
static void run_big(void) { sink = takes_big(big(4), 5); }
static void run_other(void) { sink = calls_other(7) + through(leaf, 3); }
static void run_leaves(void) { sink = never(1) + never(9); }

const Case cases[] = {
    {"recurse", run_recurse},   {"pressure", run_pressure},   {"vectors", run_vectors}, {"large", run_large},
    {"variable", run_variable}, {"aligned", run_aligned},     {"arguments", run_arguments},
    {"exits", run_exits},       {"big", run_big},             {"other", run_other},     {"leaves", run_leaves},
};
const int case_count = sizeof cases / sizeof cases[0];
