/** Finds the row of a pc, and walks one frame with it, as stack tracers do. */

import type { MachineState, ReadMemory, Register, UnwindImage } from '@framewright/frame-layout'
import type { SFrameStarts } from './assemble.ts'
import { SFRAME_F_FDE_SORTED } from './constants.ts'
import { decodeSFrameTables, type SFrameFunction, type SFrameTable } from './decode.ts'
import { SFrameError, type SFrameProblem } from './errors.ts'
import { readRows } from './read-rows.ts'
import type { SFrameRow, SFrameRule } from './row.ts'

/** A state that a walk came to. */
export interface SFrameMachineState extends MachineState {
  /** The pc is a return address: it is looked up for the byte before it. */
  readonly afterCall?: boolean
}

/** What describes a pc. */
export interface FoundRow {
  readonly table: SFrameTable
  readonly fn: SFrameFunction
  readonly row: SFrameRow
}

/** The tables in an image, read up to their rows. @throws SFrameError */
export function sframeTables(image: UnwindImage, starts: SFrameStarts): SFrameTable[] {
  // Ours with starts from the field say so themselves.
  const unsaid = starts === 'section' ? 'section' : 'assembler'
  return image.sections
    .filter(({ name }) => name === '.sframe')
    .flatMap(({ bytes, address }) => decodeSFrameTables(bytes, { address, starts: unsaid }))
}

/** @returns null where no function covers the pc. @throws SFrameError on malformed rows. */
export function findRow(table: SFrameTable, pc: bigint): FoundRow | null {
  const fn = functionAt(table, pc)
  if (fn === null) return null
  const offset = Number(pc - fn.begin)
  const at = fn.repeat === 0 ? offset : offset % fn.repeat
  // The first row is at 0.
  const row = readRows(table, fn).findLast((one) => one.at <= at)!
  return { table, fn, row }
}

function functionAt({ functions, flags }: SFrameTable, pc: bigint): SFrameFunction | null {
  const covers = ({ begin, size, rows }: SFrameFunction): boolean =>
    rows > 0 && pc >= begin && pc < begin + BigInt(size)
  if ((flags & SFRAME_F_FDE_SORTED) === 0) return functions.find(covers) ?? null
  let low = 0
  let high = functions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (functions[middle]!.begin <= pc) low = middle + 1
    else high = middle
  }
  const last = functions[low - 1]
  return last !== undefined && covers(last) ? last : null
}

const MASK_64 = (1n << 64n) - 1n

/**
 * Walks one frame. Of the caller's registers only the pc, SP and the frame pointer are known afterwards.
 *
 * @throws SFrameError where a stack tracer stops.
 */
export function unwindFrame(
  frame: SFrameMachineState,
  image: UnwindImage,
  memory: ReadMemory,
  starts: SFrameStarts,
): SFrameMachineState {
  const tables = sframeTables(image, starts)
  const { programCounter } = (tables[0] ?? missing()).abi.architecture
  const pc = frame.registers[programCounter]
  if (pc === undefined) throw new SFrameError({ code: 'unknown-register', register: 'pc' })
  const lookup = frame.afterCall === true ? pc - 1n : pc
  for (const table of tables) {
    const found = findRow(table, lookup)
    if (found !== null) return step(frame, found, memory, pc)
  }
  throw new SFrameError({ code: 'no-entry', pc }, { in: 'frame', pc })
}

function missing(): never {
  throw new SFrameError({ code: 'malformed', why: 'the image has no section .sframe' })
}

function step(
  frame: SFrameMachineState,
  { table, fn, row }: FoundRow,
  memory: ReadMemory,
  pc: bigint,
): SFrameMachineState {
  const { architecture, fixedReturnAddress, bigEndian } = table.abi
  const { stackPointer, framePointer, returnAddress, programCounter } = architecture
  const fail = (problem: SFrameProblem): never => {
    throw new SFrameError(problem, { in: 'frame', pc })
  }
  const register = (number: Register): bigint =>
    frame.registers[number] ?? fail({ code: 'unknown-register', register: architecture.registerNames[number]! })
  const read = (address: bigint): bigint => {
    const value = memory(address & MASK_64, 8) ?? fail({ code: 'unreadable', address: address & MASK_64, bytes: 8 })
    return bigEndian ? reversed(value) : value
  }
  const valueOf = ({ base, offset, dereferenced }: SFrameRule, cfa: bigint): bigint => {
    const place = ((base === 'cfa' ? cfa : register(base)) + BigInt(offset)) & MASK_64
    return dereferenced ? read(place) : place
  }
  if (row.cfa === null) return fail({ code: 'no-caller' })
  const cfa = valueOf(row.cfa, 0n)
  let to: bigint
  if (row.returnAddress !== null) to = valueOf(row.returnAddress, cfa)
  else to = fixedReturnAddress === 0 ? register(returnAddress) : read(cfa + BigInt(fixedReturnAddress))
  if (row.signed) to = withoutSignature(to)
  if (to === 0n) fail({ code: 'no-caller' })
  const caller: (bigint | undefined)[] = []
  caller[stackPointer] = cfa
  caller[framePointer] = row.framePointer === null ? frame.registers[framePointer] : valueOf(row.framePointer, cfa)
  caller[programCounter] = to
  return { registers: caller, afterCall: !fn.signalFrame }
}

/** Addresses of user programs have bit 55 clear and 48 bits, those of kernels set and sixteen ones above (AArch64). */
function withoutSignature(address: bigint): bigint {
  return (address >> 55n) & 1n ? address | 0xffff_0000_0000_0000n : address & 0xffff_ffff_ffffn
}

/** `ReadMemory` reads as a little-endian machine does. */
function reversed(value: bigint): bigint {
  let result = 0n
  for (let i = 0n; i < 64n; i += 8n) result = (result << 8n) | ((value >> i) & 0xffn)
  return result
}
