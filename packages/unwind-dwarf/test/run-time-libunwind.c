// As run-time-driver.cc, for nongnu libunwind: registers a structure, and walks.

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uintptr_t begin, end;

static void walk(void) {
  unw_context_t context;
  unw_cursor_t cursor;
  unw_getcontext(&context);
  unw_init_local(&cursor, &context);
  int inside = 0;
  do {
    unw_word_t ip, offset;
    char name[64] = "?";
    unw_get_reg(&cursor, UNW_REG_IP, &ip);
    if (ip >= begin && ip < end) {
      inside = 1;
      printf("inside ");
      continue;
    }
    unw_get_proc_name(&cursor, name, sizeof name, &offset);
    if (inside && !strcmp(name, "main")) {
      printf("main\n");
      return;
    }
  } while (unw_step(&cursor) > 0);
  printf("lost\n");
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  FILE *file = fopen(argv[1], "rb");
  uint64_t head[2];
  while (fread(head, 8, 2, file) == 2) {
    uintptr_t page = head[0] & ~4095ull;
    mmap((void *)page, (head[0] - page + head[1] + 4095) & ~4095ull, PROT_READ | PROT_WRITE | PROT_EXEC,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (fread((void *)head[0], 1, head[1], file) != head[1]) abort();
  }
  begin = strtoull(argv[2], 0, 16);
  end = strtoull(argv[3], 0, 16);
  unw_dyn_info_t *info = (unw_dyn_info_t *)strtoull(argv[4], 0, 16);
  if (strtoull(argv[5], 0, 16) != sizeof *info) return 3;
  void (*pass)(void (*)(void)) = (void (*)(void (*)(void)))begin;
  pass(walk);
  _U_dyn_register(info);
  pass(walk);
  _U_dyn_cancel(info);
  unw_flush_cache(unw_local_addr_space, begin, end);
  pass(walk);
  return 0;
}
