/**
 * The plan of a frame: where each of its areas lies, before any instruction is emitted. It is fixed once registers are
 * allocated; prologue, epilogues and every access to the frame are then written from it.
 *
 * From the CFA downwards:
 *
 *   return address          pushed by the call
 *   pushed registers        the frame register first, when there is one; then the others in the order given
 *   ---------------------   from here on one allocation
 *   large stack slots       above the saves, so that those stay within what unwind formats can reach in short form
 *   vector saves            at multiples of their width
 *   small stack slots       in reach of one-byte displacements as far as possible
 *   spill slots
 *   outgoing arguments      at SP, with the home area where the convention has one; their size is the largest call's
 *
 * SP is aligned after the allocation when `alignStack` says so, and with it everything that an offset from SP aligns.
 */

import type { Register } from './architecture.ts'
import { FrameError } from './errors.ts'

/** What a function needs. Sizes in bytes. */
export interface FrameRequest {
  /** Registers saved by pushes, in push order, without the frame register. */
  readonly pushes: readonly Register[]
  /** Wanted: a frame register, pushed before the others. */
  readonly frameRegister?: {
    readonly register: Register
    /**
     * `'after-push'`: set right after its push, so it points at the saved frame register below the return address (the
     * classic chain of frames). `'after-allocation'`: set last, to SP + an offset that Windows can describe.
     */
    readonly set: 'after-push' | 'after-allocation'
  }
  /** Registers saved by stores, lowest slot first. */
  readonly saves?: readonly { readonly register: Register; readonly width: number }[]
  /** Bytes of spill slots; a multiple of 8. */
  readonly spillBytes?: number
  readonly stackSlots?: readonly { readonly size: number; readonly align: number }[]
  /** The largest area that a call's arguments need, home area included. */
  readonly outgoingBytes?: number
  /** SP is a multiple of 16 after the allocation. False only for functions that call nothing and align nothing. */
  readonly alignStack: boolean
  /** Bytes that the return address takes; 8 when left out. */
  readonly returnAddressBytes?: number
  /** Bytes of a push; 8 when left out. */
  readonly pushBytes?: number
}

/** An area of the frame, for pictures and debuggers. */
export interface FrameArea {
  readonly name: string
  /** From SP after the allocation up to its first byte. */
  readonly aboveSp: number
  readonly size: number
}

/** Where everything lies. All offsets count upwards from SP after the allocation. */
export interface FramePlan {
  /** Everything that is pushed, in order. */
  readonly pushes: readonly Register[]
  /** Bytes of the one allocation after the pushes; 0: none. */
  readonly allocation: number
  /** CFA - SP after the allocation. */
  readonly cfaAboveSp: number
  readonly frameRegister: {
    readonly register: Register
    readonly set: 'after-push' | 'after-allocation'
    /** Frame register - SP after the allocation. */
    readonly aboveSp: number
  } | null
  readonly saves: readonly { readonly register: Register; readonly width: number; readonly aboveSp: number }[]
  readonly spillAboveSp: number
  /** In the order of the request. */
  readonly slotAboveSp: readonly number[]
  /** From SP up: what lies where, without gaps of padding. */
  readonly areas: readonly FrameArea[]
}

const STACK_ALIGN = 16
/** Slots up to this size lie below the saves. */
const SMALL_SLOT = 128
/** The largest offset of a frame register that Windows can describe. */
const MAX_FRAME_OFFSET = 240
/** The largest frame that any format here can describe, and that a 32-bit displacement reaches. */
const MAX_FRAME = 0x7fff_fff0

/**
 * Lays a frame out.
 *
 * @throws FrameError 'plan' for alignments above 16 (SP would have to be realigned), bad sizes, and frames over 2 GiB.
 */
export function planFrame(request: FrameRequest): FramePlan {
  const pushBytes = request.pushBytes ?? 8
  const saves = request.saves ?? []
  const slots = request.stackSlots ?? []
  const frame = request.frameRegister
  const pushes = frame === undefined ? request.pushes : [frame.register, ...request.pushes]
  const areas: FrameArea[] = []

  let top = 0
  const take = (name: string, size: number, align: number): number => {
    const aboveSp = alignUp(top, align)
    top = aboveSp + size
    if (size > 0) areas.push({ name, aboveSp, size })
    return aboveSp
  }

  take('outgoing arguments', checked(request.outgoingBytes ?? 0, 'outgoingBytes'), 8)
  const spillAboveSp = take('spill slots', checked(request.spillBytes ?? 0, 'spillBytes'), 8)
  const slotAboveSp = new Array<number>(slots.length).fill(0)
  // The small first, and within one size as they were asked for.
  const order = slots.map((_, index) => index).sort((a, b) => slots[a]!.size - slots[b]!.size || a - b)
  const place = (index: number): void => {
    const { size, align } = slots[index]!
    slotAboveSp[index] = take(`stack slot ${index}`, checked(size, 'size'), checkedAlign(align, request.alignStack))
  }
  for (const index of order) if (slots[index]!.size <= SMALL_SLOT) place(index)
  const placedSaves = saves.map(({ register, width }) => ({
    register,
    width,
    aboveSp: take(`save of register ${register}`, width, checkedAlign(width, request.alignStack)),
  }))
  for (const index of order) if (slots[index]!.size > SMALL_SLOT) place(index)

  const above = (request.returnAddressBytes ?? 8) + pushBytes * pushes.length
  const allocation = request.alignStack ? alignUp(top + above, STACK_ALIGN) - above : alignUp(top, pushBytes)
  const cfaAboveSp = allocation + above
  if (cfaAboveSp > MAX_FRAME) throw new FrameError({ code: 'plan', why: `a frame of ${cfaAboveSp} bytes is too large` })
  for (let i = pushes.length - 1; i >= 0; i--) {
    areas.push({
      name: `push of register ${pushes[i]}`,
      aboveSp: allocation + pushBytes * (pushes.length - 1 - i),
      size: pushBytes,
    })
  }
  return {
    pushes,
    allocation,
    cfaAboveSp,
    frameRegister:
      frame === undefined ? null : { ...frame, aboveSp: frameOffset(frame.set, allocation, pushes.length, pushBytes) },
    saves: placedSaves,
    spillAboveSp,
    slotAboveSp,
    areas,
  }
}

/** After the pushes: the top of the allocation, as far as Windows can say it, which brings most slots into one-byte reach. */
function frameOffset(
  set: 'after-push' | 'after-allocation',
  allocation: number,
  pushes: number,
  pushBytes: number,
): number {
  if (set === 'after-push') return allocation + (pushes - 1) * pushBytes
  return Math.min(MAX_FRAME_OFFSET, allocation & ~15)
}

function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align
}

function checked(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new FrameError({ code: 'bad-number', field, value })
  return value
}

function checkedAlign(align: number, alignStack: boolean): number {
  const power = align > 0 && Number.isInteger(align) && (align & (align - 1)) === 0
  if (!power) throw new FrameError({ code: 'bad-number', field: 'align', value: align })
  if (align > STACK_ALIGN) {
    throw new FrameError({ code: 'plan', why: `alignment ${align} is more than the stack's ${STACK_ALIGN}` })
  }
  if (align > 8 && !alignStack) {
    throw new FrameError({ code: 'plan', why: `alignment ${align} in a frame whose stack is not aligned` })
  }
  return align
}
