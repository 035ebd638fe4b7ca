// Random functions that are well typed, end, and give the same result wherever they run.
//
// A function is a nest of regions: straight code, ifs, loops, tables. A value may be used where its definition
// dominates, which in a nest is: until the region that defined it ends. Loops count down from a small constant, and the
// product of the trip counts around a place is bounded, so every function ends soon. No bit of a NaN reaches an integer,
// memory or a result: those bits are nobody's promise.

import type { Function as IrFunction } from '../function.ts'
import { parseFunctions } from '../text/index.ts'
import {
  FLOAT_CONDITIONS,
  GENERATED_TYPES,
  type GeneratedType,
  INTEGER_CONDITIONS,
  OPERATIONS,
  type Operation,
} from './operations.ts'
import { Random } from './random.ts'

/** A function that generated code may call. */
export interface GeneratedCallee {
  /** Without the `%`. */
  readonly name: string
  readonly params: readonly GeneratedType[]
  readonly returns: readonly GeneratedType[]
  /** By default that of the module. */
  readonly callConv?: string
  /** Defined in the same object. Default false. */
  readonly colocated?: boolean
  /** Instructions that one call may run, at most: bounds calls in loops. Default 1. */
  readonly cost?: number
}

/** Which function to make. */
export interface GenerateOptions {
  readonly seed: number
  /** How many instructions the function has, exactly. At least 12. */
  readonly instructions: number
  /** Without the `%`; by default `f` and the seed. */
  readonly name?: string
  /** Types to compute with; `i32` is always among them. Default: all six. */
  readonly types?: readonly GeneratedType[]
  /** Default: none to eight of the types. */
  readonly params?: readonly GeneratedType[]
  /** Default: one or two of the types. */
  readonly returns?: readonly GeneratedType[]
  /** Default: none printed, the reader's default. */
  readonly callConv?: string
  /** Default true. */
  readonly branches?: boolean
  /** Default true. */
  readonly loops?: boolean
  /** `br_table`. Default true. */
  readonly tables?: boolean
  /** Loads and stores, in a stack slot. Default true. */
  readonly memory?: boolean
  /** `unguarded` divides may trap. Default `guarded`. */
  readonly divides?: 'none' | 'guarded' | 'unguarded'
  /** Operations that a first code generator may do without: min, max, high halves, rounding, bit reversal. Default false. */
  readonly extended?: boolean
  /** What may be called; calls must end. Default nothing. */
  readonly callees?: readonly GeneratedCallee[]
  /** Bound on the product of trip counts around one place. Default 256. */
  readonly maxTrips?: number
}

interface Variable {
  readonly name: string
  readonly block: number
}

/** A generated function as text, with what a caller must know. */
export interface GeneratedFunction {
  readonly name: string
  readonly text: string
  readonly params: readonly GeneratedType[]
  readonly returns: readonly GeneratedType[]
  /** A bound on the instructions that one call runs, calls included. */
  readonly cost: number
}

/** One function as CLIF text. The same options give the same text. */
export function generateFunction(options: GenerateOptions): GeneratedFunction {
  return new Generator(options).run()
}

/** One function, read from its text. */
export function generateIr(options: GenerateOptions): IrFunction {
  return parseFunctions(generateFunction(options).text, { file: `seed ${options.seed}` })[0]
}

/**
 * Several functions, each of which may call those before it.
 *
 * @param options - as for one function; seeds and names are counted up from these.
 */
export function generateModule(options: GenerateOptions, functions: number): GeneratedFunction[] {
  const made: GeneratedFunction[] = []
  const name = options.name ?? `f${options.seed}`
  for (let i = 0; i < functions; i++) {
    const own = made.slice(-6).map(({ name, params, returns, cost }) => ({ name, params, returns, cost }))
    const callees = [...(options.callees ?? []), ...own]
    made.push(generateFunction({ ...options, seed: options.seed + i, name: `${name}_${i}`, callees }))
  }
  return made
}

const SLOT_BYTES = 32
/** The most instructions that a statement without a nested region emits, constants for its operands included. */
const STATEMENT_LIMIT = 14
const MAX_COST = 2_000_000
const bitsOf = (type: GeneratedType): number => Number(type.slice(1))
const isFloat = (type: GeneratedType): boolean => type.startsWith('f')

class Generator {
  readonly #options: GenerateOptions
  readonly #random: Random
  readonly #types: readonly GeneratedType[]
  readonly #integers: readonly GeneratedType[]
  readonly #returns: readonly GeneratedType[]
  readonly #operations: Map<GeneratedType, Operation[]> = new Map()
  readonly #lines: string[] = []
  /** Usable values by type; entering a region remembers the lengths, leaving it restores them. */
  readonly #scope: Record<GeneratedType, Variable[]> = { i8: [], i16: [], i32: [], i64: [], f32: [], f64: [] }
  #values = 0
  #blocks = 0
  #block = 0
  #count = 0
  /** Product of the trip counts around the current place. */
  #trips = 1
  #cost = 0
  #depth = 0

  constructor(options: GenerateOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#types = GENERATED_TYPES.filter((type) => type === 'i32' || (options.types ?? GENERATED_TYPES).includes(type))
    this.#integers = this.#types.filter((type) => !isFloat(type))
    this.#returns =
      options.returns ?? Array.from({ length: this.#random.between(1, 2) }, () => this.#random.pick(this.#types))
    const divides = options.divides ?? 'guarded'
    for (const type of this.#types) {
      const usable = OPERATIONS.filter(
        ({ types, extended, shape }) =>
          types.includes(type) &&
          (!extended || options.extended === true) &&
          (divides !== 'none' || !shape.endsWith('divide')),
      )
      this.#operations.set(
        type,
        usable.flatMap((operation) => new Array<Operation>(operation.weight).fill(operation)),
      )
    }
  }

  run(): GeneratedFunction {
    const random = this.#random
    const { seed, instructions, callees = [], callConv } = this.#options
    const name = this.#options.name ?? `f${seed}`
    const params = this.#options.params ?? Array.from({ length: random.below(9) }, () => random.pick(this.#types))
    const returns = this.#returns
    const convention = callConv === undefined ? '' : ` ${callConv}`
    const results = returns.length === 0 ? '' : ` -> ${returns.join(', ')}`

    const header = [`function %${name}(${params.join(', ')})${results}${convention} {`]
    const memory = (this.#options.memory ?? true) && instructions >= 40
    if (memory) header.push(`    ss0 = explicit_slot ${SLOT_BYTES}, align = 16`)
    callees.forEach((callee, i) => {
      const own = callee.callConv ?? callConv
      const out = callee.returns.length === 0 ? '' : ` -> ${callee.returns.join(', ')}`
      header.push(
        `    fn${i} = %${callee.name}(${callee.params.join(', ')})${out}${own === undefined ? '' : ` ${own}`}`,
      )
    })
    if (header.length > 1) header.push('')

    this.#openBlock(params.map((type) => [type, this.#fresh()] as const))
    if (memory) this.#clearSlot()
    // The last values are made, in the outermost region, just before the return: what is reserved here.
    const tail = 1 + returns.reduce((sum, type) => sum + (isFloat(type) ? 4 : 2), 0)
    this.#region(instructions - tail)
    this.#fill(instructions - tail)
    this.#return(returns, instructions - 1)
    const text = `${[...header, ...this.#lines, '}'].join('\n')}\n`
    return { name, text, params, returns, cost: this.#cost }
  }

  // ---- regions

  /** Emits statements until `end` instructions have been emitted, or no statement fits any more. */
  #region(end: number): void {
    const random = this.#random
    const { branches = true, loops = true, tables = true, memory = true, callees = [] } = this.#options
    const slot = memory && this.#options.instructions >= 40
    while (this.#count + STATEMENT_LIMIT <= end) {
      const room = end - this.#count
      const choice = random.below(100)
      if (choice < 5 && branches && room >= 24 && this.#depth < 8) this.#if(this.#share(room))
      else if (choice < 7 && loops && room >= 28 && this.#depth < 8) this.#loop(this.#share(room))
      else if (choice < 8 && tables && room >= 48 && this.#depth < 8) this.#table(this.#share(room))
      else if (choice < 9 && branches && room >= 48) this.#exit()
      else if (choice < 16 && slot) this.#access()
      else if (choice < 18 && callees.length > 0) this.#call(room)
      else if (choice < 26) this.#compare()
      else if (choice < 34) this.#convert()
      else this.#operation()
    }
  }

  /** How much of the room a nested region gets: at times most of it, so that nests grow with the function. */
  #share(room: number): number {
    return Math.min(room, this.#random.between(20, Math.max(24, Math.min(400, room >> 1))))
  }

  /** Emits single instructions up to `end` exactly. */
  #fill(end: number): void {
    const random = this.#random
    while (this.#count < end) {
      const type = random.pick(this.#integers)
      const list = this.#scope[type]
      if (list.length === 0) this.#constant(type)
      else this.#define(type, random.pick(['iadd', 'bxor', 'isub']), [list[list.length - 1], random.pick(list)])
    }
  }

  #enter(): Record<GeneratedType, number> {
    this.#depth++
    const marks = {} as Record<GeneratedType, number>
    for (const type of GENERATED_TYPES) marks[type] = this.#scope[type].length
    return marks
  }

  #leave(marks: Record<GeneratedType, number>): void {
    this.#depth--
    for (const type of GENERATED_TYPES) this.#scope[type].length = marks[type]
  }

  /** Types of the values that a join passes on. */
  #joinTypes(): GeneratedType[] {
    return Array.from({ length: this.#random.between(1, 3) }, () => this.#random.pick(this.#types))
  }

  #args(types: readonly GeneratedType[]): string {
    return types.length === 0 ? '' : `(${types.map((type) => this.#use(type).name).join(', ')})`
  }

  #if(room: number): void {
    const end = this.#count + room
    const condition = this.#condition()
    const joined = this.#joinTypes()
    const oneArmed = this.#random.oneIn(3)
    const then = this.#blocks++
    const otherwise = oneArmed ? -1 : this.#blocks++
    const join = this.#blocks++
    const otherTarget = oneArmed ? `block${join}${this.#args(joined)}` : `block${otherwise}`
    this.#emit(`brif${this.#suffix(condition, 'i8')} ${condition.name}, block${then}, ${otherTarget}`)
    const middle = oneArmed ? end - 4 : this.#count + ((end - this.#count) >> 1)
    this.#arm(then, middle - 2, join, joined)
    if (!oneArmed) this.#arm(otherwise, end - 4, join, joined)
    this.#startBlock(join, joined)
  }

  #arm(block: number, end: number, join: number, joined: readonly GeneratedType[]): void {
    this.#startBlock(block, [])
    const marks = this.#enter()
    this.#region(end)
    this.#emit(`jump block${join}${this.#args(joined)}`)
    this.#leave(marks)
  }

  #loop(room: number): void {
    const end = this.#count + room
    const most = Math.floor((this.#options.maxTrips ?? 256) / this.#trips)
    const trips = Math.max(1, Math.min(most, this.#random.between(1, 8)))
    const carried = this.#joinTypes()
    const counter = this.#define('i32', 'iconst.i32', [], String(trips))
    const head = this.#blocks++
    const after = this.#blocks++
    const args = [counter.name, ...carried.map((type) => this.#use(type).name)]
    this.#emit(`jump block${head}(${args.join(', ')})`)
    const marks = this.#enter()
    const outer = this.#trips
    this.#trips *= trips
    const names = this.#startBlock(head, ['i32', ...carried])
    // The counter must not be chosen as an operand that changes nothing: it may, it is only read.
    this.#region(end - 10)
    const one = this.#define('i32', 'iconst.i32', [], '1')
    const next = this.#define('i32', 'isub', [names[0], one])
    const back = [next.name, ...carried.map((type) => this.#use(type).name)]
    const out = this.#args(carried)
    this.#emit(`brif${this.#suffix(next, 'i32')} ${next.name}, block${head}(${back.join(', ')}), block${after}${out}`)
    this.#trips = outer
    this.#leave(marks)
    this.#startBlock(after, carried)
  }

  #table(room: number): void {
    const end = this.#count + room
    const arms = this.#random.between(2, 4)
    const joined = this.#joinTypes()
    const index = this.#use('i32')
    const mask = this.#define('i32', 'iconst.i32', [], '7')
    const selector = this.#random.oneIn(4) ? index : this.#define('i32', 'band', [index, mask])
    const blocks = Array.from({ length: arms }, () => this.#blocks++)
    const join = this.#blocks++
    const entries = Array.from({ length: this.#random.between(1, 7) }, () =>
      this.#random.oneIn(5) ? `block${join}${this.#args(joined)}` : `block${this.#random.pick(blocks)}`,
    )
    this.#emit(`br_table ${selector.name}, block${blocks[0]}, [${entries.join(', ')}]`)
    // An arm that no entry names is unreachable code: that must be compiled, too.
    const share = Math.floor((end - this.#count) / arms) - 4
    for (const block of blocks) this.#arm(block, this.#count + share, join, joined)
    this.#startBlock(join, joined)
  }

  /** Returns from the middle of the function. */
  #exit(): void {
    const condition = this.#condition()
    const out = this.#blocks++
    const on = this.#blocks++
    this.#emit(`brif${this.#suffix(condition, 'i8')} ${condition.name}, block${out}, block${on}`)
    this.#startBlock(out, [])
    const marks = this.#enter()
    this.#return(this.#returns, this.#count)
    this.#leave(marks)
    this.#startBlock(on, [])
  }

  #return(returns: readonly GeneratedType[], end: number): void {
    const values = returns.map((type) => this.#final(type))
    this.#fill(end)
    this.#emit(`return${values.length === 0 ? '' : ` ${values.join(', ')}`}`)
  }

  // ---- statements

  #operation(): void {
    const random = this.#random
    const type = random.pick(this.#types)
    const operation = random.pick(this.#operations.get(type) ?? [])
    this.#apply(type, operation)
  }

  #apply(type: GeneratedType, { opcode, shape }: Operation): Variable {
    const x = this.#use(type)
    switch (shape) {
      case 'unary':
        return this.#define(type, opcode, [x])
      case 'binary':
        return this.#define(type, opcode, [x, this.#use(type)])
      case 'shift': {
        const amount = this.#use(this.#random.pick(this.#integers))
        return this.#define(type, opcode, [x, amount])
      }
      case 'select': {
        const condition = this.#condition()
        const y = this.#use(type)
        // The controlling operand of a select is its second.
        return this.#define(type, `${opcode}${this.#suffix(x, type)}`, [], `${condition.name}, ${x.name}, ${y.name}`)
      }
      case 'copysign':
        return this.#define(type, opcode, [x, this.#ordered(type, this.#use(type))])
      default: {
        const y = this.#use(type)
        if (this.#options.divides === 'unguarded') return this.#define(type, opcode, [x, y])
        // Odd is not 0; and positive for signed divides, which overflow at MIN / -1.
        const one = this.#constant(type, '1')
        const low = shape === 'unsigned-divide' ? y : this.#positive(type, y)
        return this.#define(type, opcode, [x, this.#define(type, 'bor', [low, one])])
      }
    }
  }

  #positive(type: GeneratedType, value: Variable): Variable {
    const largest = (1n << BigInt(bitsOf(type) - 1)) - 1n
    return this.#define(type, 'band', [value, this.#constant(type, String(largest))])
  }

  #compare(): Variable {
    const random = this.#random
    const type = random.pick(this.#types)
    const x = this.#use(type)
    const y = this.#use(type)
    const [opcode, condition] = isFloat(type)
      ? ['fcmp', random.pick(FLOAT_CONDITIONS)]
      : ['icmp', random.pick(INTEGER_CONDITIONS)]
    const text = `${condition} ${x.name}, ${y.name}`
    return this.#define('i8', `${opcode}${this.#suffix(x, type)}`, [], text)
  }

  /** A truthy i8: usually a comparison made here, so that it can be merged into its user. */
  #condition(): Variable {
    return this.#random.oneIn(4) ? this.#use('i8') : this.#compare()
  }

  #convert(): void {
    const random = this.#random
    const from = random.pick(this.#types)
    const to = random.pick(this.#types.filter((type) => type !== from))
    if (to === undefined) return
    const value = this.#use(from)
    if (!isFloat(from) && !isFloat(to)) {
      const wider = bitsOf(to) > bitsOf(from)
      const opcode = wider ? random.pick(['uextend', 'sextend']) : 'ireduce'
      this.#define(to, `${opcode}.${to}`, [], value.name)
    } else if (isFloat(from) && isFloat(to)) {
      this.#define(to, `${bitsOf(to) > bitsOf(from) ? 'fpromote' : 'fdemote'}.${to}`, [], value.name)
    } else if (isFloat(to)) {
      const same = bitsOf(from) === bitsOf(to) && random.oneIn(4)
      const opcode = same ? 'bitcast' : random.pick(['fcvt_from_sint', 'fcvt_from_uint'])
      this.#define(to, `${opcode}.${to}`, [], value.name)
    } else {
      const saturating = random.pick(['fcvt_to_sint_sat', 'fcvt_to_uint_sat'])
      const wide = bitsOf(to) < 32 ? 'i32' : to
      const result = this.#define(wide, `${saturating}.${wide}`, [], value.name)
      if (wide !== to) this.#define(to, `ireduce.${to}`, [], result.name)
    }
  }

  #clearSlot(): void {
    const zero = this.#define('i64', 'iconst.i64', [], '0x0123_4567_89ab_cdef', true)
    const base = this.#define('i64', 'stack_addr.i64', [], 'ss0', true)
    for (let at = 0; at < SLOT_BYTES; at += 8) {
      this.#emit(`store notrap aligned ${zero.name}, ${base.name}${at === 0 ? '' : `+${at}`}`)
    }
  }

  #access(): void {
    const random = this.#random
    const type = random.pick(this.#types)
    const bytes = bitsOf(type) / 8
    // An index from 0 to 15, or none; the offset stays inside the slot either way.
    const indexed = random.oneIn(2) && this.#types.includes('i64')
    const offset = random.below((indexed ? 16 : SLOT_BYTES) - bytes + 1)
    let address = this.#define('i64', 'stack_addr.i64', [], 'ss0', true)
    if (indexed) {
      const masked = this.#define('i64', 'band', [this.#use('i64'), this.#constant('i64', '15')], '', true)
      address = this.#define('i64', 'iadd', [address, masked], '', true)
    }
    const place = `${address.name}${offset === 0 ? '' : `+${offset}`}`
    const narrow = ['i8', 'i16', 'i32'].filter((small) => bitsOf(small as GeneratedType) < bitsOf(type))
    const narrower = !isFloat(type) && narrow.length > 0 && random.oneIn(3) ? random.pick(narrow).slice(1) : ''
    if (random.oneIn(2)) {
      const value = isFloat(type) ? this.#ordered(type, this.#use(type)) : this.#use(type)
      const opcode = narrower === '' ? 'store' : `istore${narrower}`
      this.#emit(`${opcode}${this.#suffix(value, type)} ${value.name}, ${place}`)
    } else if (narrower === '') this.#define(type, `load.${type}`, [], place)
    else if (narrower === '32') {
      this.#define('i64', `${random.pick(['uload', 'sload'])}32`, [], place)
    } else this.#define(type, `${random.pick(['uload', 'sload'])}${narrower}.${type}`, [], place)
  }

  #call(room: number): void {
    const { callees = [], seed } = this.#options
    const index = this.#random.below(callees.length)
    const { params, returns, cost = 1 } = callees[index]
    if (cost * this.#trips + this.#cost > MAX_COST || 4 * params.length + 3 > room) return
    const args = params.map((type) => {
      const value = this.#use(type)
      return (isFloat(type) ? this.#ordered(type, value) : value).name
    })
    const results = returns.map((type) => [type, this.#fresh()] as const)
    const left = results.length === 0 ? '' : `${results.map(([, name]) => name).join(', ')} = `
    if (this.#random.oneIn(4)) {
      // The signature that fnN was declared with is sigN.
      const address = this.#define('i64', 'func_addr.i64', [], `fn${index}`, true)
      this.#emit(`${left}call_indirect sig${index}, ${address.name}(${args.join(', ')})`)
    } else this.#emit(`${left}call fn${index}(${args.join(', ')})`)
    for (const [type, name] of results) this.#scope[type].push({ name, block: this.#block })
    this.#cost += cost * this.#trips
    if (!Number.isFinite(this.#cost)) throw new RangeError(`seed ${seed}: the cost of a callee must be finite`)
  }

  // ---- values

  #fresh(): string {
    return `v${this.#values++}`
  }

  /** A usable value of the type: mostly a recent one, at times any; a constant when there is none, and sometimes anyway. */
  #use(type: GeneratedType): Variable {
    const list = this.#scope[type]
    const random = this.#random
    if (list.length === 0 || random.oneIn(12)) return this.#constant(type)
    if (random.oneIn(5)) return random.pick(list)
    return list[list.length - 1 - random.below(Math.min(list.length, 8))]
  }

  #constant(type: GeneratedType, text: string = this.#literal(type)): Variable {
    return this.#define(type, isFloat(type) ? `${type}const` : `iconst.${type}`, [], text)
  }

  #literal(type: GeneratedType): string {
    const random = this.#random
    if (isFloat(type)) {
      if (random.oneIn(8)) return random.pick(['0.0', '-0.0', '+Inf', '-Inf', '+NaN'])
      const digits = (random.bits() & 0xffff).toString(16).replace('-', '').padStart(4, '0')
      return `${random.oneIn(3) ? '-' : ''}0x1.${digits}p${random.between(-12, 12)}`
    }
    const bits = bitsOf(type)
    if (random.oneIn(2)) return String(random.between(-16, 64))
    if (random.oneIn(4)) return String(-(1n << BigInt(bits - 1)))
    const wide = (BigInt(random.bits()) << 32n) | BigInt(random.bits() >>> 0)
    return String(BigInt.asIntN(bits, wide))
  }

  /** The value, or 1.0 in place of NaN. */
  #ordered(type: GeneratedType, value: Variable): Variable {
    const condition = this.#define('i8', `fcmp${this.#suffix(value, type)}`, [], `ord ${value.name}, ${value.name}`)
    const one = this.#constant(type, '0x1.0')
    const operands = `${condition.name}, ${value.name}, ${one.name}`
    return this.#define(type, `select${this.#suffix(value, type)}`, [], operands)
  }

  /** A result: of the values in scope, so that they are not all dead. */
  #final(type: GeneratedType): string {
    if (isFloat(type)) return this.#ordered(type, this.#scope[type].at(-1) ?? this.#constant(type)).name
    const list = this.#scope[type]
    if (list.length < 2) return this.#use(type).name
    return this.#define(type, 'bxor', [list[list.length - 1], this.#random.pick(list)]).name
  }

  /** The suffix that an opcode needs to show the type of an operand defined in another block. */
  #suffix(controlling: Variable, type: GeneratedType): string {
    return controlling.block === this.#block ? '' : `.${type}`
  }

  /** Emits an instruction with one result; `operands` show its type, `text` is taken as it stands. */
  #define(type: GeneratedType, opcode: string, operands: readonly Variable[], text = '', hidden = false): Variable {
    const suffix = operands.length > 0 ? this.#suffix(operands[0], type) : ''
    const list = operands.length > 0 ? operands.map(({ name }) => name).join(', ') : text
    const variable = { name: this.#fresh(), block: this.#block }
    this.#emit(`${variable.name} = ${opcode}${suffix} ${list}`)
    // Addresses stay hidden: their bits differ from run to run.
    if (!hidden) this.#scope[type].push(variable)
    return variable
  }

  #emit(text: string): void {
    this.#lines.push(`    ${text}`)
    this.#count++
    this.#cost += this.#trips
  }

  #openBlock(params: readonly (readonly [GeneratedType, string])[]): void {
    this.#block = this.#blocks++
    this.#header(this.#block, params)
  }

  /** Starts a block whose number has been taken. @returns its parameters. */
  #startBlock(block: number, types: readonly GeneratedType[]): Variable[] {
    this.#block = block
    const params = types.map((type) => [type, this.#fresh()] as const)
    this.#lines.push('')
    return this.#header(block, params)
  }

  #header(block: number, params: readonly (readonly [GeneratedType, string])[]): Variable[] {
    const list = params.length === 0 ? '' : `(${params.map(([type, name]) => `${name}: ${type}`).join(', ')})`
    this.#lines.push(`block${block}${list}:`)
    return params.map(([type, name]) => {
      const variable = { name, block }
      this.#scope[type].push(variable)
      return variable
    })
  }
}
