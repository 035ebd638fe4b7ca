// Runs the vectors of an object that image.ts wrote: machine code through call.S, or, with REFERENCE, the C twins.
//
// One line of hexadecimal numbers for each vector; image.ts reads them.
#define _GNU_SOURCE // REG_RIP
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES 8192
#define FILLED_BYTES 1024
#define RETURN_AREA 4096
#define RETURN_WORDS 12

extern const uint64_t fw_functions[];
extern const uint64_t fw_vectors[];
extern const uint64_t fw_words;

_Alignas(64) unsigned char fw_arena[ARENA_BYTES];

static uint64_t seed;

static void fill(uint64_t from) {
    uint64_t state = from * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < FILLED_BYTES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        fw_arena[i] = (unsigned char)(state >> 56);
    }
    memset(fw_arena + RETURN_AREA, 0xa5, RETURN_WORDS * 8);
}

static uint64_t hash(void) {
    uint64_t result = 0xcbf29ce484222325u;
    for (int i = 0; i < FILLED_BYTES; i++) result = (result ^ fw_arena[i]) * 0x100000001b3u;
    return result;
}

static char *out, *cursor, *limit;

static void print(uint64_t value, char end) {
    char digits[16];
    int count = 0;
    do digits[count++] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    if (limit - cursor < 32) {
        fwrite(out, 1, (size_t)(cursor - out), stdout);
        cursor = out;
    }
    while (count > 0) *cursor++ = digits[--count];
    *cursor++ = end;
}

#ifdef REFERENCE

// A vector: function, arguments, which of them are relative to the arena, seed of its contents; the arguments.
static jmp_buf trapped;
void fw_trap(int code);
void fw_trap(int code) { longjmp(trapped, code); }

static const uint64_t *run(const uint64_t *at) {
    uint64_t arguments[64];
    volatile uint64_t results[RETURN_WORDS] = {0};
    const uint64_t count = at[1];
    for (uint64_t i = 0; i < count; i++) arguments[i] = at[4 + i] + ((at[2] >> i & 1) != 0 ? (uint64_t)fw_arena : 0);
    seed = at[3];
    fill(seed);
    const int code = setjmp(trapped);
    if (code == 0) ((void (*)(const uint64_t *, uint64_t *))fw_functions[at[0]])(arguments, (uint64_t *)results);
    print((uint64_t)code, ' ');
    print(hash(), ' ');
    for (int i = 0; i < RETURN_WORDS; i++) print(results[i], i == RETURN_WORDS - 1 ? '\n' : ' ');
    return at + 4 + count;
}

static void catch_traps(void) {}

#else

struct call {
    uint64_t general[16];
    uint64_t vector[32];
    uint64_t target, stack_words;
    const uint64_t *stack;
    uint64_t own_sp, sp_before, sp_after, trapped;
};

extern __attribute__((sysv_abi)) void call_machine(struct call *);
extern void call_trapped(void);

static uint64_t trap_kind, trap_pc;

// A vector: function, words of stack arguments, which registers (bits 0 to 15) and stack words (16 and up) are relative
// to the arena, seed of its contents; general registers; low halves of vector registers; stack words.
static const uint64_t *run(const uint64_t *at) {
    static uint64_t stack[64];
    struct call call, before;
    memset(&call, 0, sizeof call);
    call.target = fw_functions[at[0]];
    call.stack_words = at[1];
    call.stack = stack;
    for (int i = 0; i < 16; i++) call.general[i] = at[4 + i] + ((at[2] >> i & 1) != 0 ? (uint64_t)fw_arena : 0);
    for (int i = 0; i < 16; i++) {
        call.vector[2 * i] = at[20 + i];
        call.vector[2 * i + 1] = 0x7ff4dead00000000u + (uint64_t)i;
    }
    for (uint64_t i = 0; i < at[1]; i++)
        stack[i] = at[36 + i] + ((at[2] >> (16 + i) & 1) != 0 ? (uint64_t)fw_arena : 0);
    seed = at[3];
    fill(seed);
    before = call;
    trap_kind = trap_pc = 0;
    call_machine(&call);
    uint64_t changed = 0;
    if (!call.trapped) {
        for (int i = 0; i < 16; i++)
            if (i != 4 && call.general[i] != before.general[i]) changed |= UINT64_C(1) << i;
        for (int i = 0; i < 16; i++)
            if (memcmp(call.vector + 2 * i, before.vector + 2 * i, 16) != 0) changed |= UINT64_C(1) << (16 + i);
    }
    print(trap_kind, ' ');
    print(trap_pc - call.target, ' ');
    print(call.trapped ? 0 : call.sp_after - call.sp_before, ' ');
    print(changed, ' ');
    print(hash(), ' ');
    print(call.general[0], ' ');
    print(call.general[2], ' ');
    print(call.vector[0], ' ');
    print(call.vector[2], ' ');
    print(call.general[0] - (uint64_t)fw_arena, ' ');
    for (int i = 0; i < RETURN_WORDS; i++) {
        uint64_t word;
        memcpy(&word, fw_arena + RETURN_AREA + 8 * i, 8);
        print(word, i == RETURN_WORDS - 1 ? '\n' : ' ');
    }
    return at + 36 + at[1];
}

#ifdef _WIN32

#include <windows.h>

static LONG CALLBACK on_trap(EXCEPTION_POINTERS *info) {
    trap_kind = info->ExceptionRecord->ExceptionCode;
    trap_pc = info->ContextRecord->Rip;
    info->ContextRecord->Rip = (DWORD64)call_trapped;
    return EXCEPTION_CONTINUE_EXECUTION;
}

static void catch_traps(void) { AddVectoredExceptionHandler(1, on_trap); }

#ifdef HOST_FMA
// Those of mingw-w64 round twice (for example fmaf(-0x83.0, 0x2.68091p6, -0x9.88721p1)); CLIF's fma rounds once.
__attribute__((target("fma"))) double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
__attribute__((target("fma"))) float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#endif

#else

#include <signal.h>
#include <ucontext.h>

static void on_trap(int signal, siginfo_t *info, void *context) {
    ucontext_t *machine = context;
    (void)info;
    trap_kind = (uint64_t)signal;
    trap_pc = (uint64_t)machine->uc_mcontext.gregs[REG_RIP];
    machine->uc_mcontext.gregs[REG_RIP] = (greg_t)call_trapped;
}

static void catch_traps(void) {
    static char stack[65536];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

#endif
#endif

int main(void) {
    out = cursor = malloc(1 << 20);
    if (out == NULL) return 2;
    limit = out + (1 << 20);
    catch_traps();
    for (const uint64_t *at = fw_vectors; at < fw_vectors + fw_words;) at = run(at);
    fwrite(out, 1, (size_t)(cursor - out), stdout);
    return 0;
}
