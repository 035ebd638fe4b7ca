// Runs code that was made elsewhere: maps segments at their addresses, makes the calls it is told to make, and throws,
// walks and stops inside. Segments file: address, size, bytes, and so on.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <sys/mman.h>
#include <unwind.h>

extern "C" {
void __register_frame(void *) __attribute__((weak));
void __deregister_frame(void *) __attribute__((weak));
void __unw_add_dynamic_eh_frame_section(void *) __attribute__((weak));
void __unw_remove_dynamic_eh_frame_section(void *) __attribute__((weak));
struct dwarf_eh_bases { void *tbase, *dbase, *func; };
const void *_Unwind_Find_FDE(void *, dwarf_eh_bases *) __attribute__((weak));

struct jit_code_entry { jit_code_entry *next, *prev; const char *address; uint64_t size; };
struct jit_descriptor { uint32_t version, action; jit_code_entry *relevant, *first; };
jit_descriptor __jit_debug_descriptor = {1, 0, nullptr, nullptr};
__attribute__((noinline)) void __jit_debug_register_code() { asm volatile("" ::: "memory"); }
__attribute__((noinline)) void stop_here() { asm volatile("" ::: "memory"); }
}

static uintptr_t number(const char *text) { return std::strtoull(text, nullptr, 16); }

static void load(const char *path) {
  FILE *file = std::fopen(path, "rb");
  uint64_t head[2];
  while (std::fread(head, 8, 2, file) == 2) {
    uintptr_t page = head[0] & ~4095ull;
    size_t size = (head[0] - page + head[1] + 4095) & ~4095ull;
    mmap(reinterpret_cast<void *>(page), size, PROT_READ | PROT_WRITE | PROT_EXEC,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (std::fread(reinterpret_cast<void *>(head[0]), 1, head[1], file) != head[1]) std::abort();
  }
  std::fclose(file);
}

/** Calls in words: symbol:argument,symbol:argument. */
static void make(char *calls) {
  for (char *one = std::strtok(calls, ","); one; one = std::strtok(nullptr, ",")) {
    char *colon = std::strchr(one, ':');
    *colon = 0;
    void (*function)(void *) = nullptr;
    if (!std::strcmp(one, "__register_frame")) function = __register_frame;
    if (!std::strcmp(one, "__deregister_frame")) function = __deregister_frame;
    if (!std::strcmp(one, "__unw_add_dynamic_eh_frame_section")) function = __unw_add_dynamic_eh_frame_section;
    if (!std::strcmp(one, "__unw_remove_dynamic_eh_frame_section")) function = __unw_remove_dynamic_eh_frame_section;
    if (!function) std::abort();
    function(reinterpret_cast<void *>(number(colon + 1)));
  }
}

static void quiet() {}
static void thrower() { throw std::runtime_error("through"); }

static uintptr_t begin, end;
static int inside, above;
static _Unwind_Reason_Code visit(_Unwind_Context *context, void *) {
  uintptr_t ip = _Unwind_GetIP(context);
  if (ip >= begin && ip < end) inside++;
  else if (inside) above++;
  return _URC_NO_REASON;
}
static void walk() { _Unwind_Backtrace(visit, nullptr); }

using Pass = void (*)(void (*)());
using Catch = int (*)(void (*)());
static Pass pass;
static void through_pass() { pass(thrower); }

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  load(argv[2]);
  begin = number(argv[3]);
  end = number(argv[4]);
  pass = reinterpret_cast<Pass>(begin);
  if (!std::strcmp(argv[1], "gdb")) {
    std::memcpy(&__jit_debug_descriptor, reinterpret_cast<void *>(number(argv[5])), sizeof __jit_debug_descriptor);
    __jit_debug_register_code();
    pass(stop_here);
    return 0;
  }
  make(argv[5]);
  pass(walk);
  std::printf("%d frame inside, main above: %s\n", inside, above >= 2 ? "yes" : "no");
  int kept = 0;
  for (volatile int i = 0; i < 3; i++) {
    long a = i * 3, b = i * 5;
    try { pass(thrower); } catch (const std::exception &e) { kept += a + b == i * 8; std::printf("%s %d\n", e.what(), i); }
  }
  std::printf("%d\n", kept);
  if (argc > 7) {
    auto catch_all = reinterpret_cast<Catch>(number(argv[7]));
    std::printf("%d %d %d\n", catch_all(quiet), catch_all(thrower), catch_all(through_pass));
  }
  make(argv[6]);
  dwarf_eh_bases bases;
  if (_Unwind_Find_FDE) std::printf("%s\n", _Unwind_Find_FDE(reinterpret_cast<void *>(begin + 1), &bases) ? "there" : "gone");
  return 0;
}
