#include "check.h"

int main(void) {
  for (int64_t n = -12; n <= 12; n++) {
    double x = 0.375 * (double)n + 0.1;
    float y = (float)x;
    int32_t m = (int32_t)n * 1000;
    CHECK_F64(sysv_mix(n, x, m, y, n + 1, n * 2, n - 3, 44, -x), c_sysv_mix(n, x, m, y, n + 1, n * 2, n - 3, 44, -x));
    CHECK_F64(win_mix(n, x, m, y, n + 1, n * 2, n - 3, 44, -x), c_win_mix(n, x, m, y, n + 1, n * 2, n - 3, 44, -x));
    CHECK_F64(sysv_calls_win(n, x), c_sysv_calls_win(n, x));
    CHECK_F64(win_calls_sysv(n, x), c_win_calls_sysv(n, x));
    CHECK_F64(sysv_ping(n + 12, x), c_sysv_ping(n + 12, x));
    CHECK_F64(win_pong(n + 12, x), c_win_pong(n + 12, x));
    // Ours calls the twin's, and the other way round.
    CHECK_F64(sysv_applies_win(c_win_pong, n + 12, x), c_sysv_applies_win(win_pong, n + 12, x));
    CHECK_F64(win_applies_sysv(c_sysv_ping, n + 12, x), c_win_applies_sysv(sysv_ping, n + 12, x));
  }
  SHOW("ping(5, 1) = %.3f", sysv_ping(5, 1));
  return report("conventions");
}
