// LLVM's libunwind, which macOS has its own edition of, walks our words and searches our tables. Its answers are recorded
// (`libunwind-oracle.cpp` says how they are made); with its sources in the folder LIBUNWIND_SOURCE it is asked again.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RBP, RETURN_ADDRESS, type Register, RSP, x64 } from '@framewright/frame-layout'
import { Random, requireTool } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  compactRegisters,
  decodeEncoding,
  encodeEncoding,
  linkUnwindInfo,
  searchUnwindInfo,
  unwindFrame,
} from '../src/index.ts'
import { randomRows } from './rows.ts'

const recorded = new URL('libunwind-18.txt', import.meta.url)

const hex = (value: number | bigint): string => value.toString(16)

/** Words, and the number that stands in the code for those of mode 3. */
interface Walk {
  readonly word: number
  readonly immediate: number
  readonly at: number
}

const numbered = compactRegisters.filter((register): register is Register => register !== null)

/** All orders of all choices of registers. */
function arrangements(registers: readonly Register[]): Register[][] {
  return [
    [],
    ...registers.flatMap((one) =>
      arrangements(registers.filter((other) => other !== one)).map((rest) => [one, ...rest]),
    ),
  ]
}

function walks(): Walk[] {
  const random = new Random(18)
  const word = (frame: Parameters<typeof encodeEncoding>[0]['frame']): number =>
    encodeEncoding({ frame, isNotFunctionStart: false, hasLanguageData: false, personality: 0 })
  const all: Walk[] = []
  for (const registers of arrangements(numbered)) {
    const stackSize = 8 * (registers.length + 1 + random.below(255 - registers.length))
    all.push({ word: word({ mode: 'frameless', stackSize, registers }), immediate: 0, at: 0 })
    if (!random.chance(0.2)) continue
    const [at, immediate] = [random.below(256), 8 * random.below(4096)]
    const adjustment = Math.max(8 * random.below(8), 8 * (registers.length + 1) - immediate)
    if (adjustment > 56) continue
    all.push({ word: word({ mode: 'frameless-indirect', immediateAt: at, adjustment, registers }), immediate, at })
  }
  for (let i = 0; i < 600; i++) {
    const slots: (Register | null)[] = random
      .shuffled(numbered.filter((register) => register !== RBP))
      .slice(0, random.below(6))
    for (let k = 0; k + 1 < slots.length; k++) if (random.chance(0.2)) slots[k] = null
    const distance = 8 * (slots.length + random.below(256 - slots.length))
    all.push({ word: word({ mode: 'rbp-frame', distance, slots }), immediate: 0, at: 0 })
  }
  return all
}

const STACK_POINTER = 0x2_0000_1000n
const FRAME_POINTER = 0x2_0008_0000n
const CODE = 0x1_0800_0000n
/** Tells what was loaded from memory. */
const TAG = 0x5a5a_0000_0000_0000n

/** What we make of a word, as the oracle writes it. */
function ourWalk({ word, immediate, at }: Walk): string {
  const { frame } = decodeEncoding(word)
  if (frame.mode === 'none' || frame.mode === 'dwarf') throw new Error('no frame')
  const registers: (bigint | undefined)[] = []
  registers[RSP] = STACK_POINTER
  registers[RBP] = FRAME_POINTER
  // Every word of memory holds its address, so that a value says where it was loaded from.
  const caller = unwindFrame(frame, CODE, registers, (address, bytes) =>
    bytes === 4 ? (address === CODE + BigInt(at) ? BigInt(immediate) : undefined) : TAG | address,
  )
  const place = (value: bigint): string => {
    const [base, name] = value >= FRAME_POINTER - 0x8000n ? [FRAME_POINTER, 'bp'] : [STACK_POINTER, 'sp']
    return `${name}${value < base ? '' : '+'}${value - base}`
  }
  const text = [`rip=${place(caller[RETURN_ADDRESS]! - TAG)}`, `rsp=${place(caller[RSP]!)}`]
  for (const register of [RBP, ...numbered.filter((one) => one !== RBP)]) {
    const value = caller[register]
    if (value === undefined || (register === RBP && value === FRAME_POINTER)) continue
    text.push(`${x64.registerNames[register]!}=${place(value - TAG)}`)
  }
  return text.join(' ')
}

interface Table {
  readonly info: Uint8Array
  readonly places: readonly number[]
}

const BASE = 0x1_0000_0000n

/** Tables of every kind of page, and places in and around their ranges. */
function tables(): Table[] {
  const random = new Random(5)
  return [1, 3, 40, 2000, 4000].map((count) => {
    const rows = randomRows(random, count)
    const info = linkUnwindInfo(rows, { base: BASE, personalityPointer: (routine) => BASE + 0x10n + (routine & 0xffn) })
    const places = Array.from({ length: Math.min(3 * count, 500) }, () => {
      const { start, length } = random.pick(rows)
      return Number(start - BASE) + random.pick([0, 1, length - 1, length, -1, random.below(length), length + 40])
    })
    return { info, places }
  })
}

/** What we find, as the oracle writes it. */
function ourFind({ info }: Table, place: number): string {
  const entry = searchUnwindInfo(info, place)
  // The system makes no difference between code without a word and none.
  if (entry === null || entry.encoding === 0) return 'none'
  const { begin, end, encoding, languageData } = entry
  const { personality } = decodeEncoding(encoding)
  const pointers = new DataView(info.buffer).getUint32(12, true)
  const handler = personality === 0 ? 0 : new DataView(info.buffer).getUint32(pointers + 4 * (personality - 1), true)
  return [begin, end, encoding, languageData ?? 0, handler].map(hex).join(' ')
}

const walkCases = walks()
const tableCases = tables()

/** The questions, a line each. */
function questions(): string[] {
  return [
    ...walkCases.map(({ word, immediate, at }) => `walk ${hex(word)} ${hex(immediate)} ${hex(at)}`),
    ...tableCases.flatMap(({ info, places }) => [
      `info ${Buffer.from(info).toString('hex')}`,
      ...places.map((place) => `find ${hex(place)}`),
    ]),
  ]
}

const sources = process.env['LIBUNWIND_SOURCE']

test.skipIf(sources === undefined)('its answers are those that are recorded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-compact-'))
  try {
    const program = join(folder, 'oracle')
    const include = ['include', 'src'].flatMap((name) => ['-I', join(sources!, name)])
    const source = new URL('libunwind-oracle.cpp', import.meta.url).pathname
    const built = spawnSync(requireTool('clang++') ?? 'clang++', [
      '-std=c++17',
      '-w',
      '-DNDEBUG',
      ...include,
      source,
      '-o',
      program,
    ])
    expect(built.status, String(built.stderr)).toBe(0)
    const input = `${questions().join('\n')}\n`
    const { status, stdout } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 26 })
    expect(status).toBe(0)
    await expect(stdout).toMatchFileSnapshot(recorded.pathname)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe.skipIf(!existsSync(recorded))('what it says', () => {
  const answers = existsSync(recorded) ? readFileSync(recorded, 'utf8').trimEnd().split('\n') : []

  test('of walks', () => {
    expect(walkCases.map(ourWalk)).toEqual(answers.slice(0, walkCases.length))
    expect(walkCases.length).toBeGreaterThan(2500)
  })

  test('of tables', () => {
    const ours = tableCases.flatMap((table) => ['ok', ...table.places.map((place) => ourFind(table, place))])
    expect(ours).toEqual(answers.slice(walkCases.length))
    expect(ours.filter((answer) => answer === 'none').length).toBeGreaterThan(50)
  })

  test('nothing is forgotten', () => {
    expect(answers.length).toBe(questions().length)
  })
})
