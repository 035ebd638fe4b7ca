// Bytes of LLVM's assembler, and what Windows' and Wine's unwinders make of them.

import {
  FrameRecorder,
  printRow,
  RETURN_ADDRESS,
  RSP,
  rowAt,
  sameState,
  unwindRows,
  x64,
} from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import {
  assembleTables,
  decodeImage,
  decodeUnwindInfo,
  encodeFrame,
  encodeUnwindInfo,
  prologueCodes,
  type UnwindInfo,
  unwindFrame,
  Win64UnwindError,
} from '../src/index.ts'
import {
  bytesOf,
  hexOf,
  imageOf,
  memoryOf,
  operationOf,
  readVectors,
  record,
  recordOf,
  stateAt,
  type VectorCase,
} from './vectors.ts'

const vectors = readVectors()
const cases = vectors?.cases ?? []
const supported = cases.filter((vector) => vector.version !== 3)

/** One record of a case, as the file spells it. */
function infoOf(vector: VectorCase, fragment = 0): UnwindInfo {
  const parts = vector.fragments
  const ops = parts === undefined ? vector.ops! : parts[fragment]!.ops
  const prologueSize = parts === undefined ? vector.prologSize : parts[fragment]!.prologSize
  const own = prologueCodes(ops.map(operationOf), prologueSize)
  const parent = parts === undefined ? null : parts[fragment]!.chainsTo
  const root = parts === undefined ? own : prologueCodes(parts[0]!.ops.map(operationOf), parts[0]!.prologSize)
  return {
    version: vector.version as 1 | 2,
    flags: parent === null ? vector.flags : 4,
    prologueSize,
    frameRegister: root.frameRegister,
    frameOffset: root.frameOffset,
    codes: own.codes,
    epilogues: vector.version === 2 ? listedEpilogues(vector) : null,
    handler: 0,
    parent: parent === null ? null : { begin: 0, end: 0, unwindInfo: 0 },
  }
}

function listedEpilogues(vector: VectorCase): UnwindInfo['epilogues'] {
  const epilogs = vector.epilogs ?? []
  if (epilogs.length === 0) return null
  const size = epilogs[0]!.terminator - epilogs[0]!.popStart + 1
  const starts = epilogs.map((epilog) => epilog.popStart).sort((a, b) => b - a)
  const atEnd = starts[0]! + size === vector.functionSize
  return { size, atEnd, distances: (atEnd ? starts.slice(1) : starts).map((start) => vector.functionSize - start) }
}

/** The bytes with relocated fields zero. */
function expectedHex(vector: VectorCase): string {
  // The offsets of relocations are those of the longer bytes; the field of the handler is zero in both.
  if (vector.xdataShortestHex !== undefined) return vector.xdataShortestHex
  const bytes = bytesOf(vector.xdataHex)
  for (const { offset } of vector.xdataRelocs) bytes.fill(0, offset, offset + 4)
  return hexOf(bytes)
}

describe.skipIf(vectors === null)('the win64 vectors', () => {
  test('are all there', () => {
    expect(cases.length).toBeGreaterThanOrEqual(242)
  })

  // One case has neither: it is a source for an assembler, and its bytes are written again below.
  const described = supported.filter(({ ops, fragments }) => ops !== undefined || fragments !== undefined)

  test('are described but for one', () => {
    expect(supported.length).toBe(229)
    expect(supported.filter((vector) => !described.includes(vector)).map(({ name }) => name)).toEqual([
      'chain-directive',
    ])
  })

  test.each(described)('$name: bytes', (vector) => {
    const data = vector.handlerDataHex === undefined ? undefined : bytesOf(vector.handlerDataHex)
    const blobs = vector.pdata.map((_, i) => encodeUnwindInfo(infoOf(vector, i), i === 0 ? data : undefined))
    const whole = new Uint8Array(vector.pdata.at(-1)!.unwindInfo + blobs.at(-1)!.length)
    blobs.forEach((blob, i) => {
      whole.set(blob, vector.pdata[i]!.unwindInfo)
    })
    expect(hexOf(whole)).toBe(expectedHex(vector))
  })

  test.each(supported.filter((vector) => vector.ops !== undefined))('$name: bytes from a frame record', (vector) => {
    const unwind = encodeFrame(recordOf(vector), {
      version: vector.version as 1 | 2,
      always: true,
      handler: vector.flags === 1 ? 'exception' : vector.flags === 2 ? 'termination' : 'both',
      handlerData: { bytes: bytesOf(vector.handlerDataHex ?? '') },
    })!
    expect(hexOf(unwind.bytes)).toBe(expectedHex(vector))
    expect(unwind.relocations.map(({ symbol }) => symbol)).toEqual(vector.handler === undefined ? [] : [vector.handler])
  })

  test.each(supported)('$name: decoding and encoding again', (vector) => {
    const bytes = bytesOf(vector.xdataHex)
    for (const { unwindInfo } of vector.pdata) {
      const info = decodeUnwindInfo(bytes, unwindInfo)
      const again = encodeUnwindInfo(info, undefined)
      expect(hexOf(again)).toBe(hexOf(bytes.subarray(unwindInfo, unwindInfo + again.length)))
    }
  })

  test.each(supported.filter((vector) => vector.ops !== undefined))('$name: sections', (vector) => {
    const info = infoOf(vector)
    const data = vector.handlerDataHex === undefined ? undefined : bytesOf(vector.handlerDataHex)
    const fragments = [{ begin: 0, end: vector.functionSize, info: 0, part: 0, parent: -1, parentInfo: -1 }]
    const unwind = { format: 'win64' as const, bytes: encodeUnwindInfo(info, data), relocations: [], fragments }
    const placed = { symbol: 'f', section: '.text', offset: 0, codeSize: vector.functionSize, unwind }
    const pdata = assembleTables([placed]).find((section) => section.name === '.pdata')!
    const relocs = pdata.relocations.map(({ offset, symbol, addend }) => ({ offset, type: 'ADDR32NB', symbol, addend }))
    expect(relocs).toEqual(vector.pdataRelocs)
  })

  // Rows of the prologue and the body: what the bytes say of epilogues is said by their code, not by rows.
  test.each(supported.filter((vector) => vector.ops !== undefined))(
    '$name: rows of the bytes are those of the record',
    (vector) => {
      const [one] = decodeImage(imageOf(vectors!, vector))
      const found = one!.rows()
      const expected = unwindRows(recordOf(vector))
      for (let offset = 0; offset <= vector.prologSize; offset++) {
        const [row, wanted] = [rowAt(found, offset), rowAt(expected, offset)]
        expect(sameState(row, wanted), `at ${offset}: ${printRow(row)}, not ${printRow(wanted)}`).toBe(true)
      }
    },
  )

  test.each(vectors?.invalid ?? [])('$name is refused: $why', ({ ops, prologSize }) => {
    expect(() => prologueCodes(ops.map(operationOf), prologSize)).toThrow(Win64UnwindError)
  })

  // A record may have its pushes behind the frame register, and a save in front of it if nothing lies between; too many
  // slots become a chain.
  const expressible = ['push-after-frame', 'save-before-frame', 'too-many-slots']
  test.each((vectors?.invalid ?? []).filter(({ name }) => !expressible.includes(name)))(
    '$name is refused as a record: $why',
    ({ ops, prologSize }) => {
      const recorder = new FrameRecorder()
      expect(() => {
        for (const op of ops) record(recorder, op)
        recorder.prologueEnd(prologSize)
        encodeFrame(recorder.finish({ codeSize: 1000 }))
      }).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(Win64Unwind|Frame)Error$/) }))
    },
  )

  test.each(supported.filter((vector) => vector.unwind !== undefined))('$name: unwind points', (vector) => {
    const image = imageOf(vectors!, vector)
    const { callerRsp, memory, points } = vector.unwind!
    const { conventions } = vectors!
    for (const point of points) {
      for (const system of ['windows', 'wine-8'] as const) {
        if (system === 'wine-8' && point.wineDiffers !== undefined) continue
        const where = `${point.at} at ${point.ip} on ${system}`
        const step = unwindFrame(stateAt(vectors!, point), image, memoryOf(memory), { system })
        expect(step.registers[RSP], where).toBe(BigInt(callerRsp))
        expect(step.registers[RETURN_ADDRESS], where).toBe(BigInt(conventions.returnAddress))
        for (const name of ['rbx', 'rbp', 'rsi', 'rdi', 'r12', 'r13', 'r14', 'r15']) {
          const register = x64.registerNames.indexOf(name)
          expect(step.registers[register], `${name}, ${where}`).toBe(BigInt(conventions.callerRegisters[name]!))
        }
        for (let i = 6; i < 16; i++) {
          expect(step.registers[16 + i], `xmm${i}, ${where}`).toBe(BigInt(conventions.callerRegisters[`xmm${i}`]!))
        }
        if (point.establisherFrame !== undefined) {
          expect(step.establisherFrame, where).toBe(BigInt(point.establisherFrame))
        }
        if (point.saved !== undefined) {
          const saved = Object.fromEntries(
            [...step.saved].map(([r, at]) => [x64.registerNames[r], `0x${at.toString(16)}`]),
          )
          expect(saved, where).toEqual(point.saved)
        }
        if (point.handler !== undefined) expect(step.handler !== null, where).toBe(point.handler)
      }
    }
  })

  test.each(supported.filter((vector) => !vector.tags.includes('overlapping-ranges')))(
    '$name: decodes as an image',
    (vector) => {
      const functions = decodeImage(imageOf(vectors!, vector))
      expect(functions.map(({ begin, end }) => Number(end - begin))).toEqual(
        vector.pdata.map(({ begin, end }) => end - begin),
      )
    },
  )
})
