// Random functions from every form of operations.ts, over memory that the caller gives: what `@framewright/ir/testing`
// leaves out. Operands come from anywhere, so that selection finds much to merge: constants, loads, sums and shifts in
// addresses, comparisons and the branches that they decide, load, operation and store on one place, loops with their
// test at the head.
//
// The bits of a NaN that arithmetic made are nobody's promise. Floats are therefore clean (known to the bit) or not, and
// what shows bits is done to clean ones alone.

import { FLOAT_CC_NAMES, INT_CC_NAMES, parseType } from '../../../packages/ir/src/index.ts'
import type { Random } from '../../../packages/ir/src/testing/index.ts'
import { constant, type Form, forms, type ScalarName } from './operations.ts'
import { type Argument, randomValue } from './values.ts'

interface Value {
  readonly name: string
  readonly clean: boolean
}

const TYPES: readonly ScalarName[] = ['i8', 'i16', 'i32', 'i64', 'f32', 'f64']
const INTEGERS = TYPES.slice(0, 4)
const isFloat = (type: ScalarName): boolean => type.startsWith('f')
const bytesOf = (type: ScalarName): number => Number(type.slice(1)) / 8

const ALL = forms()
const TRAPPING = /^(?:[us](?:div|rem)|uadd_overflow_trap|fcvt_to_[us]int\.)/
const QUIET = ALL.filter(({ text }) => !TRAPPING.test(text))
const LOUD = ALL.filter(({ text }) => TRAPPING.test(text))
/** Results are as clean as the operands. */
const BITWISE = /^(?:band|bor|bxor|bnot|bitselect|fneg|fabs|fcopysign|select|bitcast)/
/** Operands must be clean floats: their bits show. */
const SHOWS_BITS = /^(?:band|bor|bxor|bnot|bitselect|bitcast)/

/** A function, `(i64, ...) -> ...`, whose first parameter is the address of the arena. */
export interface RandomProgram {
  readonly text: string
  readonly params: readonly ScalarName[]
}

export function randomProgram(name: string, random: Random, instructions: number): RandomProgram {
  return new ProgramGenerator(random, instructions).run(name)
}

/** Arguments for it. */
export function randomArguments(params: readonly ScalarName[], random: Random): Argument[] {
  return params.map((type, i) => (i === 0 ? { arena: 0 } : randomValue(random, parseType(type))))
}

class ProgramGenerator {
  readonly #random: Random
  readonly #end: number
  readonly #lines: string[] = []
  readonly #scope: Record<ScalarName, Value[]> = { i8: [], i16: [], i32: [], i64: [], f32: [], f64: [] }
  #values = 0
  #blocks = 1
  #count = 0
  #depth = 0

  constructor(random: Random, instructions: number) {
    this.#random = random
    this.#end = instructions
  }

  run(name: string): RandomProgram {
    const random = this.#random
    const params: ScalarName[] = ['i64']
    for (let i = random.below(10); i > 0; i--) params.push(random.pick(TYPES))
    const names = params.map(() => this.#fresh())
    names.forEach((name, i) => {
      if (i > 0) this.#scope[params[i]].push({ name, clean: true })
    })
    while (this.#count < this.#end) this.#statement()
    this.#showValues()
    const returns = Array.from({ length: random.between(1, 5) }, () => random.pick(TYPES))
    const results = returns.map((type) => this.#use(type, false).name)
    this.#emit(`return ${results.join(', ')}`)
    const head = names.map((name, i) => `${name}: ${params[i]}`).join(', ')
    const text = `function %${name}(${params.join(', ')}) -> ${returns.join(', ')} {\n    ss0 = explicit_slot 64\n\nblock0(${head}):\n${this.#lines.join('\n')}\n}\n`
    return { text, params }
  }

  /** Stores some of the values that were made, so that they are not dead: in some functions none, so that most have one use. */
  #showValues(): void {
    const random = this.#random
    const share = random.pick([0, 10, 50])
    let offset = 512
    for (const type of TYPES) {
      for (const { name, clean } of this.#scope[type]) {
        if (!clean || offset > 1016 || random.below(100) >= share) continue
        this.#emit(`store.${type} notrap ${name}, v0+${offset}`)
        offset += 8
      }
    }
  }

  #statement(): void {
    const random = this.#random
    const choice = random.below(100)
    if (choice < 8) this.#store()
    else if (choice < 14) this.#modify()
    else if (choice < 22) this.#load()
    else if (choice < 24 && this.#depth < 4) this.#diamond()
    else if (choice < 26 && this.#depth < 3) this.#loop()
    else if (choice < 28) this.#trapIf()
    else if (choice < 33) this.#sum()
    else if (choice < 37) this.#rename()
    else this.#operation(random.oneIn(40) ? random.pick(LOUD) : random.pick(QUIET))
  }

  #operation(form: Form): void {
    const clean = SHOWS_BITS.test(form.text)
    const operands = form.operands.map((type, i) => {
      if (form.text.startsWith('fcopysign')) return this.#use(type, i === 1)
      // Divisors are mostly constants or at least odd, so that most functions get to their end.
      if (i === 1 && /div|rem/.test(form.text) && !this.#random.oneIn(8)) return this.#divisor(type)
      return this.#use(type, clean && isFloat(type))
    })
    const results = form.results.map(() => this.#fresh())
    this.#emit(`${results.join(', ')} = ${form.text.replaceAll(/\$(\d)/g, (_, i) => operands[Number(i)].name)}`)
    form.results.forEach((type, i) => {
      const kept = !isFloat(type) || (BITWISE.test(form.text) && operands.every((operand) => operand.clean))
      const exact = form.text.startsWith('fcvt_from')
      this.#scope[type].push({ name: results[i], clean: kept || exact })
    })
  }

  #divisor(type: ScalarName): Value {
    if (this.#random.oneIn(2)) {
      const bits = BigInt(this.#random.pick([1, 2, 3, 5, 7, 10, 16, 64, 100, 127]))
      return this.#define(type, constant(type, bits), true, false)
    }
    const value = this.#use(type, false)
    const three = this.#define(type, constant(type, 3n), true, false)
    return this.#define(type, `bor.${type} ${value.name}, ${three.name}`)
  }

  /** A place in the arena's first bytes or in the slot: an address, and an offset. */
  #place(type: ScalarName): string {
    const random = this.#random
    const bytes = bytesOf(type)
    if (random.oneIn(5)) {
      const slot = this.#define('i64', 'stack_addr.i64 ss0', true, false)
      // The slot holds nothing at first: what is loaded from it was stored just before.
      const zero = this.#define('i64', constant('i64', 0x0123_4567_89ab_cdefn), true, false)
      const offset = random.below(64 - 8)
      this.#emit(`store.i64 ${zero.name}, ${slot.name}+${offset}`)
      return `${slot.name}+${offset + random.below(9 - bytes)}`
    }
    let base = 'v0'
    if (random.oneIn(2)) {
      const scale = random.below(5)
      const index = this.#use('i64', true)
      const fifteen = this.#define('i64', constant('i64', 15n), true, false)
      let term = this.#define('i64', `band.i64 ${index.name}, ${fifteen.name}`, true, false)
      if (scale > 0) {
        const amount = this.#define('i64', constant('i64', BigInt(scale)), true, false)
        term = this.#define('i64', `ishl.i64 ${term.name}, ${amount.name}`, true, false)
      }
      base = this.#define(
        'i64',
        `iadd.i64 ${random.oneIn(2) ? `v0, ${term.name}` : `${term.name}, v0`}`,
        true,
        false,
      ).name
    }
    if (random.oneIn(4)) {
      const more = this.#define('i64', constant('i64', BigInt(random.below(100))), true, false)
      base = this.#define('i64', `iadd.i64 ${base}, ${more.name}`, true, false).name
    }
    const offset = random.below(300)
    return `${base}${offset === 0 ? '' : `+${offset}`}`
  }

  #flags(): string {
    return this.#random.pick(['', '', 'notrap ', 'little ', 'user5 '])
  }

  #store(): void {
    const type = this.#random.pick(TYPES)
    const value = this.#use(type, true)
    const narrower = isFloat(type) ? [] : ['8', '16', '32'].filter((bits) => Number(bits) < 8 * bytesOf(type))
    const opcode = narrower.length > 0 && this.#random.oneIn(3) ? `istore${this.#random.pick(narrower)}` : 'store'
    this.#emit(`${opcode}.${type} ${this.#flags()}${value.name}, ${this.#place(type)}`)
  }

  #load(): void {
    const type = this.#random.pick(TYPES)
    const place = this.#place(type)
    const narrower = isFloat(type) ? [] : ['8', '16', '32'].filter((bits) => Number(bits) < 8 * bytesOf(type))
    if (narrower.length === 0 || this.#random.oneIn(2)) {
      this.#define(type, `load.${type} ${this.#flags()}${place}`)
      return
    }
    const bits = this.#random.pick(narrower)
    // The suffix of the 32-bit ones is the type of the address.
    this.#define(type, `${this.#random.pick(['uload', 'sload'])}${bits}.${bits === '32' ? 'i64' : type} ${place}`)
  }

  /** Load, operation, store back: on the same place, or on another with the same look. */
  #modify(): void {
    const random = this.#random
    const type = random.pick(INTEGERS)
    const place = this.#place(type)
    const old = this.#define(type, `load.${type} ${place}`, true, random.oneIn(4))
    // What is stored in between must not reach the value that was loaded.
    if (random.oneIn(4)) this.#emit(`store.${type} ${this.#use(type, true).name}, ${place}`)
    else if (random.oneIn(6)) this.#store()
    const operand = random.oneIn(2)
      ? this.#use(type, true)
      : this.#define(type, constant(type, randomValue(random, parseType(type))), true, false)
    const opcode = random.pick(['iadd', 'isub', 'band', 'bor', 'bxor', 'ineg', 'bnot', 'ishl', 'ushr', 'sshr', 'imul'])
    const list = ['ineg', 'bnot'].includes(opcode)
      ? old.name
      : random.oneIn(3)
        ? `${operand.name}, ${old.name}`
        : `${old.name}, ${operand.name}`
    const changed = this.#define(type, `${opcode}.${type} ${list}`, true, random.oneIn(4))
    this.#emit(`store.${type} ${changed.name}, ${random.oneIn(8) ? this.#place(type) : place}`)
  }

  /** Sums of shifts and constants, as addresses have them. */
  #sum(): void {
    const random = this.#random
    const type = random.pick(['i16', 'i32', 'i64'] as const)
    let sum = this.#use(type, true).name
    for (let i = random.between(1, 3); i > 0; i--) {
      const value = this.#use(type, true)
      let term = value.name
      const kind = random.below(4)
      if (kind < 2) {
        const amount = this.#define('i8', constant('i8', BigInt(random.below(6))), true, false)
        term = this.#define(type, `ishl.${type} ${term}, ${amount.name}`, true, false).name
      } else if (kind === 2) {
        term = this.#define(type, constant(type, randomValue(random, parseType(type))), true, false).name
      }
      sum = this.#define(
        type,
        `iadd.${type} ${random.oneIn(2) ? `${sum}, ${term}` : `${term}, ${sum}`}`,
        true,
        false,
      ).name
    }
    this.#scope[type].push({ name: sum, clean: true })
  }

  /** Changes of width one after the other: many of them are other names of one register. */
  #rename(): void {
    const random = this.#random
    let type = random.pick(INTEGERS)
    let value = random.oneIn(5)
      ? this.#define(type, constant(type, randomValue(random, parseType(type))), true, false)
      : this.#use(type, true)
    for (let i = random.between(2, 4); i > 0; i--) {
      const to = random.pick(INTEGERS)
      const wider = bytesOf(to) > bytesOf(type)
      const opcode = to === type ? 'bitcast' : wider ? random.pick(['uextend', 'sextend']) : 'ireduce'
      value = this.#define(to, `${opcode}.${to} ${value.name}`, true, random.oneIn(3))
      type = to
    }
    this.#scope[type].push(value)
  }

  /** A truthy value, mostly of a comparison made here. */
  #condition(): Value {
    const random = this.#random
    if (random.oneIn(5)) return this.#use(random.pick(INTEGERS), true)
    const type = random.pick(TYPES)
    const x = this.#use(type, false)
    const y = random.oneIn(3) ? this.#define(type, constant(type, 0n), true, false) : this.#use(type, false)
    const [opcode, condition] = isFloat(type)
      ? ['fcmp', random.pick(FLOAT_CC_NAMES)]
      : ['icmp', random.pick(INT_CC_NAMES)]
    const flag = this.#define('i8', `${opcode}.${type} ${condition} ${x.name}, ${y.name}`, true, random.oneIn(4))
    if (random.oneIn(8)) return this.#define('i32', `uextend.i32 ${flag.name}`, true, false)
    return flag
  }

  #trapIf(): void {
    const random = this.#random
    // Most of these never trap: x + x is never odd.
    const type = random.pick(INTEGERS)
    const value = this.#use(type, true)
    if (random.oneIn(4)) {
      this.#emit(`${random.pick(['trapz', 'trapnz'])} ${this.#condition().name}, user${random.between(1, 250)}`)
      return
    }
    const twice = this.#define(type, `iadd.${type} ${value.name}, ${value.name}`, true, false)
    const one = this.#define(type, constant(type, 1n), true, false)
    const odd = this.#define(type, `band.${type} ${twice.name}, ${one.name}`, true, false)
    this.#emit(`trapnz ${odd.name}, user9`)
  }

  #nested(emit: () => void): void {
    const marks = TYPES.map((type) => this.#scope[type].length)
    this.#depth++
    emit()
    this.#depth--
    TYPES.forEach((type, i) => {
      this.#scope[type].length = marks[i]
    })
  }

  #statements(): void {
    for (let i = this.#random.between(1, 8); i > 0 && this.#count < this.#end; i--) this.#statement()
  }

  #block(number: number, params: readonly (readonly [string, ScalarName])[]): void {
    const list = params.map(([name, type]) => `${name}: ${type}`).join(', ')
    this.#lines.push('', `block${number}${list === '' ? '' : `(${list})`}:`)
  }

  #diamond(): void {
    const types = Array.from({ length: this.#random.below(4) }, () => this.#random.pick(TYPES))
    const args = (): string =>
      types.length === 0 ? '' : `(${types.map((type) => this.#use(type, true).name).join(', ')})`
    const [then, otherwise, join] = [this.#blocks++, this.#blocks++, this.#blocks++]
    const oneArmed = this.#random.oneIn(2)
    const direct = oneArmed ? `block${join}${args()}` : `block${otherwise}`
    const arms = [`block${then}`, direct]
    if (this.#random.oneIn(2)) arms.reverse()
    const condition = this.#condition()
    this.#emit(`brif ${condition.name}, ${arms.join(', ')}`)
    for (const arm of oneArmed ? [then] : [then, otherwise]) {
      this.#block(arm, [])
      this.#nested(() => {
        this.#statements()
        this.#emit(`jump block${join}${args()}`)
      })
    }
    const params = types.map((type) => [this.#fresh(), type] as const)
    this.#block(join, params)
    for (const [name, type] of params) this.#scope[type].push({ name, clean: true })
  }

  /** A loop of few rounds, with its test at the head, or with a way out of the middle. */
  #loop(): void {
    const random = this.#random
    const types = Array.from({ length: random.below(4) }, () => random.pick(TYPES))
    const [head, body, after] = [this.#blocks++, this.#blocks++, this.#blocks++]
    const args = (): string[] => types.map((type) => this.#use(type, true).name)
    const rounds = this.#define('i32', constant('i32', BigInt(random.between(0, 5))), true, false)
    const start = args()
    this.#emit(`jump block${head}(${[rounds.name, ...start].join(', ')})`)
    const counter = this.#fresh()
    const params = types.map((type) => [this.#fresh(), type] as const)
    this.#block(head, [[counter, 'i32'], ...params])
    const carried = params.map(([name]) => name)
    this.#scope.i32.push({ name: counter, clean: true })
    for (const [name, type] of params) this.#scope[type].push({ name, clean: true })
    const out = `block${after}`
    if (random.oneIn(2)) {
      this.#emit(`brif ${counter}, block${body}, ${out}`)
    } else {
      const one = this.#define('i32', constant('i32', 1n), true, false)
      const flag = this.#define('i8', `icmp.i32 slt ${counter}, ${one.name}`, true, false)
      this.#emit(`brif ${flag.name}, ${out}, block${body}`)
    }
    this.#block(body, [])
    this.#nested(() => {
      this.#statements()
      const one = this.#define('i32', constant('i32', 1n), true, false)
      const next = this.#define('i32', `isub.i32 ${counter}, ${one.name}`, true, false)
      // Sometimes the carried values change places, so that edges move in circles.
      const back = random.oneIn(3) && new Set(types).size < types.length ? swapped(carried, types) : args()
      this.#emit(`jump block${head}(${[next.name, ...back].join(', ')})`)
    })
    this.#block(after, [])
  }

  /** A usable value: mostly a recent one, at times any, or a constant. */
  #use(type: ScalarName, clean: boolean): Value {
    const random = this.#random
    const list = clean ? this.#scope[type].filter((value) => value.clean) : this.#scope[type]
    if (list.length === 0 || random.oneIn(9)) {
      return this.#define(type, constant(type, randomValue(random, parseType(type))))
    }
    if (random.oneIn(5)) return random.pick(list)
    return list[list.length - 1 - random.below(Math.min(list.length, 6))]
  }

  /** @param listed - others may use it later: addresses do not, nor what shall have one use. */
  #define(type: ScalarName, text: string, clean = true, listed = true): Value {
    const value = { name: this.#fresh(), clean }
    this.#emit(`${value.name} = ${text}`)
    if (listed) this.#scope[type].push(value)
    return value
  }

  #fresh(): string {
    return `v${this.#values++}`
  }

  #emit(line: string): void {
    this.#lines.push(`    ${line}`)
    this.#count++
  }
}

/** Two names of one type exchanged. */
function swapped(names: readonly string[], types: readonly ScalarName[]): string[] {
  const list = [...names]
  for (let i = 0; i < list.length; i++) {
    const j = types.indexOf(types[i], i + 1)
    if (j < 0) continue
    const name = list[i]
    list[i] = list[j]
    list[j] = name
    break
  }
  return list
}
