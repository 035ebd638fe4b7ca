// Random functions of the kinds that the optimiser rewrites most: nests of counting loops that walk through memory, and
// functions that call themselves. `@framewright/ir/testing` makes neither.

import { Random } from '../../../packages/ir/src/testing/index.ts'
import type { Program, ProgramCall } from './differential.ts'

/** Bytes of the arena that are filled for each call and compared after it. */
const ARENA = 1024
/** The largest value that a call gives for `n`, the bound of some loops and a factor in some addresses. */
const MOST_N = 5

interface Counter {
  readonly name: string
  /** What it may be inside its loop. */
  readonly low: number
  readonly high: number
}

/** A nest of loops over the arena: `(base, n) -> sum`. */
export function loopProgram(seed: number): Program {
  const text = new LoopWriter(new Random(seed), `loop_${seed}`).write()
  const calls = [MOST_N, 0, 1, 3].map((n): ProgramCall => ({ index: 0, args: [{ arena: 0 }, BigInt(n)] }))
  return { label: `loops of seed ${seed}`, text, calls }
}

class LoopWriter {
  readonly #random: Random
  readonly #name: string
  readonly #lines: string[] = []
  #values = 2
  #blocks = 1

  constructor(random: Random, name: string) {
    this.#random = random
    this.#name = name
  }

  write(): string {
    const start = this.#define('iconst.i64 7')
    const sum = this.#loops([], start, this.#random.between(1, 3))
    this.#emit(`return ${sum}`)
    return [`function %${this.#name}(i64, i64) -> i64 {`, 'block0(v0: i64, v1: i64):', ...this.#lines, '}', ''].join(
      '\n',
    )
  }

  #emit(text: string): void {
    this.#lines.push(`    ${text}`)
  }

  #define(text: string): string {
    const name = `v${this.#values++}`
    this.#emit(`${name} = ${text}`)
    return name
  }

  #constant(value: number): string {
    return this.#define(`iconst.i64 ${value}`)
  }

  #label(): string {
    return `block${this.#blocks++}`
  }

  #open(label: string, params: readonly string[] = []): void {
    const list = params.length === 0 ? '' : `(${params.map((name) => `${name}: i64`).join(', ')})`
    this.#lines.push('', `${label}${list}:`)
  }

  #fresh(): string {
    return `v${this.#values++}`
  }

  /** One or two loops beside each other. @returns the sum behind them. */
  #loops(counters: readonly Counter[], sum: string, depth: number): string {
    let last = sum
    for (let i = this.#random.oneIn(4) ? 2 : 1; i > 0; i--) last = this.#loop(counters, last, depth)
    return last
  }

  /** A loop that tests at its top, or at its bottom and then runs at least once. */
  #loop(counters: readonly Counter[], sum: string, depth: number): string {
    const random = this.#random
    const down = random.oneIn(4)
    const step = random.between(1, 3)
    const least = random.oneIn(3) ? random.between(1, 2) : 0
    const byParameter = !down && random.oneIn(2)
    const bound = byParameter ? MOST_N : least + random.between(1, 5)
    const testsFirst = random.oneIn(2)
    const counter: Counter = { name: this.#fresh(), low: least, high: Math.max(bound - 1, least) }
    const limit = byParameter ? 'v1' : this.#constant(down ? least : bound)
    const first = this.#constant(down ? bound - 1 : least)
    const [head, body, after] = [this.#label(), this.#label(), this.#label()]
    const [inside, behind] = [this.#fresh(), this.#fresh()]
    const compare = (value: string): string => this.#define(`icmp ${down ? 'sge' : 'slt'} ${value}, ${limit}`)

    this.#emit(`jump ${head}(${first}, ${sum})`)
    this.#open(head, [counter.name, inside])
    if (testsFirst) this.#emit(`brif ${compare(counter.name)}, ${body}, ${after}(${inside})`)
    else this.#emit(`jump ${body}`)
    this.#open(body)
    const result = this.#body([...counters, counter], inside, depth)
    const advance = this.#constant(down ? -step : step)
    const next =
      random.oneIn(4) && down
        ? this.#define(`isub ${counter.name}, ${this.#constant(step)}`)
        : this.#define(
            random.oneIn(3) ? `iadd.i64 ${advance}, ${counter.name}` : `iadd.i64 ${counter.name}, ${advance}`,
          )
    if (testsFirst) this.#emit(`jump ${head}(${next}, ${result})`)
    else this.#emit(`brif ${compare(next)}, ${head}(${next}, ${result}), ${after}(${result})`)
    this.#open(after, [behind])
    return behind
  }

  #body(counters: readonly Counter[], sum: string, depth: number): string {
    const random = this.#random
    let last = this.#accesses(counters, sum)
    if (depth > 1) last = this.#accesses(counters, this.#loops(counters, last, depth - 1))
    if (!random.oneIn(3)) return last
    // Something that not every round does.
    const [some, join] = [this.#label(), this.#label()]
    const joined = this.#fresh()
    this.#emit(`brif ${this.#define(`band.i64 ${last}, ${this.#constant(1)}`)}, ${some}, ${join}(${last})`)
    this.#open(some)
    this.#emit(`jump ${join}(${this.#accesses(counters, last)})`)
    this.#open(join, [joined])
    return joined
  }

  #accesses(counters: readonly Counter[], sum: string): string {
    const random = this.#random
    let last = sum
    for (let i = random.below(4); i > 0; i--) {
      const [address, offset] = this.#address(counters)
      const place = `${address}${offset === 0 ? '' : `+${offset}`}`
      if (random.oneIn(3)) {
        this.#emit(`${random.pick(['store', 'istore8', 'istore32'])}.i64 ${last}, ${place}`)
        continue
      }
      const loaded = this.#define(`${random.pick(['load', 'uload8', 'sload16'])}.i64 ${place}`)
      last = this.#define(`${random.pick(['iadd', 'bxor', 'isub'])}.i64 ${last}, ${loaded}`)
    }
    if (random.oneIn(3)) last = this.#define(`iadd.i64 ${last}, ${random.pick(counters).name}`)
    return last
  }

  /** base + Σ coefficient * counter [* n] + constant, inside the arena. @returns the address and an offset. */
  #address(counters: readonly Counter[]): [string, number] {
    const random = this.#random
    const terms: string[] = []
    let low = 0
    let high = 0
    for (let i = random.between(0, 3); i > 0; i--) {
      const counter = random.pick(counters)
      const coefficient = random.pick([1, 2, 3, 4, 8, 8, 12, 16, 24, -1, -8])
      const byN = random.oneIn(3)
      const most = Math.abs(coefficient) * counter.high * (byN ? MOST_N : 1)
      if (high - low + most > ARENA - 64) continue
      if (coefficient > 0) high += most
      else low -= most
      const product = byN
        ? this.#define(random.oneIn(2) ? `imul.i64 ${counter.name}, v1` : `imul.i64 v1, ${counter.name}`)
        : counter.name
      terms.push(this.#scaled(product, coefficient))
    }
    const constant = -low + random.below(ARENA - 8 - (high - low))
    const offset = random.oneIn(2) ? Math.min(constant, random.below(32)) : 0
    terms.push('v0')
    if (constant !== offset) terms.push(this.#constant(constant - offset))
    while (terms.length > 1) {
      const [x] = terms.splice(random.below(terms.length), 1)
      const [y] = terms.splice(random.below(terms.length), 1)
      terms.push(this.#define(`iadd.i64 ${x}, ${y}`))
    }
    return [terms[0], offset]
  }

  #scaled(value: string, coefficient: number): string {
    const log2 = Math.log2(coefficient)
    if (coefficient === 1) return value
    if (coefficient === -1) return this.#define(`ineg.i64 ${value}`)
    if (coefficient < 0) {
      const zero = this.#constant(0)
      return this.#define(`isub.i64 ${zero}, ${this.#scaled(value, -coefficient)}`)
    }
    if (Number.isInteger(log2) && this.#random.oneIn(2))
      return this.#define(`ishl.i64 ${value}, ${this.#constant(log2)}`)
    return this.#define(`imul.i64 ${value}, ${this.#constant(coefficient)}`)
  }
}

/** A function that calls itself, in last place or nearly, once or twice: `(n, x) -> y`. */
export function recursiveProgram(seed: number): Program {
  const random = new Random(seed)
  const type = random.pick(['i8', 'i16', 'i32', 'i64'])
  const name = `self_${seed}`
  let values = 2
  const lines: string[] = []
  const define = (text: string): string => {
    lines.push(`    v${values} = ${text}`)
    return `v${values++}`
  }
  const mixed = (): string => {
    const constant = define(`iconst.${type} ${random.between(-100, 100)}`)
    return define(`${random.pick(['iadd', 'bxor', 'imul', 'isub'])}.${type} v1, ${constant}`)
  }
  const less = (by: number): string => define(`iadd.i32 v0, ${define(`iconst.i32 ${-by}`)}`)
  const call = (by: number): string => define(`call fn0(${less(by)}, ${mixed()})`)

  const shared = random.oneIn(3)
  const end = (value: string): void => void lines.push(`    ${shared ? `jump block9(${value})` : `return ${value}`}`)
  lines.push('block0(v0: i32, v1: ' + `${type}):`)
  const three = define('iconst.i32 3')
  lines.push(`    brif ${define(`icmp slt v0, ${three}`)}, block1, block2`, '', 'block1:')
  end(mixed())
  lines.push('', 'block2:')
  const last = (index: number): void => {
    const x = random.oneIn(3) ? call(3) : mixed()
    const result = call(index + 1)
    const operation = random.pick(['iadd', 'iadd', 'imul', 'band', 'bor', 'bxor', 'isub', 'smax'])
    if (random.oneIn(4)) end(result)
    else if (random.oneIn(2)) end(define(`${operation}.${type} ${result}, ${random.oneIn(6) ? result : x}`))
    else end(define(`${operation}.${type} ${x}, ${result}`))
  }
  if (random.oneIn(2)) {
    lines.push(`    brif ${define(`band.${type} v1, ${define(`iconst.${type} 1`)}`)}, block3, block4`, '', 'block3:')
    last(1)
    lines.push('', 'block4:')
  }
  last(0)
  const returned = `v${values++}`
  if (shared) lines.push('', `block9(${returned}: ${type}):`, `    return ${returned}`)
  const header = [
    `function %${name}(i32, ${type}) -> ${type} {`,
    `    fn0 = colocated %${name}(i32, ${type}) -> ${type}`,
    '',
  ]
  const text = [...header, ...lines, '}', ''].join('\n')
  const calls = [0, 3, 7, 12].map((n): ProgramCall => ({ index: 0, args: [BigInt(n), BigInt(random.between(0, 127))] }))
  return { label: `recursion of seed ${seed}`, text, calls }
}
