// What the passes ask of an opcode, as bits of one column. Derived from the table of the IR, so that a new opcode needs
// nothing here unless it is an exception.

import { FORMAT_VALUES, Format, OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_LIMIT, Opcode, OpcodeFlag } from '@framewright/ir'

export const Trait = {
  /** Operands in the value pool. */
  List: 1,
  /** Branch targets, whose arguments are uses too. */
  Targets: 2,
  /** The results follow from operands and immediates; there is nothing else to see of it. */
  Pure: 4,
  /** Executed a second time with the same operands it gives the same results, or has trapped the first time. */
  Repeatable: 8,
  /** arg0 and arg1 may change places. */
  Commutative: 16,
  /** Not worth a register of its own over a distance: selection makes it again, or merges it, at each use. */
  Cheap: 32,
  /** Reads or writes memory through an address operand that selection merges. */
  Access: 64,
} as const

/** Sets of {@link Trait}, by opcode. */
export const TRAITS: Uint8Array = new Uint8Array(OPCODE_LIMIT)

/** How many of arg0, arg1, arg2 are operands, by opcode. */
export const FIXED_OPERANDS: Uint8Array = new Uint8Array(OPCODE_LIMIT)

const LISTS: readonly number[] = [
  ...[Format.Call, Format.CallIndirect, Format.MultiAry, Format.TryCall, Format.TryCallIndirect],
]
const COMMUTATIVE: readonly number[] = [
  ...[Opcode.Iadd, Opcode.Imul, Opcode.Umulhi, Opcode.Smulhi, Opcode.Band, Opcode.Bor, Opcode.Bxor],
  ...[Opcode.Smin, Opcode.Smax, Opcode.Umin, Opcode.Umax, Opcode.UaddOverflow, Opcode.SaddOverflow],
  ...[Opcode.UmulOverflow, Opcode.SmulOverflow, Opcode.UaddSat, Opcode.SaddSat, Opcode.AvgRound],
  // Not fadd and fmul: which of two NaNs comes out may depend on their order.
]
const CHEAP: readonly number[] = [
  ...[Opcode.Iconst, Opcode.F16const, Opcode.F32const, Opcode.F64const, Opcode.F128const, Opcode.Vconst],
  ...[Opcode.StackAddr, Opcode.DynamicStackAddr, Opcode.SymbolValue, Opcode.TlsValue, Opcode.FuncAddr],
  ...[Opcode.GetFramePointer, Opcode.GetReturnAddress, Opcode.Ireduce, Opcode.Uextend, Opcode.Bitcast],
]
// No flag in the table, yet not a matter of operands alone: the stack pointer is not the same everywhere.
const IMPURE: readonly number[] = [Opcode.Nop, Opcode.GetStackPointer, Opcode.GetExceptionHandlerAddress]

for (let opcode = 1; opcode < OPCODE_LIMIT; opcode++) {
  const flags = OPCODE_FLAGS[opcode]
  const format = OPCODE_FORMAT[opcode]
  FIXED_OPERANDS[opcode] = FORMAT_VALUES[format]
  let traits = 0
  if (LISTS.includes(format)) traits |= Trait.List
  if ((flags & OpcodeFlag.Branch) !== 0) traits |= Trait.Targets
  if (flags === 0 && !IMPURE.includes(opcode)) traits |= Trait.Pure | Trait.Repeatable
  if (flags === (OpcodeFlag.CanTrap | OpcodeFlag.SideEffectsIdempotent)) traits |= Trait.Repeatable
  if (COMMUTATIVE.includes(opcode)) traits |= Trait.Commutative
  if (CHEAP.includes(opcode)) traits |= Trait.Cheap
  if (format === Format.Load || format === Format.Store) traits |= Trait.Access
  TRAITS[opcode] = traits
}
