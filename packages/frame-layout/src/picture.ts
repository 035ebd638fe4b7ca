/**
 * A picture of a frame as text: the stack after the prologue, high addresses at the top, with every slot that the record
 * knows. A plan's areas, where one is given, name what lies between.
 */

import type { FrameArchitecture } from './architecture.ts'
import type { FrameArea } from './plan.ts'
import type { FrameRecord } from './record.ts'
import { entryState, type FrameState, UNKNOWN } from './state.ts'

/** One box of the picture: `size` bytes from CFA + `offset` up. */
export interface PictureSlot {
  readonly offset: number
  readonly size: number
  readonly name: string
}

/** The frame after its prologue as boxes, the highest first, without overlaps; gaps are named `'unnamed'`. */
export interface FramePicture {
  readonly slots: readonly PictureSlot[]
  /** CFA - SP, or -1 when it is not known. */
  readonly cfaFromSp: number
  /** The frame register's name and its distance below the CFA. */
  readonly frameRegister: { readonly name: string; readonly cfaFromRegister: number } | null
}

/** Collects the boxes. @throws FrameError as `unwindRows` does. */
export function pictureOf(
  record: FrameRecord,
  areas: readonly FrameArea[] = [],
  architecture?: FrameArchitecture,
): FramePicture {
  const state = entryState(record, architecture)
  const names = state.architecture.registerNames
  const slots = new Map<number, PictureSlot>()
  const put = (offset: number, size: number, name: string): void => {
    if (size > 0 && !slots.has(offset)) slots.set(offset, { offset, size, name })
  }
  const { returnAddressOffset, interruptFrame } = state.architecture
  if (returnAddressOffset !== null) put(returnAddressOffset, -returnAddressOffset, 'return address')
  for (let i = 0; i < record.events.length; i++) {
    const event = record.events[i]!
    if (event.kind === 'prologue-end') break
    state.apply(event, i)
    if (event.kind === 'push') {
      if (event.saves && state.cfaFromSp !== UNKNOWN)
        put(-state.cfaFromSp, event.size, `saved ${names[event.register]}`)
    } else if (event.kind === 'save') {
      const distance = event.base === 'sp' ? state.cfaFromSp : state.cfaFromFrame
      put(event.offset - distance, event.width, `saved ${names[event.register]}`)
    } else if (event.kind === 'machine-frame') {
      slots.clear()
      const { bytes, errorCodeBytes } = interruptFrame!
      put(-bytes, bytes, 'machine frame')
      if (event.errorCode) put(-bytes - errorCodeBytes, errorCodeBytes, 'error code')
    }
  }
  const boxes = [...slots.values()]
  if (state.cfaFromSp !== UNKNOWN) {
    for (const { name, aboveSp, size } of areas) {
      const box = { offset: aboveSp - state.cfaFromSp, size, name }
      if (!boxes.some((other) => overlaps(box, other))) boxes.push(box)
    }
  }
  return {
    slots: withGaps(boxes, state),
    cfaFromSp: state.cfaFromSp,
    frameRegister: state.cfaOnFrame ? { name: names[state.frameRegister]!, cfaFromRegister: state.cfaFromFrame } : null,
  }
}

function overlaps(a: PictureSlot, b: PictureSlot): boolean {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size
}

function withGaps(boxes: readonly PictureSlot[], state: FrameState): PictureSlot[] {
  const sorted = [...boxes].sort((a, b) => b.offset - a.offset)
  const whole: PictureSlot[] = []
  let bottom = Math.max(0, ...sorted.map((box) => box.offset + box.size))
  for (const box of sorted) {
    const top = box.offset + box.size
    if (top < bottom) whole.push({ offset: top, size: bottom - top, name: 'unnamed' })
    whole.push(box)
    bottom = box.offset
  }
  const sp = -state.cfaFromSp
  if (state.cfaFromSp !== UNKNOWN && sp < bottom) whole.push({ offset: sp, size: bottom - sp, name: 'unnamed' })
  return whole
}

/**
 * Draws the frame after its prologue:
 *
 *     cfa-8    +48  | return address         |
 *     cfa-16   +40  | saved rbp              | <- rbp
 *     cfa-48    +8  | 32 bytes               |
 *
 * The first column counts from the CFA, the second from SP.
 *
 * @param areas - of the frame's plan.
 */
export function drawFrame(
  record: FrameRecord,
  areas: readonly FrameArea[] = [],
  architecture?: FrameArchitecture,
): string[] {
  const { slots, cfaFromSp, frameRegister } = pictureOf(record, areas, architecture)
  const labels = slots.map(({ name, size }) =>
    name === 'unnamed' ? `${size} bytes` : size === 8 ? name : `${name}, ${size} bytes`,
  )
  const width = Math.max(22, ...labels.map((label) => label.length))
  const rule = `${' '.repeat(18)}+${'-'.repeat(width + 2)}+`
  const lines = [rule]
  const mark = frameRegister === null ? undefined : -frameRegister.cfaFromRegister
  for (let i = 0; i < slots.length; i++) {
    const { offset, size } = slots[i]!
    const fromCfa = offset < 0 ? `cfa-${-offset}` : `cfa+${offset}`
    const fromSp = cfaFromSp === UNKNOWN ? '' : `+${offset + cfaFromSp}`
    const pointers: string[] = []
    if (mark !== undefined && mark >= offset && mark < offset + size) {
      pointers.push(mark === offset ? frameRegister!.name : `${frameRegister!.name} at +${mark - offset}`)
    }
    if (cfaFromSp !== UNKNOWN && offset === -cfaFromSp) pointers.push('sp')
    const pointer = pointers.length === 0 ? '' : ` <- ${pointers.join(', ')}`
    lines.push(`${fromCfa.padEnd(10)}${fromSp.padStart(7)} | ${labels[i]!.padEnd(width)} |${pointer}`)
  }
  lines.push(rule)
  return lines
}
