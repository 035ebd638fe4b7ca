/**
 * Call-frame programs as assemblers take them: operations, the two that are relative to a running CFA offset, and raw
 * bytes. From them comes a program in one of three dialects:
 *
 * - `canonical`: what the specification means, in the opcodes that all producers choose.
 * - `gnu`: as GNU as writes it. The operations are the same; sections differ (`frame-section.ts`).
 * - `llvm`: as LLVM's assembler writes it: a negative CFA offset becomes a ten-byte unsigned number, and the running
 *   offset is not restored by restore_state.
 */

import { ByteWriter } from './byte-writer.ts'
import { DW_CFA_def_cfa, DW_CFA_def_cfa_offset } from './constants.ts'
import { DwarfUnwindError } from './errors.ts'
import { type CallFrameOperation, writeAdvance, writeOperation } from './operations.ts'
import type { DwarfRegister } from './registers.ts'

/** Whose bytes to write. */
export type Dialect = 'canonical' | 'gnu' | 'llvm'

/** One `.cfi_` directive at a code offset. */
export type CfiDirective = { readonly at: number } & (
  | CallFrameOperation
  | { readonly op: 'adjust_cfa_offset'; readonly delta: number }
  /** Saved at SP + offset, where CFA - SP is the running offset. */
  | { readonly op: 'rel_offset'; readonly register: DwarfRegister; readonly offset: number }
  /** Bytes that stand in the program as they are. */
  | { readonly op: 'escape'; readonly bytes: Uint8Array }
)

/** A program, and where gas would cut it. */
export interface EncodedDirectives {
  readonly bytes: Uint8Array
  /** The operations at offset 0 that gas moves into the CIE, in their bytes, one entry each. */
  readonly leading: readonly Uint8Array[]
}

/** What a function's first row is made of. */
const ENTRY_CFA_OFFSET = 8

/**
 * Writes directives as a program.
 *
 * @param simple - the CIE has no initial program, so the running CFA offset starts at 0.
 * @param name - the function's, for errors.
 * @throws DwarfUnwindError for decreasing offsets, unbalanced restore_state, offsets that cannot be factored.
 */
export function encodeDirectives(
  directives: readonly CfiDirective[],
  dataAlignmentFactor: number,
  dialect: Dialect = 'canonical',
  simple: boolean = false,
  name: string = '',
): EncodedDirectives {
  const out = new ByteWriter()
  const leading: Uint8Array[] = []
  let mayLead = true
  let location = 0
  let cfaOffset = simple ? 0 : ENTRY_CFA_OFFSET
  const remembered: number[] = []

  for (let i = 0; i < directives.length; i++) {
    const directive = directives[i]!
    const place = { in: 'function', name, operation: i } as const
    const { at } = directive
    if (!(at >= location)) throw new DwarfUnwindError({ code: 'order', at, previous: location }, place)
    if (at - location > 0xffff_ffff) throw new DwarfUnwindError({ code: 'number-range', field: 'at', value: at }, place)
    writeAdvance(out, at - location)
    location = at
    const start = out.length

    let operation: CallFrameOperation
    switch (directive.op) {
      case 'escape':
        mayLead = false
        out.block(directive.bytes)
        continue
      case 'adjust_cfa_offset':
        operation = { op: 'def_cfa_offset', offset: cfaOffset + directive.delta }
        break
      case 'rel_offset':
        operation = { op: 'offset', register: directive.register, offset: directive.offset - cfaOffset }
        break
      default:
        operation = directive
    }
    switch (operation.op) {
      case 'def_cfa':
      case 'def_cfa_offset':
        cfaOffset = operation.offset
        break
      case 'remember_state':
        remembered.push(cfaOffset)
        break
      case 'restore_state': {
        const before = remembered.pop()
        if (before === undefined) throw new DwarfUnwindError({ code: 'nothing-remembered' }, place)
        if (dialect !== 'llvm') cfaOffset = before
        break
      }
    }
    if (dialect === 'llvm' && (operation.op === 'def_cfa' || operation.op === 'def_cfa_offset')) {
      out.u8(operation.op === 'def_cfa' ? DW_CFA_def_cfa : DW_CFA_def_cfa_offset)
      if (operation.op === 'def_cfa') out.uleb(operation.register)
      out.uleb64(BigInt(operation.offset))
    } else {
      writeOperation(out, operation, dataAlignmentFactor, place)
    }
    mayLead &&= location === 0 && absorbed.has(operation.op)
    if (mayLead) leading.push(out.slice(start))
  }
  return { bytes: out.slice(), leading }
}

/** What gas moves into a CIE; expressions and sizes of arguments reach it as escapes, which it leaves in place. */
const absorbed: ReadonlySet<CallFrameOperation['op']> = new Set([
  'def_cfa',
  'def_cfa_register',
  'def_cfa_offset',
  'offset',
  'val_offset',
  'register',
  'restore',
  'undefined',
  'same_value',
])
