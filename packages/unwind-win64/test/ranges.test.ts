// Functions whose state is not the same everywhere behind the prologue: saves in the body, states from inside the prologue,
// parts, labels ahead. Random ones, walked from every instruction, and what small ones come to.

import { type FrameRecord, FrameRecorder, loadImage, parseRecord, RBP, RBX, RSI, RSP } from '@framewright/frame-layout'
import {
  CodeWriter,
  checkConformance,
  type GeneratedFunction,
  generatedFunctions,
  shrinkWrappedFunctions,
} from '@framewright/frame-layout/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  assembleTables,
  decodeImage,
  decodeUnwindInfo,
  encodeFrame,
  printUnwind,
  unwindFrame,
  type Win64Format,
  win64Format,
} from '../src/index.ts'

const rows = 'true-outside-epilogues'
const wine: Win64Format = {
  ...win64Format,
  unwind: (frame, image, memory) => unwindFrame(frame, image, memory, { system: 'wine-8' }),
}

describe('random bodies are walked from every instruction', () => {
  test('on Windows', () => {
    const report = checkConformance(win64Format, { runs: 400, functions: shrinkWrappedFunctions(), rows })
    expect(report.refused).toEqual(new Map())
    expect(report.points).toBeGreaterThan(5000)
  })

  test('on Wine 8', () => {
    const report = checkConformance(wine, {
      runs: 200,
      functions: shrinkWrappedFunctions({ tailJumps: false }),
      rows: 'unchecked',
    })
    expect(report.refused).toEqual(new Map())
  })

  test.each([2, 3])('by version %i', (version) => {
    const format: Win64Format = {
      ...win64Format,
      decode: (image) => decodeImage(image, { version3: true }),
      unwind: (frame, image, memory) => unwindFrame(frame, image, memory, { version3: true }),
    }
    const encodeOptions = { version } as object
    const report = checkConformance(format, { runs: 300, functions: shrinkWrappedFunctions(), rows, encodeOptions })
    const allowed = version === 2 ? ['epilogue-form'] : ['inexpressible', 'epilogues', 'operations', 'payload']
    expect([...report.refused.keys()].filter((code) => !allowed.includes(code))).toEqual([])
    expect(report.points).toBeGreaterThan(2000)
  })

  test('functions of the kit, in parts and with labels ahead', () => {
    const functions = generatedFunctions({ forms: 'windows', parts: true, labelsAhead: true, handlers: true })
    const report = checkConformance(win64Format, { runs: 200, functions, rows })
    expect(report.refused).toEqual(new Map())
    expect(report.points).toBeGreaterThan(3000)
  })
})

const parse = (size: number, text: string): FrameRecord =>
  parseRecord(`frame x86-64, normal, ${size} bytes\n${text.replaceAll('; ', '\n')}\n`)

describe('a register that is saved for a while', () => {
  // sub rsp, 40; (20) mov [rsp + 32], rbx; mov [rsp + 48], rsi; (60) mov rbx, [...]; mov rsi, [...]; (80) add rsp, 40; ret
  const record = parse(
    100,
    '4 (4) adjust-sp -40 immediate; 4 prologue-end; 25 (5) save rbx sp 32 8; 30 (5) save rsi sp 48 8; 65 (5) restore rbx sp 32 8; 70 (5) restore rsi sp 48 8; 80 epilogue-begin; 84 (4) adjust-sp 40 immediate; 85 epilogue-end return',
  )

  test('has a range of its own, chained to the one in front, and one behind it', () => {
    expect(printUnwind(encodeFrame(record)!)).toEqual([
      'range 0..20',
      'version 1, prologue 4 bytes, 1 slot',
      '  at 4    ALLOC_SMALL     rsp -= 40',
      'range 20..70, chained to range 0',
      'version 1, chained, prologue 10 bytes, 4 slots',
      '  at 10   SAVE_NONVOL     rsi at base + 48',
      '  at 5    SAVE_NONVOL     rbx at base + 32',
      'range 70..100, chained to range 0',
      'version 1, chained, prologue 0 bytes, 0 slots',
    ])
  })

  test('needs no range behind it when the function is left at once', () => {
    const exit = parse(
      100,
      '4 (4) adjust-sp -40 immediate; 4 prologue-end; 25 (5) save rbx sp 32 8; 65 (5) restore rbx sp 32 8; 65 epilogue-begin; 69 (4) adjust-sp 40 immediate; 70 epilogue-end return',
    )
    const ranges = encodeFrame(exit)!.fragments.map(({ begin, end }) => [begin, end])
    expect(ranges).toEqual([
      [0, 20],
      [20, 70],
      [70, 100],
    ])
  })

  test('repeats the frame register, and lies where the frame register reaches', () => {
    const framed = parse(
      100,
      '1 (1) push rbp 8 saves; 4 (3) set-frame-register rbp 0; 8 (4) adjust-sp -64 immediate; 8 prologue-end; 25 (5) save rbx frame -32 8; 40 dynamic-sp',
    )
    const unwind = encodeFrame(framed)!
    const infos = unwind.fragments.map(({ info }) => decodeUnwindInfo(unwind.bytes, info))
    expect(infos.map(({ frameRegister, frameOffset }) => [frameRegister, frameOffset])).toEqual([
      [RBP, 32],
      [RBP, 32],
    ])
  })

  test('may be pushed, under a frame register', () => {
    const pushed = parse(
      100,
      '1 (1) push rbp 8 saves; 4 (3) set-frame-register rbp 0; 4 prologue-end; 25 (1) push rbx 8 saves; 40 (1) pop rbx 8 restores',
    )
    expect(printUnwind(encodeFrame(pushed)!)).toEqual([
      'range 0..24',
      'version 1, prologue 4 bytes, frame register rbp at 16, 3 slots',
      '  at 4    SET_FPREG       rbp = rsp + 16',
      '  at 4    ALLOC_SMALL     rsp -= 16',
      '  at 1    PUSH_NONVOL     push rbp',
      'range 24..40, chained to range 0',
      'version 1, chained, prologue 1 bytes, frame register rbp at 16, 2 slots',
      '  at 1    SAVE_NONVOL     rbx at base + 8',
      'range 40..100, chained to range 0',
      'version 1, chained, prologue 0 bytes, frame register rbp at 16, 0 slots',
    ])
  })
})

test('a save in the home area, before SP moves, is described where the offset is right, as MSVC does', () => {
  const record = parse(
    100,
    '5 (5) save rbx sp 8 8; 6 (1) push rdi 8 saves; 10 (4) adjust-sp -32 immediate; 10 prologue-end',
  )
  expect(Buffer.from(encodeFrame(record)!.bytes).toString('hex')).toBe('010a04000a3406000a320670')
})

test('a stack probe between save and allocation is recognised by its bytes', () => {
  const record = parse(5000, '5 (5) save rbx sp 8 8; 18 (3) adjust-sp -4104 register; 18 prologue-end')
  expect(() => encodeFrame(record)).toThrow(/code in between may have changed the register/)
  const code = new Uint8Array(5000)
  code[5] = 0xb8
  code[10] = 0xe8
  expect(printUnwind(encodeFrame(record, { code })!)).toEqual([
    'version 1, prologue 18 bytes, 4 slots',
    '  at 18   SAVE_NONVOL     rbx at base + 4112',
    '  at 18   ALLOC_LARGE     rsp -= 4104',
  ])
})

test('a range in a state from inside the prologue chains to a record of that part, under the range of the first', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  const early = recorder.label(1)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  recorder.epilogueBegin(50)
  recorder.adjustSp(54, 4, 32)
  recorder.pop(55, 1, RBX)
  recorder.epilogueEnd(56)
  recorder.resume(56, early)
  const record = recorder.finish({ codeSize: 70, personality: { symbol: 'h' } })
  const unwind = encodeFrame(record)!
  expect(unwind.fragments.map(({ begin, end, parent }) => [begin, end, parent])).toEqual([
    [0, 56, -1],
    [56, 70, 0],
  ])
  const { parentInfo } = unwind.fragments[1]!
  expect(parentInfo).not.toBe(unwind.fragments[0]!.info)
  const hidden = decodeUnwindInfo(unwind.bytes, parentInfo)
  expect(hidden.codes.map(({ codeOffset, operation, info }) => [codeOffset, operation, info])).toEqual([[0, 0, RBX]])
  // The handler is that of the last record of the chain, whichever it is.
  expect(hidden.flags).toBe(3)
  expect(unwind.relocations.map(({ symbol }) => symbol)).toEqual(['h', 'h'])
  expect(printUnwind(unwind)).toEqual([
    'range 0..56',
    'version 1, exception and termination handler, prologue 5 bytes, 2 slots',
    '  at 5    ALLOC_SMALL     rsp -= 32',
    '  at 1    PUSH_NONVOL     push rbx',
    '  handler h',
    'range 56..70, chained to range 0',
    'version 1, chained, prologue 0 bytes, 0 slots',
    '  goes on in a record of its own:',
    '  version 1, exception and termination handler, prologue 0 bytes, 1 slot',
    '    at 0    PUSH_NONVOL     push rbx',
    '    handler h',
  ])
})

test('a part with language data of its own has them behind a handler of its own', () => {
  const recorder = new FrameRecorder()
  recorder.adjustSp(4, 4, -40)
  recorder.prologueEnd(4)
  const body = recorder.label(4)
  recorder.resume(20, body)
  recorder.resume(40, body)
  const parts = [
    { begin: 0, end: 20 },
    { begin: 20, end: 40, languageData: { symbol: 'cold-data' } },
    { begin: 40, end: 60 },
  ]
  const symbols = { personality: { symbol: 'h' }, languageData: { symbol: 'data' } }
  const unwind = encodeFrame(recorder.finish({ codeSize: 60, parts, ...symbols }))!
  const handlers = unwind.fragments.map(({ info, parentInfo }) => {
    const at = (parentInfo < 0 ? info : parentInfo) + 8
    return unwind.relocations.filter(({ offset }) => offset === at || offset === at + 4).map(({ symbol }) => symbol)
  })
  expect(handlers).toEqual([
    ['h', 'data'],
    ['h', 'cold-data'],
    ['h', 'data'],
  ])
  expect(unwind.fragments.map(({ parent }) => parent)).toEqual([-1, 0, 0])
})

test('a state from inside a long prologue chains under the first range all the same', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  const early = recorder.label(1)
  recorder.adjustSp(5, 4, -128)
  recorder.save(305, 5, RSI, 'sp', 32)
  recorder.prologueEnd(305)
  recorder.resume(400, early)
  const { fragments } = encodeFrame(recorder.finish({ codeSize: 500 }))!
  expect(fragments.map(({ begin, end, parent }) => [begin, end, parent])).toEqual([
    [0, 300, -1],
    [300, 400, 0],
    [400, 500, 0],
  ])
})

test('the prologue of a range does not reach over an epilogue: Wine looks for none in there', () => {
  const text =
    '4 (4) adjust-sp -40 immediate; 4 prologue-end; 15 (5) save rbx sp 32 8; 20 epilogue-begin; 25 (5) restore rbx sp 32 8; 29 (4) adjust-sp 40 immediate; 30 epilogue-end return; 45 (5) save rsi sp 24 8'
  const { fragments } = encodeFrame(parse(100, text))!
  expect(fragments.map(({ begin, end }) => [begin, end])).toEqual([
    [0, 10],
    [10, 40],
    [40, 100],
  ])
})

describe('epilogues that one record cannot list', () => {
  /** Epilogues of six bytes each, `gap` bytes apart, and as many bytes behind them. */
  function many(count: number, gap: number): GeneratedFunction {
    const code = new CodeWriter()
    code.push(RBX)
    code.adjustSp(-32)
    code.recorder.prologueEnd(code.at)
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < gap; k++) code.nop()
      code.recorder.epilogueBegin(code.at)
      code.adjustSp(32)
      code.pop(RBX)
      code.ret()
    }
    for (let k = 0; k < gap; k++) code.nop()
    const record = code.recorder.finish({ codeSize: code.at })
    // Every instruction would be much; those of the epilogues and around them will do.
    const boundaries = code.boundaries.filter((at, i, all) => i < 4 || all[i - 3]! !== at - 3 || all[i + 3]! !== at + 3)
    return { record, code: Uint8Array.from(code.bytes), boundaries }
  }

  test.each([
    [1, 400, 20, 1],
    [2, 1, 4000, 1],
    [2, 3, 1500, 2],
    [2, 1, 5000, 2],
    [2, 600, 1, 3],
    [3, 7, 20, 1],
    [3, 30, 20, 5],
    [3, 3, 20_000, 2],
  ])('version %i: %i of them, %i bytes apart, take %i ranges', (version, count, gap, ranges) => {
    const made = many(count, gap)
    const unwind = encodeFrame(made.record, { version: version as 1 })!
    expect(unwind.fragments.length).toBe(ranges)
    const format: Win64Format = {
      ...win64Format,
      decode: (image) => decodeImage(image, { version3: true }),
      unwind: (frame, image, memory) => unwindFrame(frame, image, memory, { version3: true }),
    }
    const functions = fc.constant(made)
    const options = { runs: 1, functions, rows, encodeOptions: { version } as object } as const
    expect(checkConformance(format, options).refused).toEqual(new Map())
  })
})

test('parts lie where they were placed, in other sections too, in front of the entry too', () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  const body = recorder.label(5)
  recorder.epilogueBegin(20)
  recorder.adjustSp(24, 4, 32)
  recorder.pop(25, 1, RBX)
  recorder.epilogueEnd(26)
  recorder.resume(26, body)
  const parts = [
    { begin: 0, end: 26 },
    { begin: 26, end: 40 },
  ]
  const unwind = encodeFrame(recorder.finish({ codeSize: 40, parts }))!
  const owner = { symbol: 'f', section: '.text', offset: 0x100, codeSize: 26, unwind }
  expect(() => assembleTables([owner])).toThrow("where part 1 of 'f' lies is not known")
  const cold = { symbol: 'f.cold', section: '.text.cold', offset: 0x40, codeSize: 14 }
  const sections = assembleTables([{ ...owner, parts: [owner, cold] }])
  const [xdata, pdata] = sections
  expect(pdata!.relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual([
    ...['.text+256', '.text+282', '.xdata+0'],
    ...['.text.cold+64', '.text.cold+78', '.xdata+8'],
  ])
  expect(xdata!.relocations.map(({ symbol, addend }) => `${symbol}+${addend}`)).toEqual([
    '.text+256',
    '.text+282',
    '.xdata+0',
  ])
  // The cold part below the entry: nothing in the parent is before the pc then.
  const text = { name: '.text', address: 0x9000n, bytes: new Uint8Array(0x200) }
  const coldText = { name: '.text.cold', address: 0x1000n, bytes: new Uint8Array(0x100).fill(0x90) }
  const image = loadImage(0n, [coldText, text], sections, new Map())
  // A linker sorts the table.
  const table = image.sections.find(({ name }) => name === '.pdata')!.bytes
  table.set([...table.subarray(12), ...table.subarray(0, 12)])
  const registers: bigint[] = new Array(33).fill(0n)
  registers[RSP] = 0x7000n
  registers[32] = 0x1044n
  const memory = (address: bigint): bigint => (address === 0x7020n ? 0xb0bn : address === 0x7028n ? 0xca11n : 0n)
  for (const system of ['windows', 'wine-8'] as const) {
    const step = unwindFrame({ registers }, image, memory, { system })
    expect([step.registers[RBX], step.registers[RSP], step.registers[32]], system).toEqual([0xb0bn, 0x7030n, 0xca11n])
  }
})

test('labels ahead', () => {
  const recorder = new FrameRecorder()
  const ahead = recorder.newLabel()
  recorder.adjustSp(4, 4, -40)
  recorder.prologueEnd(4)
  const body = recorder.label(4)
  recorder.epilogueBegin(10)
  recorder.adjustSp(14, 4, 40)
  recorder.epilogueEnd(15)
  recorder.resume(15, ahead) // where rbx is saved
  recorder.restore(30, 5, RBX, 'sp', 32)
  recorder.resume(40, body)
  recorder.save(50, 5, RBX, 'sp', 32)
  recorder.label(50, ahead)
  const unwind = encodeFrame(recorder.finish({ codeSize: 60 }))!
  expect(unwind.fragments.map(({ begin, end }) => [begin, end])).toEqual([
    [0, 15],
    [15, 30],
    [30, 45],
    [45, 60],
  ])
  const saved = unwind.fragments.map(({ info }) => decodeUnwindInfo(unwind.bytes, info).codes.length)
  expect(saved).toEqual([1, 1, 0, 1])
})

test('what parts cannot be', () => {
  const late = new FrameRecorder()
  late.adjustSp(30, 4, -40)
  late.prologueEnd(30)
  const parts = [
    { begin: 0, end: 10 },
    { begin: 10, end: 40 },
  ]
  expect(() => encodeFrame(late.finish({ codeSize: 40, parts }))).toThrow(/the prologue does not end in the first one/)
  const torn = new FrameRecorder()
  torn.adjustSp(4, 4, -40)
  torn.prologueEnd(4)
  torn.epilogueBegin(8)
  torn.adjustSp(12, 4, 40)
  torn.epilogueEnd(13)
  expect(() => encodeFrame(torn.finish({ codeSize: 40, parts }))).toThrow(/it lies in two parts/)
})

test('version 3 refuses saves in the body of a function with a frame register', () => {
  const record = parse(
    100,
    '1 (1) push rbp 8 saves; 4 (3) set-frame-register rbp 0; 8 (4) adjust-sp -64 immediate; 8 prologue-end; 25 (5) save rbx frame -32 8',
  )
  expect(() => encodeFrame(record, { version: 3 })).toThrow(/does not say what saves in a chained record count from/)
})
