// What adding an instruction asks of its opcode, in one word: one load where the tables would cost a dozen.
//
//   | 14..10 set of the controlling type | 9 has a controlling type | 8 plain | 6 terminator |
//   | 5..4 operand that gives the controlling type + 1, 0 = none | 3..2 results | 1..0 fixed operands |
//
// Plain: all operands and results have the controlling type. Results of calls are not counted: their signatures say.

import { FORMAT_VALUES } from '../format.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_LIMIT, OpcodeFlag } from '../opcode.ts'
import {
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  Derived,
  OPERAND_CONSTRAINTS,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
} from '../type-constraints.ts'

/** The fields of a word, as masks and shifts. */
export const ShapeField = {
  Fixed: 0x3,
  ResultsShift: 2,
  OperandShift: 4,
  Terminator: 0x40,
  Plain: 0x100,
  Controlled: 0x200,
  SetShift: 10,
} as const

/** Words as drawn above, by opcode. */
export const OPCODE_SHAPES: Int32Array = new Int32Array(OPCODE_LIMIT)
for (let opcode = 1; opcode < OPCODE_LIMIT; opcode++) {
  const fixed = FORMAT_VALUES[OPCODE_FORMAT[opcode]]
  const results = Math.max(0, RESULT_COUNT[opcode])
  const flags = OPCODE_FLAGS[opcode]
  const set = CONTROLLING_SET[opcode]
  let plain = set >= 0
  for (let i = 0; i < fixed; i++) plain &&= OPERAND_CONSTRAINTS[3 * opcode + i] === Derived.Same
  for (let i = 0; i < results; i++) plain &&= RESULT_CONSTRAINTS[2 * opcode + i] === Derived.Same
  OPCODE_SHAPES[opcode] =
    fixed |
    (results << ShapeField.ResultsShift) |
    ((CONTROLLING_OPERAND[opcode] + 1) << ShapeField.OperandShift) |
    ((flags & OpcodeFlag.Terminator) !== 0 ? ShapeField.Terminator : 0) |
    (plain ? ShapeField.Plain : 0) |
    (set >= 0 ? ShapeField.Controlled | (set << ShapeField.SetShift) : 0)
}
