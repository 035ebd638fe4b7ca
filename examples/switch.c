// The C twin of switch.clif.
#include "examples.h"

int32_t c_days_in_month(int32_t month, int8_t leap) {
  switch (month) {
  case 4:
  case 6:
  case 9:
  case 11: return 30;
  case 2: return leap ? 29 : 28;
  case 1:
  case 3:
  case 5:
  case 7:
  case 8:
  case 10:
  case 12: return 31;
  default: return 0;
  }
}

int64_t c_interpret(const uint8_t *program, int64_t x) {
  uint64_t stack[32] = {0}, *top = stack, t;
  for (;;) {
    switch (*program++) {
    case 0: return (int64_t)*top;
    case 1: *++top = *program++; break;
    case 2: *++top = (uint64_t)x; break;
    case 3:
      top--;
      top[0] += top[1];
      break;
    case 4:
      top--;
      top[0] -= top[1];
      break;
    case 5:
      top--;
      top[0] *= top[1];
      break;
    case 6:
      top++;
      top[0] = top[-1];
      break;
    case 7:
      t = top[0];
      top[0] = top[-1];
      top[-1] = t;
      break;
    case 8: program += *top-- != 0 ? 1 - *program : 1; break;
    case 9: top--; break;
    case 10: top[0]--; break;
    default: return -1;
    }
  }
}

double c_weight(int32_t kind, double x) {
  switch (kind) {
  case 0: return x;
  case 1: return -x;
  case 2: return x * x + x;
  case 3: return x * x - 1;
  default: return 1;
  }
}
