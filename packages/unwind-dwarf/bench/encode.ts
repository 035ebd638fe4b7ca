/**
 * Encoding a function's frame, warm: build frame-layout, then `node packages/unwind-dwarf/bench/encode.ts` (Node 24, which
 * runs the sources). Beside it the time that frame-layout takes for the rows alone: the alternative to running the events
 * over plain numbers, which is why `src/encode.ts` does that.
 */

import { type FrameRecord, FrameRecorder, RBP, unwindRows } from '@framewright/frame-layout'
import { dwarf } from '../src/index.ts'

const calleeSaved = [3, 12, 13, 14, 15]

function record(pushes: number, framePointer: boolean, size: number, exits: number): FrameRecord {
  const recorder = new FrameRecorder()
  let at = 0
  const step = (length: number): number => (at += length)
  if (framePointer) {
    recorder.push(step(1), 1, RBP)
    recorder.setFrameRegister(step(3), 3, RBP)
  }
  for (let i = 0; i < pushes; i++) recorder.push(step(2), 2, calleeSaved[i]!)
  if (size > 0) recorder.adjustSp(step(7), 7, -size)
  recorder.prologueEnd(at)
  for (let i = 0; i < exits; i++) {
    step(40)
    recorder.epilogueBegin(at)
    if (size > 0) recorder.adjustSp(step(7), 7, size)
    for (let j = pushes - 1; j >= 0; j--) recorder.pop(step(2), 2, calleeSaved[j]!)
    if (framePointer) recorder.pop(step(1), 1, RBP)
    recorder.epilogueEnd(step(1))
  }
  return recorder.finish({ codeSize: at })
}

const cases: readonly (readonly [string, FrameRecord])[] = [
  ['leaf', record(0, false, 0, 0)],
  ['frame pointer, one exit', record(0, true, 32, 1)],
  ['three pushes, 40 bytes, one exit', record(3, false, 40, 1)],
  ['five pushes, frame pointer, 136 bytes, one exit', record(5, true, 136, 1)],
  ['five pushes, 136 bytes, four exits', record(5, false, 136, 4)],
  ['five pushes, 136 bytes, 400 exits', record(5, false, 136, 400)],
]

function time(run: () => number): { microseconds: number; checksum: number } {
  let best = Number.POSITIVE_INFINITY
  let checksum = 0
  let repeats = 1
  for (let round = 0; round < 30; round++) {
    const start = performance.now()
    checksum = 0
    for (let i = 0; i < repeats; i++) checksum += run()
    const elapsed = performance.now() - start
    if (elapsed < 5) repeats *= 2
    else best = Math.min(best, (elapsed * 1000) / repeats)
  }
  return { microseconds: best, checksum }
}

// All shapes first, so that no case is timed with code that has seen only its own.
for (let i = 0; i < 2000; i++) for (const [, one] of cases.slice(0, 5)) dwarf.encode(one)

for (const [name, one] of cases) {
  const encoded = time(() => dwarf.encode(one).bytes.length)
  const rows = time(() => unwindRows(one).length)
  const events = one.events.length
  console.log(
    `${name.padEnd(50)} ${encoded.microseconds.toFixed(2).padStart(8)} us  (${events} events, ` +
      `${dwarf.encode(one).bytes.length} bytes; rows alone: ${rows.microseconds.toFixed(2)} us)`,
  )
}
