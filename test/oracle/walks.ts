// The files of the walking drivers (walk.h), and the walk in TypeScript from the same states, held against their answers.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type MachineState,
  RETURN_ADDRESS,
  type ReadMemory,
  type UnwindImage,
  x64,
} from '../../packages/frame-layout/src/index.ts'
import { readImage } from '../../packages/object/src/index.ts'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { createDwarfFormat, type DwarfMachineState, findEntry } from '../../packages/unwind-dwarf/src/index.ts'
import { unwindFrame, type Win64UnwindStep } from '../../packages/unwind-win64/src/index.ts'
import { compileC, execute, link, type System } from '../support/systems.ts'

/** Registers of a state in the files: the general ones and rip; on Windows xmm0 to xmm15 too, in two words each. */
const GENERAL = 16
const VECTORS = 16
/** Where the drivers have the stack of made-up states, and what its words read as before anybody writes them. */
const STACK_BASE = 0x10_0000_0000n
const STACK_BYTES = 12n << 20n
const STACK_FILL = 0xcdcd_cdcd_cdcd_cdcdn
/** The canonical frame address of made-up states, and an address that can be read and is no code to return to. */
export const MADE_UP_STACK: bigint = STACK_BASE + STACK_BYTES - 0x1_0000n
export const MADE_UP_RETURN: bigint = MADE_UP_STACK + 0x8000n

/** Whether LLVM's libunwind is there, which not every Debian has under one name. */
export function hasLlvmLibunwind(): boolean {
  return requireTool('libunwind.so.1') !== null
}

/** A state of the machine with what lies in its memory. */
export interface Point {
  readonly state: MachineState
  /** Of words of the stack that have been written. */
  readonly words: ReadonlyMap<bigint, bigint>
}

const known = new Map<string, string>()

/** The driver of a system, as an object. */
export function walkDriver(system: System, place: (name: string) => string): string {
  const path = place(`walk-${system.name}.o`)
  if (known.get(system.name) !== path) {
    const source = join(import.meta.dirname, `walk-${system.name}.c`)
    known.set(system.name, compileC(system, source, path, '-O2', '-Wextra'))
  }
  return path
}

/** What step.h declares, for a program that is not run: an object. */
export function noCases(system: System, place: (name: string) => string): string {
  const source = place('no-cases.c')
  writeFileSync(source, '#include "step.h"\nconst Case cases[1] = {{0, 0}};\nconst int case_count = 0;\n')
  return compileC(system, source, place(`no-cases-${system.name}.o`), '-I', import.meta.dirname)
}

/** Links objects with the driver; the program lies at the addresses that its file says. */
export function linkWalk(system: System, out: string, objects: readonly string[], ...options: string[]): string {
  // libgcc_s first: libunwind has functions of the same names, which block the signals that the driver steps by.
  const fixed = system.name === 'linux' ? ['-no-pie', '-lgcc_s', '-lunwind'] : ['-Wl,--disable-dynamicbase']
  return link(system, out, objects, ...fixed, ...options)
}

/** What unwinders read of a program: its sections in memory. */
export function imageOf(program: string): UnwindImage {
  const { base, sections } = readImage(new Uint8Array(readFileSync(program)))
  return { base, sections: sections.filter(({ loaded }) => loaded) }
}

class WordWriter {
  #words: BigUint64Array = new BigUint64Array(1 << 16)
  #length = 0

  put(word: bigint): void {
    if (this.#length === this.#words.length) {
      const larger = new BigUint64Array(this.#length * 2)
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[this.#length++] = word
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.#length * 8)
  }
}

export function writePoints(system: System, path: string, points: readonly Point[]): void {
  const writer = new WordWriter()
  for (const { state, words } of points) {
    for (let register = 0; register < GENERAL; register++) writer.put(state.registers[register]!)
    writer.put(state.registers[RETURN_ADDRESS]!)
    if (system.name === 'windows') {
      for (let register = GENERAL; register < GENERAL + VECTORS; register++) {
        writer.put(state.registers[register]! & MASK_64)
        writer.put(state.registers[register]! >> 64n)
      }
    }
    writer.put(BigInt(words.size))
    for (const [address, value] of words) {
      writer.put(address)
      writer.put(value)
    }
  }
  writeFileSync(path, writer.bytes())
}

const MASK_64 = (1n << 64n) - 1n

/** Memory of a made-up state, as the driver makes it. */
export function memoryOf({ words }: Point): ReadMemory {
  return (address, bytes) => {
    let value = 0n
    for (let i = 0; i < bytes; ) {
      const at = address + BigInt(i)
      const inWord = Number(at & 7n)
      const count = Math.min(8 - inWord, bytes - i)
      const word = words.get(at - BigInt(inWord)) ?? STACK_FILL
      const part = (word >> BigInt(8 * inWord)) & ((1n << BigInt(8 * count)) - 1n)
      value |= part << BigInt(8 * i)
      i += count
    }
    return address >= STACK_BASE && address < STACK_BASE + STACK_BYTES ? value : undefined
  }
}

/** What one unwinder of the platform says of one state: of its frame, and of those that it leads to. */
export type Walk =
  | { readonly by: LinuxUnwinder; readonly answers: readonly LinuxAnswer[] }
  | { readonly by: 'RtlVirtualUnwind'; readonly answers: readonly WindowsAnswer[] }

const linuxUnwinders = ['libunwind', 'libgcc', 'llvm'] as const
type LinuxUnwinder = (typeof linuxUnwinders)[number]

interface LinuxAnswer {
  /** `guessed`: without unwind data, by other means; `unreadable`: what was to be read is not there. */
  readonly status: 'stepped' | 'guessed' | 'failed' | 'unreadable'
  readonly caller: MachineState
}

interface WindowsAnswer {
  /** `leaf`: without entry in the function table; `failed`: what was to be read cannot be read. */
  readonly status: 'stepped' | 'leaf' | 'failed'
  readonly caller: MachineState
  readonly establisher: bigint
  readonly handler: bigint
  readonly handlerData: bigint
  /** Where registers were read; 0: they were not. By register number. */
  readonly saved: readonly bigint[]
}

class WordReader {
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get atEnd(): boolean {
    return this.#at === this.#view.byteLength
  }

  word(): bigint {
    this.#at += 8
    return this.#view.getBigUint64(this.#at - 8, true)
  }

  bytes(count: number): DataView {
    this.#at += count
    return new DataView(this.#view.buffer, this.#view.byteOffset + this.#at - count, count)
  }

  state(system: System): MachineState {
    const registers = Array.from({ length: GENERAL }, () => this.word())
    const pc = this.word()
    if (system.name === 'windows') {
      for (let i = 0; i < VECTORS; i++) {
        const low = this.word()
        registers.push(low | (this.word() << 64n))
      }
    }
    registers[RETURN_ADDRESS] = pc
    return { registers }
  }

  walks(system: System): Walk[] {
    if (system.name === 'windows') {
      return [{ by: 'RtlVirtualUnwind', answers: this.#answers(() => this.#windowsAnswer(system)) }]
    }
    return linuxUnwinders.map((by) => ({
      by,
      answers: this.#answers((): LinuxAnswer => {
        const status = (['stepped', 'guessed', 'failed', 'unreadable'] as const)[Number(this.word())]!
        return { status, caller: this.state(system) }
      }),
    }))
  }

  #answers<T>(read: () => T): T[] {
    return Array.from({ length: Number(this.word()) }, read)
  }

  #windowsAnswer(system: System): WindowsAnswer {
    const status = (['stepped', 'leaf', 'failed'] as const)[Number(this.word())]!
    const caller = this.state(system)
    const [establisher, handler, handlerData] = [this.word(), this.word(), this.word()]
    const vectors = Array.from({ length: VECTORS }, () => this.word())
    const general = Array.from({ length: GENERAL }, () => this.word())
    return { status, caller, establisher, handler, handlerData, saved: [...general, ...vectors] }
  }
}

export interface Asked {
  readonly state: MachineState
  readonly memory: ReadMemory
  readonly walks: readonly Walk[]
  /** Of a running program: LLVM's walk starts at the caller that libgcc's leads to. */
  readonly running?: true
}

interface DriverReport {
  /** Instructions stepped over, and answers written. */
  readonly steps: number
  readonly told: number
}

function runDriver(system: System, program: string, ...args: string[]): DriverReport {
  const { stdout, stderr, status } = execute(system, program, ...args)
  const last = stdout.trim().split(/\r?\n/).at(-1) ?? ''
  if (status !== 0 || !last.startsWith('{')) {
    throw new Error(`${program} ${args.join(' ')}: exit code ${status}\n${stdout.slice(-2000)}${stderr}`)
  }
  return JSON.parse(last) as DriverReport
}

/** Has the platform answer for made-up states. */
export function askPoints(system: System, program: string, points: readonly Point[]): Walk[][] {
  writePoints(system, `${program}.points`, points)
  const { told } = runDriver(system, program, 'points', `${program}.points`, `${program}.answers`)
  const reader = new WordReader(new Uint8Array(readFileSync(`${program}.answers`)))
  const answers: Walk[][] = []
  while (!reader.atEnd) answers.push(reader.walks(system))
  if (told !== points.length || answers.length !== points.length) throw new Error(`${answers.length} answers`)
  return answers
}

/** Has the platform answer at each instruction of a program, the first `visits` times. */
export function askSteps(system: System, program: string, visits: number): Asked[] {
  const { told } = runDriver(system, program, 'steps', `${program}.trace`, `${visits}`)
  const reader = new WordReader(new Uint8Array(readFileSync(`${program}.trace`)))
  const asked: Asked[] = []
  while (!reader.atEnd) {
    const state = reader.state(system)
    const begin = reader.word()
    const stack = reader.bytes(Number(reader.word()))
    asked.push({ state, memory: stackReader(begin, stack), walks: reader.walks(system), running: true })
  }
  if (told !== asked.length) throw new Error(`${asked.length} answers`)
  return asked
}

function stackReader(begin: bigint, stack: DataView): ReadMemory {
  return (address, bytes) => {
    const offset = Number(address - begin)
    if (offset < 0 || offset + bytes > stack.byteLength) return undefined
    if (bytes === 8) return stack.getBigUint64(offset, true)
    let value = 0n
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(stack.getUint8(offset + i))
    return value
  }
}

/** How the walk in TypeScript compares with the platform's, step by step. */
export class Agreement {
  /** Steps that both agree on. */
  agreed = 0
  /** Of these, those from a return address. */
  afterCall = 0
  /** Both refuse: there is no caller, or what was to be read cannot be read. */
  refused = 0
  /** The unwinder fails, and so does our walk with its limits. */
  beyondReader = 0
  /** With LLVM's libunwind, refusals included; none where it is absent. */
  llvm = 0
  /** There is no unwind data, and both know it: Windows takes a leaf for granted, libunwind guesses, libgcc stops. */
  withoutData = 0
  /** Windows: steps from inside an epilogue, and steps with a handler. */
  inEpilogue = 0
  withHandler = 0
  /** Values that we say are not known. */
  unknown = 0
  different = 0
  /** The first of them. */
  readonly differences: string[] = []

  differ(what: string): void {
    if (this.different++ < 20) this.differences.push(what)
  }
}

const readers = {
  libunwind: createDwarfFormat({ reader: 'nongnu' }),
  libgcc: createDwarfFormat({ reader: 'libgcc' }),
  llvm: createDwarfFormat({ reader: 'libunwind' }),
}

const hex = (value: bigint | undefined): string => (value === undefined ? 'nothing' : `0x${value.toString(16)}`)
const nameOf = (register: number): string => x64.registerNames[register] ?? `register ${register}`

/** Walks from the state as each of the platform's unwinders did, and compares everything that it said. */
export function compareWalks(image: UnwindImage, asked: Asked, agreement: Agreement): void {
  const { state, memory, walks, running } = asked
  for (const walk of walks) {
    const [first] = walks.find(({ by }) => by === 'libgcc')?.answers ?? []
    let from: MachineState | null = walk.by === 'llvm' && running ? (first?.caller ?? null) : state
    for (let level = 0; level < walk.answers.length && from !== null; level++) {
      const differ = (what: string): null => {
        const at = `${hex(state.registers[RETURN_ADDRESS])}, ${level} frames up`
        agreement.differ(`${at}, by ${walk.by}, ${walk.answers[level]!.status}: ${what}`)
        return null
      }
      from =
        walk.by === 'RtlVirtualUnwind'
          ? stepWindows(image, from, memory, walk.answers[level]!, agreement, differ)
          : stepLinux(image, from, memory, walk.by, walk.answers[level]!, agreement, differ)
      if (from !== null && level > 0 && walk.by !== 'llvm') agreement.afterCall++
    }
  }
}

/** @returns the caller, if both agree on it. */
function stepLinux(
  image: UnwindImage,
  from: MachineState,
  memory: ReadMemory,
  by: keyof typeof readers,
  { status, caller }: LinuxAnswer,
  agreement: Agreement,
  differ: (what: string) => null,
): MachineState | null {
  const refuse = (): void => {
    if (by === 'llvm') agreement.llvm++
    else agreement.refused++
  }
  let start: DwarfMachineState = from
  if (by === 'llvm') {
    // LLVM's unwinder takes every pc for a return address, and the row for that of the byte before: so do we here. At the
    // first byte of an entry no byte before has one.
    const pc = from.registers[RETURN_ADDRESS]!
    if (findEntry(image, pc)?.entry.begin === pc) return null
    start = { ...from, afterCall: true }
  }
  let step: MachineState
  try {
    step = readers[by].unwind(start, image, memory)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'no-entry' && status !== 'stepped') agreement.withoutData++
    else if (code === 'no-caller' && (status === 'failed' || caller.registers[RETURN_ADDRESS] === 0n)) refuse()
    else if (code === 'unreadable' && status === 'unreadable') refuse()
    else if (code === 'reader-limit' && status === 'failed') agreement.beyondReader++
    else differ(String(error))
    return null
  }
  if (status === 'unreadable' && by === 'libgcc' && !isIn(image, step.registers[RETURN_ADDRESS]!)) {
    refuse()
    return null
  }
  if (status !== 'stepped') return differ(`ours leads to ${hex(step.registers[RETURN_ADDRESS])}`)
  for (const register of [...Array(GENERAL).keys(), RETURN_ADDRESS]) {
    const theirs = caller.registers[register]
    const ours = step.registers[register]
    if (ours === undefined) agreement.unknown++
    else if (ours !== theirs) return differ(`${nameOf(register)} is ${hex(theirs)}, ours ${hex(ours)}`)
  }
  if (by === 'llvm') agreement.llvm++
  else agreement.agreed++
  return step
}

const isIn = ({ sections }: UnwindImage, address: bigint): boolean =>
  sections.some((section) => address >= section.address && address < section.address + BigInt(section.bytes.length))

const codeOf = (error: unknown): string | undefined => (error as { problem?: { code: string } }).problem?.code

/** @returns the caller, if both agree on it. */
function stepWindows(
  image: UnwindImage,
  from: MachineState,
  memory: ReadMemory,
  answer: WindowsAnswer,
  agreement: Agreement,
  differ: (what: string) => null,
): MachineState | null {
  let step: Win64UnwindStep
  try {
    step = unwindFrame(from, image, memory, { system: 'wine-8' })
  } catch (error) {
    if (codeOf(error) === 'unreadable' && answer.status === 'failed') agreement.refused++
    else differ(String(error))
    return null
  }
  if (answer.status === 'failed') return differ(`ours leads to ${hex(step.registers[RETURN_ADDRESS])}`)
  if ((answer.status === 'leaf') !== (step.entry === null)) {
    return differ(`ours finds ${step.entry === null ? 'no' : 'an'} entry`)
  }
  const values: [what: string, theirs: bigint | undefined, ours: bigint | undefined][] = []
  for (let register = 0; register <= RETURN_ADDRESS; register++) {
    values.push([nameOf(register), answer.caller.registers[register], step.registers[register]])
  }
  if (answer.status === 'stepped') {
    values.push(['the establisher', answer.establisher, step.establisherFrame])
    values.push(['the handler', answer.handler, step.handler?.address ?? 0n])
    values.push(["the handler's data", answer.handlerData, step.handler?.data ?? 0n])
    for (let register = 0; register < RETURN_ADDRESS; register++) {
      values.push([`the place of ${nameOf(register)}`, answer.saved[register], step.saved.get(register) ?? 0n])
    }
  }
  for (const [what, theirs, ours] of values) {
    if (theirs !== ours) return differ(`${what} is ${hex(theirs)}, ours ${hex(ours)}`)
  }
  agreement.agreed++
  if (answer.status === 'leaf') agreement.withoutData++
  if (step.inEpilogue) agreement.inEpilogue++
  if (step.handler !== null) agreement.withHandler++
  return step
}
