// What the generated table (see step.ts) tells the stepping drivers.
#ifndef STEP_H
#define STEP_H

#include <stdint.h>

// A call of the code under test, made by ordinary C.
typedef struct {
  const char *text;
  void (*run)(void);
} Case;

// A function under test, by its offset in .text; `convention` is 's' for system_v, 'w' for windows_fastcall.
typedef struct {
  const char *name;
  uint64_t offset;
  char convention;
} Entry;

extern const Case cases[];
extern const int case_count;
extern const Entry entries[];
extern const int entry_count;
extern const uint8_t *const text;
extern const uint64_t text_size;
extern uint8_t text_seen[]; // text_size bytes: 1 where an instruction began
extern uint8_t entry_seen[]; // entry_count bytes

enum { MAX_DEPTH = 1024, MAX_REPORTS = 20 };

#endif
