// What the walking drivers (walk-linux.c, walk-windows.c) share: they ask this system's unwinders for one step from a given
// state of the machine, and walks.ts, which reads what they write, asks ours for the same.
//
//   walk points POINTS ANSWERS: states that somebody made up, in code of this program that is not run
//   walk steps TRACE VISITS: states as they are at every instruction while the cases of step.h run; each instruction the
//     first VISITS times
//
// Files are little-endian words of 8 bytes. A state: the general registers by their numbers, rip, and on Windows xmm0 to
// xmm15. POINTS: a state, a count, and so many pairs of address and value of words in memory, again and again. ANSWERS: a
// walk for each unwinder. TRACE: a state, the address and the size of a piece of the stack, the piece, and the walks.
// A walk: a count, and so many answers (see the drivers), one for each frame, as long as it is in the program. From a state
// that was made up only one step is taken.
#ifndef WALK_H
#define WALK_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The stack of made-up states. Words that no state has written, and those that the last one had, read as 0xcd.
enum { STACK_BYTES = 12 << 20, STACK_FILL = 0xcd };
#define STACK_BASE UINT64_C(0x1000000000)

// The code of the program.
typedef struct {
  uint64_t begin, end;
} Range;

static Range program;
static int in_program(uint64_t ip) { return ip >= program.begin && ip < program.end; }

// The most steps of a walk.
enum { MAX_LEVELS = 4 };
static uint64_t levels = MAX_LEVELS;

// Implemented by the drivers. Files may be read and written in the middle of anything, so stdio is not used for them.
static void read_words(void *words, uint64_t count);
static int more_points(void);
static void write_bytes(const void *bytes, uint64_t count);

enum { BUFFER = 1 << 20 };
static uint8_t buffer[BUFFER];
static uint64_t buffered;
static void flush(void) {
  if (buffered > 0) write_bytes(buffer, buffered);
  buffered = 0;
}
static void put(const void *bytes, uint64_t count) {
  if (buffered + count > BUFFER) flush();
  if (count > BUFFER) write_bytes(bytes, count);
  else memcpy(buffer + buffered, bytes, count), buffered += count;
}
static void put_word(uint64_t word) { put(&word, 8); }

// Words of a made-up state go into the stack, and out of it again.
typedef struct {
  uint64_t address, value;
} Stored;

static Stored *stored;
static uint64_t stored_count;
static void store_words(void) {
  static uint64_t capacity;
  read_words(&stored_count, 1);
  if (stored_count > capacity) stored = realloc(stored, (capacity = stored_count * 2) * sizeof *stored);
  read_words(stored, stored_count * 2);
  for (uint64_t i = 0; i < stored_count; i++) *(uint64_t *)stored[i].address = stored[i].value;
}
static void clear_words(void) {
  for (uint64_t i = 0; i < stored_count; i++) memset((void *)stored[i].address, STACK_FILL, 8);
}

// The piece of the stack that a step may have read: a little below the stack pointer to a little above where it ended.
static void put_stack(uint64_t from, uint64_t to) {
  enum { BELOW = 128, ABOVE = 64, MOST = 4 << 20 };
  const uint64_t begin = from - BELOW;
  const uint64_t size = to > from && to - from < MOST ? to - from + ABOVE + BELOW : ABOVE + BELOW;
  put_word(begin);
  put_word(size);
  put((const void *)begin, size);
}

#endif
