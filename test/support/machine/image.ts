// Compiled functions, linked with call.S and driver.c into a program that calls them and says what came back.
//
// A call comes with every register filled, so that a function that reads what it was not given, or does not keep what it
// must, is found out: arguments narrower than a register have junk above them.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CompiledFunction } from '../../../packages/codegen-x64/src/index.ts'
import type { Signature } from '../../../packages/ir/src/index.ts'
import { trapCodeName, typeBits } from '../../../packages/ir/src/index.ts'
import type { ObjectSymbol, Relocation, Section } from '../../../packages/object/src/index.ts'
import { writeObject } from '../../../packages/object/src/index.ts'
import { requireTool } from '../../../packages/testkit/src/index.ts'
import { execute, type System } from '../systems.ts'
import { clean } from '../tools.ts'
import { type ConventionName, type Places, placesOf, registerNames } from './convention.ts'
import { availableFeatures } from './features.ts'
import { type Argument, isFloat } from './values.ts'

/** What a call did. */
export interface Outcome {
  /** Name of the CLIF trap code, or what else stopped it; null when it returned. */
  readonly trap: string | null
  /** Bits of each result, of its type's width; empty after a trap. */
  readonly results: readonly bigint[]
  /** A hash of the arena's filled part. */
  readonly memory: string
  /** What the call did against its convention: registers that it did not keep, a stack pointer that is not back. */
  readonly violations: readonly string[]
}

const RETURN_AREA = 4096
const here = import.meta.dirname

interface Entry {
  readonly name: string
  readonly compiled: CompiledFunction
  readonly signature: Signature
  readonly places: Places
  readonly offset: number
}

interface Call {
  readonly entry: number
  readonly args: readonly Argument[]
  readonly words: readonly bigint[]
}

/** The tools that `run` needs. */
export const toolsOf = (system: System): readonly string[] => system.tools

/** Functions and the calls to make. */
export class Image {
  readonly #system: System
  readonly #entries: Entry[] = []
  readonly #calls: Call[] = []
  readonly #relocations: { offset: number; kind: Relocation['kind']; name: string; addend: number }[] = []
  #size = 0

  constructor(system: System) {
    this.#system = system
  }

  get calls(): number {
    return this.#calls.length
  }

  /**
   * Adds a function under a name of the program's. Alignment of the code comes from the function.
   *
   * @param linked - the program's name of a symbol that the function refers to.
   * @returns its number.
   */
  add(
    name: string,
    compiled: CompiledFunction,
    signature: Signature,
    linked: (symbol: string) => string = (symbol) => symbol,
  ): number {
    const fallback: ConventionName = this.#system.name === 'windows' ? 'windows_fastcall' : 'system_v'
    const offset = Math.ceil(this.#size / compiled.alignment) * compiled.alignment
    this.#size = offset + compiled.code.length
    for (const { offset: at, kind, symbol, addend } of compiled.relocations) {
      this.#relocations.push({ offset: offset + at, kind, name: linked(symbol), addend })
    }
    this.#entries.push({ name, compiled, signature, places: placesOf(signature, fallback), offset })
    return this.#entries.length - 1
  }

  /** Adds a call. @param seed - of the arena's contents. @returns its number. */
  call(entry: number, args: readonly Argument[], seed = 0): number {
    const { signature, places } = this.#entries[entry]
    const general = Array.from({ length: 16 }, (_, i) => 0xc0de_0000_0000_0000n + BigInt(i) * 0x0101_0101_0101n)
    const vector = Array.from({ length: 16 }, (_, i) => 0x7ff4_feed_0000_0000n + BigInt(i))
    const stack = Array.from({ length: places.stackWords }, (_, i) => 0x5ac4_0000_dead_0000n + BigInt(i))
    let relative = 0n
    if (places.returnArea !== null) {
      general[places.returnArea] = BigInt(RETURN_AREA)
      relative |= 1n << BigInt(places.returnArea)
    }
    for (const [i, place] of places.params.entries()) {
      const list = place.in === 'general' ? general : place.in === 'vector' ? vector : stack
      const value = args[i]
      if (typeof value === 'bigint') {
        list[place.index] = filled(value, signature.params[i], list[place.index])
      } else {
        list[place.index] = BigInt(value.arena)
        relative |= 1n << BigInt(place.in === 'stack' ? place.index + 16 : place.index)
      }
    }
    const head = [BigInt(entry), BigInt(stack.length), relative, BigInt(seed)]
    this.#calls.push({ entry, args, words: [...head, ...general, ...vector, ...stack] })
    return this.#calls.length - 1
  }

  /**
   * Links the program and makes the calls.
   *
   * @param place - gives the path of a file in a scratch folder; `name` is that of the files made.
   * @param objects - further objects to link.
   */
  run(place: (name: string) => string, name: string, objects: readonly string[] = []): Outcome[] {
    const system = this.#system
    const object = place(`${name}.o`)
    writeFileSync(object, this.#object())
    const program = place(`${name}${system.exe}`)
    const driver = buildDriver(system, place, false)
    linkProgram(system, program, [...driver, object, ...objects])
    const { status, stdout, stderr } = execute(system, program)
    const lines = stdout.split(/\r?\n/).filter((line) => line !== '')
    if (status !== 0 || lines.length !== this.#calls.length) {
      throw new Error(`${name}: ${lines.length} of ${this.#calls.length} calls, exit code ${status}, ${stderr}`)
    }
    return lines.map((line, i) => this.#outcome(this.#calls[i], line))
  }

  #object(): Uint8Array {
    const text = new Uint8Array(this.#size).fill(0xcc)
    for (const { compiled, offset } of this.#entries) text.set(compiled.code, offset)
    const words = this.#calls.reduce((sum, call) => sum + call.words.length, 0)
    const tables = tablesOf(
      this.#entries.length,
      words,
      function* (this: Image) {
        for (const call of this.#calls) yield* call.words
      }.call(this),
    )
    const symbols: ObjectSymbol[] = this.#entries.map(({ name, compiled, offset }) => ({
      name,
      binding: 'global',
      type: 'function',
      section: 0,
      value: offset,
      size: compiled.codeSize,
    }))
    symbols.push(...tables.symbols)
    const byName = new Map(symbols.map((symbol, i) => [symbol.name, i]))
    const relocations = this.#relocations.map(({ offset, kind, name, addend }) => {
      let symbol = byName.get(name)
      if (symbol === undefined) {
        symbol = symbols.length
        byName.set(name, symbol)
        symbols.push({ name, binding: 'global', type: 'none', section: 'undefined', value: 0, size: 0 })
      }
      return { offset, kind, symbol, addend }
    })
    return writeObject({
      format: this.#system.name === 'windows' ? 'coff' : 'elf',
      sections: [{ name: '.text', kind: 'text', align: 64, bytes: text, relocations }, tables.section],
      symbols,
    })
  }

  #outcome({ entry, args }: Call, line: string): Outcome {
    const [kind, pc, sp, changed, memory, rax, rdx, xmm0, xmm1, raxInArena, ...area] = line
      .split(' ')
      .map((word) => BigInt(`0x${word}`))
    const { places, signature, offset } = this.#entries[entry]
    if (kind !== 0n) {
      const trap = this.#trapAt(offset + Number(BigInt.asIntN(64, pc)), kind)
      return { trap, results: [], memory: memory.toString(16), violations: [] }
    }
    const violations: string[] = []
    if (sp !== 0n) violations.push(`rsp is off by ${BigInt.asIntN(64, sp)}`)
    const lost = registerNames(Number(changed) & places.kept)
    if (lost.length > 0) violations.push(`did not keep ${lost.join(', ')}`)
    const results = places.returns.map((at, i) => {
      const bits =
        at.in === 'stack' ? area[at.index] : at.in === 'vector' ? [xmm0, xmm1][at.index] : at.index === 0 ? rax : rdx
      const { type, extension } = signature.returns[i]
      const width = typeBits(type)
      if (extension !== 'none' && at.in === 'general') {
        const wide = extension === 'sext' ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits)
        if (BigInt.asUintN(64, wide) !== bits) violations.push(`result ${i} is not extended: ${bits.toString(16)}`)
      }
      return BigInt.asUintN(width, bits)
    })
    // An sret pointer comes back in rax (System V AMD64 ABI, 3.2.3; Microsoft Learn, "Return values").
    const sret = places.returns.length > 0 ? -1 : signature.params.findIndex(({ purpose }) => purpose === 'sret')
    const pointer = sret < 0 ? undefined : args[sret]
    if (typeof pointer === 'object' && raxInArena !== BigInt(pointer.arena))
      violations.push('rax is not the sret pointer')
    return { trap: null, results, memory: memory.toString(16), violations }
  }

  /** The trap code that the function at an offset of the text names for the instruction there. */
  #trapAt(at: number, kind: bigint): string {
    const entry = this.#entries.findLast(({ offset }) => offset <= at)
    if (entry === undefined || at >= entry.offset + entry.compiled.codeSize)
      return `signal ${kind} outside of all functions`
    const { offset, code } = entry.compiled.traps
    const row = offset.indexOf(at - entry.offset)
    if (row < 0) return `signal ${kind} at ${entry.name}+${at - entry.offset}, which is no trap`
    return trapCodeName(code[row])
  }
}

/** An argument narrower than its register: junk above it unless the signature has it extended. */
function filled(value: bigint, { type, extension }: Signature['params'][number], junk: bigint): bigint {
  const width = typeBits(type)
  if (extension === 'sext' && !isFloat(type)) return BigInt.asUintN(64, BigInt.asIntN(width, value))
  const low = BigInt.asUintN(width, value)
  return extension === 'uext' ? low : low | ((junk >> BigInt(width)) << BigInt(width))
}

/** The tables that driver.c reads; the first `functions` symbols are those of the functions. */
function tablesOf(
  functions: number,
  words: number,
  contents: Iterable<bigint>,
): { readonly section: Section; readonly symbols: readonly ObjectSymbol[] } {
  const bytes = new Uint8Array(functions * 8 + 8 + words * 8)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(functions * 8, BigInt(words), true)
  let at = functions * 8 + 8
  for (const word of contents) {
    view.setBigUint64(at, BigInt.asUintN(64, word), true)
    at += 8
  }
  const symbol = (name: string, value: number): ObjectSymbol => ({
    name,
    binding: 'global',
    type: 'object',
    section: 1,
    value,
    size: 8,
  })
  return {
    section: {
      name: '.data',
      kind: 'data',
      align: 16,
      bytes,
      relocations: Array.from({ length: functions }, (_, i) => ({
        offset: i * 8,
        kind: 'absolute-64',
        symbol: i,
        addend: 0,
      })),
    },
    symbols: [symbol('fw_functions', 0), symbol('fw_words', functions * 8), symbol('fw_vectors', functions * 8 + 8)],
  }
}

/** An object that holds nothing but words for driver.c. */
export function writeTables(words: readonly bigint[]): Uint8Array {
  const { section, symbols } = tablesOf(0, words.length, words)
  const own = symbols.filter(({ name }) => name !== 'fw_functions').map((symbol) => ({ ...symbol, section: 0 }))
  return writeObject({ format: 'elf', sections: [section], symbols: own })
}

const drivers = new Map<string, readonly string[]>()

/** Objects of call.S and driver.c, compiled once. */
export function buildDriver(system: System, place: (name: string) => string, reference: boolean): readonly string[] {
  const key = `driver-${system.name}-${reference}-${place('')}`
  let objects = drivers.get(key)
  if (objects === undefined) {
    const cc = toolPath(system.cc)
    const name = `${reference ? 'reference' : 'driver'}-${system.name}`
    const parts = reference ? ['driver.c', 'callees.c'] : ['driver.c', 'callees.c', 'call.S']
    objects = parts.map((part) => {
      const out = place(`${name}-${part}.o`)
      const options = ['-O1', '-std=gnu11', '-fwrapv', ...(reference ? ['-DREFERENCE'] : [])]
      if (availableFeatures().includes('has_fma')) options.push('-DHOST_FMA')
      clean(cc, [...options, '-c', join(here, part), '-o', out])
      return out
    })
    drivers.set(key, objects)
  }
  return objects
}

/** Links without the warning that an assembly file says nothing about the stack. */
export function linkProgram(system: System, program: string, objects: readonly string[]): void {
  const options = system.name === 'linux' ? ['-Wl,-z,noexecstack', '-lm'] : []
  clean(toolPath(system.cc), ['-o', program, ...objects, ...options])
}

export function toolPath(name: string): string {
  const path = requireTool(name)
  if (path === null) throw new Error(`${name} is missing`)
  return path
}
