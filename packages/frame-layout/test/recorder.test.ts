import { expect, test } from 'vitest'
import { FrameRecorder, RBP, RBX } from '../src/index.ts'

const problem = (code: string, event: number) =>
  expect.objectContaining({ name: 'FrameError', problem: expect.objectContaining({ code }), event })

test('a record holds what was recorded, and the recorder is empty afterwards', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  const first = recorder.finish({ codeSize: 9, personality: { symbol: 'p' }, languageData: { symbol: 'd' } })
  expect(first).toEqual({
    version: 1,
    architecture: 'x86-64',
    codeSize: 9,
    kind: 'normal',
    prologueEnd: 1,
    personality: { symbol: 'p' },
    languageData: { symbol: 'd' },
    events: [
      { at: 1, length: 1, kind: 'push', register: RBX, size: 8, saves: true },
      { at: 1, length: 0, kind: 'prologue-end' },
    ],
  })
  expect(recorder.length).toBe(0)
  expect(recorder.finish({ codeSize: 9 }).events).toEqual([])
  expect(first.events.length).toBe(2)
})

test('labels are numbered anew in every function', () => {
  const recorder = new FrameRecorder()
  recorder.prologueEnd(0)
  expect(recorder.label(0)).toBe(0)
  expect(recorder.label(3)).toBe(1)
  recorder.reset()
  recorder.prologueEnd(0)
  expect(() => recorder.resume(4, 0)).toThrow(problem('unknown-label', 1))
  expect(recorder.label(5)).toBe(0)
})

test('an event may not begin before the one in front of it ends', () => {
  const recorder = new FrameRecorder()
  recorder.push(4, 1, RBX)
  expect(() => recorder.push(3, 1, RBP)).toThrow(problem('out-of-order', 1))
  expect(() => recorder.setFrameRegister(6, 3, RBP)).toThrow(problem('out-of-order', 1))
  expect(() => recorder.push(Number.NaN, 1, RBP)).toThrow(problem('out-of-order', 1))
  expect(() => recorder.push(8, -1, RBP)).toThrow(problem('out-of-order', 1))
  recorder.setFrameRegister(7, 3, RBP)
})

test('markers pair up', () => {
  const recorder = new FrameRecorder()
  expect(() => recorder.epilogueBegin(0)).toThrow(problem('misplaced', 0))
  recorder.push(1, 1, RBX)
  expect(() => recorder.finish({ codeSize: 4 })).toThrow(problem('misplaced', 1))
  recorder.prologueEnd(1)
  expect(() => recorder.prologueEnd(2)).toThrow(problem('misplaced', 2))
  expect(() => recorder.epilogueEnd(3)).toThrow(problem('misplaced', 2))
  recorder.epilogueBegin(3)
  expect(() => recorder.epilogueBegin(3)).toThrow(problem('misplaced', 3))
  expect(() => recorder.finish({ codeSize: 4 })).toThrow(problem('misplaced', 3))
})

test('nothing lies past the code', () => {
  const recorder = new FrameRecorder()
  recorder.prologueEnd(0)
  recorder.push(9, 1, RBX)
  expect(() => recorder.finish({ codeSize: 8 })).toThrow(problem('past-end', 1))
  expect(() => recorder.finish({ codeSize: -1 })).toThrow(problem('bad-number', -1))
})

test('offsets follow code that was moved after it was recorded', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  recorder.epilogueBegin(90)
  recorder.pop(91, 1, RBX)
  recorder.epilogueEnd(92)
  recorder.remap((offsets, count) => {
    expect([...offsets.subarray(0, count)]).toEqual([1, 1, 90, 91, 92])
    for (let i = 0; i < count; i++) if (offsets[i]! > 50) offsets[i]! -= 6
  })
  recorder.epilogueBegin(86) // where the last one ends now
  recorder.epilogueEnd(87)
  const { events } = recorder.finish({ codeSize: 87 })
  expect(events.map(({ at }) => at)).toEqual([1, 1, 84, 85, 86, 86, 87])
})

test('leave is two events of one instruction', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.prologueEnd(4)
  recorder.leave(9, 1, RBP)
  expect(recorder.finish({ codeSize: 10 }).events.slice(-2)).toEqual([
    { at: 9, length: 1, kind: 'restore-sp', register: RBP, offset: 0 },
    { at: 9, length: 1, kind: 'pop', register: RBP, size: 8, restores: true },
  ])
})
