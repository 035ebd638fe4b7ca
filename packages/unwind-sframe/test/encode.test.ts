// Bytes and refusals, one fact each.

import {
  AARCH64_FP,
  AARCH64_LR,
  type FrameRecord,
  FrameRecorder,
  firstFitting,
  fit,
  R10,
  RBP,
  RBX,
  RETURN_ADDRESS,
  type UnwoundFunction,
} from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { createSFrameFormat, decodeSFrame, SFrameError, type SFrameFormat, sframe, sframeV1 } from '../src/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function record(
  write: (recorder: FrameRecorder) => void,
  options: Partial<Parameters<FrameRecorder['finish']>[0]> = {},
  prologueEndsLast: boolean = true,
): FrameRecord {
  const recorder = new FrameRecorder()
  write(recorder)
  const finish = { codeSize: 100, ...options }
  if (prologueEndsLast) recorder.prologueEnd(finish.codeSize)
  return recorder.finish(finish)
}

function refusal(
  one: FrameRecord,
  format: SFrameFormat = sframe,
): [code: string, event: number, reason: string] | null {
  const result = fit(one, format)
  return result.fits ? null : [result.code, result.event, result.reason]
}

function owner(one: FrameRecord, format: SFrameFormat, offset: number = 0): UnwoundFunction {
  const symbol = `f${offset}`
  return { symbol, section: '.text', offset, codeSize: one.codeSize, unwind: format.encode(one) }
}

/** push rbp; mov rbp, rsp; …; leave; ret, with two more exits. */
const framed = record(
  (recorder) => {
    recorder.push(1, 1, RBP)
    recorder.setFrameRegister(4, 3, RBP)
    recorder.prologueEnd(4)
    recorder.epilogueBegin(4)
    recorder.leave(5, 1, RBP)
    recorder.epilogueEnd(6)
    recorder.epilogueBegin(7)
    recorder.leave(8, 1, RBP)
    recorder.epilogueEnd(9)
  },
  { codeSize: 9 },
  false,
)

test('a function with a frame pointer and two exits', () => {
  expect(hex(sframe.encode(framed)!.bytes)).toBe('000308' + '010510f0' + '040410f0' + '050308' + '060410f0' + '080308')
})

test('a function of 256 bytes takes two bytes for a start, one of 65536 four', () => {
  const starts = (codeSize: number): number =>
    sframe.encode(record((recorder) => recorder.adjustSp(4, 4, -8), { codeSize }))!.parts[0]!.startSize
  expect([255, 256, 65535, 65536].map(starts)).toEqual([0, 1, 1, 2])
})

test('words are as wide as the widest of their row', () => {
  const rows = (bytes: number): string =>
    hex(
      sframe.encode(
        record((recorder) => {
          recorder.push(1, 1, RBP)
          recorder.adjustSp(8, 7, -bytes)
        }),
      )!.bytes,
    ).slice('000308010510f0'.length)
  expect(rows(111)).toBe('08057ff0')
  expect(rows(112)).toBe('0825' + '8000' + 'f0ff')
  expect(rows(0x7fff - 16)).toBe('0825' + 'ff7f' + 'f0ff')
  expect(rows(0x8000 - 16)).toBe('0845' + '00800000' + 'f0ffffff')
})

test('saves of other registers make no row', () => {
  const saves = record((recorder) => {
    recorder.adjustSp(4, 4, -24)
    recorder.save(9, 5, RBX, 'sp', 8)
    recorder.callArgs(9, 0)
    recorder.restore(20, 5, RBX, 'sp', 8)
  })
  expect(hex(sframe.encode(saves)!.bytes)).toBe('000308' + '040320')
})

test('a row without words says that there is no caller, as of version 2', () => {
  const outermost = record(() => {}, { kind: 'outermost' })
  expect(hex(sframe.encode(outermost)!.bytes)).toBe('0000')
  expect(refusal(outermost, sframeV1)).toEqual([
    'outermost',
    -1,
    'version 1 cannot say that there is no caller (the frame record)',
  ])
  const later = record((recorder) => {
    recorder.adjustSp(4, 4, -8)
    recorder.lost(10, 0, RETURN_ADDRESS)
  })
  expect(hex(sframe.encode(later)!.bytes)).toBe('000308' + '040310' + '0a00')
  expect(refusal(later, sframeV1)?.slice(0, 2)).toEqual(['outermost', 1])
})

test('what has no words is refused with the event that made it so', () => {
  const cases: readonly [FrameRecord, string, number, string][] = [
    [record((r) => r.setFrameRegister(5, 5, RBX, 0)), 'cfa', 0, 'the CFA is rbx+8'],
    [
      record((r) => {
        r.push(1, 1, RBP)
        r.setFrameRegister(4, 3, RBP)
        r.cfaFromMemory(8, 4, RBP, -8)
      }),
      'cfa',
      2,
      'the CFA is in memory',
    ],
    [record((r) => r.cfaExpression(3, 3, '7708')), 'cfa', 0, 'the CFA is an expression'],
    [record((r) => r.move(3, 3, RBP, R10)), 'frame-pointer', 0, "the caller's frame pointer is in r10"],
    [record((r) => r.lost(3, 3, RBP)), 'frame-pointer', 0, "the caller's frame pointer is lost"],
    [record((r) => r.savedAt(3, 3, RBP, RBX, 8)), 'frame-pointer', 0, "the caller's frame pointer is at [rbx+8]"],
    [record((r) => r.move(3, 3, RETURN_ADDRESS, R10)), 'return-address', 0, 'the return address is in r10'],
    [record((r) => r.machineFrame(false)), 'stack-pointer', 0, "the caller's stack pointer is at CFA-16"],
    [record(() => {}, { kind: 'signal' }), 'signal-frame', -1, 'frames of interrupted functions'],
    [record(() => {}, { architecture: 'riscv64' }), 'architecture', -1, "'riscv64'"],
  ]
  for (const [one, code, event, reason] of cases) {
    const [foundCode, foundEvent, foundReason] = refusal(one) ?? []
    expect([foundCode, foundEvent]).toEqual([code, event])
    expect(foundReason).toContain(reason)
  }
})

test('a state that comes back into words is no reason, and the event is that of the part that has none', () => {
  const parts = [
    { begin: 0, end: 50 },
    { begin: 50, end: 100 },
  ]
  const one = record(
    (r) => {
      const entry = r.label(0)
      r.push(1, 1, RBP)
      r.resume(50, entry)
      r.lost(60, 3, RBP)
    },
    { parts },
  )
  expect(refusal(one)?.slice(0, 2)).toEqual(['frame-pointer', 3])
})

test('AArch64: CFA, return address, frame pointer; both signed', () => {
  const one = record(
    (recorder) => {
      recorder.signReturnAddress(4, 4, true)
      recorder.adjustSp(8, 4, -32)
      recorder.save(8, 0, AARCH64_FP, 'sp', 0, 8)
      recorder.save(8, 0, AARCH64_LR, 'sp', 8, 8)
      recorder.setFrameRegister(12, 4, AARCH64_FP)
    },
    { architecture: 'aarch64' },
  )
  expect(hex(sframe.encode(one)!.bytes)).toBe('000300' + '048300' + '088720e8e0' + '0c8620e8e0')
  const alone = record((recorder) => recorder.save(4, 4, AARCH64_FP, 'sp', 8, 8), { architecture: 'aarch64' })
  expect(refusal(alone)).toEqual([
    'frame-pointer',
    0,
    "the caller's frame pointer is saved while the return address is not (frame event 0)",
  ])
})

test('the header, field by field', () => {
  const [section] = sframe.assemble([owner(framed, sframe, 0x40)])
  const { bytes, align, relocations, name } = section!
  expect([name, align]).toEqual(['.sframe', 8])
  expect(hex(bytes.subarray(0, 48))).toBe(
    ['e2de', '02', '00', '03', '00', 'f8', '00', '01000000', '06000000', '15000000', '00000000', '14000000']
      .concat('00000000', '09000000', '00000000', '06000000', '00', '00', '0000')
      .join(''),
  )
  expect(relocations).toEqual([{ offset: 28, kind: 'pc-relative-32', symbol: '.text', addend: 0x40 }])
})

test('flags say what starts count from, and whether the index is sorted', () => {
  const flags = (options: Parameters<typeof createSFrameFormat>[0]): number[] => {
    const format = createSFrameFormat(options)
    const [section] = format.assemble([owner(framed, format, 0x80), owner(framed, format, 0x40)])
    const table = decodeSFrame(section!.bytes)
    return [table.flags, ...section!.relocations.map(({ addend }) => addend)]
  }
  expect(flags({})).toEqual([0, 0x80, 0x40])
  expect(flags({ starts: 'field' })).toEqual([5, 0x40, 0x80])
  expect(flags({ starts: 'field', sorted: false })).toEqual([4, 0x80, 0x40])
  expect(flags({ starts: 'section' })).toEqual([1, 0x40 + 28, 0x80 + 48])
  expect(flags({ version: 1, starts: 'section' })).toEqual([1, 0x40 + 28, 0x80 + 45])
  expect(() => createSFrameFormat({ version: 1, starts: 'field' })).toThrow(SFrameError)
})

test('no functions, no section; functions without code have no entry', () => {
  expect(sframe.assemble([])).toEqual([])
  expect(sframe.encode(record(() => {}, { codeSize: 0 }))).toBeNull()
})

test('unwind data of another format, and functions of two architectures, are refused', () => {
  expect(() => sframe.assemble([owner(framed, sframeV1)])).toThrow(
    "the unwind data of f0 are of the format 'sframe-v1'",
  )
  const arm = record(() => {}, { architecture: 'aarch64' })
  expect(() => sframe.assemble([owner(framed, sframe), owner(arm, sframe)])).toThrow(
    'one section cannot describe x86-64 and aarch64',
  )
  expect(() => sframe.assemble([{ ...owner(framed, sframe), codeSize: 5 }])).toThrow(SFrameError)
})

test('in a chain of fallbacks each function is described by the first format that can', () => {
  const chain = firstFitting([sframeV1, sframe])
  const outermost = record(() => {}, { kind: 'outermost' })
  expect([framed, outermost].map((one) => chain.encode(one)!.format)).toEqual(['sframe-v1', 'sframe'])
})
