// Calls of the builder at random, most of them sensible, many not: what is wrong fails at the call, as an IrBuildError,
// and what is not makes a function that the verifier has nothing to say about.

import { expect, test } from 'vitest'
import {
  type Block,
  CALL_CONVS,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  DEFAULT_MEM_FLAGS,
  FORMAT_ROWS,
  FORMAT_VALUES,
  FunctionBuilder,
  IrBuildError,
  laneType,
  MemFlags,
  OPCODE_FORMAT,
  OPCODE_NAMES,
  OPCODE_ROWS,
  Opcode,
  parseFunctions,
  printFunction,
  type Signature,
  signature,
  TRUSTED_MEM_FLAGS,
  Type,
  typeBytes,
  type Value,
  verifyFunction,
} from '../../src/index.ts'
import { Random } from '../../src/testing/index.ts'

const ISA = { pointerType: Type.I64, pinnedRegister: true, framePointers: true }
const TYPES: readonly Type[] = [
  ...[Type.I8, Type.I16, Type.I32, Type.I32, Type.I64, Type.I64, Type.I64, Type.I128, Type.F16, Type.F32, Type.F64],
  ...[Type.F128, Type.I8X16, Type.I16X8, Type.I32X4, Type.I64X2, Type.F32X4, Type.F64X2],
]
const camel = (name: string): string => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase())

class Session {
  readonly random: Random
  readonly b: FunctionBuilder
  readonly values: { value: Value; type: Type }[] = []
  readonly blocks: Block[] = []
  /** The block that a value is a parameter of. */
  readonly params = new Map<Value, Block>()
  readonly signatures: Signature[] = []
  /** What the function returns. */
  readonly returns: readonly Type[]
  refused = 0
  accepted = 0

  constructor(seed: number) {
    this.random = new Random(seed)
    const own = this.signature()
    const callConv = own.callConv === 'preserve_all' || this.random.oneIn(2) ? 'tail' : own.callConv
    const { returns } = own
    this.b = new FunctionBuilder('f', { ...own, callConv }, ISA)
    this.returns = returns.map(({ type }) => type)
    for (const value of this.b.createEntry()) this.note(value)
    this.note(this.b.iconst(Type.I64, 1))
    for (let i = 0; i < 4; i++) this.block()
    for (let i = 0; i < 3; i++) {
      const own = this.signature()
      // A tail call needs the results of its caller.
      const signature = this.random.oneIn(2) ? own : { ...own, returns: returns, callConv }
      if (this.try(() => this.b.declareSignature(signature)) !== undefined) this.signatures.push(signature)
    }
    for (let i = 0; i < 3; i++) {
      const options = { colocated: this.random.oneIn(2), patchable: this.random.oneIn(4) }
      this.try(() => this.b.importFunction(`g${i}`, this.random.below(4) as never, options))
    }
    this.try(() => this.b.declareStackSlot(this.random.below(40), this.random.pick([1, 4, 16, 3])))
    const scale = this.try(() => this.b.declareGlobalValue({ kind: 'dyn_scale_target_const', vectorType: this.type() }))
    this.try(() => this.b.declareGlobalValue({ kind: 'vmctx' }))
    this.try(() =>
      this.b.declareGlobalValue({
        kind: 'iadd_imm',
        base: this.random.below(3) as never,
        offset: 8n,
        type: this.type(),
      }),
    )
    this.try(() =>
      this.b.declareGlobalValue({
        kind: 'load',
        base: this.random.below(4) as never,
        offset: 8,
        type: this.type(),
        flags: this.random.oneIn(2) ? TRUSTED_MEM_FLAGS : this.flags(),
      }),
    )
    this.try(() => this.b.declareDynamicStackSlot(this.b.declareDynamicType(this.type(), scale ?? (7 as never))))
    if (this.random.oneIn(3)) this.try(() => this.b.setStackLimit(this.random.below(3) as never))
    if (this.random.oneIn(3)) this.try(() => this.b.declareAliasRegion(this.random.below(3), 'region'))
    if (this.random.oneIn(3)) this.try(() => this.b.declareAliasRegion(this.random.below(3), 'region'))
  }

  type(): Type {
    return this.random.pick(TYPES)
  }

  signature(): Signature {
    const { random } = this
    const types = (): Type[] => Array.from({ length: random.below(4) }, () => this.type())
    const vmctx = random.oneIn(4)
      ? [{ type: Type.I64, extension: 'none', purpose: 'vmctx', structBytes: 0 } as const]
      : []
    return signature([...vmctx, ...types()], types(), random.pick(CALL_CONVS))
  }

  block(): Block {
    const block = this.b.createBlock()
    this.blocks.push(block)
    for (let i = this.random.below(3); i > 0; i--) {
      const value = this.b.appendParam(block, this.type())
      this.note(value)
      this.params.set(value, block)
    }
    return block
  }

  note(value: Value): void {
    this.values.push({ value, type: this.b.typeOf(value) })
  }

  /** Calls; only the builder's own error may come out. */
  try<T>(call: () => T): T | undefined {
    try {
      const result = call()
      this.accepted++
      return result
    } catch (error) {
      if (!(error instanceof IrBuildError)) throw error
      expect(error.message).not.toMatch(/undefined|\[object|invalid|block-1/)
      this.refused++
      return undefined
    }
  }

  /** A value, most often of that type. */
  value(type: Type = this.type()): Value {
    const { random, values } = this
    if (random.oneIn(40)) return random.pick([-1, 1000, 0.5]) as Value
    const fitting = values.filter((known) => known.type === type)
    return (fitting.length > 0 && !random.oneIn(8) ? random.pick(fitting.slice(-6)) : random.pick(values)).value
  }

  values_(types: readonly Type[]): Value[] {
    const length = this.random.oneIn(12) ? this.random.below(4) : types.length
    return Array.from({ length }, (_, i) => this.value(types[i]))
  }

  target(): { block: Block; args: Value[] } {
    const block = this.random.pick(this.blocks)
    const types = this.values.filter(({ value }) => this.params.get(value) === block).map(({ type }) => type)
    return { block, args: this.values_(types) }
  }

  flags(): number {
    return this.random.oneIn(3) ? this.random.below(0x1_0000) : 0
  }

  /** One instruction, whatever it is. */
  instruction(): void {
    const { random, b } = this
    const opcode = 1 + random.below(OPCODE_ROWS.length)
    const [name, format] = OPCODE_ROWS[opcode - 1]
    const method = (...args: unknown[]): unknown =>
      (b as unknown as Record<string, (...args: unknown[]) => unknown>)[camel(name)].apply(b, args)
    // Operands are most often of one type, which is most often what is wanted.
    const common = this.type()
    const fixed = Array.from({ length: FORMAT_VALUES[OPCODE_FORMAT[opcode]] }, (_, i) =>
      this.value(
        /Load|Store|Atomic/.test(FORMAT_ROWS[format][0]) && i !== 0
          ? Type.I64
          : opcode === Opcode.Insertlane && i === 1
            ? laneType(common)
            : common,
      ),
    )
    const own = CONTROLLING_SET[opcode] >= 0 && CONTROLLING_OPERAND[opcode] < 0 ? [this.type()] : []
    const small = (): number => random.pick([0, 0, 1, 2, 3, 7, 9, 15, 31, 255, -1, 2 ** 31, 0.5])
    const callee = random.below(4)
    const types = (this.signatures[callee]?.params ?? []).map(({ type }) => type)
    const result = this.try(() => {
      switch (FORMAT_ROWS[format][0]) {
        case 'IntCompare':
        case 'FloatCompare':
          return method(small(), ...fixed)
        case 'Load':
          return method(...own, this.flags(), ...fixed, small())
        case 'LoadNoOffset':
          return opcode === Opcode.Bitcast
            ? method(...own, ...fixed, random.pick([DEFAULT_MEM_FLAGS, DEFAULT_MEM_FLAGS | MemFlags.Big, this.flags()]))
            : method(...own, this.flags(), ...fixed)
        case 'Store':
          return method(this.flags(), ...fixed, small())
        case 'StoreNoOffset':
        case 'AtomicCas':
          return method(this.flags(), ...fixed)
        case 'AtomicRmw':
          return method(...own, this.flags(), small(), ...fixed)
        case 'Trap':
        case 'CondTrap':
        case 'IntAddTrap':
          return method(...fixed, small())
        case 'BinaryImm8':
        case 'TernaryImm8':
          return method(...fixed, small())
        case 'Jump': {
          const { block, args } = this.target()
          return method(block, args)
        }
        case 'Brif':
          return method(this.value(Type.I32), this.target(), this.target())
        case 'BranchTable':
          return method(this.value(Type.I32), this.target(), [this.target(), this.target()])
        case 'MultiAry':
          return method(this.values_(this.returns))
        case 'Call':
          return method(callee, this.values_(types))
        case 'CallIndirect':
          return method(callee, this.value(Type.I64), this.values_(types))
        case 'TryCall':
        case 'TryCallIndirect': {
          const to = (): unknown => {
            const { block, args } = this.target()
            const of = random.pick(['result', 'exception'])
            return { block, args: args.map((arg) => (random.oneIn(3) ? { [of]: random.below(2) } : arg)) }
          }
          const handlers = [{ context: this.value() }, { tag: small(), target: to() }, { default: to() }]
          const args = this.values_(types)
          if (opcode === Opcode.TryCall) return method(callee, args, to(), handlers)
          return method(callee, this.value(Type.I64), args, to(), handlers)
        }
        case 'FuncAddr':
        case 'StackAddr':
        case 'DynamicStackAddr':
        case 'UnaryGlobalValue':
          return method(this.type(), random.below(4), small())
        case 'ExceptionHandlerAddress':
          return method(this.type(), random.pick(this.blocks), small())
        case 'UnaryImm':
          return method(this.type(), random.pick([1, -1, 300, 2n ** 70n, -(2n ** 63n), 1.5]))
        case 'UnaryIeee16':
        case 'UnaryIeee32':
        case 'UnaryIeee64':
          return method(random.pick([1, 0.5, -1n, 2n ** 40n]))
        case 'UnaryConst': {
          const type = this.type()
          return opcode === Opcode.F128const ? method(1n) : method(type, new Uint8Array(typeBytes(type)))
        }
        case 'Shuffle':
          return method(...fixed, new Uint8Array(16).fill(random.below(40)))
        default:
          return method(...own, ...fixed)
      }
    })
    for (const value of Array.isArray(result) ? result : [result]) {
      if (typeof value !== 'number' || OPCODE_ROWS[opcode - 1][4] === '') continue
      this.note(value as Value)
    }
  }

  run(): string {
    const { random, b } = this
    const order = [...this.blocks]
    for (;;) {
      for (let i = random.below(14); i > 0 && !b.isFilled(); i--) this.instruction()
      if (!b.isFilled()) {
        this.try(() => b.jump(random.pick(this.blocks)))
        if (!b.isFilled()) b.trap(1)
      }
      if (random.oneIn(3)) this.try(() => b.seal(random.pick(this.blocks)))
      const next = order.shift()
      if (next === undefined) break
      this.try(() => b.switchTo(next))
    }
    b.sealAll()
    const func = this.try(() => b.finish())
    if (func === undefined) return ''
    const text = printFunction(func)
    expect(
      verifyFunction(func, ISA).map(({ entity, text: inst, message }) => `${entity}: ${inst}: ${message}`),
      text,
    ).toEqual([])
    // Neither dynamic types nor vectors of several i128 can be written down.
    if (!/dt\d|vconst\.i128x/.test(text)) expect(printFunction(parseFunctions(text)[0])).toBe(text)
    return text
  }
}

test('what the builder accepts, the verifier accepts', () => {
  const seen = new Set<string>()
  let finished = 0
  let refused = 0
  for (let seed = 0; seed < 2500; seed++) {
    const session = new Session(seed)
    const text = session.run()
    refused += session.refused
    if (text === '') continue
    finished++
    for (const [, name] of text.matchAll(/^ +(?:[^=;]* = )?([a-z][a-z0-9_]*)/gm)) seen.add(name)
  }
  expect(finished).toBeGreaterThan(1500)
  expect(refused).toBeGreaterThan(20_000)
  // The first needs a block that ends in the right try_call, the second a value that only a dynamic stack slot can hold.
  const never = OPCODE_NAMES.slice(1).filter((name) => name !== '' && !seen.has(name))
  expect(never).toEqual(['get_exception_handler_address', 'extract_vector'])
})
