// What the allocator and its caller have in common: machine code as words, points, constraints and locations.
// Nothing here knows a target: registers are numbers 0..31, and what they are called is the caller's affair.
//
// Machine code is one Int32Array of records, filled downwards while the caller walks the function backwards. So a
// record further on in the program has the higher index, and an index is a place in program order.
//
//   word 0 of a record   | 31..20 words | 19..10 operands | 9..0 operation |     `words` counts the two header words
//   word 1               private to the caller
//   words 2..            the operands, then what is private to the caller
//
//   operand  | 31 | 30    | 29    | 28  | 27   | 26..22         | 21..20     | 19..0                         |
//            | -  | const | early | def | late | fixed register | constraint | virtual register -> location  |
//
// Program points: the record at word index h has the point p = 2h. Inputs are read at p; results are written at p+1.
// A record has two header words at least, so that p+2 still lies before the next record.
//
//   operand                      where it may be                                        its range at this record
//   register                     a register                                             input: up to p+1
//   any                          a register or a slot                                   input: up to p+1
//   tied (inputs)                anywhere; hinted to be where the record's first        up to p+1
//                                result is, and the other way round
//   fixed (inputs)               anywhere; the EMITTER copies it to the fixed register  up to p+1
//   any of these, late           read after results may have been written               up to p+2
//   register or any, def                                                                from p+1
//   register, early def          written before inputs are read: temporaries            from p
//   fixed, def                   anywhere; the EMITTER copies it there from the fixed   from p+2
//                                register, after the record
//   def without use              register: a register of its own                        p+1 (early: p) up to p+2
//                                any: nowhere; fixed: its fixed register, hence no copy
//   parameter of a block         def of constraint any, in the block's first record     from p

/** Words before the first operand of a record. */
export const RECORD_HEADER_WORDS = 2
/** In the first header word: the operation. */
export const RECORD_OPERATION_MASK = 0x3ff
/** In the first header word: where the number of operands begins. */
export const RECORD_OPERANDS_SHIFT = 10
/** The number of operands, shifted down. */
export const RECORD_OPERANDS_MASK = 0x3ff
/** In the first header word: where the length of the record in words begins. */
export const RECORD_WORDS_SHIFT = 20

/** The virtual register of an operand word, and after allocation its location. */
export const OPERAND_VREG_MASK = 0xfffff
/** Where the constraint begins. */
export const OPERAND_CONSTRAINT_SHIFT = 20
/** The constraint, shifted down. */
export const OPERAND_CONSTRAINT_MASK = 3
/** Where the fixed register begins. */
export const OPERAND_FIXED_SHIFT = 22
/** The fixed register, shifted down. */
export const OPERAND_FIXED_MASK = 31
/** An input that is read after results may have been written. */
export const OPERAND_LATE: number = 1 << 27
/** A result. */
export const OPERAND_DEF: number = 1 << 28
/** A result that is written before inputs are read. */
export const OPERAND_EARLY: number = 1 << 29
/** Not a virtual register: the allocator leaves the word alone. */
export const OPERAND_CONST: number = 1 << 30

/** Must be in a register. */
export const CONSTRAINT_REGISTER = 0
/** In a register or a slot. */
export const CONSTRAINT_ANY = 1
/** An input that the record's first result should replace. */
export const CONSTRAINT_TIED = 2
/** Read from, or written to, the fixed register of the word; the value itself may live anywhere. */
export const CONSTRAINT_FIXED = 3

/** Registers are locations 0..31. */
export const REGISTER_COUNT = 32
/** A parameter that nothing reads: write it nowhere. */
export const LOCATION_NOWHERE = 63
/** Slot n of the frame, 8 bytes each, is location 64 + n. */
export const LOCATION_SLOT = 64

/** Edge moves at the start of a block that has one predecessor. */
export const MOVE_BLOCK_START = 0
/** Stores of what the previous record has defined. */
export const MOVE_SPILL = 1
/** Moves of values that change their place between two records. */
export const MOVE_SPLIT = 2
/** Edge moves at the jump that ends a block with one successor: one parallel move together with its arguments. */
export const MOVE_JUMP = 3

/** At most this many virtual registers in one function. */
export const VREG_LIMIT: number = 1 << 20

/** What the allocator may use. Bit r of a mask is register r. Scratch registers of the emitter are in neither list. */
export interface RegisterEnvironment {
  /** Registers in the order in which they are preferred; element 0 for class 0 (integer), 1 for class 1 (float). */
  readonly order: readonly [Int32Array, Int32Array]
  /** Registers that cost a save and a restore once they are used. */
  readonly calleeSaved: number
}

/**
 * Control flow. Blocks are numbered in emission order: 0 is the entry, and the immediate dominator of a block precedes
 * it. Every block can be reached. Irreducible loops may occur. An edge from a block with several successors to a block
 * with several predecessors is to be split by a block of its own. The arrays may be longer than is used, and belong to
 * the caller.
 */
export interface BlockGraph {
  count: number
  /** Successors of block b: `successors[successorStart[b]]` up to `successors[successorStart[b + 1] - 1]`. */
  successorStart: Int32Array
  successors: Int32Array
}
