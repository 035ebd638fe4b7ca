// Operand words without their virtual register: what lowering adds a register to.

import {
  CONSTRAINT_ANY,
  CONSTRAINT_FIXED,
  CONSTRAINT_REGISTER,
  CONSTRAINT_TIED,
  OPERAND_CONSTRAINT_SHIFT,
  OPERAND_DEF,
  OPERAND_EARLY,
  OPERAND_FIXED_SHIFT,
  OPERAND_LATE,
} from '@framewright/regalloc'

const CONSTRAINT = OPERAND_CONSTRAINT_SHIFT
/** An input in a register. */
export const USE: number = CONSTRAINT_REGISTER << CONSTRAINT
/** An input in a register or a slot. */
export const USE_ANY: number = CONSTRAINT_ANY << CONSTRAINT
/** An input that the result replaces; emission copies it there if it is elsewhere. */
export const USE_TIED: number = CONSTRAINT_TIED << CONSTRAINT
/** Added to inputs that are read after results, or copies to fixed registers, have been written. */
export const LATE: number = OPERAND_LATE
/** A result in a register. */
export const DEF: number = OPERAND_DEF | USE
/** A result in a register or a slot: block parameters. */
export const DEF_ANY: number = OPERAND_DEF | USE_ANY
/** A register that the record may destroy before it reads its inputs. */
export const TEMPORARY: number = OPERAND_DEF | OPERAND_EARLY | USE

/** An input copied to a register just before the operation. */
export function fixedUse(register: number): number {
  return (CONSTRAINT_FIXED << CONSTRAINT) | (register << OPERAND_FIXED_SHIFT)
}

/** A result that the operation leaves in a register. */
export function fixedDef(register: number): number {
  return OPERAND_DEF | (CONSTRAINT_FIXED << CONSTRAINT) | (register << OPERAND_FIXED_SHIFT)
}
