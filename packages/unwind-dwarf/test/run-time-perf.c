// Maps code, and writes the jitdump file that it is given with its own process id and the time of now in every record.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1000000000ull + at.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  static unsigned char dump[65536];
  FILE *in = fopen(argv[1], "rb");
  size_t size = fread(dump, 1, sizeof dump, in);
  uint32_t pid = getpid();
  uint64_t time = now();
  memcpy(dump + 20, &pid, 4);
  memcpy(dump + 24, &time, 8);
  unsigned char *code = NULL;
  uint64_t code_size = 0, address = 0;
  uint32_t step;
  memcpy(&step, dump + 8, 4);
  for (size_t at = step; at < size; at += step) {
    uint32_t id;
    memcpy(&id, dump + at, 4);
    memcpy(&step, dump + at + 4, 4);
    time = now();
    memcpy(dump + at + 8, &time, 8);
    if (id == 0) {
      memcpy(dump + at + 16, &pid, 4);
      memcpy(dump + at + 20, &pid, 4);
      memcpy(&address, dump + at + 32, 8);
      memcpy(&code_size, dump + at + 40, 8);
      code = dump + at + step - code_size;
    }
  }
  char name[256];
  snprintf(name, sizeof name, "%s/jit-%u.dump", argv[2], pid);
  int file = open(name, O_CREAT | O_TRUNC | O_RDWR, 0666);
  if (write(file, dump, size) != (ssize_t)size) return 3;
  mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  void *place = mmap((void *)address, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  memcpy(place, code, code_size);
  for (uint64_t end = now() + strtoull(argv[3], 0, 10) * 1000000; now() < end;) ((void (*)(void))place)();
  return 0;
}
