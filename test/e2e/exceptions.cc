// C++ exceptions thrown in callbacks, through frames of the compiled CLIF, to handlers in C++. Each attempt keeps as many
// integers and floats in registers as it can: the unwinder must have put them back when the handler runs.
#include "examples.h"
#include <cstdio>

struct Thrown {
  int64_t value;
};

static int destroyed = 0;
struct Guard {
  ~Guard() { destroyed++; }
};

static volatile int64_t integers[8] = {11, 22, 33, 44, 55, 66, 77, 88};
static volatile double floats[10] = {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 10.5};
static int attempts = 0, failures = 0;

template <typename Call> __attribute__((noinline)) static void attempt(const char *name, int64_t expected, Call call) {
  const int64_t a = integers[0], b = integers[1], c = integers[2], d = integers[3], e = integers[4], f = integers[5],
                g = integers[6], h = integers[7];
  const double p = floats[0], q = floats[1], r = floats[2], s = floats[3], t = floats[4], u = floats[5], v = floats[6],
               w = floats[7], x = floats[8], y = floats[9];
  int64_t caught = -1;
  try {
    Guard guard;
    call();
  } catch (const Thrown &thrown) {
    caught = thrown.value;
  }
  const bool kept = a == integers[0] && b == integers[1] && c == integers[2] && d == integers[3] && e == integers[4] &&
                    f == integers[5] && g == integers[6] && h == integers[7] && p == floats[0] && q == floats[1] &&
                    r == floats[2] && s == floats[3] && t == floats[4] && u == floats[5] && v == floats[6] &&
                    w == floats[7] && x == floats[8] && y == floats[9];
  attempts++;
  if (caught == expected && kept) return;
  failures++;
  std::printf("%s: caught %lld, not %lld; registers %s\n", name, (long long)caught, (long long)expected,
              kept ? "kept" : "lost");
}

static int64_t always(int64_t n) { throw Thrown{n}; }
static int64_t above_three(int64_t n) {
  if (n > 3) throw Thrown{n};
  return n;
}
static int64_t what_is_there(int64_t address) { throw Thrown{*(const int64_t *)(intptr_t)address}; }
static int64_t eight(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
  throw Thrown{a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h};
}

// Between two of our frames: destroys, catches, and throws again what it caught.
static int64_t again(int64_t n) {
  Guard guard;
  try {
    return nested(n > 1 ? again : always, 1, n - 2); // which calls with n - 1
  } catch (Thrown &thrown) {
    thrown.value += 1000;
    throw;
  }
}

int main() {
  for (int round = 0; round < 50; round++) {
    attempt("apply", 7, [] { apply(always, 7); });
    attempt("apply_twice", 8, [] { apply_twice(above_three, 2, 8); });
    attempt("apply_crowded", 15, [] { apply_crowded(always, 5, 2.5); });
    attempt("apply_to_buffer", 99, [] { apply_to_buffer(what_is_there, 99); });
    attempt("apply_many", 8 + 2 * 7 + 3 * 6 + 4 * 5 + 5 * 4 + 6 * 3 + 7 * 2 + 8, [] { apply_many(eight, 1, 2, 3, 4, 5, 6, 7, 8); });
    attempt("nested", 10, [] { nested(always, 4, 0); });
    attempt("sum_of_results", 5, [] { sum_of_results(above_three, 0, 10); });
    attempt("again", 3000, [] { apply(again, 3); });
    attempt("nothing thrown", -1, [] { apply_twice(above_three, 1, 2); });
  }
  // One guard in each attempt, three more in each `again`.
  const bool counted = destroyed == attempts + 3 * 50;
  if (!counted) std::printf("%d guards were destroyed\n", destroyed);
  std::printf("exceptions: %d attempts, %d failures\n", attempts, failures);
  return failures == 0 && counted ? 0 : 1;
}
