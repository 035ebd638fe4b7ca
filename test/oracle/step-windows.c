// Single-steps functions under test on Windows (or Wine) and, before every instruction, has RtlVirtualUnwind walk their
// frames. Truth is a shadow stack, as in step-linux.c; on Windows the preserved registers are eight general ones and
// xmm6 to xmm15 in full.
//
//   step-windows MAX_STEPS
#include "step.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum { PRESERVED = 8, VECTORS = 10, TRAP_FLAG = 0x100 };
static const char *const names[PRESERVED] = {"rbx", "rbp", "r12", "r13", "r14", "r15", "rsi", "rdi"};

typedef struct {
  uint64_t ip, sp, preserved[PRESERVED];
  M128A vectors[VECTORS]; // xmm6 to xmm15
} State;

typedef struct {
  State caller; // when the function has returned
  const Entry *entry;
} Frame;

static Frame shadow[MAX_DEPTH];
static int depth;
static uint64_t steps, case_steps, max_steps, unwound, wrong, capped, without_entry;
static const char *current;

static int is_ours(uint64_t ip) { return ip - (uint64_t)text < text_size; }

static State state_of(const CONTEXT *context) {
  State state = {context->Rip, context->Rsp, {context->Rbx, context->Rbp, context->R12, context->R13, context->R14,
                                              context->R15, context->Rsi, context->Rdi}, {{0}}};
  memcpy(state.vectors, &context->Xmm6, sizeof state.vectors);
  return state;
}

static void report(uint64_t ip, int level, const char *what, uint64_t got, uint64_t want) {
  if (wrong++ < MAX_REPORTS) {
    printf("wrong: %s, at .text+0x%llx, %d frames up: %s is 0x%llx, not 0x%llx\n", current,
           (unsigned long long)(ip - (uint64_t)text), level, what, (unsigned long long)got, (unsigned long long)want);
  }
}

// A system_v function keeps fewer registers: the last two general ones and the vectors are its own.
static void compare(uint64_t ip, int level, const State *got, const Frame *frame) {
  const State *want = &frame->caller;
  const int all = frame->entry->convention == 'w';
  unwound++;
  if (got->ip != want->ip) report(ip, level, "rip", got->ip, want->ip);
  if (got->sp != want->sp) report(ip, level, "rsp", got->sp, want->sp);
  for (int i = 0; i < (all ? PRESERVED : PRESERVED - 2); i++) {
    if (got->preserved[i] != want->preserved[i]) report(ip, level, names[i], got->preserved[i], want->preserved[i]);
  }
  for (int i = 0; all && i < VECTORS; i++) {
    char name[8];
    sprintf(name, "xmm%d", 6 + i);
    if (got->vectors[i].Low != want->vectors[i].Low) report(ip, level, name, got->vectors[i].Low, want->vectors[i].Low);
    else if (got->vectors[i].High != want->vectors[i].High)
      report(ip, level, name, (uint64_t)got->vectors[i].High, (uint64_t)want->vectors[i].High);
  }
}

// One frame up. No entry means a leaf, which has the return address on top of the stack.
static void unwind(CONTEXT *context) {
  DWORD64 base = 0, establisher;
  PRUNTIME_FUNCTION function = RtlLookupFunctionEntry(context->Rip, &base, NULL);
  if (function == NULL) {
    if (is_ours(context->Rip)) without_entry++;
    context->Rip = *(const DWORD64 *)context->Rsp;
    context->Rsp += 8;
    return;
  }
  PVOID data;
  RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context->Rip, function, context, &data, &establisher, NULL);
}

static void walk(const CONTEXT *from) {
  CONTEXT context = *from;
  // Long walks only now and then: a recursion would make the test quadratic.
  const int lowest = depth > 8 && steps % 64 != 0 ? depth - 8 : 0;
  for (int level = depth, foreign = 0; level > lowest && foreign < 64;) {
    const int ours = is_ours(context.Rip);
    unwind(&context);
    if (!ours) {
      foreign++; // C between two of our frames
      continue;
    }
    level--;
    const State state = state_of(&context);
    compare(from->Rip, depth - level, &state, &shadow[level]);
    if (state.ip != shadow[level].caller.ip) return;
  }
}

static void on_entry(const CONTEXT *context) {
  for (int i = 0; i < entry_count; i++) {
    if (context->Rip != (uint64_t)text + entries[i].offset) continue;
    entry_seen[i] = 1;
    if (depth > 0 && context->Rsp + 8 >= shadow[depth - 1].caller.sp) return; // a jump to the first instruction
    if (depth == MAX_DEPTH) {
      printf("wrong: %s: too deep\n", current);
      exit(4);
    }
    Frame *frame = &shadow[depth++];
    frame->entry = &entries[i];
    frame->caller = state_of(context);
    frame->caller.ip = *(const uint64_t *)context->Rsp;
    frame->caller.sp = context->Rsp + 8;
    return;
  }
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception) {
  CONTEXT *context = exception->ContextRecord;
  if (exception->ExceptionRecord->ExceptionCode != EXCEPTION_SINGLE_STEP) {
    printf("wrong: %s: exception %lx at .text+0x%llx\n", current, exception->ExceptionRecord->ExceptionCode,
           (unsigned long long)(context->Rip - (uint64_t)text));
    fflush(stdout);
    ExitProcess(3);
  }
  while (depth > 0 && context->Rsp >= shadow[depth - 1].caller.sp) {
    const State state = state_of(context);
    depth--;
    compare((uint64_t)text + shadow[depth].entry->offset, 0, &state, &shadow[depth]);
  }
  if (is_ours(context->Rip)) {
    on_entry(context);
    steps++, case_steps++;
    text_seen[context->Rip - (uint64_t)text] = 1;
    walk(context);
  }
  if (case_steps < max_steps) context->EFlags |= TRAP_FLAG;
  else context->EFlags &= ~TRAP_FLAG;
  return EXCEPTION_CONTINUE_EXECUTION;
}

// Calls `run` with the trap flag on and a pattern in every register that it must give back. `patterns`: 16 bytes for
// each of xmm6 to xmm15.
void stepped(void (*run)(void), const uint64_t *patterns);
__asm__(".text\n"
        ".globl stepped\n"
        "stepped:\n"
        "  push %rbx; push %rbp; push %rsi; push %rdi; push %r12; push %r13; push %r14; push %r15\n"
        "  sub $0xd8, %rsp\n"
        "  movups %xmm6, 0x30(%rsp); movups %xmm7, 0x40(%rsp); movups %xmm8, 0x50(%rsp); movups %xmm9, 0x60(%rsp)\n"
        "  movups %xmm10, 0x70(%rsp); movups %xmm11, 0x80(%rsp); movups %xmm12, 0x90(%rsp)\n"
        "  movups %xmm13, 0xa0(%rsp); movups %xmm14, 0xb0(%rsp); movups %xmm15, 0xc0(%rsp)\n"
        "  movups 0x00(%rdx), %xmm6; movups 0x10(%rdx), %xmm7; movups 0x20(%rdx), %xmm8; movups 0x30(%rdx), %xmm9\n"
        "  movups 0x40(%rdx), %xmm10; movups 0x50(%rdx), %xmm11; movups 0x60(%rdx), %xmm12\n"
        "  movups 0x70(%rdx), %xmm13; movups 0x80(%rdx), %xmm14; movups 0x90(%rdx), %xmm15\n"
        "  mov $0x0b0b0b0b0b0b0b0b, %rbx; mov $0x0a0a0a0a0a0a0a0a, %rbp\n"
        "  mov $0x0606060606060606, %rsi; mov $0x0707070707070707, %rdi\n"
        "  mov $0x1212121212121212, %r12; mov $0x1313131313131313, %r13\n"
        "  mov $0x1414141414141414, %r14; mov $0x1515151515151515, %r15\n"
        "  pushfq; orl $0x100, (%rsp); popfq\n"
        "  call *%rcx\n"
        "  pushfq; andl $~0x100, (%rsp); popfq\n"
        "  movups 0x30(%rsp), %xmm6; movups 0x40(%rsp), %xmm7; movups 0x50(%rsp), %xmm8; movups 0x60(%rsp), %xmm9\n"
        "  movups 0x70(%rsp), %xmm10; movups 0x80(%rsp), %xmm11; movups 0x90(%rsp), %xmm12\n"
        "  movups 0xa0(%rsp), %xmm13; movups 0xb0(%rsp), %xmm14; movups 0xc0(%rsp), %xmm15\n"
        "  add $0xd8, %rsp\n"
        "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rdi; pop %rsi; pop %rbp; pop %rbx; ret\n");

int main(int count, char **arguments) {
  if (count != 2) return 2;
  max_steps = strtoull(arguments[1], NULL, 10);
  AddVectoredExceptionHandler(1, on_exception);
  uint64_t patterns[2 * VECTORS];
  for (int i = 0; i < 2 * VECTORS; i++) patterns[i] = 0x0101010101010101u * (uint64_t)(0x60 + i);
  for (int i = 0; i < case_count; i++) {
    current = cases[i].text;
    depth = 0;
    case_steps = 0;
    stepped(cases[i].run, patterns);
    if (case_steps >= max_steps) capped++;
  }
  uint64_t seen = 0, entered = 0;
  for (uint64_t i = 0; i < text_size; i++) seen += text_seen[i];
  for (int i = 0; i < entry_count; i++) entered += entry_seen[i];
  printf("{\"cases\":%d,\"boundaries\":%llu,\"different\":%llu,\"functions\":%d,\"entered\":%llu,\"frames\":%llu,"
         "\"withoutEntry\":%llu,\"capped\":%llu,\"wrong\":%llu}\n",
         case_count, (unsigned long long)steps, (unsigned long long)seen, entry_count, (unsigned long long)entered,
         (unsigned long long)unwound, (unsigned long long)without_entry, (unsigned long long)capped,
         (unsigned long long)wrong);
  return wrong ? 1 : 0;
}
