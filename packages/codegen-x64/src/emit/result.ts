// What a compilation gives: plain values, copied out of the emitter's scratch memory.

import type { FrameRecord, FunctionUnwind, UnwindFormat } from '@framewright/frame-layout'
import { symbolName } from '@framewright/ir'
import type { Lowering } from '../lower/context.ts'
import type { Emitter, OffsetList } from './emitter.ts'

/** Kinds of relocation, as object writers spell them. Values: S + A - P for the relative ones, S + A for `absolute-64`. */
export type RelocationKind = 'pc-relative-32' | 'plt-32' | 'got-pc-relative-32' | 'absolute-64'

/** A field that a linker, or whoever loads the code, must fill in. */
export interface Relocation {
  /** Offset of the field in `code`, in bytes. */
  readonly offset: number
  readonly kind: RelocationKind
  /** Linker name. */
  readonly symbol: string
  readonly addend: number
}

/** One function as machine code, with everything an object file or a loader needs. */
export interface CompiledFunction {
  /** Linker name. */
  readonly name: string
  /** Instructions, then (from `codeSize` on) constants and jump tables. */
  readonly code: Uint8Array
  /** Bytes of instructions. */
  readonly codeSize: number
  /** What the start must be a multiple of, in bytes. */
  readonly alignment: number
  readonly relocations: readonly Relocation[]
  /** Instructions that may trap: offset of the first byte, and the CLIF trap code's number. */
  readonly traps: { readonly offset: Int32Array; readonly code: Int32Array }
  /** Return addresses of calls, as offsets. */
  readonly callSites: Int32Array
  /** What prologue and epilogues do to the frame. */
  readonly frame: FrameRecord
  /** The frame in the convention's unwind format; null where no entry is needed or none was asked for. */
  readonly unwind: FunctionUnwind | null
  /** Ranges of code by source location: each holds from its offset to the next row's; -1 = none. */
  readonly sourceMap: { readonly offset: Int32Array; readonly location: Int32Array }
}

/** By asm-x64's numbers of relocation kinds. */
const KINDS: readonly RelocationKind[] = ['pc-relative-32', 'plt-32', 'got-pc-relative-32', 'absolute-64']

/** Copies the finished function out, and describes its frame in `format`. */
export function collectResult(c: Lowering, emitter: Emitter, format: UnwindFormat | null): CompiledFunction {
  const { asm, recorder } = emitter
  const { relocations: columns } = asm
  const code = asm.bytes.slice(0, asm.length)
  const relocations: Relocation[] = []
  for (let i = 0; i < columns.length; i++) {
    relocations.push({
      offset: columns.offset[i],
      kind: KINDS[columns.kind[i]],
      symbol: c.symbols.names[columns.symbol[i]],
      addend: columns.addend[i],
    })
  }
  recorder.remap((offsets, count) => asm.remap(offsets, count))
  const frame = recorder.finish({ codeSize: asm.codeLength })
  return {
    name: symbolName(c.func.name),
    code,
    codeSize: asm.codeLength,
    alignment: Math.max(16, asm.alignment),
    relocations,
    traps: { offset: finalOffsets(emitter, emitter.traps), code: values(emitter.traps) },
    callSites: finalOffsets(emitter, emitter.callSites),
    frame,
    unwind: format === null ? null : format.encode(frame, { code: code.subarray(0, asm.codeLength) }),
    sourceMap: { offset: finalOffsets(emitter, emitter.sourceMap), location: values(emitter.sourceMap) },
  }
}

// Most functions have no traps or locations, and a typed array costs 100 ns even when it is empty: a tenth of a small function's compilation.
const NONE: Int32Array = new Int32Array(0)

function finalOffsets(emitter: Emitter, list: OffsetList): Int32Array {
  if (list.length === 0) return NONE
  const offsets = list.offsets.slice(0, list.length)
  emitter.asm.remap(offsets, list.length)
  return offsets
}

function values(list: OffsetList): Int32Array {
  return list.length === 0 ? NONE : list.values.slice(0, list.length)
}
