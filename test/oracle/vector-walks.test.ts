// The unwind points of the win64 vectors, in a program under Wine: what the vectors say of Wine is so, and where it differs
// from Windows, our walk differs in the same way.

import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RETURN_ADDRESS, RSP } from '../../packages/frame-layout/src/index.ts'
import {
  type ObjectSymbol,
  type Relocation,
  readImage,
  type Section,
  writeObject,
} from '../../packages/object/src/index.ts'
import {
  bytesOf,
  readVectors,
  registerOf,
  stateAt,
  type VectorCase,
  type VectorPoint,
  type VectorReloc,
} from '../../packages/unwind-win64/test/vectors.ts'
import { read } from '../support/real-files.ts'
import { keepWine, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'
import {
  Agreement,
  askPoints,
  compareWalks,
  imageOf,
  linkWalk,
  MADE_UP_STACK,
  memoryOf,
  noCases,
  type Point,
  walkDriver,
} from './walks.ts'

const place = scratch()
keepWine()

const vectors = readVectors()
/** The driver's stack has room for frames of at most this size. */
const MOST = 11n << 20n
const callerRsp = BigInt(vectors?.conventions.callerRsp ?? 0)

function reaches({ unwind }: VectorCase): boolean {
  const lowest = [...unwind!.memory.map(([address]) => address), ...unwind!.points.map(({ rsp }) => rsp)]
  return lowest.every((address) => callerRsp - BigInt(address) < MOST)
}

/** All cases in one object. */
class VectorObject {
  readonly #bytes: Readonly<Record<string, number[]>> = { '.text': [], '.xdata': [], '.pdata': [] }
  readonly #relocations: Readonly<Record<string, Relocation[]>> = { '.text': [], '.xdata': [], '.pdata': [] }
  /** Sections, then one symbol for everything that lies elsewhere: the first byte of the code. */
  readonly #names = ['.text', '.xdata', '.pdata', 'vectors'] as const
  /** By case: where its code begins. */
  readonly offsets: number[] = []

  constructor() {
    this.#align('.text', 16, [0xc3])
  }

  #align(section: string, align: number, bytes: readonly number[]): number {
    const into = this.#bytes[section]!
    while (into.length % align !== 0) into.push(section === '.text' ? 0xcc : 0)
    const offset = into.length
    for (const byte of bytes) into.push(byte)
    return offset
  }

  add(vector: VectorCase): void {
    // Something lies between functions, or a jump behind the end would be one to the next function.
    this.#align('.text', 1, [0xcc])
    const text = this.#align('.text', 16, [...bytesOf(vector.codeHex)])
    const xdata = this.#align('.xdata', 4, [...bytesOf(vector.xdataHex)])
    const table = new Uint8Array(12 * vector.pdata.length)
    const pdata = this.#align('.pdata', 4, [...table])
    this.offsets.push(text)
    const own = { '.text': text, '.xdata': xdata, '.pdata': pdata }
    const add = (section: keyof typeof own, relocs: readonly VectorReloc[]): void => {
      for (const { offset, type, symbol, addend = 0 } of relocs) {
        const local = vector.symbols?.[symbol]
        const known = symbol === '.text' || symbol === '.xdata'
        const target = known ? own[symbol] + addend : local === undefined ? addend : text + local + addend
        const place = known ? symbol : local === undefined ? 'vectors' : '.text'
        const field = own[section] + offset
        // The field holds the addend in the vectors, and nothing in our objects.
        this.#bytes[section]!.fill(0, field, field + 4)
        this.#relocations[section]!.push({
          offset: field,
          kind: type === 'REL32' ? 'pc-relative-32' : 'image-relative-32',
          symbol: this.#names.indexOf(place),
          addend: type === 'REL32' ? target - 4 : target,
        })
      }
    }
    add('.text', vector.codeRelocs)
    add('.xdata', vector.xdataRelocs)
    add('.pdata', vector.pdataRelocs)
  }

  write(): Uint8Array {
    const sections = ['.text', '.xdata', '.pdata'].map((name): Section => {
      const relocations = this.#relocations[name]!.sort((a, b) => a.offset - b.offset)
      const kind = name === '.text' ? 'text' : 'unwind'
      return { name, kind, align: name === '.text' ? 16 : 4, bytes: Uint8Array.from(this.#bytes[name]!), relocations }
    })
    const symbols = this.#names.map((name, section): ObjectSymbol => {
      const [binding, type] = name === 'vectors' ? (['global', 'none'] as const) : (['local', 'section'] as const)
      return { name, binding, type, section: name === 'vectors' ? 0 : section, value: 0, size: 0 }
    })
    return writeObject({ format: 'coff', sections, symbols })
  }
}

/** The vectors' stack, where the driver has one. */
const moved = (address: bigint): bigint => {
  const near = callerRsp - address < MOST && address - callerRsp < 0x1_0000n
  return near ? address - callerRsp + MADE_UP_STACK : address
}

function pointOf(vector: VectorCase, point: VectorPoint, begin: bigint): Point {
  const registers = [...stateAt(vectors!, point).registers].map((value) => moved(value ?? 0n))
  registers[RETURN_ADDRESS] = begin + BigInt(point.ip)
  const words = new Map<bigint, bigint>()
  for (const [address, value] of vector.unwind!.memory) {
    // xmm registers are 16 bytes in one number.
    words.set(moved(BigInt(address)), moved(BigInt(value)))
  }
  return { state: { registers }, words }
}

test.skipIf(vectors === null)('every point', { timeout: 120_000 }, (context) => {
  need(context, ...windows.tools)
  const cases = vectors!.cases.filter((vector) => vector.version !== 3 && vector.unwind !== undefined)
  const within = cases.filter(reaches)
  // The others have frames of up to 4 GB.
  expect(cases.length - within.length).toBe(11)
  const object = new VectorObject()
  for (const vector of within) object.add(vector)
  const path = place('vectors.o')
  writeFileSync(path, object.write())
  const program = linkWalk(windows, place('vectors.exe'), [walkDriver(windows, place), noCases(windows, place), path])
  const text = readImage(read(program)).symbols.find(({ name }) => name === 'vectors')!.address
  const asked = within.flatMap((vector, i) =>
    vector.unwind!.points.map((point) => {
      return { vector, point, made: pointOf(vector, point, text + BigInt(object.offsets[i]!)) }
    }),
  )
  const answers = askPoints(
    windows,
    program,
    asked.map(({ made }) => made),
  )
  const image = imageOf(program)
  const agreement = new Agreement()
  let different = 0
  for (const [i, { vector, point, made }] of asked.entries()) {
    const where = `${vector.name} at ${point.ip}`
    const walks = answers[i]!
    compareWalks(image, { state: made.state, memory: memoryOf(made), walks }, agreement)
    const { caller } = walks[0]!.answers[0]!
    const { conventions } = vectors!
    const wanted = new Map(
      Object.entries(conventions.callerRegisters).map(([name, value]) => [registerOf(name), value]),
    )
    const wrong = [3, 5, 6, 7, 12, 13, 14, 15, ...Array.from({ length: 10 }, (_, k) => 22 + k)].filter(
      (register) => caller.registers[register] !== BigInt(wanted.get(register)!),
    )
    if (caller.registers[RETURN_ADDRESS] !== BigInt(conventions.returnAddress)) wrong.push(RETURN_ADDRESS)
    if (caller.registers[RSP] !== MADE_UP_STACK) wrong.push(RSP)
    if (point.wineDiffers === undefined) expect(wrong, where).toEqual([])
    else different++
  }
  expect(agreement).toMatchObject({ differences: [], different: 0 })
  expect(asked.length).toBeGreaterThan(1300)
  expect(different).toBe(57)
})
