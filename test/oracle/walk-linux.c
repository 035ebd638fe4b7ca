// See walk.h. Walks of libunwind, of libgcc, and of LLVM's libunwind, which may be absent. An answer: a word (one of Status) and the state of the caller.
//
// The first two start from the context of a signal, as a debugger or a profiler does. For states that were made up, the
// registers of the interrupted context are overwritten; libgcc comes to them through the frame that the kernel made.
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include "step.h"
#include "walk.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <libunwind.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

enum { GENERAL = 16, RSP = 4, RIP = 16, STATE = 17, TRAP_FLAG = 0x100, ASKED = 3 };
// GUESSED: there is no unwind data, and libunwind tries other ways. UNREADABLE: the unwinder read what is not there;
// libgcc also where the caller would be, for it looks at the code there to see whether that is a signal frame.
typedef enum { STEPPED, GUESSED, FAILED, UNREADABLE } Status;

static const int in_context[STATE] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
                                      REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
// rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp: System V AMD64 ABI, figure 3.36.
static const int in_dwarf[STATE] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16};

typedef struct {
  uint64_t status, registers[STATE];
} Answer;

typedef struct {
  uint64_t count;
  Answer answers[MAX_LEVELS];
} Walk;

// Whether the walk is over after this answer.
static int add(Walk *walk, const Answer *answer) {
  walk->answers[walk->count++] = *answer;
  return answer->status != STEPPED || walk->count == levels || !in_program(answer->registers[RIP]);
}

static int output;
static uint64_t visits, steps, told;
static uint8_t *visited;

static void die(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  _exit(4);
}

static FILE *points;
static void read_words(void *words, uint64_t count) {
  if (fread(words, 8, count, points) != count) die("the points end too early");
}
static int more_points(void) {
  const int next = getc(points);
  if (next != EOF) ungetc(next, points);
  return next != EOF;
}
static void write_bytes(const void *bytes, uint64_t count) {
  while (count > 0) {
    const ssize_t written = write(output, bytes, count);
    if (written <= 0) die("cannot write");
    bytes = (const uint8_t *)bytes + written, count -= (uint64_t)written;
  }
}

// Where to go on when memory that is read is not there.
static sigjmp_buf recovery;
static volatile int recovering;

static Answer step_libunwind(unw_cursor_t *cursor, const greg_t *registers) {
  Answer answer = {FAILED, {0}};
  unw_proc_info_t info;
  const int known = unw_get_proc_info(cursor, &info) >= 0;
  if (unw_step(cursor) <= 0) return answer;
  answer.status = known ? STEPPED : GUESSED;
  for (int i = 0; i < STATE; i++) {
    unw_word_t value = 0;
    unw_save_loc_t place;
    unw_get_reg(cursor, in_dwarf[i], &value);
    // It gives the CFA for rsp, although it goes on from a saved rsp where there is one.
    if (i == RSP && unw_get_save_loc(cursor, UNW_X86_64_RSP, &place) == 0 && place.type == UNW_SLT_MEMORY &&
        place.u.addr != (unw_word_t)&registers[REG_RSP])
      value = *(const uint64_t *)place.u.addr;
    answer.registers[i] = value;
  }
  return answer;
}

static void ask_libunwind(ucontext_t *context, Walk *walk) {
  unw_cursor_t cursor;
  walk->count = 0;
  if (unw_init_local2(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME) < 0) die("unw_init_local2");
  for (;;) {
    const Answer answer = step_libunwind(&cursor, context->uc_mcontext.gregs);
    if (add(walk, &answer)) return;
  }
}

// libunwind has functions of the same names, so libgcc's are looked up.
static struct {
  _Unwind_Reason_Code (*backtrace)(_Unwind_Trace_Fn, void *);
  _Unwind_Ptr (*ip)(struct _Unwind_Context *);
  _Unwind_Word (*cfa)(struct _Unwind_Context *);
  _Unwind_Word (*gr)(struct _Unwind_Context *, int);
} libgcc;

static void find_libgcc(void) {
  void *library = dlopen("libgcc_s.so.1", RTLD_NOW);
  if (library == NULL) die("no libgcc_s.so.1");
  libgcc.backtrace = (_Unwind_Reason_Code(*)(_Unwind_Trace_Fn, void *))dlsym(library, "_Unwind_Backtrace");
  libgcc.ip = (_Unwind_Ptr(*)(struct _Unwind_Context *))dlsym(library, "_Unwind_GetIP");
  libgcc.cfa = (_Unwind_Word(*)(struct _Unwind_Context *))dlsym(library, "_Unwind_GetCFA");
  libgcc.gr = (_Unwind_Word(*)(struct _Unwind_Context *, int))dlsym(library, "_Unwind_GetGR");
}

typedef struct {
  uint64_t ip;
  int found, over;
  Walk *walk;
} Visit;

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *data) {
  Visit *visit = data;
  if (!visit->found) {
    visit->found = libgcc.ip(context) == visit->ip;
    return _URC_NO_REASON;
  }
  Answer answer = {STEPPED, {0}};
  for (int i = 0; i < GENERAL; i++) {
    // rsp is the CFA of the frame that was left, unless that has a rule for it. Without one it cannot be read.
    if (i == RSP) {
      sigjmp_buf outer;
      memcpy(outer, recovery, sizeof outer);
      if (sigsetjmp(recovery, 1) == 0) answer.registers[i] = libgcc.gr(context, in_dwarf[i]);
      else answer.registers[i] = libgcc.cfa(context);
      memcpy(recovery, outer, sizeof outer);
    } else {
      answer.registers[i] = libgcc.gr(context, in_dwarf[i]);
    }
  }
  answer.registers[RIP] = libgcc.ip(context);
  visit->over = add(visit->walk, &answer);
  return visit->over ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

static void ask_libgcc(uint64_t ip, Walk *walk) {
  Visit state = {ip, 0, 0, walk};
  walk->count = 0;
  libgcc.backtrace(visit, &state);
  if (!state.over) add(walk, &(Answer){FAILED, {0}});
}

// LLVM's functions have the names of the interface, which nongnu libunwind's are macros for.
static struct {
  int (*init)(void *, void *);
  int (*step)(void *);
  int (*info)(void *, void *);
  int (*reg)(void *, int, uint64_t *);
} llvm;

static void find_llvm(void) {
  void *library = dlopen("libunwind.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  llvm.init = (int (*)(void *, void *))dlsym(library, "unw_init_local");
  llvm.step = (int (*)(void *))dlsym(library, "unw_step");
  llvm.info = (int (*)(void *, void *))dlsym(library, "unw_get_proc_info");
  llvm.reg = (int (*)(void *, int, uint64_t *))dlsym(library, "unw_get_reg");
}

// It takes every pc for a return address. So it is asked from the caller that libgcc found, where that is one.
static void ask_llvm(const uint64_t *registers, Walk *walk) {
  // Its context has the registers in this order; its cursor and its unw_proc_info_t are smaller than this.
  static const int order[STATE] = {0, 3, 1, 2, 7, 6, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15, RIP};
  uint64_t context[64] = {0}, cursor[128], info[32];
  walk->count = 0;
  if (llvm.init == NULL) return;
  for (int i = 0; i < STATE; i++) context[i] = registers[order[i]];
  llvm.init(cursor, context);
  for (;;) {
    Answer answer = {FAILED, {0}};
    // It gives 0 where there is no data for this frame, and where there is none for the next.
    const int known = llvm.info(cursor, info) == 0;
    if (known && llvm.step(cursor) >= 0) {
      answer.status = STEPPED;
      for (int i = 0; i < STATE; i++) llvm.reg(cursor, in_dwarf[i], &answer.registers[i]);
    }
    if (add(walk, &answer)) return;
  }
}

static void ask(ucontext_t *context, Walk walks[ASKED]) {
  recovering = 1;
  if (sigsetjmp(recovery, 1) == 0) ask_libunwind(context, &walks[0]);
  else add(&walks[0], &(Answer){UNREADABLE, {0}});
  if (sigsetjmp(recovery, 1) == 0) ask_libgcc((uint64_t)context->uc_mcontext.gregs[REG_RIP], &walks[1]);
  else add(&walks[1], &(Answer){UNREADABLE, {0}});
  uint64_t state[STATE];
  for (int i = 0; i < STATE; i++) state[i] = (uint64_t)context->uc_mcontext.gregs[in_context[i]];
  const Answer *first = &walks[1].answers[0];
  walks[2].count = 0;
  if (levels > 1 && (first->status != STEPPED || !in_program(first->registers[RIP]))) {
    // It has left the program.
  } else if (sigsetjmp(recovery, 1) == 0) {
    ask_llvm(levels > 1 ? first->registers : state, &walks[2]);
  } else {
    add(&walks[2], &(Answer){UNREADABLE, {0}});
  }
  recovering = 0;
}

static void put_walks(const Walk walks[ASKED]) {
  for (int i = 0; i < ASKED; i++) put(&walks[i], sizeof(uint64_t) + walks[i].count * sizeof(Answer));
}

static void on_points(int signal, siginfo_t *info, void *data) {
  (void)signal, (void)info;
  ucontext_t *context = data;
  greg_t *registers = context->uc_mcontext.gregs;
  gregset_t own;
  memcpy(own, registers, sizeof own);
  while (more_points()) {
    uint64_t state[STATE];
    Walk walks[ASKED];
    read_words(state, STATE);
    for (int i = 0; i < STATE; i++) registers[in_context[i]] = (greg_t)state[i];
    store_words();
    ask(context, walks);
    clear_words();
    put_walks(walks);
    told++;
  }
  memcpy(registers, own, sizeof own);
}

static void on_step(int signal, siginfo_t *info, void *data) {
  (void)signal, (void)info;
  ucontext_t *context = data;
  const greg_t *registers = context->uc_mcontext.gregs;
  const uint64_t ip = (uint64_t)registers[REG_RIP];
  if (!in_program(ip)) return;
  steps++;
  if (visited[ip - program.begin] >= visits) return;
  visited[ip - program.begin]++;
  Walk walks[ASKED];
  ask(context, walks);
  for (int i = 0; i < STATE; i++) put_word((uint64_t)registers[in_context[i]]);
  uint64_t top = 0;
  for (int k = 0; k < ASKED; k++) {
    for (uint64_t i = 0; i < walks[k].count; i++) {
      const Answer *answer = &walks[k].answers[i];
      if (answer->status == STEPPED && answer->registers[RSP] > top) top = answer->registers[RSP];
    }
  }
  put_stack((uint64_t)registers[REG_RSP], top);
  put_walks(walks);
  told++;
}

static void on_crash(int signal, siginfo_t *info, void *data) {
  const ucontext_t *context = data;
  if (recovering) siglongjmp(recovery, 1);
  printf("signal %d at 0x%llx for 0x%llx, after %llu answers\n", signal,
         (unsigned long long)context->uc_mcontext.gregs[REG_RIP], (unsigned long long)info->si_addr,
         (unsigned long long)told);
  fflush(stdout);
  _exit(3);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  action.sa_sigaction = handler;
  sigaction(signal, &action, NULL);
}

// Calls `run` with the trap flag on.
void stepped(void (*run)(void));
__asm__(".text\n"
        ".globl stepped\n"
        "stepped:\n"
        ".cfi_startproc\n"
        "  sub $8, %rsp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "  pushfq; orl $0x100, (%rsp); popfq\n"
        "  call *%rdi\n"
        "  pushfq; andl $~0x100, (%rsp); popfq\n"
        "  add $8, %rsp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "  ret\n"
        ".cfi_endproc\n");

// The end, for cases that do not come back as well.
__attribute__((noreturn)) void end_of_walks(void) {
  __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
  flush();
  printf("{\"steps\":%llu,\"told\":%llu}\n", (unsigned long long)steps, (unsigned long long)told);
  fflush(stdout);
  _exit(0);
}

extern const uint8_t program_begin[] __asm__("__executable_start"), program_end[] __asm__("etext");

int main(int count, char **arguments) {
  if (count != 4) return 2;
  find_libgcc();
  find_llvm();
  // It finds what it keeps by the pc, whether that was a return address or not.
  unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
  static char alternative[1 << 17];
  sigaltstack(&(stack_t){.ss_sp = alternative, .ss_size = sizeof alternative}, NULL);
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (int i = 0; i < 4; i++) handle(fatal[i], on_crash);
  program = (Range){(uint64_t)program_begin, (uint64_t)program_end};
  const int made_up = strcmp(arguments[1], "points") == 0;
  output = open(arguments[made_up ? 3 : 2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (output < 0) die("cannot write");
  if (made_up) {
    points = fopen(arguments[2], "rb");
    if (points == NULL) die("no points");
    void *stack = mmap((void *)STACK_BASE, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (stack != (void *)STACK_BASE) die("no stack");
    memset(stack, STACK_FILL, STACK_BYTES);
    levels = 1;
    handle(SIGUSR1, on_points);
    raise(SIGUSR1);
  } else {
    visits = strtoull(arguments[3], NULL, 10);
    visited = calloc(1, program.end - program.begin);
    handle(SIGTRAP, on_step);
    for (int i = 0; i < case_count; i++) stepped(cases[i].run);
  }
  end_of_walks();
}
