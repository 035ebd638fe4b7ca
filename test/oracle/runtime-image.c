// Does with the function tables of Windows (or Wine) what a plan says, line by line, and prints what came of it:
//
//   addresses                     of functions that the image calls, for the maker of the image
//   map ADDRESS SIZE              memory for the image
//   write ADDRESS FILE            a file's bytes to that address
//   call NAME ARGUMENT...         a function of ntdll; `&handle`, `handle` and `callback` stand for what they say
//   lookup PC                     RtlLookupFunctionEntry
//   run ADDRESS                   calls a function of the image, which calls `callee`
//   guard ADDRESS                 calls one that calls `raise` and takes the exception; prints what it returns
//
// Numbers are hexadecimal.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static uint64_t table_address, table_count, image_base;
static int handler_calls;
static void *handle;

enum { MAGIC = 0x600d };

// Calls its argument with MAGIC in rbx, which the callee of the image must find again.
int run_in_frame(void (*function)(void));
__asm__(".text\n"
        ".globl run_in_frame\n"
        ".seh_proc run_in_frame\n"
        "run_in_frame:\n"
        "  push %rbx\n"
        "  .seh_pushreg %rbx\n"
        "  sub $32, %rsp\n"
        "  .seh_stackalloc 32\n"
        "  .seh_endprologue\n"
        "  mov $0x600d, %ebx\n"
        "  call *%rcx\n"
        "  nop\n"
        "  add $32, %rsp\n"
        "  pop %rbx\n"
        "  ret\n"
        ".seh_endproc\n");

// Walks to the frame that called the image's function, and raises an exception that the image's handler may take.
static void callee(void) {
  CONTEXT context;
  RtlCaptureContext(&context);
  for (int level = 0; level < 3; level++) {
    DWORD64 base = 0, establisher;
    PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(context.Rip, &base, NULL);
    if (level == 1) {
      printf("  from +%llx: %s", (unsigned long long)(context.Rip - image_base), entry == NULL ? "no entry" : "");
      if (entry == NULL) {
        printf("\n");
        return;
      }
    }
    if (level == 2) {
      const int there = context.Rip - (uint64_t)run_in_frame < 64;
      printf("%s, rbx %llx\n", there ? "to the caller" : "lost", (unsigned long long)context.Rbx);
      break;
    }
    PVOID data;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context.Rip, entry, &context, &data, &establisher, NULL);
  }
  handler_calls = 0;
  ULONG_PTR argument = 1;
  RaiseException(0xE0001234, 0, 1, &argument);
  printf("  went on, handler called %d times\n", handler_calls);
}

static EXCEPTION_DISPOSITION handler(EXCEPTION_RECORD *record, void *frame, CONTEXT *context, DISPATCHER_CONTEXT *dispatcher) {
  (void)frame, (void)context, (void)dispatcher;
  if (record->ExceptionCode != 0xE0001234) return ExceptionContinueSearch;
  handler_calls++;
  return ExceptionContinueExecution;
}

static void raise(void) { RaiseException(0xE0001235, EXCEPTION_NONCONTINUABLE, 0, NULL); }

// What nobody in the image takes.
static LONG CALLBACK last_chance(EXCEPTION_POINTERS *pointers) {
  if (pointers->ExceptionRecord->ExceptionCode != 0xE0001234) return EXCEPTION_CONTINUE_SEARCH;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static PRUNTIME_FUNCTION CALLBACK find(DWORD64 pc, PVOID context) {
  (void)context;
  PRUNTIME_FUNCTION entries = (PRUNTIME_FUNCTION)table_address;
  for (uint64_t i = 0; i < table_count; i++) {
    if (pc - image_base >= entries[i].BeginAddress && pc - image_base < entries[i].EndAddress) return &entries[i];
  }
  return NULL;
}

static uint64_t number(const char *text) {
  if (strcmp(text, "&handle") == 0) return (uint64_t)&handle;
  if (strcmp(text, "handle") == 0) return (uint64_t)handle;
  if (strcmp(text, "callback") == 0) return (uint64_t)find;
  return strtoull(text, NULL, 16);
}

typedef uint64_t (*Function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

int main(int argc, char **argv) {
  (void)argc;
  FILE *plan = fopen(argv[1], "r");
  char line[1024];
  SetUnhandledExceptionFilter(last_chance);
  setvbuf(stdout, NULL, _IONBF, 0);
  while (fgets(line, sizeof line, plan) != NULL) {
    char *words[10] = {0};
    int count = 0;
    for (char *word = strtok(line, " \r\n"); word != NULL && count < 10; word = strtok(NULL, " \r\n")) words[count++] = word;
    if (count == 0) continue;
    if (strcmp(words[0], "addresses") == 0) {
      void *language = (void *)GetProcAddress(GetModuleHandleA("ntdll"), "__C_specific_handler");
      printf("callee %llx\nhandler %llx\nraise %llx\n__C_specific_handler %llx\n", (unsigned long long)(uint64_t)callee,
             (unsigned long long)(uint64_t)handler, (unsigned long long)(uint64_t)raise,
             (unsigned long long)(uint64_t)language);
    } else if (strcmp(words[0], "map") == 0) {
      image_base = number(words[1]);
      void *memory = VirtualAlloc((void *)image_base, number(words[2]), MEM_RESERVE | MEM_COMMIT, PAGE_EXECUTE_READWRITE);
      printf("map %s\n", (uint64_t)memory == image_base ? "ok" : "failed");
    } else if (strcmp(words[0], "table") == 0) {
      table_address = number(words[1]), table_count = number(words[2]);
    } else if (strcmp(words[0], "write") == 0) {
      static char bytes[1 << 16];
      FILE *file = fopen(words[2], "rb");
      const size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
      memcpy((void *)number(words[1]), bytes, size);
      printf("write %d\n", (int)size);
      if (file != NULL) fclose(file);
    } else if (strcmp(words[0], "call") == 0) {
      uint64_t a[6] = {0};
      for (int i = 2; i < count; i++) a[i - 2] = number(words[i]);
      Function function = (Function)(void *)GetProcAddress(GetModuleHandleA("ntdll"), words[1]);
      const uint64_t result = function == NULL ? 0 : function(a[0], a[1], a[2], a[3], a[4], a[5]);
      printf("%s %llx\n", words[1], (unsigned long long)(uint32_t)result);
    } else if (strcmp(words[0], "lookup") == 0) {
      DWORD64 base = 0;
      PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(number(words[1]), &base, NULL);
      if (entry == NULL) printf("lookup none\n");
      else printf("lookup +%lx..+%lx of %llx\n", entry->BeginAddress, entry->EndAddress, (unsigned long long)base);
    } else if (strcmp(words[0], "run") == 0) {
      printf("run\n");
      run_in_frame((void (*)(void))number(words[1]));
      printf("  back\n");
    } else if (strcmp(words[0], "guard") == 0) {
      printf("guard %x\n", run_in_frame((void (*)(void))number(words[1])));
    } else printf("unknown %s\n", words[0]);
  }
  return 0;
}
