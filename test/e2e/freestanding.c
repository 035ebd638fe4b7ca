// A program without a C library, for lld-link: nothing but an entry, our functions and their twins. Exit code 42 says that
// all results are equal.
#include "examples.h"

int _fltused = 0;

// A frame of a page or more calls this with its size in rax: touches every page down to there, and changes only r10 and
// r11.
__asm__(".globl __chkstk\n"
        "__chkstk:\n"
        "  lea 8(%rsp), %r11\n"
        "  mov %rax, %r10\n"
        "1: cmp $0x1000, %r10\n"
        "  jb 2f\n"
        "  sub $0x1000, %r11\n"
        "  orq $0, (%r11)\n"
        "  sub $0x1000, %r10\n"
        "  jmp 1b\n"
        "2: sub %r10, %r11\n"
        "  orq $0, (%r11)\n"
        "  ret\n");

static int32_t ours[500], twin[500];

static int differ(double a, double b) { return a != b; }
static int64_t plus(int64_t n) { return n + 7; }

int start(void) {
  int wrong = fib(15) != c_fib(15);
  fill(ours, 500, 3);
  c_fill(twin, 500, 3);
  quicksort(ours, 0, 499);
  c_quicksort(twin, 0, 499);
  wrong += order(ours, 500) != c_order(twin, 500);
  wrong += differ(across(5, 2.5), c_across(5, 2.5)) + differ(around(9, 4, 0.5), c_around(9, 4, 0.5));
  wrong += differ(direct(7, 1.5), c_direct(7, 1.5)) + differ(indirect(7, 1.5), c_indirect(7, 1.5));
  wrong += frame_4096_call(5) != c_frame_4096_call(5);
  wrong += frame_70000_call(5) != c_frame_70000_call(5);
  wrong += frame_600000_call(5) != c_frame_600000_call(5);
  wrong += interpret((const uint8_t *)"\2\6\5\1\3\4", 9) != 78;
  wrong += differ(apply_crowded(plus, 3, 1.5), c_apply_crowded(plus, 3, 1.5));
  wrong += count(4) != 1004 + 20 + 300;
  return wrong == 0 ? 42 : wrong;
}
