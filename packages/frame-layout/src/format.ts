/**
 * What an unwind format is to everybody else. A code generator has a table from calling convention to format and knows
 * nothing of any of them; a stranger's format is one more value of type {@link UnwindFormat}, and the conformance kit
 * (`@framewright/frame-layout/testing`) holds it against the rows of the records.
 *
 * Sections are position independent until their relocations are applied: relocated fields hold zero, the addend stands in
 * the relocation. Whoever puts sections at addresses (a linker, a JIT, the kit) makes an {@link UnwindImage} of them.
 */

import type { FrameRecord } from './record.ts'
import type { UnwindRow } from './rows.ts'

/**
 * Encodes, decodes and walks. All errors are the format's own typed ones: an `Error` with a `problem` that has a `code`, and,
 * where a record cannot be expressed, with the index of the offending `event` in it (-1: none in particular).
 */
export interface UnwindFormat {
  /** `'win64'`, `'dwarf'`. */
  readonly name: string
  /** Names of the architectures it serves. */
  readonly architectures: readonly string[]
  /**
   * Where that which it says of a function is true: at every instruction (when left out), or in its body alone, which is
   * enough for exceptions.
   */
  readonly describes?: 'instructions' | 'body'
  /**
   * Encodes one function.
   *
   * @returns null when the function needs no entry (a leaf on Windows).
   * @throws the format's typed error, with event and reason, when it cannot express the frame. Nothing close is emitted.
   */
  encode(record: FrameRecord, options?: EncodeOptions): FunctionUnwind | null
  /** The unwind sections of one object file or image, from its functions. */
  assemble(functions: readonly UnwoundFunction[]): UnwindSection[]
  /**
   * Reads sections back.
   *
   * @throws the format's typed error with the place in bytes, on malformed input; bounded in time and memory.
   */
  decode(image: UnwindImage): DecodedFunction[]
  /**
   * Walks one frame as the platform's own unwinder does.
   *
   * @throws the format's typed error when that unwinder would fail.
   */
  unwind(frame: MachineState, image: UnwindImage, memory: ReadMemory): MachineState
  /** Meaning in words, a line each. */
  print(unwind: FunctionUnwind): string[]
}

/** Options that every format understands; formats add their own. */
export interface EncodeOptions {
  /** The function's machine code, its parts end to end, for formats that look at instructions (Windows epilogues). */
  readonly code?: Uint8Array
}

/** The unwind data of one function, not yet placed anywhere. */
export interface FunctionUnwind {
  /** Name of the format that made it. */
  readonly format: string
  readonly bytes: Uint8Array
  readonly relocations: readonly UnwindRelocation[]
}

/** A function and its unwind data, as `assemble` takes them. */
export interface UnwoundFunction {
  readonly symbol: string
  /** Where the function starts in its section. */
  readonly offset: number
  /** Name of the section that holds the code. */
  readonly section: string
  /** Bytes of code at `offset`: of the first part, where there are several. */
  readonly codeSize: number
  /** Where all parts of a function in several parts lie, in the record's order, the first one included. */
  readonly parts?: readonly PlacedPart[]
  readonly unwind: FunctionUnwind | null
}

/** A contiguous piece of a function, in its place. */
export interface PlacedPart {
  /** A name for its first byte. */
  readonly symbol: string
  readonly section: string
  readonly offset: number
  readonly codeSize: number
}

/** A section of an object. */
export interface UnwindSection {
  readonly name: string
  readonly bytes: Uint8Array
  readonly align: number
  /** Ascending by offset. */
  readonly relocations: readonly UnwindRelocation[]
}

/** A field that gets an address. It holds zero until then. */
export interface UnwindRelocation {
  readonly offset: number
  /** Distance from the image's base; distance from the field itself; the address. */
  readonly kind: 'image-relative-32' | 'pc-relative-32' | 'pc-relative-64' | 'absolute-32' | 'absolute-64'
  /** A symbol, or the name of a section, which starts with a dot. */
  readonly symbol: string
  readonly addend: number
}

/** Sections at their addresses, relocations applied. */
export interface UnwindImage {
  /** What image-relative fields count from. */
  readonly base: bigint
  readonly sections: readonly LoadedSection[]
}

/** One section in memory. Code sections are in the image as well. */
export interface LoadedSection {
  readonly name: string
  readonly address: bigint
  readonly bytes: Uint8Array
}

/** One function as a format reads it back. */
export interface DecodedFunction {
  /** Address of the first byte. */
  readonly begin: bigint
  /** Address of the byte after the last. */
  readonly end: bigint
  /** What the bytes say, as far as the format says it; offsets from `begin`. */
  rows(): UnwindRow[]
  /** The function's bytes in words, a line each, for whoever shows a file of a format that he does not know. */
  print?(): string[]
}

/** Registers of one frame, by register number; undefined = not known. The program counter (32 on x86-64) is one of them. */
export interface MachineState {
  readonly registers: readonly (bigint | undefined)[]
}

/** Reads a little-endian number of that many bytes (1 to 16); undefined where nothing is mapped. */
export type ReadMemory = (address: bigint, bytes: number) => bigint | undefined
