// Random frame records: what compilers do, and what no compiler does but a record may say.

import { type FrameRecord, FrameRecorder, RBP, RETURN_ADDRESS, RSP, XMM0 } from '@framewright/frame-layout'
import { Random } from '@framewright/testkit'

const calleeSaved = [3, 5, 12, 13, 14, 15, 6, 7]
const sizes = [8, 24, 40, 120, 136, 4096, 70_000, 600_000]

/** A function as a compiler makes it: pushes, one allocation, saves, a body with calls and exits, each exit exact. */
export function compiledRecord(seed: number): FrameRecord {
  const random = new Random(seed)
  const recorder = new FrameRecorder()
  let at = 0
  const step = (length: number): number => (at += length)
  const pushed = calleeSaved.filter((register) => register !== RBP && random.chance(0.4))
  const framePointer = random.chance(0.4)
  const size = random.chance(0.8) ? random.pick(sizes) : 0
  const vectors = size > 100 && random.chance(0.2) ? random.below(4) : 0

  if (framePointer) {
    recorder.push(step(1), 1, RBP)
    recorder.setFrameRegister(step(3), 3, RBP)
  }
  for (const register of pushed) {
    const length = register < 8 ? 1 : 2
    recorder.push(step(length), length, register)
  }
  if (size > 0) recorder.adjustSp(step(7), 7, -size)
  for (let i = 0; i < vectors; i++) recorder.save(step(8), 8, XMM0 + 6 + i, 'sp', 16 * i)
  recorder.prologueEnd(at)

  const exit = (): void => {
    recorder.epilogueBegin(at)
    for (let i = 0; i < vectors; i++) recorder.restore(step(8), 8, XMM0 + 6 + i, 'sp', 16 * i)
    if (size > 0) recorder.adjustSp(step(7), 7, size)
    for (const register of pushed.toReversed()) {
      const length = register < 8 ? 1 : 2
      recorder.pop(step(length), length, register)
    }
    if (framePointer) recorder.pop(step(1), 1, RBP)
    const tail = random.chance(0.2)
    recorder.epilogueEnd(step(tail ? 5 : 1), tail ? 'tail-jump' : 'return')
  }
  for (let i = random.below(5); i > 0; i--) {
    step(random.pick([3, 17, 63, 64, 300, 70_000]))
    if (random.chance(0.3)) {
      recorder.adjustSp(step(4), 4, -32)
      recorder.callArgs(at, 32)
      step(5)
      recorder.adjustSp(step(4), 4, 32)
      recorder.callArgs(at, 0)
    }
    if (random.chance(0.5)) exit()
  }
  step(random.below(20))
  exit()
  return recorder.finish({ codeSize: at })
}

/** Anything that a record may say, in any order. */
export function wildRecord(seed: number): FrameRecord {
  const random = new Random(seed)
  const recorder = new FrameRecorder()
  const kind = random.pick(['normal', 'normal', 'normal', 'signal', 'outermost'] as const)
  let at = 0
  // CFA - SP, as far as this generator has to know it to stay legal.
  let depth = 8
  let known = true
  let frame = -1
  let frameDepth = 0
  let onFrame = false
  // The register that the CFA is found by in memory; -2 for an expression, -1 where it hangs on SP or the frame register.
  let elsewhere = -1
  // One rare event sends a whole record another way, so most records have none.
  const rare = random.chance(0.3)
  if (kind === 'signal' && random.chance(0.5)) {
    const errorCode = random.chance(0.5)
    recorder.machineFrame(errorCode)
    depth = errorCode ? 48 : 40
  }
  recorder.prologueEnd(0)
  type State = [number, boolean, number, number, boolean, number]
  const labels: { id: number; state: State }[] = []
  let before: State | null = null
  const state = (): State => [depth, known, frame, frameDepth, onFrame, elsewhere]
  const take = (saved: State): void => {
    ;[depth, known, frame, frameDepth, onFrame, elsewhere] = saved
  }
  const gone = (register: number): void => {
    if (register === frame) {
      frame = -1
      onFrame = false
    }
  }
  /** The caller's value is in the register again, which the CFA may have been found by. */
  const restored = (register: number): void => {
    gone(register)
    if (register === elsewhere) elsewhere = -1
  }
  for (let count = 4 + random.below(60); count > 0; count--) {
    const length = random.chance(0.2) ? 0 : 1 + random.below(9)
    at += random.chance(0.1) ? 60 + random.below(400) + length : length
    const register = random.chance(0.05) ? RETURN_ADDRESS : random.pick([0, 1, 2, 3, 5, 6, 7, 8, 12, 15, 16, 24, 31])
    switch (random.below(rare ? 22 : 18)) {
      case 0:
      case 1:
        if (!known) break
        depth += 8
        recorder.push(at, length, register, random.chance(0.7))
        break
      case 2:
        if (known && depth < 8) break
        // A frame register that is loaded while SP is unknown takes the CFA with it.
        if (!known && (register === frame || register === elsewhere)) break
        if (known) depth -= 8
        if (random.chance(0.7)) {
          recorder.pop(at, length, register)
          restored(register)
        } else {
          recorder.pop(at, length, register, false)
          gone(register)
        }
        break
      case 3: {
        const delta = -random.pick([2, 8, 24, 128, 5000])
        if (known) depth -= delta
        recorder.adjustSp(at, length, delta, random.pick(['immediate', 'register', 'probe'] as const))
        break
      }
      case 4: {
        const delta = random.pick([2, 8, 24, 128, 5000])
        if (known && depth < delta) break
        if (known) depth -= delta
        recorder.adjustSp(at, length, delta)
        break
      }
      case 5: {
        if (!known) break
        const offset = random.pick([0, 16, 32, 240])
        frame = random.pick([3, RBP, 13])
        frameDepth = depth - offset
        onFrame = true
        elsewhere = -1
        recorder.setFrameRegister(at, length, frame, offset)
        break
      }
      case 6:
        if (frame < 0 || frameDepth < 0) break
        depth = frameDepth
        known = true
        onFrame = false
        elsewhere = -1
        recorder.restoreSp(at, length, frame, 0)
        break
      case 7: {
        const base = random.chance(0.5) && frame >= 0 ? 'frame' : 'sp'
        if (base === 'sp' && !known) break
        recorder.save(at, length, register, base, random.pick([0, 8, 16, -8, 12, 80, 400, -64]))
        break
      }
      case 8: {
        const base = random.chance(0.5) && frame >= 0 ? 'frame' : 'sp'
        if ((base === 'sp' && !known) || (!known && (register === frame || register === elsewhere))) break
        recorder.restore(at, length, register, base, 8)
        restored(register)
        break
      }
      case 9:
        recorder.move(at, length, register, random.pick([8, 9, 10, RSP]))
        break
      case 10:
        if (random.chance(0.5)) recorder.lost(at, length, register)
        else recorder.kept(at, length, register)
        break
      case 11:
        if (!onFrame && elsewhere === -1) break
        known = false
        if (random.chance(0.5)) recorder.realign(at, length, 32)
        else recorder.dynamicSp(at, length)
        break
      case 12:
        if (random.chance(0.5)) recorder.callArgs(at, random.pick([0, 8, 48, 1000]))
        else recorder.plain(at, length)
        break
      case 13:
        if (labels.length > 0 && random.chance(0.6)) {
          const label = random.pick(labels)
          recorder.resume(at, label.id)
          take(label.state)
        } else {
          labels.push({ id: recorder.label(at), state: state() })
        }
        break
      case 14:
        if (before === null) {
          recorder.epilogueBegin(at)
          before = state()
        } else {
          recorder.epilogueEnd(at, random.pick(['return', 'tail-jump'] as const))
          take(before)
          before = null
        }
        break
      case 15:
        if (!known && register === frame) break
        recorder.copySp(at, length, register, random.pick([0, 8, -16]))
        gone(register)
        break
      case 16:
        frame = random.pick([3, RBP, 13])
        frameDepth = random.pick([0, 16, 48, 400])
        onFrame = true
        elsewhere = -1
        recorder.cfaFromRegister(at, length, frame, frameDepth)
        break
      case 17: {
        const other = random.pick([3, RBP, 10])
        if (other === frame || (!onFrame && elsewhere === -1)) break
        known = false
        recorder.restoreSp(at, length, other, random.pick([0, -8, 32]))
        break
      }
      case 18:
        elsewhere = random.pick([3, RBP, 10])
        onFrame = false
        recorder.cfaFromMemory(at, length, elsewhere, random.pick([0, -8, 300]), random.pick([0, 0, 8, -24]))
        break
      case 19:
        recorder.savedAt(at, length, register, random.pick([3, RBP, 10, RSP]), random.pick([0, -8, 12, 300]))
        break
      case 20: {
        // CFA + 5 * 8, times 1, by address or value: nothing that another rule could say.
        recorder.expression(at, length, register, random.pick(['address', 'value'] as const), '3538221e')
        break
      }
      case 21:
        elsewhere = -2
        onFrame = false
        recorder.cfaExpression(at, length, '77083a1a')
        break
    }
  }
  if (before !== null) recorder.epilogueEnd(at)
  return recorder.finish({ codeSize: at + random.pick([0, 0, 1, 7]), kind })
}
