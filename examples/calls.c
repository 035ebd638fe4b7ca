// The C twin of calls.clif.
#include "examples.h"

double c_mix0(void) { return 0.5; }
double c_mix1(int64_t a) { return (double)a; }
double c_mix2(int64_t a, double b) { return (double)a + b * 2; }
double c_mix3(int64_t a, double b, int32_t c) { return (double)a + b * 2 + (double)c * 3; }
double c_mix4(int64_t a, double b, int32_t c, float d) { return (double)a + b * 2 + (double)c * 3 + (double)d * 4; }
double c_mix5(int64_t a, double b, int32_t c, float d, int64_t e) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5;
}
double c_mix6(int64_t a, double b, int32_t c, float d, int64_t e, double f) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6;
}
double c_mix7(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7;
}
double c_mix8(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7 + (double)h * 8;
}
double c_mix9(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7 + (double)h * 8 +
         (double)i * 9;
}
double c_mix10(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7 + (double)h * 8 +
         (double)i * 9 + j * 10;
}
double c_mix11(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j,
               int32_t k) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7 + (double)h * 8 +
         (double)i * 9 + j * 10 + (double)k * 11;
}
double c_mix12(int64_t a, double b, int32_t c, float d, int64_t e, double f, int32_t g, float h, int64_t i, double j,
               int32_t k, float l) {
  return (double)a + b * 2 + (double)c * 3 + (double)d * 4 + (double)e * 5 + f * 6 + (double)g * 7 + (double)h * 8 +
         (double)i * 9 + j * 10 + (double)k * 11 + (double)l * 12;
}

int64_t c_ints12(TWELVE(int64_t)) {
  const int64_t rest[11] = {b, c, d, e, f, g, h, i, j, k, l};
  uint64_t sum = (uint64_t)a;
  for (int n = 0; n < 11; n++) sum = sum * 31 + (uint64_t)rest[n];
  return (int64_t)sum;
}

double c_floats12(TWELVE(double)) {
  const double rest[11] = {b, c, d, e, f, g, h, i, j, k, l};
  double sum = a;
  for (int n = 0; n < 11; n++) sum = sum * 1.5 - rest[n];
  return sum;
}

int64_t c_narrow(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, int8_t f, uint16_t g) {
  return (((((a * INT64_C(7) + b) * 7 + c) * 7 + d) * 7 + e) * 7 + f) * 7 + g;
}

static double each(int64_t n, double x) {
  int64_t a = n + 1;
  double b = x + 0.0625;
  int32_t c = (int32_t)(n + 5);
  float d = (float)(x + 0.25);
  int64_t e = n + 17;
  double f = x + 1.25;
  int32_t g = (int32_t)(n + 37);
  float h = (float)(x + 5.0);
  int64_t i = n + 65;
  double j = x + 24.0;
  int32_t k = (int32_t)(n + 101);
  float l = (float)(x + 96.0);
  double sum = c_mix0();
  sum += c_mix1(a);
  sum += c_mix2(a, b);
  sum += c_mix3(a, b, c);
  sum += c_mix4(a, b, c, d);
  sum += c_mix5(a, b, c, d, e);
  sum += c_mix6(a, b, c, d, e, f);
  sum += c_mix7(a, b, c, d, e, f, g);
  sum += c_mix8(a, b, c, d, e, f, g, h);
  sum += c_mix9(a, b, c, d, e, f, g, h, i);
  sum += c_mix10(a, b, c, d, e, f, g, h, i, j);
  sum += c_mix11(a, b, c, d, e, f, g, h, i, j, k);
  sum += c_mix12(a, b, c, d, e, f, g, h, i, j, k, l);
  return sum;
}

double c_direct(int64_t a, double x) { return each(a, x); }
double c_colocated(int64_t a, double x) { return each(a, x); }
double c_indirect(int64_t a, double x) { return each(a, x); }

double c_crowd(int64_t a, double x) {
  int64_t b = a + 1, c = -b;
  int64_t integers = c_ints12(a, b, c, 1, a, b, c, 1, c, b, 1, a);
  double floats = c_floats12(x, -x, x, x, -x, -x, x, -x, x, -x, -x, x);
  int64_t small = c_narrow((int8_t)integers, (uint8_t)integers, (int16_t)integers, (uint16_t)integers,
                           (int32_t)integers, (int8_t)integers, (uint16_t)integers);
  return floats + (double)(small & 0xffffff);
}
