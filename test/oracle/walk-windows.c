// See walk.h. An answer: a word (one of Status), the state of the caller, the
// establisher's frame, the handler and its data, and where the xmm and the general registers were read.
#include "step.h"
#include "walk.h"
#include <stdio.h>
#include <windows.h>

enum { GENERAL = 16, RIP = 16, VECTORS = 16, TRAP_FLAG = 0x100 };

typedef struct {
  uint64_t registers[GENERAL], rip;
  uint64_t vectors[2 * VECTORS];
} State;

// LEAF: no entry in the function table. FAILED: the unwinder read what cannot be read.
typedef enum { STEPPED, LEAF, FAILED } Status;

typedef struct {
  uint64_t status;
  State caller;
  uint64_t establisher, handler, handler_data;
  KNONVOLATILE_CONTEXT_POINTERS saved;
} Answer;

typedef struct {
  uint64_t count;
  Answer answers[MAX_LEVELS];
} Walk;

static HANDLE output;
static volatile int stepping;
static uint64_t visits, steps, told;
static uint8_t *visited;

static void die(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  ExitProcess(4);
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
  DWORD written;
  if (!WriteFile(output, bytes, (DWORD)count, &written, NULL) || written != count) die("cannot write");
}

static State state_of(const CONTEXT *context) {
  State state;
  memcpy(state.registers, &context->Rax, sizeof state.registers); // Rax to R15 lie there by number
  state.rip = context->Rip;
  memcpy(state.vectors, &context->Xmm0, sizeof state.vectors);
  return state;
}

// Where to go on when the unwinder has raised an exception.
static CONTEXT recovery;
static volatile int asking, faulted;

static void step(CONTEXT *context, Answer *answer) {
  DWORD64 base = 0, establisher = 0;
  PVOID data = NULL;
  PRUNTIME_FUNCTION function = RtlLookupFunctionEntry(context->Rip, &base, NULL);
  if (function == NULL) {
    answer->status = LEAF;
    context->Rip = *(const DWORD64 *)context->Rsp;
    context->Rsp += 8;
    return;
  }
  answer->status = STEPPED;
  answer->handler = (uint64_t)RtlVirtualUnwind(UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER, base, context->Rip, function, context,
                                               &data, &establisher, &answer->saved);
  answer->establisher = establisher;
  if (answer->handler != 0) answer->handler_data = (uint64_t)data;
}

static void ask(const CONTEXT *from, Walk *walk) {
  static CONTEXT context;
  context = *from;
  walk->count = 0;
  do {
    Answer *answer = &walk->answers[walk->count++];
    memset(answer, 0, sizeof *answer);
    faulted = 0;
    RtlCaptureContext(&recovery);
    if (!faulted) {
      asking = 1;
      step(&context, answer);
      asking = 0;
      answer->caller = state_of(&context);
    } else {
      memset(answer, 0, sizeof *answer);
      answer->status = FAILED;
      return;
    }
  } while (walk->count < levels && in_program(context.Rip));
}

static void put_walk(const Walk *walk) { put(walk, sizeof(uint64_t) + walk->count * sizeof(Answer)); }

static void answer_points(void) {
  CONTEXT context;
  memset(&context, 0, sizeof context);
  while (more_points()) {
    State state;
    read_words(&state, sizeof state / 8);
    memcpy(&context.Rax, state.registers, sizeof state.registers);
    context.Rip = state.rip;
    memcpy(&context.Xmm0, state.vectors, sizeof state.vectors);
    store_words();
    Walk walk;
    ask(&context, &walk);
    clear_words();
    put_walk(&walk);
    told++;
  }
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *exception) {
  CONTEXT *context = exception->ContextRecord;
  const DWORD code = exception->ExceptionRecord->ExceptionCode;
  if (asking) {
    faulted = 1, asking = 0;
    *context = recovery;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  if (code == EXCEPTION_ACCESS_VIOLATION || code == EXCEPTION_ILLEGAL_INSTRUCTION) {
    printf("exception %lx at 0x%llx, after %llu answers\n", code, (unsigned long long)context->Rip, (unsigned long long)told);
    fflush(stdout);
    ExitProcess(3);
  }
  if (code != EXCEPTION_SINGLE_STEP) return EXCEPTION_CONTINUE_SEARCH; // one of the program's own
  if (in_program(context->Rip)) {
    steps++;
    uint8_t *seen = &visited[context->Rip - program.begin];
    if (*seen < visits) {
      ++*seen;
      const State state = state_of(context);
      Walk walk;
      ask(context, &walk);
      put(&state, sizeof state);
      put_stack(context->Rsp, walk.answers[walk.count - 1].caller.registers[4]);
      put_walk(&walk);
      told++;
    }
  }
  if (stepping) context->EFlags |= TRAP_FLAG; // the system clears it
  return EXCEPTION_CONTINUE_EXECUTION;
}

// Calls `run` with the trap flag on.
void stepped(void (*run)(void));
__asm__(".text\n"
        ".globl stepped\n"
        "stepped:\n"
        ".seh_proc stepped\n"
        "  sub $0x28, %rsp\n"
        ".seh_stackalloc 0x28\n"
        ".seh_endprologue\n"
        "  pushfq; orl $0x100, (%rsp); popfq\n"
        "  call *%rcx\n"
        "  pushfq; andl $~0x100, (%rsp); popfq\n"
        "  add $0x28, %rsp\n"
        "  ret\n"
        ".seh_endproc\n");

// What code of Microsoft's convention calls for large frames, with the size in rax: touches every page down to there.
__asm__(".globl __chkstk\n"
        "__chkstk:\n"
        "  jmp ___chkstk_ms\n");

static Range text_of_program(void) {
  const uint8_t *base = (const uint8_t *)GetModuleHandle(NULL);
  const IMAGE_NT_HEADERS *headers = (const void *)(base + ((const IMAGE_DOS_HEADER *)base)->e_lfanew);
  const IMAGE_SECTION_HEADER *section = IMAGE_FIRST_SECTION(headers);
  for (int i = 0; i < headers->FileHeader.NumberOfSections; i++, section++) {
    const uint64_t begin = (uint64_t)base + section->VirtualAddress;
    if (memcmp(section->Name, ".text", 6) == 0) return (Range){begin, begin + section->Misc.VirtualSize};
  }
  die("no .text");
  return (Range){0, 0};
}

// The end, for cases that do not come back as well.
__attribute__((noreturn)) void end_of_walks(void) {
  stepping = 0;
  __asm__ volatile("" ::: "memory"); // the last step adds to the buffer
  flush();
  printf("{\"steps\":%llu,\"told\":%llu}\n", (unsigned long long)steps, (unsigned long long)told);
  fflush(stdout);
  ExitProcess(0);
}

int main(int count, char **arguments) {
  if (count != 4) return 2;
  AddVectoredExceptionHandler(1, on_exception);
  program = text_of_program();
  const int made_up = strcmp(arguments[1], "points") == 0;
  output = CreateFileA(arguments[made_up ? 3 : 2], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  if (output == INVALID_HANDLE_VALUE) die("cannot write");
  if (made_up) {
    points = fopen(arguments[2], "rb");
    if (points == NULL) die("no points");
    void *stack = VirtualAlloc((void *)STACK_BASE, STACK_BYTES, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (stack != (void *)STACK_BASE) die("no stack");
    memset(stack, STACK_FILL, STACK_BYTES);
    levels = 1;
    answer_points();
  } else {
    visits = strtoull(arguments[3], NULL, 10);
    visited = calloc(1, program.end - program.begin);
    for (int i = 0; i < case_count; i++) {
      stepping = 1;
      stepped(cases[i].run);
      stepping = 0;
    }
  }
  end_of_walks();
}
