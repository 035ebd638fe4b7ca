/**
 * Records of perf's jitdump file, from which `perf inject --jit` makes an ELF file for each piece of code, with symbols and
 * unwind data. Linux, tools/perf/Documentation/jitdump-specification.txt and tools/perf/util/jitdump.h.
 *
 * The file is called `jit-PID.dump`, and its writer maps a page of it executable once, which is how `perf record` learns of
 * it; `perf record -k mono`, and time stamps of that clock (CLOCK_MONOTONIC, nanoseconds).
 */

import type { DwarfArchitecture } from '../architecture.ts'
import { ByteWriter } from '../byte-writer.ts'
import { dwarfX64 } from '../registers.ts'
import { encodeUtf8 } from '../utf8.ts'
import type { RunTimeImage } from './image.ts'

/** "JiTD", which tells the byte order. */
const MAGIC = 0x4a69_5444
const VERSION = 1
const HEADER_BYTES = 40
const PREFIX_BYTES = 16
const JIT_CODE_LOAD = 0
const JIT_CODE_CLOSE = 3
const JIT_CODE_UNWINDING_INFO = 4

/** The head of the file. */
export function jitDumpHeader(header: {
  readonly processId: number
  readonly timestamp: bigint
  readonly architecture?: DwarfArchitecture
}): Uint8Array {
  const { architecture = dwarfX64 } = header
  const out = new ByteWriter()
  out.u32(MAGIC)
  out.u32(VERSION)
  out.u32(HEADER_BYTES)
  out.u32(architecture.elfMachine)
  out.u32(0) // pad1
  out.u32(header.processId)
  out.u64Bits(header.timestamp)
  out.u64(0) // flags
  return out.slice()
}

/** Code as it is loaded. */
export interface JitDumpCode {
  readonly processId: number
  readonly threadId: number
  readonly timestamp: bigint
  /** Tells pieces of code apart that lie at one address one after the other; ascending. */
  readonly index: bigint
  readonly name: string
  readonly address: bigint
  readonly code: Uint8Array
}

/** JIT_CODE_LOAD. */
export function jitDumpCodeLoad(load: JitDumpCode): Uint8Array {
  const { address, code } = load
  const out = new ByteWriter()
  startRecord(out, JIT_CODE_LOAD, load.timestamp)
  out.u32(load.processId)
  out.u32(load.threadId)
  out.u64Bits(address) // vma
  out.u64Bits(address) // code_addr
  out.u64(code.length)
  out.u64Bits(load.index)
  out.block(encodeUtf8(load.name))
  out.u8(0)
  out.block(code)
  // perf takes the last code_size bytes for the code, so nothing may follow.
  return finishRecord(out, 1)
}

/** Where the unwind image of code has to lie for {@link jitDumpUnwindingInfo}: perf puts it behind the code, at 8 bytes. */
export function jitDumpImageAddress(code: { readonly address: bigint; readonly size: number }): bigint {
  return (code.address + BigInt(code.size) + 7n) & ~7n
}

/**
 * JIT_CODE_UNWINDING_INFO, which has to stand right before the JIT_CODE_LOAD that it belongs to.
 *
 * @param image - built for the address that `jitDumpImageAddress` says, whether or not it lies there in the process. Null:
 *   perf unwinds by frame pointers.
 */
export function jitDumpUnwindingInfo(image: RunTimeImage | null, timestamp: bigint): Uint8Array {
  const out = new ByteWriter()
  startRecord(out, JIT_CODE_UNWINDING_INFO, timestamp)
  if (image === null) {
    // A header without entries, as V8 writes it for code with frame pointers.
    out.u64(FRAME_POINTER_HDR.length)
    out.u64(FRAME_POINTER_HDR.length)
    out.u64(0)
    out.block(FRAME_POINTER_HDR)
  } else {
    // The specification's text has the header first. perf takes the last eh_frame_hdr_size bytes for it (genelf.c).
    out.u64(image.bytes.length)
    out.u64(image.ehFrameHdr.bytes.length)
    out.u64(0) // mapped_size: in the process it may lie elsewhere, or nowhere
    out.block(image.bytes)
  }
  return finishRecord(out)
}

/** Version 1, pcrel | sdata4, udata4, datarel | sdata4; `.eh_frame` at 0, no functions, and room for one. */
const FRAME_POINTER_HDR = Uint8Array.of(1, 0x1b, 3, 0x3b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

/** JIT_CODE_CLOSE: the end of the file. */
export function jitDumpClose(timestamp: bigint): Uint8Array {
  const out = new ByteWriter()
  startRecord(out, JIT_CODE_CLOSE, timestamp)
  return finishRecord(out)
}

function startRecord(out: ByteWriter, id: number, timestamp: bigint): void {
  out.u32(id)
  out.zeros(PREFIX_BYTES - 12) // total_size
  out.u64Bits(timestamp)
}

function finishRecord(out: ByteWriter, align: number = 8): Uint8Array {
  out.align(align)
  out.setU32(4, out.length)
  return out.slice()
}
