// Functions of C++ that exceptions pass through, with landing pads and parts that compilers put elsewhere, and cases
// (step.h) that run through them.
extern "C" {
#include "step.h"
}

#define NOINLINE __attribute__((noinline))

typedef long long Int;
static volatile Int sink, seed = 3;

namespace {

struct Counted {
  Int value;
  explicit Counted(Int n) : value(n) { sink = sink + n; }
  ~Counted() { sink = sink - value; }
};

NOINLINE Int thrower(Int n) {
  if (n > 2) throw n;
  if (n < 0) throw "negative";
  return n + seed;
}

NOINLINE Int cleans(Int n) {
  Counted first(n);
  Counted second(thrower(n) + 1);
  return first.value + second.value + thrower(n + 1);
}

NOINLINE Int catches(Int n) {
  try {
    return cleans(n);
  } catch (Int caught) {
    return caught * 2 + seed;
  } catch (const char *) {
    return -1;
  }
}

NOINLINE Int rethrows(Int n) {
  try {
    return cleans(n) * 3;
  } catch (...) {
    sink = sink + 1;
    throw;
  }
}

// Frames that exceptions are caught in, and that are not plain.
NOINLINE Int with_alloca(Int n) {
  volatile char *bytes = static_cast<volatile char *>(__builtin_alloca(static_cast<unsigned long>(n * 16 + 64)));
  bytes[0] = static_cast<char>(n);
  try {
    return rethrows(n) + bytes[0];
  } catch (Int caught) {
    return caught + bytes[0];
  }
}

NOINLINE Int with_alignment(Int n, Int a, Int b, Int c, Int d, Int e, Int f, Int g) {
  volatile Int words[8] __attribute__((aligned(64)));
  words[0] = n + a + b + c + d + e + f + g;
  try {
    Counted counted(n);
    return rethrows(n) + words[0];
  } catch (Int caught) {
    words[1] = caught;
    return thrower(1) + words[1] + words[0];
  }
}

struct Base {
  virtual Int visit(Int n) = 0;
  virtual ~Base() = default;
};
struct Derived : Base {
  Int visit(Int n) override {
    Counted counted(n);
    return catches(n) + counted.value;
  }
};

NOINLINE Int visits(Base &base, Int n) { return base.visit(n) + base.visit(n + 1); }

} // namespace

static void run_catches() { sink = catches(1) + catches(2) + catches(5) + catches(-3); }
static void run_frames() { sink = with_alloca(1) + with_alloca(7) + with_alignment(1, 2, 3, 4, 5, 6, 7, 8) + with_alignment(9, 2, 3, 4, 5, 6, 7, 8); }
static void run_visits() {
  Derived derived;
  sink = visits(derived, 1) + visits(derived, 4);
}

extern "C" {
extern const Case cases[] = {{"catches", run_catches}, {"frames", run_frames}, {"visits", run_visits}};
extern const int case_count = 3;
}
