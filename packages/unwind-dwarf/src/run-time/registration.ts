/**
 * What to call to make an image known to the unwinders of a process, and to make it forgotten. Calls are named here, not
 * made: whoever runs the code has the means to call C.
 *
 * - libgcc (Linux, and whoever links it elsewhere): `__register_frame` once, with the start of a terminated section.
 * - LLVM's libunwind (macOS always; FreeBSD, Android, and where it was chosen): `__register_frame` once for each FDE. Given
 *   a section it would take the CIE for a mistake, and register nothing. Since version 14 it takes sections by another
 *   name.
 * - nongnu libunwind: `_U_dyn_register` with a structure that stays its own until `_U_dyn_cancel`.
 */

import { require64 } from '../architecture.ts'
import { ByteWriter } from '../byte-writer.ts'
import { DwarfUnwindError } from '../errors.ts'
import type { RunTimeImage } from './image.ts'

/** `'llvm-libunwind-sections'`: LLVM's of version 14 or later, one call for a section. */
export type Unwinder = 'libgcc' | 'llvm-libunwind' | 'llvm-libunwind-sections' | 'nongnu-libunwind'

/** A call of a C function with one pointer. */
export interface RegistrationCall {
  readonly symbol: string
  readonly argument: bigint
}

/** Calls in the order in which they have to be made. */
export interface Registration {
  readonly register: readonly RegistrationCall[]
  /** Backwards: libgcc searches its list from the newest, so taking down in the reverse order is not quadratic. */
  readonly deregister: readonly RegistrationCall[]
}

/**
 * Which unwinders a process has. C++ exceptions, `_Unwind_Backtrace` and thread cancellation are the first one's, or the
 * second's; profilers and debuggers in the process may ask nongnu libunwind beside it, so register with each that is there.
 *
 * @param platform - `process.platform` in Node; `'darwin'` matters.
 * @param has - whether the process has a symbol (`dlsym(RTLD_DEFAULT, name)`).
 */
export function unwindersOf(platform: string, has: (symbol: string) => boolean): Unwinder[] {
  const unwinders: Unwinder[] = []
  // macOS has LLVM's in libSystem. Elsewhere the two share __register_frame, and this symbol tells them apart.
  if (has('__unw_add_dynamic_eh_frame_section')) unwinders.push('llvm-libunwind-sections')
  else if (platform === 'darwin' || has('__unw_add_dynamic_fde')) unwinders.push('llvm-libunwind')
  else if (has('__register_frame')) unwinders.push('libgcc')
  if (has('_U_dyn_register')) unwinders.push('nongnu-libunwind')
  return unwinders
}

/**
 * The calls for libgcc and LLVM's libunwind. The image has to lie at its address and must not change or go away until it
 * is deregistered, and no thread may be unwinding through its functions then.
 */
export function registrationOf(image: RunTimeImage, unwinder: Exclude<Unwinder, 'nongnu-libunwind'>): Registration {
  // libgcc ignores a section without records when it is registered, and aborts when such a one is deregistered.
  if (image.functions.length === 0) return { register: [], deregister: [] }
  const pointers = unwinder === 'llvm-libunwind' ? image.functions.map(({ entry }) => entry) : [image.ehFrame.address]
  const [register, deregister] = names[unwinder]
  return {
    register: pointers.map((argument) => ({ symbol: register, argument })),
    deregister: pointers.toReversed().map((argument) => ({ symbol: deregister, argument })),
  }
}

const names: Readonly<Record<Exclude<Unwinder, 'nongnu-libunwind'>, readonly [string, string]>> = {
  libgcc: ['__register_frame', '__deregister_frame'],
  'llvm-libunwind': ['__register_frame', '__deregister_frame'],
  'llvm-libunwind-sections': ['__unw_add_dynamic_eh_frame_section', '__unw_remove_dynamic_eh_frame_section'],
}

/** A structure in memory that libunwind writes to, and the calls that hand it over. */
export interface DynInfoRegistration extends Registration {
  readonly bytes: Uint8Array
}

/** Bytes of a `unw_dyn_info_t` with a table in it. */
export const DYN_INFO_BYTES = 88
/** `UNW_INFO_FORMAT_REMOTE_TABLE`. */
const REMOTE_TABLE = 2

/**
 * A `unw_dyn_info_t` of nongnu libunwind (its libunwind-dynamic.h, since version 1.4) that leads to the image's search
 * table. It keeps what it has read: call `unw_flush_cache(unw_local_addr_space, 0, 0)` after `_U_dyn_cancel`.
 *
 * @param address - where the structure will lie: a multiple of 8, in writable memory.
 * @throws DwarfUnwindError `out-of-reach` for an image whose table has 8-byte entries, which libunwind does not know, and
 *   `architecture` where addresses have 4 bytes.
 */
export function dynInfoOf(image: RunTimeImage, address: bigint): DynInfoRegistration {
  require64(image.architecture)
  const { address: hdr, bytes: table } = image.ehFrameHdr
  const { functions } = image
  // The encoding of its entries: datarel | sdata4.
  if (table[3] !== 0x3b) {
    const [first] = functions
    throw new DwarfUnwindError({ code: 'out-of-reach', symbol: 'code', distance: (first?.begin ?? hdr) - hdr })
  }
  let begin = functions[0]?.begin ?? hdr
  let end = begin
  for (const one of functions) {
    if (one.begin < begin) begin = one.begin
    if (one.end > end) end = one.end
  }
  const out = new ByteWriter()
  out.zeros(16) // next, prev
  out.u64Bits(begin) // start_ip
  out.u64Bits(end) // end_ip
  out.u64Bits(0n) // gp
  out.u32(REMOTE_TABLE) // format
  out.u32(0) // pad
  out.u64Bits(0n) // load_offset
  out.u64Bits(0n) // name_ptr
  out.u64Bits(hdr) // segbase: what entries count from
  out.u64Bits(BigInt(functions.length)) // table_len, in words
  out.u64Bits(hdr + 12n) // table_data
  const call = (symbol: string): RegistrationCall[] => (functions.length === 0 ? [] : [{ symbol, argument: address }])
  return { bytes: out.slice(), register: call('_U_dyn_register'), deregister: call('_U_dyn_cancel') }
}
