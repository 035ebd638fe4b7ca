// The tables of intervals, ranges and uses: rows of words, each table one array.
//
// Rows, and not a column for each property, because allocation jumps from interval to interval and reads most of a row
// each time. As columns, with nothing else changed, bench/regalloc.mjs took 1 to 7 % longer at every size.
//
//   interval (16 words)   its number is the row; virtual register v is interval v, pieces that were split off follow
//   range (8 words)       its number is the index of its row's first word
//   use (4 words)         its number is the index of its row's first word; definitions are uses, too
//
// "None" is -1 everywhere.

export const INTERVAL_SHIFT = 4
/** A list of ranges, rising, and where the last one ends. */
export const FIRST_RANGE = 0
export const END = 1
/** A list of uses, rising; and the first use of that list that is no longer this interval's. */
export const FIRST_USE = 2
export const USES_END = 3
/** A register 0..31, LOCATION_SLOT for the slot of the virtual register, or none yet. */
export const LOCATION = 4
/** The place that would save a copy after, and before: a virtual register, or HINT_REGISTER - register. */
export const HINT_AFTER = 5
export const HINT_BEFORE = 6
export const CLASS = 7
/** The virtual register, and the next piece of it. */
export const ROOT = 8
export const NEXT_PIECE = 9
/** In a register: the first use at or behind the current record, and the point of the use before. */
export const CURSOR = 10
export const LAST_USE = 11
/** Of a virtual register: the bit for it in the rows of live values, and the location of its slot or 0. */
export const ROW_BIT = 12
export const SLOT = 13

export const RANGE_WORDS = 8
/** [from, to); `from` is OPEN while its start is not met yet. */
export const FROM = 0
export const TO = 1
export const NEXT_RANGE = 2
/** In a register: the next range there, and the interval that this one belongs to. */
export const NEXT_BUSY = 3
export const OWNER = 4

export const USE_WORDS = 4
/** The point of the record. */
export const POINT = 0
/** The index of the operand word, shifted left by USE_WORD_SHIFT, and flags. */
export const WORD = 1
export const NEXT_USE = 2

export const USE_WORD_SHIFT = 4
/** Must be in a register. */
export const USE_IN_REGISTER = 1
/** Read up to point + 2. */
export const USE_LATE = 2
export const USE_DEF = 4
/** A definition of constraint any. */
export const USE_ANY_DEF = 8

export const OPEN = -1
/** A hint at register r is HINT_REGISTER - r; at a virtual register, its number. */
export const HINT_REGISTER = -2
