import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type FrameRecord,
  FrameRecorder,
  parseRecord,
  partRows,
  partsOf,
  printRecord,
  printRows,
  RBX,
  rowAt,
  unwindRows,
} from '../src/index.ts'
import { generatedFunctions } from '../src/testing/index.ts'

/** Blocks in the order of the code; each comes after the state of another one. */
function reordered(): FrameRecord {
  const recorder = new FrameRecorder()
  const framed = recorder.newLabel()
  const saved = recorder.newLabel()
  recorder.prologueEnd(0)
  const entry = recorder.label(0)
  // 10: the slow path, which comes back from where both are true; 20: a save in the middle; 30: the frame's allocation.
  recorder.resume(10, saved)
  recorder.plain(15, 5)
  recorder.resume(20, framed)
  recorder.save(25, 5, RBX, 'sp', 8)
  recorder.label(25, saved)
  recorder.resume(30, entry)
  recorder.adjustSp(34, 4, -24)
  recorder.label(34, framed)
  return recorder.finish({ codeSize: 40 })
}

describe('labels that stand further on', () => {
  test('give the state that is reached at them, through other labels where need be', () => {
    expect(printRows(unwindRows(reordered()))).toEqual([
      '00  cfa = rsp+8, rip at cfa-8',
      '0a  cfa = rsp+32, rbx at cfa-24, rip at cfa-8',
      '14  cfa = rsp+32, rip at cfa-8',
      '19  cfa = rsp+32, rbx at cfa-24, rip at cfa-8',
      '1e  cfa = rsp+8, rip at cfa-8',
      '22  cfa = rsp+32, rip at cfa-8',
    ])
  })

  test('survive text and JSON', () => {
    expect(parseRecord(printRecord(reordered()))).toEqual(reordered())
  })

  test('that nothing leads to but themselves are refused, and labels that are nowhere', () => {
    const recorder = new FrameRecorder()
    const label = recorder.newLabel()
    recorder.prologueEnd(0)
    recorder.resume(4, label)
    recorder.label(8, label)
    const circular = recorder.finish({ codeSize: 10 })
    expect(() => unwindRows(circular)).toThrow(
      expect.objectContaining({ problem: { code: 'unknown-label', id: 0 }, event: 1 }),
    )
    const nowhere = recorder.newLabel()
    recorder.prologueEnd(0)
    recorder.resume(4, nowhere)
    expect(() => unwindRows(recorder.finish({ codeSize: 10 }))).toThrow(/no label 0/)
    expect(() => parseRecord('frame x86-64, normal, 8 bytes\n0 prologue-end\n2 resume 4')).toThrow(/no label 4/)
  })
})

describe('functions in several parts', () => {
  test('have rows for each part that begin with its whole state', () => {
    fc.assert(
      fc.property(generatedFunctions({ parts: true, labelsAhead: true }), ({ record }) => {
        const rows = unwindRows(record)
        for (const part of partsOf(record)) {
          const own = partRows(rows, part)
          expect(own[0]!.at).toBe(0)
          for (let offset = part.begin; offset < part.end; offset++) {
            const { at: _, ...expected } = rowAt(rows, offset)
            const { at: __, ...found } = rowAt(own, offset - part.begin)
            expect(found).toEqual(expected)
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    ['a gap', 'part 0 4\npart 5 8', /begins at 4/],
    ['an overlap', 'part 0 4\npart 3 8', /begins at 4/],
    ['an empty part', 'part 0 0\npart 0 8', /ends behind 0/],
    ['code behind the last', 'part 0 4', /end of the code at 8/],
  ])('are refused with %s', (_, parts, message) => {
    expect(() => parseRecord(`frame x86-64, normal, 8 bytes\n${parts}\n0 prologue-end`)).toThrow(message)
  })
})
