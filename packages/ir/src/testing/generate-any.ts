// Random functions that are well typed and use all of the language: every opcode on every fixed type, every declaration,
// tags, source locations, aliases, exception tables. Where `generate.ts` makes programs that end and mean the same
// everywhere, these are for readers, printers, verifiers and whoever must not fall over: they may trap, loop for ever or
// read where nothing is.
//
// Everything comes from the rows of opcode.ts: an opcode is drawn, a controlling type from its set, operands and results
// follow from the constraints. Only what the rows do not say is written here, by format. A value is used in the block
// that defines it, or anywhere when the entry block does: so branches may go anywhere.

import { FLOAT_CC_NAMES, INT_CC_NAMES } from '../condition-codes.ts'
import { ATOMIC_RMW_OPS, FORMAT_VALUES, Format } from '../format.ts'
import type { Function as IrFunction } from '../function.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_LIMIT, OPCODE_NAMES, Opcode, OpcodeFlag } from '../opcode.ts'
import { type CallConv, supportsExceptions } from '../signature.ts'
import { parseFunctions } from '../text/index.ts'
import {
  CONSTRAINT_CONCRETE,
  CONSTRAINT_FREE,
  CONSTRAINT_MASK,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  Derived,
  isInTypeSet,
  OPERAND_CONSTRAINTS,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  satisfies,
  TypeSet,
} from '../type-constraints.ts'
import {
  hasFloatLanes,
  isDynamicVector,
  isScalarInteger,
  isType,
  isVector,
  laneBits,
  laneCount,
  laneType,
  TYPE_LIMIT,
  Type,
  typeBits,
  typeName,
} from '../types.ts'
import { literalOf, trapCode } from './literals.ts'
import { Random } from './random.ts'

/** A parameter as in a signature: `i32 uext`. */
interface Param {
  readonly type: Type
  readonly words: string
}

/** A function that was generated, and that others may call. */
export interface AnyFunction {
  /** Without the `%`. */
  readonly name: string
  readonly text: string
  readonly params: readonly Param[]
  readonly returns: readonly Type[]
  readonly callConv: CallConv
}

/** Which function to make. */
export interface GenerateAnyOptions {
  readonly seed: number
  /** About how many instructions; constants for operands come on top. Default 30. */
  readonly instructions?: number
  /** Without the `%`; by default `any` and the seed. */
  readonly name?: string
  /** Whether functions and symbols may be mentioned that nobody defines. Default true. */
  readonly outside?: boolean
  /** What may be called beside that. */
  readonly callees?: readonly AnyFunction[]
  /** Whether dynamic vectors are used. The text has no spelling for their declarations once printed. Default false. */
  readonly dynamic?: boolean
}

/** One function as CLIF text. The same options give the same text. */
export function generateAnyFunction(options: GenerateAnyOptions): AnyFunction {
  return new AnyGenerator(options).run()
}

/** One function, read from its text. */
export function generateAnyIr(options: GenerateAnyOptions): IrFunction {
  return parseFunctions(generateAnyFunction(options).text, { file: `seed ${options.seed}` })[0]
}

/** Several functions, each of which may call those before it; seeds and names are counted up. */
export function generateAnyModule(options: GenerateAnyOptions, functions: number): AnyFunction[] {
  const made: AnyFunction[] = []
  const name = options.name ?? `any${options.seed}`
  for (let i = 0; i < functions; i++) {
    const callees = [...(options.callees ?? []), ...made]
    made.push(generateAnyFunction({ ...options, seed: options.seed + i, name: `${name}_${i}`, callees }))
  }
  return made
}

interface Block {
  readonly name: string
  readonly params: readonly Type[]
  /** Its terminator, drawn before anything is written: `get_exception_handler_address` asks for it. */
  readonly terminator: Opcode
  readonly handlers: number
}

interface Callee {
  readonly reference: string
  readonly signature: string
  readonly params: readonly Type[]
  readonly returns: readonly Type[]
  readonly callConv: CallConv
  readonly patchable: boolean
}

const FIXED_TYPES: readonly Type[] = Array.from({ length: TYPE_LIMIT }, (_, type) => type).filter(
  (type) => isType(type) && !isDynamicVector(type),
)
const MEMBERS: readonly (readonly Type[])[] = Object.values(TypeSet).map((set) =>
  FIXED_TYPES.filter((type) => isInTypeSet(type, set)),
)
const SCALARS: readonly Type[] = FIXED_TYPES.filter((type) => !isVector(type))
const CONVENTIONS: readonly CallConv[] = [
  'fast',
  'tail',
  'tail',
  'system_v',
  'windows_fastcall',
  'winch',
  'preserve_all',
]
const DYNAMIC_ONLY: readonly Opcode[] = [Opcode.DynamicStackAddr, Opcode.ExtractVector]
const CALLS: readonly Opcode[] = [Opcode.Call, Opcode.CallIndirect]
const TERMINATORS: readonly Opcode[] = opcodes((flags) => (flags & OpcodeFlag.Terminator) !== 0)
const OTHERS: readonly Opcode[] = opcodes((flags) => (flags & OpcodeFlag.Terminator) === 0)
const SLOTS: readonly number[] = [64, 8, 4096]
const REGIONS = 3

function opcodes(keep: (flags: number) => boolean): Opcode[] {
  return Array.from({ length: OPCODE_LIMIT - 1 }, (_, i) => (i + 1) as Opcode).filter((op) => keep(OPCODE_FLAGS[op]))
}

class AnyGenerator {
  readonly #options: GenerateAnyOptions
  readonly #random: Random
  readonly #outside: boolean
  readonly #params: readonly Param[]
  readonly #returns: readonly Type[]
  readonly #callConv: CallConv
  readonly #lines: string[] = []
  readonly #callees: Callee[] = []
  readonly #globals: string[] = []
  readonly #blocks: Block[] = []
  /** Values of the entry block, then of the current one, by type. */
  readonly #entryValues: Map<Type, string[]> = new Map()
  #values: Map<Type, string[]> = this.#entryValues
  #next = 0

  constructor(options: GenerateAnyOptions) {
    this.#options = options
    this.#outside = options.outside ?? true
    const random = new Random(options.seed)
    this.#random = random
    this.#callConv = random.pick(CONVENTIONS)
    this.#params = this.#makeParams()
    this.#returns = this.#makeReturns(this.#callConv)
  }

  run(): AnyFunction {
    const random = this.#random
    const { seed, instructions = 30, name = `any${seed}` } = this.#options
    const declarations = this.#declarations()
    const count = random.between(1, 6)
    for (let i = 0; i < count; i++) this.#blocks.push(this.#planBlock(i, count))
    const order = this.#blocks.slice(1)
    for (let i = order.length - 1; i > 0; i--) {
      const other = random.below(i + 1)
      const block = order[i]
      order[i] = order[other]
      order[other] = block
    }
    for (const block of [this.#blocks[0], ...order]) this.#block(block, Math.ceil(instructions / count))
    const header = `function %${name}${signatureText(this.#params, this.#returns, this.#callConv)} {`
    const text = `${[header, ...declarations, ...this.#lines, '}'].join('\n')}\n`
    return { name, text, params: this.#params, returns: this.#returns, callConv: this.#callConv }
  }

  // ---- signatures and declarations

  /** Scalars mostly; vectors of 128 bits; anything at times. */
  #type(from: readonly Type[] = FIXED_TYPES): Type {
    const random = this.#random
    const choice = random.below(20)
    const some =
      choice < 9
        ? from.filter((type) => !isVector(type))
        : choice < 17
          ? from.filter((type) => isVector(type) && typeBits(type) === 128)
          : choice < 19
            ? from.filter((type) => isVector(type) && typeBits(type) < 128)
            : from
    return random.pick(some.length === 0 ? from : some)
  }

  #makeParams(): Param[] {
    const random = this.#random
    const params = Array.from({ length: random.below(6) }, (): Param => {
      const type = this.#type()
      if (isScalarInteger(type) && random.oneIn(3)) return { type, words: random.pick([' uext', ' sext']) }
      return { type, words: '' }
    })
    if (random.oneIn(3)) params.push({ type: Type.I64, words: ' vmctx' })
    if (random.oneIn(6)) params.unshift({ type: Type.I64, words: ' sret' })
    if (random.oneIn(6)) params.push({ type: Type.I64, words: ` sarg(${8 * random.between(1, 8)})` })
    return params
  }

  #makeReturns(callConv: CallConv): Type[] {
    // preserve_all has no register left for a result.
    return callConv === 'preserve_all' ? [] : Array.from({ length: this.#random.below(4) }, () => this.#type())
  }

  #declarations(): string[] {
    const random = this.#random
    const lines = SLOTS.map((size, i) => {
      const align = random.oneIn(2) ? `, align = ${2 ** random.below(6)}` : ''
      const key = random.oneIn(3) ? `, key = ${random.bits() >>> 0}` : ''
      return `ss${i} = explicit_slot ${size}${align}${key}`
    })
    for (let i = 0; i < REGIONS; i++) lines.push(`region${i} = ${10 * i + random.below(10)} "region ${i}"`)
    const globals: string[] = []
    const global = (text: string): void => {
      globals.push(text)
    }
    if (this.#params.some(({ words }) => words === ' vmctx')) {
      global('vmctx')
      global(`load.i64 notrap aligned${this.#option(' readonly')} gv0+${8 * random.below(8)}`)
      global(`iadd_imm.i64 gv${random.below(2)}, ${random.bits()}`)
    }
    if (this.#outside) {
      global(`symbol${this.#option(' colocated')} %data${random.below(4)}${random.oneIn(2) ? '+16' : ''}`)
      global(`symbol tls u1:${random.below(4)}`)
    }
    globals.forEach((text, i) => {
      this.#globals.push(`gv${i}`)
      lines.push(`gv${i} = ${text}`)
    })
    if (this.#options.dynamic === true) {
      lines.push(`gv${globals.length} = dyn_scale_target_const.i32x4`, `dt0 = i32x4*gv${globals.length}`)
      lines.push('dss0 = explicit_dynamic_slot dt0')
    }
    this.#declareCallees(lines)
    lines.push('const0 = 0x00112233445566778899aabbccddeeff', 'const1 = i32x4 [1 -2 0x3 0]')
    if (globals.length > 0 && random.oneIn(4)) lines.push('stack_limit = gv0')
    return lines.map((line) => `    ${line}`)
  }

  #declareCallees(lines: string[]): void {
    const random = this.#random
    const declare = (name: string, own: Omit<AnyFunction, 'name' | 'text'>): void => {
      const i = this.#callees.length
      const patchable = own.returns.length === 0 && random.oneIn(4)
      lines.push(`sig${i} = ${signatureText(own.params, own.returns, own.callConv)}`)
      lines.push(`fn${i} =${patchable ? ' colocated patchable' : this.#option(' colocated')} ${name} sig${i}`)
      const params = own.params.map(({ type }) => type)
      const { returns, callConv } = own
      this.#callees.push({ reference: `fn${i}`, signature: `sig${i}`, params, returns, callConv, patchable })
    }
    for (const callee of (this.#options.callees ?? []).slice(-4)) declare(`%${callee.name}`, callee)
    if (!this.#outside) return
    for (let i = 0; i < 3; i++) {
      const callConv = random.pick(CONVENTIONS)
      const own = { params: this.#makeParams(), returns: this.#makeReturns(callConv), callConv }
      declare(random.pick([`%outside${i}`, `u0:${i}`]), own)
    }
    // One that can be the target of this function's tail calls, if there is any.
    const params = this.#makeParams()
    declare('%same', { params, returns: this.#returns, callConv: this.#callConv })
  }

  #option(word: string): string {
    return this.#random.oneIn(2) ? word : ''
  }

  // ---- blocks

  #planBlock(index: number, count: number): Block {
    const random = this.#random
    const usable = TERMINATORS.filter((opcode) => {
      if (count === 1 && (OPCODE_FLAGS[opcode] & OpcodeFlag.Branch) !== 0) return false
      if (opcode === Opcode.ReturnCall || opcode === Opcode.ReturnCallIndirect) return this.#tailCallees().length > 0
      if (opcode === Opcode.TryCall || opcode === Opcode.TryCallIndirect) return this.#throwers().length > 0
      return true
    })
    const params =
      index === 0
        ? this.#params.map(({ type }) => type)
        : Array.from({ length: random.below(4) }, () => (random.oneIn(3) ? Type.I64 : this.#type()))
    let terminator = random.pick(usable)
    if (terminator === Opcode.Trap) terminator = random.pick(usable)
    return { name: `block${index}`, params, terminator, handlers: random.below(4) }
  }

  #tailCallees(): Callee[] {
    const same = this.#returns.join()
    return this.#callees.filter(
      ({ callConv, returns, patchable }) =>
        callConv === 'tail' && this.#callConv === 'tail' && returns.join() === same && !patchable,
    )
  }

  #throwers(): Callee[] {
    return this.#callees.filter(({ callConv }) => supportsExceptions(callConv))
  }

  #block(block: Block, instructions: number): void {
    const random = this.#random
    const isEntry = block === this.#blocks[0]
    this.#values = isEntry ? this.#entryValues : new Map()
    const params = block.params.map((type) => `${this.#define(type)}: ${typeName(type)}`)
    const list = params.length === 0 ? '' : `(${params.join(', ')})`
    this.#lines.push('', `${block.name}${list}${!isEntry && random.oneIn(4) ? ' cold' : ''}:`)
    for (let i = 0; i < instructions; i++) this.#statement()
    this.#terminator(block)
  }

  #define(type: Type): string {
    this.#next += this.#random.oneIn(20) ? this.#random.between(1, 5) : 1
    const name = `v${this.#next}`
    const list = this.#values.get(type)
    if (list === undefined) this.#values.set(type, [name])
    else list.push(name)
    return name
  }

  /** A value of the type: one that is there, or a new one. */
  #use(type: Type): string {
    const random = this.#random
    const own = this.#values.get(type) ?? []
    const outer = this.#entryValues.get(type) ?? []
    const count = own.length + outer.length
    if (count === 0 || random.oneIn(6)) return this.#make(type)
    const at = random.below(count)
    return at < own.length ? own[at] : outer[at - own.length]
  }

  #make(type: Type): string {
    const random = this.#random
    const emit = (text: string): string => {
      const name = this.#define(type)
      this.#emit(`${name} = ${text}`)
      return name
    }
    if (isDynamicVector(type)) {
      const lane = this.#use(laneType(type))
      return emit(`splat.dt0 ${lane}`)
    }
    if (isVector(type)) {
      // Longer constants can be printed and not be read again.
      if (typeBits(type) <= 128) return emit(`vconst.${typeName(type)} ${literalOf(type, random)}`)
      const lane = this.#use(laneType(type))
      return emit(`splat.${typeName(type)} ${lane}`)
    }
    if (type === Type.I128) {
      const low = this.#use(Type.I64)
      return emit(`iconcat ${low}, ${this.#use(Type.I64)}`)
    }
    if (hasFloatLanes(type)) return emit(`${typeName(type)}const ${literalOf(type, random)}`)
    return emit(`iconst.${typeName(type)} ${literalOf(type, random)}`)
  }

  #emit(text: string, tags = false): void {
    const random = this.#random
    let front = ''
    if (tags && random.oneIn(2)) {
      front = `<${Array.from({ length: random.between(1, 3) }, () => (random.oneIn(3) ? 'ss1' : String(random.bits() >>> 0))).join(', ')}> `
    }
    if (random.oneIn(12)) front += `@${(random.bits() >>> 1).toString(16)} `
    this.#lines.push(`    ${front}${text}`)
  }

  // ---- instructions

  #statement(): void {
    const random = this.#random
    if (random.oneIn(20)) {
      this.#alias()
      return
    }
    let opcode = random.pick(OTHERS)
    // Most functions shall get beyond their first lines.
    if ((OPCODE_FLAGS[opcode] & OpcodeFlag.CanTrap) !== 0 && !random.oneIn(6)) opcode = random.pick(OTHERS)
    if (DYNAMIC_ONLY.includes(opcode) && this.#options.dynamic !== true) return
    if (CALLS.includes(opcode)) {
      if (this.#callees.length > 0) this.#call(opcode)
      return
    }
    const set = CONTROLLING_SET[opcode]
    // Operands may have no type for some controlling types: nothing is narrower than i8.
    for (let tries = 0; tries < 8; tries++) {
      let controlling: Type = set < 0 ? Type.Invalid : this.#type(MEMBERS[set])
      if (set === TypeSet.Address && opcode !== Opcode.UaddOverflowTrap) controlling = Type.I64
      if (opcode === Opcode.ExtractVector) controlling = Type.I32X4 + 0x80
      if (opcode === Opcode.SymbolValue || opcode === Opcode.TlsValue) controlling = Type.I64
      const operands = this.#operandTypes(opcode, controlling)
      if (operands === null) continue
      const results: Type[] = Array.from({ length: RESULT_COUNT[opcode] }, (_, i) =>
        constrainedType(RESULT_CONSTRAINTS[2 * opcode + i], controlling),
      )
      if (results.includes(Type.Invalid)) continue
      this.#instruction(opcode, controlling, operands, results)
      return
    }
  }

  #alias(): void {
    const type = this.#random.pick([...this.#values.keys(), Type.I32])
    const target = this.#use(type)
    this.#lines.push(`    ${this.#define(type)} -> ${target}`)
  }

  #operandTypes(opcode: Opcode, controlling: Type): Type[] | null {
    const types: Type[] = []
    for (let i = 0; i < FORMAT_VALUES[OPCODE_FORMAT[opcode]]; i++) {
      const constraint = OPERAND_CONSTRAINTS[3 * opcode + i]
      const type = this.#operandType(opcode, constraint, controlling)
      if (type === Type.Invalid) return null
      types.push(type)
    }
    return types
  }

  #operandType(opcode: Opcode, constraint: number, controlling: Type): Type {
    const free = (constraint & CONSTRAINT_FREE) !== 0
    if (!free && constraint !== Derived.Narrower && constraint !== Derived.Wider) {
      return constrainedType(constraint, controlling)
    }
    if (free && (constraint & CONSTRAINT_MASK) === TypeSet.Address) return Type.I64
    let from = FIXED_TYPES.filter((type) => satisfies(constraint, type, controlling))
    if (opcode === Opcode.Bitcast) from = from.filter((type) => typeBits(type) === typeBits(controlling))
    // A conversion goes lane by lane, and the bits of a mask are those of its lanes: the sets do not say so.
    else if (opcode === Opcode.VhighBits) from = from.filter((type) => laneCount(type) <= laneBits(controlling))
    else if ((constraint & CONSTRAINT_CONCRETE) === 0 && from.some(isVector)) {
      from = from.filter((type) => laneCount(type) === laneCount(controlling))
    }
    return from.length === 0 ? Type.Invalid : this.#type(from)
  }

  #instruction(opcode: Opcode, controlling: Type, types: readonly Type[], results: readonly Type[]): void {
    const random = this.#random
    const values = types.map((type) => this.#use(type))
    const pointer = opcode === Opcode.Bitcast ? -1 : pointerOperand(OPCODE_FORMAT[opcode])
    if (pointer >= 0 && !random.oneIn(8)) values[pointer] = this.#slotAddress()
    const operands = this.#operands(opcode, controlling, types, values)
    if (operands === null) return
    let name = OPCODE_NAMES[opcode]
    const operand = CONTROLLING_OPERAND[opcode]
    const isDynamic = isDynamicVector(controlling)
    if (controlling !== Type.Invalid && !isDynamic && (operand < 0 || random.oneIn(3)))
      name += `.${typeName(controlling)}`
    const defined = results.map((type) => this.#define(type))
    const front = defined.length === 0 ? '' : `${defined.join(', ')} = `
    this.#emit(`${front}${name} ${operands}`.trimEnd(), opcode === Opcode.SequencePoint)
  }

  #operands(opcode: Opcode, controlling: Type, types: readonly Type[], values: readonly string[]): string | null {
    const random = this.#random
    const list = values.join(', ')
    switch (OPCODE_FORMAT[opcode]) {
      case Format.Load:
        return `${this.#flags(true)}${list}${this.#offset()}`
      case Format.Store:
        return `${this.#flags(false)}${list}${this.#offset()}`
      case Format.LoadNoOffset:
        return `${opcode === Opcode.Bitcast ? this.#byteOrder(controlling, types[0]) : this.#flags(true)}${list}`
      case Format.StoreNoOffset:
        return `${this.#flags(false)}${list}`
      case Format.AtomicRmw:
        return `${this.#flags(false)}${random.pick(ATOMIC_RMW_OPS)} ${list}`
      case Format.AtomicCas:
        return `${this.#flags(false)}${list}`
      case Format.IntCompare:
        return `${random.pick(INT_CC_NAMES)} ${list}`
      case Format.FloatCompare:
        return `${random.pick(FLOAT_CC_NAMES)} ${list}`
      case Format.BinaryImm8:
      case Format.TernaryImm8:
        return `${list}, ${random.below(Math.min(256, isDynamicVector(controlling) ? 2 : laneCount(controlling)))}`
      case Format.CondTrap:
      case Format.IntAddTrap:
        return `${list}, ${trapCode(random)}`
      case Format.Shuffle:
        return `${list}, ${random.oneIn(2) ? this.#mask() : `[${this.#maskBytes().join(' ')}]`}`
      case Format.StackAddr: {
        const slot = random.below(SLOTS.length)
        return `ss${slot}${random.oneIn(2) ? `+${random.below(SLOTS[slot])}` : ''}`
      }
      case Format.DynamicStackAddr:
        return 'dss0'
      case Format.FuncAddr:
        return this.#callees.length === 0 ? null : random.pick(this.#callees).reference
      case Format.UnaryGlobalValue:
        return this.#globals.length === 0 ? null : random.pick(this.#globals)
      case Format.ExceptionHandlerAddress: {
        const trying = this.#blocks.filter(
          ({ terminator, handlers }) =>
            handlers > 0 && (terminator === Opcode.TryCall || terminator === Opcode.TryCallIndirect),
        )
        if (trying.length === 0) return null
        const block = random.pick(trying)
        return `${block.name}, ${random.below(block.handlers)}`
      }
      case Format.UnaryConst: {
        if (opcode === Opcode.F128const) return random.oneIn(3) ? 'const0' : literalOf(Type.F128, random)
        if (typeBits(controlling) === 128 && random.oneIn(3)) return random.pick(['const0', 'const1'])
        return typeBits(controlling) > 128 ? null : literalOf(controlling, random)
      }
      case Format.UnaryImm:
        return literalOf(controlling, random)
      case Format.UnaryIeee16:
        return literalOf(Type.F16, random)
      case Format.UnaryIeee32:
        return literalOf(Type.F32, random)
      case Format.UnaryIeee64:
        return literalOf(Type.F64, random)
      default:
        return list
    }
  }

  #flags(mayBeReadonly: boolean): string {
    const random = this.#random
    const words: string[] = []
    if (random.oneIn(4)) words.push(random.pick(['notrap', trapCode(random)]))
    if (random.oneIn(4)) words.push('aligned')
    if (random.oneIn(6) && mayBeReadonly) words.push('readonly')
    if (random.oneIn(6)) words.push('can_move')
    if (random.oneIn(4)) words.push(random.pick(['little', 'big']))
    if (random.oneIn(4)) words.push(`region${random.below(REGIONS)}`)
    return words.map((word) => `${word} `).join('')
  }

  #byteOrder(to: Type, from: Type): string {
    return laneCount(to) !== laneCount(from) || this.#random.oneIn(4) ? `${this.#random.pick(['little', 'big'])} ` : ''
  }

  #slotAddress(): string {
    const name = this.#define(Type.I64)
    this.#emit(`${name} = stack_addr.i64 ss2+${64 * this.#random.between(1, 32)}`)
    return name
  }

  #offset(): string {
    const random = this.#random
    if (random.oneIn(2)) return ''
    const offset = random.oneIn(16) ? random.bits() : random.between(-64, 64)
    return offset < 0 ? String(offset) : `+${offset}`
  }

  #maskBytes(): number[] {
    return Array.from({ length: 16 }, () => this.#random.below(32))
  }

  #mask(): string {
    return `0x${this.#maskBytes()
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('')}`
  }

  // ---- calls and terminators

  #arguments(callee: Callee): string {
    return `(${callee.params.map((type) => this.#use(type)).join(', ')})`
  }

  #address(callee: Callee): string {
    const name = this.#define(Type.I64)
    this.#emit(`${name} = func_addr.i64 ${callee.reference}`)
    return name
  }

  #stackMap(): string {
    const random = this.#random
    if (!random.oneIn(4)) return ''
    const entries = Array.from({ length: random.between(1, 2) }, () => {
      const type = random.pick([Type.I32, Type.I64])
      return `${typeName(type)} @ ss0+${8 * random.below(8)}`
    })
    return `, stack_map=[${entries.join(', ')}]`
  }

  #call(opcode: Opcode): void {
    const callee = this.#random.pick(this.#callees)
    const address = opcode === Opcode.CallIndirect ? this.#address(callee) : ''
    const args = this.#arguments(callee)
    const results = callee.returns.map((type) => this.#define(type))
    const front = results.length === 0 ? '' : `${results.join(', ')} = `
    const target = opcode === Opcode.CallIndirect ? `${callee.signature}, ${address}` : callee.reference
    this.#emit(`${front}${OPCODE_NAMES[opcode]} ${target}${args}${this.#stackMap()}`, true)
  }

  /** A block with arguments. `extra` has what stands for a value of a type in the targets of a `try_call`. */
  #target(extra: readonly { readonly name: string; readonly type: Type }[] = []): string {
    const random = this.#random
    const block = random.pick(this.#blocks.slice(1))
    if (block.params.length === 0) return block.name
    const args = block.params.map((type) => {
      const special = extra.filter((item) => item.type === type)
      return special.length > 0 && random.oneIn(2) ? random.pick(special).name : this.#use(type)
    })
    return `${block.name}(${args.join(', ')})`
  }

  #terminator({ terminator: opcode, handlers }: Block): void {
    const random = this.#random
    const name = OPCODE_NAMES[opcode]
    switch (opcode) {
      case Opcode.Jump:
        return this.#emit(`jump ${this.#target()}`)
      case Opcode.Brif: {
        const type = random.pick(MEMBERS[TypeSet.Integer])
        const condition = this.#use(type)
        const targets = [this.#target(), this.#target()]
        return this.#emit(`brif${random.oneIn(3) ? `.${typeName(type)}` : ''} ${condition}, ${targets.join(', ')}`)
      }
      case Opcode.BrTable: {
        const index = this.#use(Type.I32)
        const otherwise = this.#target()
        const entries = Array.from({ length: random.below(6) }, () => this.#target())
        return this.#emit(`br_table ${index}, ${otherwise}, [${entries.join(', ')}]`)
      }
      case Opcode.Trap:
        return this.#emit(`trap ${trapCode(random)}`)
      case Opcode.Return:
        return this.#emit(`return ${this.#returns.map((type) => this.#use(type)).join(', ')}`.trimEnd())
      case Opcode.ReturnCall:
      case Opcode.ReturnCallIndirect: {
        const callee = random.pick(this.#tailCallees())
        const address = opcode === Opcode.ReturnCallIndirect ? `${callee.signature}, ${this.#address(callee)}` : ''
        return this.#emit(`${name} ${address || callee.reference}${this.#arguments(callee)}`, true)
      }
      default:
        return this.#tryCall(opcode, handlers)
    }
  }

  #tryCall(opcode: Opcode, handlers: number): void {
    const random = this.#random
    const callee = random.pick(this.#throwers())
    const target = opcode === Opcode.TryCallIndirect ? this.#address(callee) : callee.reference
    const args = this.#arguments(callee)
    const results = callee.returns.map((type, i) => ({ name: `ret${i}`, type }))
    // winch lets exceptions pass and hands on no word of them.
    const words = callee.callConv === 'winch' ? [] : [0, 1].map((i) => ({ name: `exn${i}`, type: Type.I64 }))
    const normal = this.#target(results)
    const items: string[] = []
    for (let i = 0; i < handlers; i++) {
      if (random.oneIn(3)) items.push(`context ${this.#use(this.#type(SCALARS))}`)
      items.push(`${random.oneIn(4) ? 'default' : `tag${random.below(4)}`}: ${this.#target(words)}`)
    }
    const table = `${callee.signature}, ${normal}, [ ${items.join(', ')} ]`
    this.#emit(`${OPCODE_NAMES[opcode]} ${target}${args}, ${table}${this.#stackMap()}`, true)
  }
}

/** Which operand is an address; -1 for none. */
function pointerOperand(format: number): number {
  switch (format) {
    case Format.Load:
    case Format.LoadNoOffset:
    case Format.AtomicRmw:
    case Format.AtomicCas:
      return 0
    case Format.Store:
    case Format.StoreNoOffset:
      return 1
    default:
      return -1
  }
}

function signatureText(params: readonly Param[], returns: readonly Type[], callConv: CallConv): string {
  const results = returns.length === 0 ? '' : ` -> ${returns.map(typeName).join(', ')}`
  return `(${params.map(({ type, words }) => typeName(type) + words).join(', ')})${results} ${callConv}`
}
