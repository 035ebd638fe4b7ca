// The C twin of matmul.clif.
#include "examples.h"

void c_matmul(double *c, const double *a, const double *b, int64_t n) {
  for (int64_t row = 0; row < n; row++) {
    for (int64_t column = 0; column < n; column++) {
      double sum = 0;
      for (int64_t k = 0; k < n; k++) sum += a[row * n + k] * b[k * n + column];
      c[row * n + column] = sum;
    }
  }
}
