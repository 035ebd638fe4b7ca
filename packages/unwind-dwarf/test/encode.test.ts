import {
  type FrameRecord,
  FrameRecorder,
  RETURN_ADDRESS,
  type UnwindRow,
  unwindRows,
  XMM0,
} from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { decodeFrames, instructionsOf } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { ProgramEncoder } from '../src/encode.ts'
import { DwarfUnwindError } from '../src/errors.ts'
import { callFrameRows } from '../src/rows.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { compiledRecord, wildRecord } from './records.ts'
import { toHex } from './vectors.ts'

const encoder = new ProgramEncoder()

const section = (program: Uint8Array, size: number): ReturnType<typeof decodeFrames> =>
  decodeFrames(assembleEhFrame([{ symbol: 'f', section: '.text', offset: 0, size, program }]).bytes)

/** What the bytes say, in the record's terms. */
function decodedRows(program: Uint8Array, size: number): UnwindRow[] {
  const table = section(program, size)
  const fde = table.entries.find((entry) => entry.kind === 'fde')!
  return asUnwindRows(callFrameRows(table, fde), 16)
}

const withoutVectors = (rows: UnwindRow[]): UnwindRow[] => {
  const result: UnwindRow[] = []
  for (const row of rows) {
    const registers = new Map([...row.registers].filter(([register]) => register < XMM0 || register === RETURN_ADDRESS))
    const next = { ...row, registers }
    const last = result.at(-1)
    if (last === undefined || JSON.stringify(plain(last)) !== JSON.stringify(plain(next))) result.push(next)
  }
  return result
}

const plain = (row: UnwindRow): unknown => [row.cfa, [...row.registers], row.argumentBytes]

/** What a record may leave unsaid is the same as what a row says of the return address. */
const explicit = (rows: UnwindRow[]): unknown[] =>
  rows.map((row) => ({
    ...row,
    registers: new Map(
      [
        ...row.registers,
        ...(row.registers.has(RETURN_ADDRESS) ? [] : [[RETURN_ADDRESS, { rule: 'unchanged' }] as const]),
      ].filter(([register, rule]) => rule.rule !== 'unchanged' || register === RETURN_ADDRESS),
    ),
  }))

test.each([
  ['compiled', compiledRecord],
  ['wild', wildRecord],
] as const)('2000 %s records come back as their rows', (_, make) => {
  let remembered = 0
  for (let seed = 1; seed <= 2000; seed++) {
    const record = make(seed)
    const wanted = explicit(unwindRows(record))
    const program = encoder.encode(record, { vectorRegisters: true })
    expect(explicit(decodedRows(program, record.codeSize)), `seed ${seed}`).toEqual(wanted)
    const narrow = encoder.encode(record)
    expect(explicit(decodedRows(narrow, record.codeSize)), `seed ${seed}, no xmm`).toEqual(
      explicit(withoutVectors(unwindRows(record))),
    )
    const table = section(program, record.codeSize)
    for (const entry of table.entries) {
      if (entry.kind !== 'fde') continue
      const ops = instructionsOf(table, entry).map(({ operation }) => operation?.op)
      remembered += ops.filter((op) => op === 'restore_state').length
      expect(ops).not.toContain('val_offset')
    }
  }
  expect(remembered).toBeGreaterThan(500)
})

test('nothing of one function shows in the next', () => {
  const fresh = [5, 6, 7].map((seed) => toHex(new ProgramEncoder().encode(wildRecord(seed))))
  const reused = [5, 6, 7].map((seed) => toHex(encoder.encode(wildRecord(seed))))
  expect(reused).toEqual(fresh)
})

/** Asserts the smallest program of a function, byte by byte. */
function expectProgram(
  build: (recorder: FrameRecorder) => number,
  bytes: string,
  kind: FrameRecord['kind'] = 'normal',
) {
  const recorder = new FrameRecorder()
  const codeSize = build(recorder)
  expect(toHex(encoder.encode(recorder.finish({ codeSize, kind })))).toBe(bytes.replaceAll(' ', ''))
}

test('a leaf needs no program', () => {
  expectProgram(() => 12, '')
})

test('a frame pointer function is written as gas writes it, and exact to the return', () => {
  expectProgram((recorder) => {
    recorder.push(1, 1, 5)
    recorder.setFrameRegister(4, 3, 5)
    recorder.prologueEnd(4)
    recorder.epilogueBegin(15)
    recorder.leave(16, 1, 5)
    recorder.epilogueEnd(17)
    return 17
  }, '41 0e10 8602  43 0d06  4c 0c0708 c6')
})

test('an exit in the middle is remembered and restored where that is shorter', () => {
  expectProgram((recorder) => {
    recorder.push(1, 1, 3)
    recorder.prologueEnd(1)
    recorder.epilogueBegin(9)
    recorder.pop(10, 1, 3)
    recorder.epilogueEnd(11)
    recorder.epilogueBegin(20)
    recorder.pop(21, 1, 3)
    recorder.epilogueEnd(22)
    return 22
  }, '41 0e10 8302 0a  49 0e08 c3  41 0b  4a 0e08 c3')
})

test('an exit that changes one small thing is said again explicitly', () => {
  expectProgram((recorder) => {
    recorder.adjustSp(4, 4, -24)
    recorder.prologueEnd(4)
    recorder.epilogueBegin(9)
    recorder.adjustSp(13, 4, 24)
    recorder.epilogueEnd(14)
    recorder.epilogueBegin(20)
    recorder.adjustSp(24, 4, 24)
    recorder.epilogueEnd(25)
    return 25
  }, '44 0e20  49 0e08  41 0e20  4a 0e08')
})

test('the outermost frame has no caller from its first byte on', () => {
  expectProgram(() => 5, '0710', 'outermost')
})

test('a slot that the factor does not divide is reached by an expression', () => {
  expectProgram((recorder) => {
    recorder.adjustSp(4, 4, -30)
    recorder.save(8, 4, 3, 'sp', 2)
    recorder.prologueEnd(8)
    return 9
  }, '44 0e26  44 1003 03 115c22')
})

test('what is true only behind the last byte is not said', () => {
  expectProgram((recorder) => {
    recorder.prologueEnd(0)
    recorder.push(4, 1, 3)
    return 4
  }, '')
})

test('errors name the event', () => {
  const record = (register: number): FrameRecord => ({
    version: 1,
    architecture: 'x86-64',
    codeSize: 10,
    kind: 'normal',
    prologueEnd: 0,
    events: [
      { at: 0, length: 0, kind: 'prologue-end' },
      { at: 1, length: 1, kind: 'push', register, size: 8, saves: true },
    ],
  })
  const caught = (run: () => unknown): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    return null
  }
  const error = caught(() => encoder.encode(record(70)))
  expect(error).toBeInstanceOf(DwarfUnwindError)
  expect((error as DwarfUnwindError).problem).toEqual({ code: 'register', register: 70 })
  expect((error as DwarfUnwindError).place).toEqual({ in: 'record', event: 1 })
  expect(caught(() => encoder.encode({ ...record(3), architecture: 'vax' }))).toMatchObject({
    problem: { code: 'architecture', architecture: 'vax' },
  })
  // A record that contradicts itself is frame-layout's to explain.
  const lost: FrameRecord = {
    ...record(3),
    events: [{ at: 4, length: 4, kind: 'realign', alignment: 32 }],
  }
  expect(caught(() => encoder.encode(lost))).toMatchObject({ name: 'FrameError', problem: { code: 'cfa-lost' } })
  const unordered: FrameRecord = { ...record(3), events: [...record(3).events].reverse() }
  expect(caught(() => encoder.encode(unordered))).toMatchObject({ problem: { code: 'order', at: 0, previous: 1 } })
})
