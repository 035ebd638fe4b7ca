// The C twin of pressure.clif.
#include "examples.h"

int64_t c_twist(int64_t x) {
  uint64_t y = (uint64_t)x * 0x9e3779b97f4a7c15u;
  return (int64_t)(y ^ y >> 29);
}

double c_halve(double x) { return x * 0.5; }

double c_across(int64_t a, double x) {
  uint64_t integers[12], i = (uint64_t)a;
  double floats[12], f = x;
  for (int k = 0; k < 12; k++) {
    uint64_t c = 3 + 7 * (uint64_t)(k * k);
    i = k % 3 == 0 ? i * c : k % 3 == 1 ? i + c : i ^ c;
    integers[k] = i;
  }
  for (int k = 0; k < 12; k++) {
    f = k % 3 == 0 ? f * 1.5 : k % 3 == 1 ? f + 2.25 : f - -0.625;
    floats[k] = f;
  }
  uint64_t sum = (uint64_t)c_twist(a);
  double total = c_halve(x);
  for (int k = 0; k < 12; k++) sum = k % 2 == 0 ? sum + integers[11 - k] : sum ^ integers[11 - k];
  for (int k = 0; k < 12; k++) total = k % 2 == 0 ? total + floats[11 - k] : total - floats[11 - k];
  sum = (uint64_t)c_twist((int64_t)sum);
  for (int k = 0; k < 12; k++) sum = k % 2 == 0 ? sum ^ integers[k] : sum - integers[k];
  for (int k = 0; k < 12; k++) total = k % 2 == 0 ? total - floats[k] : total + floats[k];
  return total + (double)(int64_t)(sum & 0xfffff);
}

double c_around(int64_t rounds, int64_t a, double x) {
  uint64_t integers[11], i = (uint64_t)a;
  double floats[11], f = x;
  for (int k = 0; k < 11; k++) integers[k] = i = k % 2 == 0 ? i + 1 : i * (uint64_t)rounds;
  for (int k = 0; k < 11; k++) floats[k] = f = f + 1.25;
  for (int64_t n = rounds; n != 0; n--) {
    uint64_t turned = (uint64_t)c_twist((int64_t)integers[0]) + integers[5];
    double halved = c_halve(floats[0]) - floats[5];
    for (int k = 0; k < 10; k++) {
      integers[k] = integers[k + 1];
      floats[k] = floats[k + 1];
    }
    integers[10] = turned;
    floats[10] = halved;
  }
  uint64_t bits = 0;
  for (int k = 0; k < 11; k++) bits ^= integers[k];
  double total = floats[0];
  for (int k = 1; k < 11; k++) total += floats[k];
  return total + (double)(int64_t)(bits >> 44);
}
