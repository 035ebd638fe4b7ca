// What makes frames interesting to compilers: exceptions with cleanups, areas whose size is not known, realigned stacks,
// large frames with probes, jump tables, functions that do not return, shrink-wrapped saves, and parts that are hardly ever run.
#include <csetjmp>
#include <cstdarg>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" int other(int);
extern "C" void use(void *);
[[noreturn]] void fail(int);

struct Guard {
  int value;
  explicit Guard(int v) : value(v) { other(v); }
  ~Guard() { other(-value); }
};

int catches(int n) {
  Guard outer(n);
  try {
    Guard inner(n + 1);
    if (n > 5) throw std::runtime_error("five");
    std::string text(n, 'x');
    return other(text.size());
  } catch (const std::runtime_error &error) {
    return other(1) + error.what()[0];
  } catch (int code) {
    if (code == 3) throw;
    return code;
  }
}

int dynamic(int n) {
  Guard guard(n);
  char *space = static_cast<char *>(__builtin_alloca(n));
  use(space);
  for (int i = 0; i < n; i++) space[i] = other(i);
  return space[n / 2];
}

int realigned(int n) {
  alignas(64) char space[128];
  use(space);
  char *more = static_cast<char *>(__builtin_alloca(n));
  use(more);
  return space[n] + more[0];
}

int large(int n) {
  char space[20000];
  use(space);
  return space[n];
}

int table(int n, int x) {
  switch (n) {
    case 0: return other(x);
    case 1: return other(x) + 1;
    case 2: x = other(x + 2); break;
    case 3: x = other(x * 3) - other(x); break;
    case 4: fail(x);
    case 5: return x;
    case 6: x = other(7); break;
    case 7: return other(other(x));
    default: return -1;
  }
  return x * n;
}

int wrapped(int n, const int *values) {
  if (n == 0) return 0;
  int sum = 0;
  for (int i = 0; i < n; i++) {
    if (__builtin_expect(values[i] < 0, 0)) fail(i);
    sum += other(values[i]) * other(i);
  }
  return sum;
}

int variadic(int count, ...) {
  va_list list;
  va_start(list, count);
  int sum = 0;
  double extra = 0;
  for (int i = 0; i < count; i++) sum += va_arg(list, int);
  extra = va_arg(list, double);
  va_end(list);
  return other(sum) + static_cast<int>(extra);
}

int many(int a, int b, int c, int d, int e, int f, int g, int h, int i) {
  return other(a + i) + variadic(3, a, b, c, d, e, f, g, h, 1.5) * other(h);
}

static jmp_buf place;

int jumps(int n) {
  Guard *volatile guard = nullptr;
  if (setjmp(place) != 0) return other(n);
  guard = new Guard(n);
  if (n > 3) longjmp(place, 1);
  delete guard;
  return 0;
}

std::vector<std::string> collect(int n) {
  std::vector<std::string> result;
  for (int i = 0; i < n; i++) {
    try {
      result.push_back(std::to_string(other(i)));
    } catch (...) {
      result.clear();
    }
  }
  return result;
}

double floats(double a, double b, int n) {
  double sum = a, product = b, last = 1;
  for (int i = 0; i < n; i++) {
    last = sum * product;
    sum += other(i) * a;
    product -= other(i + 1) * b;
  }
  return sum * product + last * a * b;
}
