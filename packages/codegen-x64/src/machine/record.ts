// The words of a machine record that are private to the code generator: the second header word. The first one, and the operand words,
// are laid out by `@framewright/regalloc` (interface.ts).
//
//  header word 1 | 31      | 30..23    | 22..20 | 19..17  | 16    | 15   | 14..13 | 12..10 | 9..8 | 7..6 | 5 | 4..0 |
//                | float64 | trap code |   -    | address | index | base | scale  | source | size | 7 6 | exact | cond |
//
// - cond: hardware condition 0..15, or FLOAT_EQ, FLOAT_NE.
// - exact: an 8- or 16-bit operation must have that size (its flags are read); otherwise it may be done in 32 bits.
// - size: log2 of the operand size in bytes: 8, 16, 32, 64 bits. For floats 2 = f32, 3 = f64.
// - source: where the last input comes from.
// - address: what a memory operand is relative to; base and index say which operand words are there.
// - trap code: 0 = cannot trap.

export const COND_MASK: number = 31
/** Ordered and equal: zero flag set and parity clear. */
export const FLOAT_EQ: number = 16
/** Unordered or not equal: zero flag clear or parity set. */
export const FLOAT_NE: number = 17

export const EXACT: number = 1 << 5

export const SIZE_SHIFT: number = 8
export const SIZE_8: number = 0 << 8
export const SIZE_16: number = 1 << 8
export const SIZE_32: number = 2 << 8
export const SIZE_64: number = 3 << 8

/** Where the last input of a record comes from. */
export const Source = {
  operand: 0,
  immediate: 1,
  memory: 2,
  pool: 3,
  memoryImmediate: 4,
} as const

export const SOURCE_SHIFT: number = 10
export const SOURCE_MASK: number = 7 << 10
/** The last input is an operand word. */
export const SOURCE_OPERAND: number = Source.operand << 10
/** It is a sign-extended 32-bit immediate, the record's last payload word. */
export const SOURCE_IMMEDIATE: number = Source.immediate << 10
/** It is memory: base and index operands as flagged, then payload words by address kind. */
export const SOURCE_MEMORY: number = Source.memory << 10
/** It is a constant from the pool: the last two payload words, low and high half. */
export const SOURCE_POOL: number = Source.pool << 10
/** Stores: memory written, an immediate as last payload word after the displacement. */
export const SOURCE_MEMORY_IMMEDIATE: number = Source.memoryImmediate << 10

export const SCALE_SHIFT: number = 13
export const HAS_BASE: number = 1 << 15
export const HAS_INDEX: number = 1 << 16

/** What a memory operand is relative to. */
export const Address = {
  plain: 0,
  slot: 1,
  incoming: 2,
  outgoing: 3,
  symbol: 4,
} as const

export const ADDRESS_SHIFT: number = 17
export const ADDRESS_MASK: number = 7 << 17
/** Base, index and displacement. Payload: displacement. */
export const ADDRESS_PLAIN: number = Address.plain << 17
/** The stack-slot area. Payload: offset in it. Index allowed. */
export const ADDRESS_SLOT: number = Address.slot << 17
/** The caller's outgoing arguments. Payload: offset from the word above the return address. */
export const ADDRESS_INCOMING: number = Address.incoming << 17
/** This function's outgoing arguments. Payload: offset from the bottom of the frame. */
export const ADDRESS_OUTGOING: number = Address.outgoing << 17
/** rip-relative. Payload: symbol, addend. */
export const ADDRESS_SYMBOL: number = Address.symbol << 17

export const TRAP_SHIFT: number = 23
export const FLOAT64: number = 1 << 31
