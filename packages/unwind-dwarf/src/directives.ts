/**
 * Call-frame programs as assemblers take them: operations, the two that are relative to a running CFA offset, and raw
 * bytes. From them comes a program in one of three dialects:
 *
 * - `canonical`: what the specification means, in the opcodes that all producers choose.
 * - `gnu`: as GNU as writes it. The operations are the same; sections differ (`frame-section.ts`).
 * - `llvm`: as LLVM's assembler writes it: a negative CFA offset becomes a ten-byte unsigned number, and the running
 *   offset is not restored by restore_state.
 */

import { conventionsOf, type DwarfArchitecture, type DwarfRegister } from './architecture.ts'
import { ByteWriter } from './byte-writer.ts'
import { DW_CFA_def_cfa, DW_CFA_def_cfa_offset, DW_CFA_set_loc, DW_EH_PE_pcrel, DW_EH_PE_sdata4 } from './constants.ts'
import { DwarfUnwindError } from './errors.ts'
import { type CallFrameOperation, factorOf, writeAdvance, writeOperation } from './operations.ts'
import { type EncodedSymbol, pointerForm } from './pointer-encoding.ts'
import { dwarfX64 } from './registers.ts'

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
  /** DW_CFA_set_loc: the location by its address. No assembler has a directive for it. */
  | { readonly op: 'set_loc' }
  // Of the header, wherever in the function they stand. gas advances the location to signal_frame and return_column.
  | { readonly op: 'signal_frame' }
  | { readonly op: 'b_key_frame' | 'mte_tagged_frame' }
  | { readonly op: 'return_column'; readonly register: DwarfRegister }
  | { readonly op: 'personality' | 'lsda'; readonly pointer: EncodedSymbol }
)

/** What directives say of the header. */
export interface DirectiveHeader {
  readonly signalFrame?: true
  readonly signedWithKeyB?: true
  readonly taggedStack?: true
  readonly returnAddressRegister?: DwarfRegister
  readonly personality?: EncodedSymbol
  readonly languageData?: EncodedSymbol
}

/** The address field of a DW_CFA_set_loc: where it stands in a program, and the code offset that it names. */
export interface ProgramAddress {
  readonly place: number
  readonly at: number
}

/** A program, and where gas would cut it. */
export interface EncodedDirectives {
  readonly bytes: Uint8Array
  /** The operations at offset 0 that gas moves into the CIE, in their bytes, one entry each. */
  readonly leading: readonly Uint8Array[]
  /** Ascending. */
  readonly addresses: readonly ProgramAddress[]
  readonly header: DirectiveHeader
}

/** How directives are written. */
export interface DirectiveOptions {
  readonly dialect?: Dialect
  /** The CIE has no initial program, so the running CFA offset starts at 0. */
  readonly simple?: boolean
  /** The function's, for errors. */
  readonly name?: string
  /** x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
  /** How set_loc writes its address: 0x1b when left out. */
  readonly codeEncoding?: number
}

/**
 * Writes directives as a program.
 *
 * @throws DwarfUnwindError for decreasing offsets, unbalanced restore_state, offsets that cannot be factored.
 */
export function encodeDirectives(
  directives: readonly CfiDirective[],
  options: DirectiveOptions = {},
): EncodedDirectives {
  const { dialect = 'canonical', simple = false, name = '', architecture = dwarfX64 } = options
  const { codeEncoding = DW_EH_PE_pcrel | DW_EH_PE_sdata4 } = options
  const { entryCfaOffset, codeAlignmentFactor, dataAlignmentFactor, addressBytes } = conventionsOf(architecture)
  const out = new ByteWriter()
  const leading: Uint8Array[] = []
  const addresses: ProgramAddress[] = []
  let header: DirectiveHeader = {}
  let mayLead = true
  let location = 0
  let cfaOffset = simple ? 0 : entryCfaOffset
  const remembered: number[] = []

  for (let i = 0; i < directives.length; i++) {
    const directive = directives[i]!
    const place = { in: 'function', name, operation: i } as const
    const { at } = directive
    if (!(at >= location)) throw new DwarfUnwindError({ code: 'order', at, previous: location }, place)
    if (at - location > 0xffff_ffff) throw new DwarfUnwindError({ code: 'number-range', field: 'at', value: at }, place)
    switch (directive.op) {
      case 'personality':
        header = { ...header, personality: directive.pointer }
        continue
      case 'lsda':
        header = { ...header, languageData: directive.pointer }
        continue
      case 'b_key_frame':
        header = { ...header, signedWithKeyB: true }
        continue
      case 'mte_tagged_frame':
        header = { ...header, taggedStack: true }
        continue
      case 'signal_frame':
        header = { ...header, signalFrame: true }
        if (dialect !== 'gnu') continue
        break
      case 'return_column':
        header = { ...header, returnAddressRegister: directive.register }
        if (dialect !== 'gnu') continue
        break
      case 'set_loc':
        out.u8(DW_CFA_set_loc)
        addresses.push({ place: out.length, at })
        out.zeros(pointerForm(codeEncoding, 'code', addressBytes).bytes)
        mayLead = false
        location = at
        continue
    }
    writeAdvance(out, factorOf(at - location, codeAlignmentFactor, place))
    location = at
    const start = out.length

    let operation: CallFrameOperation
    switch (directive.op) {
      case 'signal_frame':
      case 'return_column':
        continue
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
  return { bytes: out.slice(), leading, addresses, header }
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
