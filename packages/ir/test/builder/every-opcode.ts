// One function for every opcode and every type that it takes, through the opcode's method, which is found by name.

import {
  CONSTRAINT_FREE,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  DEFAULT_MEM_FLAGS,
  Derived,
  FORMAT_ROWS,
  FORMAT_VALUES,
  FunctionBuilder,
  IrBuildError,
  type Function as IrFunction,
  isDynamicVector,
  isInTypeSet,
  MemFlags,
  OPCODE_FLAGS,
  OPCODE_FORMAT,
  OPCODE_ROWS,
  OPERAND_CONSTRAINTS,
  Opcode,
  OpcodeFlag,
  satisfies,
  signature,
  TYPE_LIMIT,
  Type,
  typeBits,
  typeBytes,
  typeName,
  type Value,
  type VerifyOptions,
} from '../../src/index.ts'

const camel = (name: string): string => name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase())
/** Every type that is not dynamic, up to 512 bits. */
export const TYPES: readonly Type[] = Array.from({ length: TYPE_LIMIT }, (_, type) => type).filter(
  (type) => typeName(type) !== 'invalid' && !isDynamicVector(type) && typeBits(type) <= 512,
)
export const ISA: VerifyOptions = { pointerType: Type.I64, pinnedRegister: true, framePointers: true }

type Method = (...args: unknown[]) => unknown

/** Types of the fixed operands, given the controlling type; null when there is no choice of them. */
function operandTypes(opcode: number, controlling: Type): Type[] | null {
  const count = FORMAT_VALUES[OPCODE_FORMAT[opcode]]
  const types: Type[] = []
  for (let i = 0; i < count; i++) {
    const constraint = OPERAND_CONSTRAINTS[3 * opcode + i]
    const several =
      (constraint & CONSTRAINT_FREE) !== 0 || constraint === Derived.Narrower || constraint === Derived.Wider
    // An address is i64, and a bitcast keeps the bits.
    const addresses = (constraint & 0x1ff) === 1
    const bitcast = opcode === Opcode.Bitcast
    const type = several
      ? addresses && (constraint & CONSTRAINT_FREE) !== 0
        ? Type.I64
        : TYPES.find(
            (t) => satisfies(constraint, t, controlling) && (!bitcast || typeBits(t) === typeBits(controlling)),
          )
      : constrainedType(constraint, controlling)
    if (type === undefined || type === 0) return null
    types.push(type)
  }
  return types
}

const missing = (name: string): Method => {
  throw new Error(`there is no method for ${name}`)
}

/** Calls the method of an opcode with operands of these types. @returns false when the opcode ends the block. */
function build(b: FunctionBuilder, opcode: number, type: Type, v: readonly Value[]): boolean {
  const [name, format] = OPCODE_ROWS[opcode - 1]
  const method = (...args: unknown[]): unknown =>
    ((b as unknown as Record<string, Method>)[camel(name)] ?? missing(name)).apply(b, args)
  const own = CONTROLLING_SET[opcode] >= 0 && CONTROLLING_OPERAND[opcode] < 0 ? [type] : []
  const flags = DEFAULT_MEM_FLAGS
  const next = (): ReturnType<FunctionBuilder['createBlock']> => b.createBlock()
  const sig = b.declareSignature(signature([Type.I32], [Type.F64], 'tail'))
  switch (FORMAT_ROWS[format][0]) {
    case 'IntCompare':
    case 'FloatCompare':
      method(3, ...v)
      return true
    case 'Load':
      method(...own, flags | MemFlags.Aligned, ...v, 16)
      return true
    case 'LoadNoOffset':
      if (opcode === Opcode.Bitcast) method(type, ...v, flags | MemFlags.Little)
      else method(...own, flags, ...v)
      return true
    case 'Store':
      method(flags, ...v, -8)
      return true
    case 'StoreNoOffset':
    case 'AtomicCas':
      method(flags, ...v)
      return true
    case 'AtomicRmw':
      method(type, flags, 3, ...v)
      return true
    case 'Trap':
      method(7)
      return false
    case 'CondTrap':
    case 'IntAddTrap':
      method(...v, 252)
      return true
    case 'BinaryImm8':
    case 'TernaryImm8':
      method(...v, 1)
      return true
    case 'Jump':
      method(next())
      return false
    case 'Brif':
      method(...v, next(), { block: next() })
      return false
    case 'BranchTable':
      method(...v, next(), [next(), next(), next()])
      return false
    case 'MultiAry':
      method([])
      return false
    case 'Call': {
      const callee = b.importFunction('callee', sig)
      method(callee, [b.iconst(Type.I32, 5)])
      return opcode === Opcode.Call
    }
    case 'CallIndirect':
      method(sig, ...v, [b.iconst(Type.I32, 5)])
      return opcode === Opcode.CallIndirect
    case 'TryCall':
    case 'TryCallIndirect': {
      const normal = next()
      b.appendParam(normal, Type.F64)
      const handler = next()
      b.appendParam(handler, Type.I64)
      const x = b.iconst(Type.I32, 5)
      const where = [
        { block: normal, args: [{ result: 0 }] },
        [
          { context: x },
          { tag: 3, target: { block: handler, args: [{ exception: 1 }] } },
          { default: { block: next() } },
        ],
      ]
      if (opcode === Opcode.TryCall) method(b.importFunction('callee', sig), [x], ...where)
      else method(sig, ...v, [x], ...where)
      return false
    }
    case 'FuncAddr':
      method(type, b.importFunction('callee', sig, { colocated: true }))
      return true
    case 'StackAddr':
      method(type, b.declareStackSlot(16, 8, 77n), 4)
      return true
    case 'DynamicStackAddr': {
      const scale = b.declareGlobalValue({ kind: 'dyn_scale_target_const', vectorType: Type.I32X4 })
      method(type, b.declareDynamicStackSlot(b.declareDynamicType(Type.I32X4, scale)))
      return true
    }
    case 'UnaryGlobalValue': {
      const flagsOfLoad = MemFlags.Aligned
      const base = b.declareGlobalValue({
        kind: 'symbol',
        name: { kind: 'testcase', name: 'data' },
        offset: 8,
        colocated: true,
        tls: false,
      })
      method(type, b.declareGlobalValue({ kind: 'load', base, offset: -4, type, flags: flagsOfLoad }))
      return true
    }
    case 'ExceptionHandlerAddress': {
      const trying = next()
      method(type, trying, 0)
      b.jump(trying)
      b.switchTo(trying)
      const end = next()
      b.tryCall(b.importFunction('callee', signature([], [], 'tail')), [], { block: end }, [
        { default: { block: end } },
      ])
      return false
    }
    case 'UnaryImm':
      method(type, -1)
      return true
    case 'UnaryIeee16':
      method(0x3c00)
      return true
    case 'UnaryIeee32':
    case 'UnaryIeee64':
      method(1.5)
      method(1n)
      return true
    case 'UnaryConst':
      if (opcode === Opcode.F128const) method(0x3fff_0000_0000_0000_0000_0000_0000_0000n)
      else method(type, new Uint8Array(typeBytes(type)).fill(7))
      return true
    case 'Shuffle':
      method(
        ...v,
        Uint8Array.from({ length: 16 }, (_, i) => 31 - i),
      )
      return true
    default:
      method(...own, ...v)
      return true
  }
}

/** The functions of an opcode, with the controlling type of each; they take the opcode's operands. */
export function* functionsOf(opcode: number): Generator<{ readonly type: Type; readonly func: IrFunction }> {
  const set = CONTROLLING_SET[opcode]
  const types = set < 0 ? [Type.Invalid] : TYPES.filter((type) => isInTypeSet(type, set as 0))
  for (const type of types) {
    // Addresses are as wide as the machine's; the verifier is told of one that has 64 bits.
    const load = FORMAT_ROWS[OPCODE_FORMAT[opcode]][0] === 'Load'
    if (set === 1 && type === Type.I32 && CONTROLLING_OPERAND[opcode] === 0 && load) continue
    const operands = operandTypes(opcode, type)
    // A vector cannot be taken out of what is no dynamic vector.
    if (operands === null || opcode === Opcode.ExtractVector) continue
    const tail = (OPCODE_FLAGS[opcode] & OpcodeFlag.Return) !== 0 && opcode !== Opcode.Return
    const b = new FunctionBuilder('f', signature(operands, tail ? [Type.F64] : [], 'tail'))
    const params = b.createEntry()
    if (build(b, opcode, type, params)) b.return()
    b.sealAll()
    // Blocks that were made as targets only.
    for (let block = 0; block < 8; block++) {
      try {
        b.switchTo(block as never)
      } catch (error) {
        if (!(error instanceof IrBuildError)) throw error
        continue
      }
      b.trap(1)
    }
    yield { type, func: b.finish() }
  }
}
