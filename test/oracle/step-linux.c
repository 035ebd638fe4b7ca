// Single-steps functions under test on Linux and, before every instruction, asks an unwinder to walk their frames.
//
//   step-linux libunwind|libgcc MAX_STEPS
//
// Truth is a shadow stack that the trap handler keeps by itself: at the first instruction of each function it notes the
// return address, the stack pointer of the caller, and the registers that the caller gets back. An unwinder that starts
// anywhere inside must find exactly these, frame by frame, and so must the caller when the function returns.
//
// Two unwinders are asked: libunwind, from the interrupted context, and libgcc's, the one of C++ exceptions, which walks
// out of the signal handler itself. libunwind has functions of the same names, so libgcc's are looked up.
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include "step.h"
#include <dlfcn.h>
#include <libunwind.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

enum { PRESERVED = 6, TRAP_FLAG = 0x100 };
static const char *const names[PRESERVED] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
static const int in_context[PRESERVED] = {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15};
static const int in_libunwind[PRESERVED] = {UNW_X86_64_RBX, UNW_X86_64_RBP, UNW_X86_64_R12,
                                            UNW_X86_64_R13, UNW_X86_64_R14, UNW_X86_64_R15};
static const int in_dwarf[PRESERVED] = {3, 6, 12, 13, 14, 15};

typedef struct {
  uint64_t ip, sp, preserved[PRESERVED];
} State;

typedef struct {
  State caller; // when the function has returned
  const Entry *entry;
  // What a function of windows_fastcall gives back besides.
  uint64_t rsi, rdi;
  struct _libc_xmmreg xmm[10]; // 6 to 15
} Frame;

static Frame shadow[MAX_DEPTH];
static int depth;
static uint64_t steps, case_steps, max_steps, unwound, wrong, capped;
static int use_libgcc;
static const char *current;

static int is_ours(uint64_t ip) { return ip - (uint64_t)text < text_size; }

static void report(uint64_t ip, int level, const char *what, uint64_t got, uint64_t want) {
  if (wrong++ < MAX_REPORTS) {
    printf("wrong: %s, at .text+0x%llx, %d frames up: %s is 0x%llx, not 0x%llx\n", current,
           (unsigned long long)(ip - (uint64_t)text), level, what, (unsigned long long)got, (unsigned long long)want);
  }
}

static void compare(uint64_t ip, int level, const State *got, const State *want) {
  unwound++;
  if (got->ip != want->ip) report(ip, level, "rip", got->ip, want->ip);
  if (got->sp != want->sp) report(ip, level, "rsp", got->sp, want->sp);
  for (int i = 0; i < PRESERVED; i++) {
    if (got->preserved[i] != want->preserved[i]) report(ip, level, names[i], got->preserved[i], want->preserved[i]);
  }
}

// Walks are long only now and then: a recursion would make the test quadratic.
static int lowest_level(void) { return depth > 8 && steps % 64 != 0 ? depth - 8 : 0; }

static void walk_libunwind(ucontext_t *context, uint64_t ip) {
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME) < 0) {
    report(ip, 0, "unw_init_local2", 0, 0);
    return;
  }
  uint64_t here = ip;
  const int lowest = lowest_level();
  for (int level = depth, foreign = 0; level > lowest && foreign < 64;) {
    int result = unw_step(&cursor);
    if (result <= 0) {
      report(ip, depth - level, "unw_step", (uint64_t)result, 1);
      return;
    }
    State state;
    unw_word_t value;
    unw_get_reg(&cursor, UNW_REG_IP, &value), state.ip = value;
    unw_get_reg(&cursor, UNW_REG_SP, &value), state.sp = value;
    if (!is_ours(here)) {
      foreign++; // C between two of our frames
    } else {
      for (int i = 0; i < PRESERVED; i++) unw_get_reg(&cursor, in_libunwind[i], &value), state.preserved[i] = value;
      level--;
      compare(ip, depth - level, &state, &shadow[level].caller);
      if (state.ip != shadow[level].caller.ip) return;
    }
    here = state.ip;
  }
}

static struct {
  _Unwind_Reason_Code (*backtrace)(_Unwind_Trace_Fn, void *);
  _Unwind_Ptr (*ip)(struct _Unwind_Context *);
  _Unwind_Word (*cfa)(struct _Unwind_Context *);
  _Unwind_Word (*gr)(struct _Unwind_Context *, int);
} libgcc;

static void find_libgcc(void) {
  void *library = dlopen("libgcc_s.so.1", RTLD_NOW);
  if (library == NULL) {
    printf("wrong: %s\n", dlerror());
    exit(4);
  }
  *(void **)&libgcc.backtrace = dlsym(library, "_Unwind_Backtrace");
  *(void **)&libgcc.ip = dlsym(library, "_Unwind_GetIP");
  *(void **)&libgcc.cfa = dlsym(library, "_Unwind_GetCFA");
  *(void **)&libgcc.gr = dlsym(library, "_Unwind_GetGR");
}

typedef struct {
  uint64_t ip;
  int level, lowest, foreign, started, after_ours;
} Walk;

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data) {
  Walk *walk = data;
  State state = {libgcc.ip(context), libgcc.cfa(context), {0}};
  if (!walk->started) { // the handler's own frame and the kernel's
    if (state.ip != walk->ip) return ++walk->foreign < 64 ? _URC_NO_REASON : _URC_NORMAL_STOP;
    walk->started = walk->after_ours = 1;
    return _URC_NO_REASON;
  }
  if (walk->after_ours) {
    for (int i = 0; i < PRESERVED; i++) state.preserved[i] = libgcc.gr(context, in_dwarf[i]);
    walk->level--;
    compare(walk->ip, depth - walk->level, &state, &shadow[walk->level].caller);
    if (state.ip != shadow[walk->level].caller.ip || walk->level <= walk->lowest) return _URC_NORMAL_STOP;
  } else if (++walk->foreign >= 64) {
    return _URC_NORMAL_STOP;
  }
  walk->after_ours = is_ours(state.ip);
  return _URC_NO_REASON;
}

static void walk_libgcc(uint64_t ip) {
  Walk walk = {ip, depth, lowest_level(), 0, 0, 0};
  libgcc.backtrace(visit, &walk);
  if (walk.level > walk.lowest) report(ip, depth - walk.level, "frames left", (uint64_t)walk.level, (uint64_t)walk.lowest);
}

static void on_entry(ucontext_t *context, const greg_t *registers) {
  const uint64_t ip = (uint64_t)registers[REG_RIP], sp = (uint64_t)registers[REG_RSP];
  for (int i = 0; i < entry_count; i++) {
    if (ip != (uint64_t)text + entries[i].offset) continue;
    entry_seen[i] = 1;
    if (depth > 0 && sp + 8 >= shadow[depth - 1].caller.sp) return; // a jump to the first instruction
    if (depth == MAX_DEPTH) {
      printf("wrong: %s: too deep\n", current);
      exit(4);
    }
    Frame *frame = &shadow[depth++];
    frame->entry = &entries[i];
    frame->caller.ip = *(const uint64_t *)sp;
    frame->caller.sp = sp + 8;
    for (int k = 0; k < PRESERVED; k++) frame->caller.preserved[k] = (uint64_t)registers[in_context[k]];
    frame->rsi = (uint64_t)registers[REG_RSI];
    frame->rdi = (uint64_t)registers[REG_RDI];
    memcpy(frame->xmm, &context->uc_mcontext.fpregs->_xmm[6], sizeof frame->xmm);
    return;
  }
}

// The function has returned: what does its caller find?
static void on_return(ucontext_t *context, const greg_t *registers) {
  const Frame *frame = &shadow[--depth];
  const uint64_t ip = (uint64_t)text + frame->entry->offset;
  State state = {(uint64_t)registers[REG_RIP], (uint64_t)registers[REG_RSP], {0}};
  for (int i = 0; i < PRESERVED; i++) state.preserved[i] = (uint64_t)registers[in_context[i]];
  compare(ip, 0, &state, &frame->caller);
  if (frame->entry->convention != 'w') return;
  if ((uint64_t)registers[REG_RSI] != frame->rsi) report(ip, 0, "rsi", (uint64_t)registers[REG_RSI], frame->rsi);
  if ((uint64_t)registers[REG_RDI] != frame->rdi) report(ip, 0, "rdi", (uint64_t)registers[REG_RDI], frame->rdi);
  for (int i = 0; i < 10; i++) {
    if (memcmp(&context->uc_mcontext.fpregs->_xmm[6 + i], &frame->xmm[i], 16) != 0) report(ip, 0, "an xmm register", 6 + i, 0);
  }
}

static void on_trap(int signal, siginfo_t *info, void *data) {
  (void)signal, (void)info;
  ucontext_t *context = data;
  greg_t *registers = context->uc_mcontext.gregs;
  const uint64_t ip = (uint64_t)registers[REG_RIP];
  // Inside a function the stack pointer is at most that of its entry; one call may return out of several frames only
  // by an exception, and there is none here.
  while (depth > 0 && (uint64_t)registers[REG_RSP] >= shadow[depth - 1].caller.sp) on_return(context, registers);
  if (is_ours(ip)) {
    on_entry(context, registers);
    steps++, case_steps++;
    text_seen[ip - (uint64_t)text] = 1;
    if (use_libgcc) walk_libgcc(ip);
    else walk_libunwind(context, ip);
  }
  if (case_steps < max_steps) registers[REG_EFL] |= TRAP_FLAG;
  else registers[REG_EFL] &= ~TRAP_FLAG;
}

static void on_crash(int signal, siginfo_t *info, void *data) {
  (void)info;
  const ucontext_t *context = data;
  printf("wrong: %s: signal %d at .text+0x%llx\n", current, signal,
         (unsigned long long)((uint64_t)context->uc_mcontext.gregs[REG_RIP] - (uint64_t)text));
  fflush(stdout);
  _Exit(3);
}

// Calls `run` with the trap flag on and a pattern in every register that it must give back.
void stepped(void (*run)(void));
__asm__(".text\n"
        ".globl stepped\n"
        "stepped:\n"
        "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; sub $8, %rsp\n"
        "  mov $0x0b0b0b0b0b0b0b0b, %rbx; mov $0x0a0a0a0a0a0a0a0a, %rbp\n"
        "  mov $0x1212121212121212, %r12; mov $0x1313131313131313, %r13\n"
        "  mov $0x1414141414141414, %r14; mov $0x1515151515151515, %r15\n"
        "  pushfq; orl $0x100, (%rsp); popfq\n"
        "  call *%rdi\n"
        "  pushfq; andl $~0x100, (%rsp); popfq\n"
        "  add $8, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");

int main(int count, char **arguments) {
  if (count != 3) return 2;
  use_libgcc = strcmp(arguments[1], "libgcc") == 0;
  if (use_libgcc) find_libgcc();
  max_steps = strtoull(arguments[2], NULL, 10);
  static char alternative[1 << 17];
  sigaltstack(&(stack_t){.ss_sp = alternative, .ss_size = sizeof alternative}, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  action.sa_sigaction = on_trap;
  sigaction(SIGTRAP, &action, NULL);
  action.sa_sigaction = on_crash;
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (int i = 0; i < 4; i++) sigaction(fatal[i], &action, NULL);
  for (int i = 0; i < case_count; i++) {
    current = cases[i].text;
    depth = 0;
    case_steps = 0;
    stepped(cases[i].run);
    if (case_steps >= max_steps) capped++;
  }
  uint64_t seen = 0, entered = 0;
  for (uint64_t i = 0; i < text_size; i++) seen += text_seen[i];
  for (int i = 0; i < entry_count; i++) entered += entry_seen[i];
  printf("{\"cases\":%d,\"boundaries\":%llu,\"different\":%llu,\"functions\":%d,\"entered\":%llu,\"frames\":%llu,"
         "\"capped\":%llu,\"wrong\":%llu}\n",
         case_count, (unsigned long long)steps, (unsigned long long)seen, entry_count, (unsigned long long)entered,
         (unsigned long long)unwound, (unsigned long long)capped, (unsigned long long)wrong);
  return wrong ? 1 : 0;
}
