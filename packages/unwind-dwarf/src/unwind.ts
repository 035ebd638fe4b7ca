/**
 * Walks one frame: from the registers at some pc to those of the caller, as the C unwinders do it (libgcc's
 * unwind-dw2.c, LLVM's DwarfInstructions.hpp). They differ in what they accept; {@link UnwindReader} says whose limits hold.
 */

import type { ReadMemory } from '@framewright/frame-layout'
import { type Conventions, conventionsOf, type DwarfRegister } from './architecture.ts'
import type { FrameDescriptionEntry, FrameTable } from './decode.ts'
import { DwarfUnwindError, type DwarfUnwindProblem } from './errors.ts'
import { evaluateExpression } from './expression.ts'
import type { CallFrameOperation } from './operations.ts'
import { registerName } from './registers.ts'
import { type CallFrameRow, type CallFrameRule, callFrameRowAt } from './rows.ts'

/**
 * Whose walk it is. `specification`: everything that DWARF says. `libgcc`: registers above 16 are not looked at.
 * `libunwind` (LLVM's): fails on rules for xmm registers, and on val_offset. It takes every pc for a return address, also
 * that of an interrupted frame; give it the byte before. `nongnu`: libunwind 1.6, without val_offset, and fails on every
 * operation that names a register above 16, on its way to the row.
 */
export type UnwindReader = 'specification' | 'libgcc' | 'libunwind' | 'nongnu'

/** Registers by DWARF number; undefined where the value is not known. On x86-64 16 holds the pc. */
export type DwarfRegisters = readonly (bigint | undefined)[]

/** The caller's frame. */
export interface CallerFrame {
  /** x86-64: the pc in 16; the stack pointer in 7 is the CFA unless a rule says otherwise. */
  readonly registers: DwarfRegisters
  readonly pc: bigint
  readonly cfa: bigint
  /** The frame just left was interrupted: the caller's pc is exact, not a return address. */
  readonly signalFrame: boolean
}

/**
 * Walks one frame.
 *
 * @param pc - inside the entry's range: of the interrupted instruction, or the byte before a return address.
 * @throws DwarfUnwindError where the unwinder would stop or fail; `no-caller` at the outermost frame.
 */
export function unwindFrame(
  table: Pick<FrameTable, 'bytes' | 'address'>,
  entry: FrameDescriptionEntry,
  pc: bigint,
  registers: DwarfRegisters,
  memory: ReadMemory,
  reader: UnwindReader = 'specification',
): CallerFrame {
  const fail = (problem: DwarfUnwindProblem): never => {
    throw new DwarfUnwindError(problem, { in: 'frame', pc })
  }
  const { cie } = entry
  const conventions = conventionsOf(cie.architecture)
  if (reader === 'libunwind' && cie.version === 4) {
    fail({ code: 'reader-limit', reader, why: 'reads CIEs of versions 1 and 3 only' })
  }
  const nongnuCheck = (operation: CallFrameOperation): void => {
    if ('register' in operation && conventions.isPastLastColumn(operation.register)) {
      const name = registerName(operation.register, conventions.architecture)
      fail({ code: 'reader-limit', reader, why: `fails on operations that name ${name}` })
    }
  }
  const check = reader === 'nongnu' ? nongnuCheck : null
  const row = callFrameRowAt(table, entry, Number(pc - entry.begin), reader === 'libgcc', check)
  checkLimits(row, reader, conventions, fail)

  const { addressBytes } = conventions
  const address = (value: bigint): bigint => BigInt.asUintN(8 * addressBytes, value)
  const context = {
    addressBytes,
    register: (register: DwarfRegister): bigint => registers[register] ?? fail({ code: 'unknown-register', register }),
    memory: (place: bigint, bytes: number): bigint =>
      memory(address(place), bytes) ?? fail({ code: 'unreadable', address: address(place), bytes }),
  }
  if (row.cfa === null) throw new DwarfUnwindError({ code: 'row', what: 'a row without CFA' }, { in: 'frame', pc })
  if (row.cfa.rule === 'register' && row.cfa.addressSpace !== undefined) {
    fail({ code: 'row', what: `a CFA in address space ${row.cfa.addressSpace}` })
  }
  const cfa =
    row.cfa.rule === 'register'
      ? address(context.register(row.cfa.register) + BigInt(row.cfa.offset))
      : evaluateExpression(row.cfa.expression, context)

  const valueOf = (register: DwarfRegister, rule: CallFrameRule): bigint | undefined => {
    const bytes = conventions.bytesOf(register)
    switch (rule.rule) {
      case 'offset':
        return context.memory(cfa + BigInt(rule.offset), bytes)
      case 'val_offset':
        return address(cfa + BigInt(rule.offset))
      case 'register':
        return registers[rule.register]
      case 'expression':
        return context.memory(evaluateExpression(rule.expression, context, [cfa]), bytes)
      case 'val_expression':
        return evaluateExpression(rule.expression, context, [cfa])
      case 'same_value':
        return registers[register]
      case 'undefined':
        return undefined
    }
  }

  const caller = [...registers]
  // The definition of the CFA: the stack pointer of the caller.
  caller[conventions.stackPointer] = cfa
  for (const [register, rule] of row.registers) {
    if (reader === 'libgcc' && conventions.isPastLastColumn(register)) continue
    caller[register] = valueOf(register, rule)
  }
  const column = cie.returnAddressRegister
  const returnRule = row.registers.get(column)
  if (returnRule?.rule === 'undefined') fail({ code: 'no-caller' })
  const to = caller[column] ?? fail({ code: 'unknown-register', register: column })
  if (to === 0n) fail({ code: 'no-caller' })
  const returnAddress = row.returnAddressSigned === true ? withoutSignature(to) : to
  if (conventions.programCounter >= 0) caller[conventions.programCounter] = returnAddress
  caller[conventions.returnAddress] = returnAddress
  return { registers: caller, pc: returnAddress, cfa, signalFrame: cie.signalFrame }
}

/** As XPACLRI does it for addresses of 48 bits: the signature's bits become copies of bit 55. */
function withoutSignature(address: bigint): bigint {
  const low = address & 0xffff_ffff_ffffn
  return (address >> 55n) & 1n ? low | 0xffff_0000_0000_0000n : low
}

function checkLimits(
  row: CallFrameRow,
  reader: UnwindReader,
  conventions: Conventions,
  fail: (problem: DwarfUnwindProblem) => never,
): void {
  if (reader === 'specification' || reader === 'libgcc') return
  if (reader === 'libunwind' && row.cfa?.rule === 'register' && row.cfa.register === 0) {
    fail({ code: 'reader-limit', reader, why: `takes a CFA in ${registerName(0, conventions.architecture)} for none` })
  }
  for (const [register, rule] of row.registers) {
    if (rule.rule === 'val_offset') {
      fail({ code: 'reader-limit', reader, why: 'does not apply val_offset' })
    }
    if (conventions.isPastLastColumn(register)) {
      const name = registerName(register, conventions.architecture)
      fail({ code: 'reader-limit', reader, why: `fails on the rule for ${name}` })
    }
  }
}
