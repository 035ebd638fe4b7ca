// CLIF to C: a twin of each function, for gcc to compile. Meanings are those of the CLIF reference, section 3, written
// down in clif.h; nothing is taken from the code generator, which is held against the twins.
//
// A value is a variable, a block a label, a jump assignments to the target's parameters and a goto. Results come back
// through pointers. Covered: the scalar opcodes on i8..i64, f32, f64 without machine state, tail calls and exceptions.

import type { GlobalValueData, Signature } from '../../../packages/ir/src/index.ts'
import {
  FLOAT_CC_NAMES,
  FLOAT_EQUAL,
  FLOAT_GREATER,
  FLOAT_LESS,
  FLOAT_UNORDERED,
  floatCCOutcomes,
  IntCC,
  type Function as IrFunction,
  OPCODE_NAMES,
  Opcode,
  symbolName,
  typeBits,
  typeName,
} from '../../../packages/ir/src/index.ts'
import { isFloat } from './values.ts'

const unsigned = (type: number): string => (isFloat(type) ? typeName(type) : `u${typeBits(type)}`)
const signed = (type: number): string => `s${typeBits(type)}`

/** The C name of a CLIF function's twin. */
export const twinName = (name: string): string => `ref_${name.replaceAll(/\W/g, '_')}`

/** Parameters and pointers for results. */
function prototype(name: string, { params, returns }: Signature): string {
  const list = [
    ...params.map(({ type }, i) => `${unsigned(type)} a${i}`),
    ...returns.map(({ type }, i) => `${unsigned(type)} *r${i}`),
  ]
  return `static void ${name}(${list.join(', ') || 'void'})`
}

/** The type of a pointer to a twin. */
function pointerTo({ params, returns }: Signature): string {
  const list = [...params.map(({ type }) => unsigned(type)), ...returns.map(({ type }) => `${unsigned(type)} *`)]
  return `void (*)(${list.join(', ') || 'void'})`
}

/**
 * C for a list of functions that may call each other.
 *
 * @param external - names of C functions (callees.c) that they may call too, in the twin's own convention.
 */
export function translate(functions: readonly IrFunction[], external: ReadonlySet<string> = new Set()): string {
  const lines = ['#include "clif.h"', '']
  const used = new Map<string, Signature>()
  for (const func of functions) {
    lines.push(`${prototype(twinName(symbolName(func.name)), func.signature)};`)
    for (const { name, signature } of func.funcRefs) {
      if (external.has(symbolName(name))) used.set(symbolName(name), func.signatures[signature])
    }
  }
  for (const [name, signature] of used) lines.push(...wrapper(name, signature))
  for (const func of functions) lines.push('', ...new Translator(func).run())
  lines.push('', ...entries(functions))
  return `${lines.join('\n')}\n`
}

/** A twin for a function of callees.c. */
function wrapper(name: string, signature: Signature): string[] {
  const { params, returns } = signature
  const attribute = name.endsWith('_w') ? '__attribute__((ms_abi))' : '__attribute__((sysv_abi))'
  const types = params.map(({ type }) => (isFloat(type) ? unsigned(type) : signed(type))).join(', ')
  const result =
    returns.length === 0 ? 'void' : isFloat(returns[0].type) ? unsigned(returns[0].type) : signed(returns[0].type)
  return [
    `extern ${attribute} ${result} ${name}(${types || 'void'});`,
    `${prototype(twinName(name), signature)} {`,
    `    ${returns.length === 0 ? '' : `*r0 = (${unsigned(returns[0].type)})`}${name}(${params.map((_, i) => `a${i}`).join(', ')});`,
    '}',
  ]
}

/** What driver.c calls: arguments and results as 64-bit words. */
function entries(functions: readonly IrFunction[]): string[] {
  const lines: string[] = []
  for (const { name, signature } of functions) {
    const twin = twinName(symbolName(name))
    const { params, returns } = signature
    lines.push(`static void call_${twin}(const u64 *in, u64 *out) {`)
    lines.push(...returns.map(({ type }, i) => `    ${unsigned(type)} r${i};`))
    const args = params.map(({ type }, i) =>
      isFloat(type) ? `from_${unsigned(type)}((u${typeBits(type)})in[${i}])` : `(${unsigned(type)})in[${i}]`,
    )
    lines.push(`    ${twin}(${[...args, ...returns.map((_, i) => `&r${i}`)].join(', ')});`)
    lines.push(
      ...returns.map(({ type }, i) => `    out[${i}] = ${isFloat(type) ? `bits_${unsigned(type)}(r${i})` : `r${i}`};`),
      '    (void)in, (void)out;',
      '}',
    )
  }
  lines.push('void (*const fw_functions[])(const u64 *, u64 *) = {')
  lines.push(...functions.map(({ name }) => `    call_${twinName(symbolName(name))},`), '};')
  return lines
}

const hex = (low: number, high: number): string =>
  `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}u`

/** Integer operators of C. Operands are widened first, so that nothing overflows as a signed int. */
const OPERATORS: Readonly<Record<string, (x: string, y: string, type: number) => string>> = {
  iadd: (x, y) => `(u64)${x} + ${y}`,
  isub: (x, y) => `(u64)${x} - ${y}`,
  imul: (x, y) => `(u64)${x} * ${y}`,
  band: (x, y) => `${x} & ${y}`,
  bor: (x, y) => `${x} | ${y}`,
  bxor: (x, y) => `${x} ^ ${y}`,
  umin: (x, y) => `${x} < ${y} ? ${x} : ${y}`,
  umax: (x, y) => `${x} > ${y} ? ${x} : ${y}`,
  smin: (x, y, type) => `(${signed(type)})${x} < (${signed(type)})${y} ? ${x} : ${y}`,
  smax: (x, y, type) => `(${signed(type)})${x} > (${signed(type)})${y} ? ${x} : ${y}`,
}

const FLOAT_OPERATORS: Readonly<Record<string, string>> = { fadd: '+', fsub: '-', fmul: '*', fdiv: '/' }

const CONDITIONS: Readonly<Record<number, readonly [operator: string, signed: boolean]>> = {
  [IntCC.Eq]: ['==', false],
  [IntCC.Ne]: ['!=', false],
  [IntCC.Slt]: ['<', true],
  [IntCC.Sle]: ['<=', true],
  [IntCC.Sgt]: ['>', true],
  [IntCC.Sge]: ['>=', true],
  [IntCC.Ult]: ['<', false],
  [IntCC.Ule]: ['<=', false],
  [IntCC.Ugt]: ['>', false],
  [IntCC.Uge]: ['>=', false],
}

class Translator {
  readonly #func: IrFunction
  readonly #lines: string[] = []

  constructor(func: IrFunction) {
    this.#func = func
  }

  run(): string[] {
    const func = this.#func
    const { blocks, layout, values } = func
    const lines = this.#lines
    lines.push(`${prototype(twinName(symbolName(func.name)), func.signature)} {`)
    for (let value = 0; value < values.length; value++) {
      if (values.type[value] !== 0) lines.push(`    ${unsigned(values.type[value])} v${value};`)
    }
    func.stackSlots.forEach(({ size, alignLog2 }, i) => {
      lines.push(`    _Alignas(${Math.max(16, 2 ** alignLog2)}) unsigned char ss${i}[${Math.max(size, 1)}];`)
    })
    const { entry } = layout
    for (let i = 0; i < func.signature.params.length; i++) lines.push(`    v${blocks.firstParam[entry] + i} = a${i};`)
    for (let block: number = entry; block >= 0; block = blocks.nextBlock[block]) {
      lines.push(`block${block}:;`)
      for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) this.#inst(inst)
    }
    // A block that nothing reaches may use values that C does not see written.
    lines.push('}')
    return lines
  }

  #emit(line: string): void {
    this.#lines.push(`    ${line}`)
  }

  #value(value: number): string {
    return `v${this.#func.resolve(value as never)}`
  }

  #type(value: number): number {
    return this.#func.values.type[this.#func.resolve(value as never)]
  }

  #jump(call: number): string {
    const { blockCalls, blockArgs, blocks } = this.#func
    const target = blockCalls.block[call]
    const start = blockCalls.argStart[call]
    const first = blocks.firstParam[target]
    const count = blockCalls.argCount[call]
    // All arguments are read before any parameter is written.
    const types = Array.from({ length: count }, (_, i) => unsigned(this.#type(first + i)))
    const reads = types.map((type, i) => `const ${type} t${i} = ${this.#value(blockArgs[start + i])};`)
    const writes = types.map((_, i) => `v${first + i} = t${i};`)
    return `{ ${[...reads, ...writes].join(' ')} goto block${target}; }`
  }

  /** An address with its offset. */
  #address(inst: number, base: number): string {
    return `${this.#value(base)} + (u64)(s64)${this.#func.insts.imm[inst]}`
  }

  #global(index: number): string {
    const data: GlobalValueData = this.#func.globalValues[index]
    const { blocks, layout, signature } = this.#func
    switch (data.kind) {
      case 'vmctx':
        return `v${blocks.firstParam[layout.entry] + signature.params.findIndex(({ purpose }) => purpose === 'vmctx')}`
      case 'iadd_imm':
        return `(${this.#global(data.base)} + (u64)(s64)${data.offset}LL)`
      case 'load':
        return `load_${unsigned(data.type)}(${this.#global(data.base)} + (u64)(s64)${data.offset})`
      default:
        throw new Error(`no translation of the global value ${data.kind}`)
    }
  }

  #inst(inst: number): void {
    const { insts, valueLists } = this.#func
    const op = insts.opcode[inst]
    const name = OPCODE_NAMES[op]
    const result = insts.firstResult[inst]
    const type = result >= 0 ? this.#func.values.type[result] : 0
    const to = unsigned(type)
    const x = (): string => this.#value(insts.arg0[inst])
    const y = (): string => this.#value(insts.arg1[inst])
    const z = (): string => this.#value(insts.arg2[inst])
    const from = (): number => this.#type(insts.arg0[inst])
    const set = (expression: string): void => this.#emit(`v${result} = (${to})(${expression});`)
    const list = (): string[] =>
      Array.from({ length: insts.listLength[inst] }, (_, i) => this.#value(valueLists[insts.listStart[inst] + i]))
    const trap = (condition: string): void => this.#emit(`if (${condition}) fw_trap(${insts.imm[inst]});`)

    switch (op) {
      case Opcode.Nop:
      case Opcode.SequencePoint:
      case Opcode.Fence:
        return
      case Opcode.Iconst:
        return set(hex(insts.imm[inst], insts.immHigh[inst]))
      case Opcode.F32const:
        return set(`from_f32(${hex(insts.imm[inst], 0)})`)
      case Opcode.F64const:
        return set(`from_f64(${hex(insts.imm[inst], insts.immHigh[inst])})`)
      case Opcode.Iadd:
      case Opcode.Isub:
      case Opcode.Imul:
      case Opcode.Smin:
      case Opcode.Smax:
      case Opcode.Umin:
      case Opcode.Umax:
        return set(OPERATORS[name](x(), y(), type))
      case Opcode.Band:
      case Opcode.Bor:
      case Opcode.Bxor:
        return set(isFloat(type) ? `${name}_${to}(${x()}, ${y()})` : OPERATORS[name](x(), y(), type))
      case Opcode.Bnot:
        return set(isFloat(type) ? `bnot_${to}(${x()})` : `~${x()}`)
      case Opcode.Bitselect:
        if (isFloat(type)) return set(`bitselect_${to}(${x()}, ${y()}, ${z()})`)
        return set(`(${x()} & ${y()}) | (~${x()} & ${z()})`)
      case Opcode.Ineg:
        return set(`0 - (u64)${x()}`)
      case Opcode.Bmask:
        return set(`${x()} != 0 ? -1 : 0`)
      case Opcode.Iabs:
      case Opcode.Clz:
      case Opcode.Ctz:
      case Opcode.Cls:
      case Opcode.Popcnt:
      case Opcode.Bitrev:
      case Opcode.Bswap:
      case Opcode.Fneg:
      case Opcode.Fabs:
      case Opcode.Sqrt:
      case Opcode.Ceil:
      case Opcode.Floor:
      case Opcode.Trunc:
      case Opcode.Nearest:
        return set(`${name}_${to}(${x()})`)
      case Opcode.Umulhi:
      case Opcode.Smulhi:
      case Opcode.Udiv:
      case Opcode.Sdiv:
      case Opcode.Urem:
      case Opcode.Srem:
      case Opcode.Ishl:
      case Opcode.Ushr:
      case Opcode.Sshr:
      case Opcode.Rotl:
      case Opcode.Rotr:
      case Opcode.Fcopysign:
      case Opcode.Fmin:
      case Opcode.Fmax:
        return set(`${name}_${to}(${x()}, ${y()})`)
      case Opcode.Fma:
        return set(`fma_${to}(${x()}, ${y()}, ${z()})`)
      case Opcode.UaddOverflow:
      case Opcode.SaddOverflow:
      case Opcode.UsubOverflow:
      case Opcode.SsubOverflow:
      case Opcode.UmulOverflow:
      case Opcode.SmulOverflow:
        return set(`${name}_${to}(${x()}, ${y()}, &v${result + 1})`)
      case Opcode.UaddOverflowCin:
      case Opcode.SaddOverflowCin:
      case Opcode.UsubOverflowBin:
      case Opcode.SsubOverflowBin:
        return set(`${name}_${to}(${x()}, ${y()}, ${z()}, &v${result + 1})`)
      case Opcode.UaddOverflowTrap:
        return set(`${name}_${to}(${x()}, ${y()}, ${insts.imm[inst]})`)
      case Opcode.Fadd:
      case Opcode.Fsub:
      case Opcode.Fmul:
      case Opcode.Fdiv:
        return set(`${x()} ${FLOAT_OPERATORS[name]} ${y()}`)
      case Opcode.Icmp: {
        const [operator, isSigned] = CONDITIONS[insts.imm[inst]]
        const cast = isSigned ? `(${signed(from())})` : ''
        return set(`${cast}${x()} ${operator} ${cast}${y()}`)
      }
      case Opcode.Fcmp:
        return set(this.#floatCondition(insts.imm[inst], x(), y(), unsigned(from())))
      case Opcode.Select:
      case Opcode.SelectSpectreGuard:
        return set(`${x()} != 0 ? ${y()} : ${z()}`)
      case Opcode.Uextend:
      case Opcode.Ireduce:
      case Opcode.Fpromote:
      case Opcode.Fdemote:
      case Opcode.FcvtFromUint:
        return set(x())
      case Opcode.Sextend:
      case Opcode.FcvtFromSint:
        return set(`(${signed(from())})${x()}`)
      case Opcode.FcvtToSint:
      case Opcode.FcvtToUint:
      case Opcode.FcvtToSintSat:
      case Opcode.FcvtToUintSat:
        return set(`${name.slice('fcvt_'.length)}_${to}(${x()})`)
      case Opcode.Bitcast:
        if (isFloat(type) === isFloat(from())) return set(x())
        return set(isFloat(type) ? `from_${to}(${x()})` : `bits_${unsigned(from())}(${x()})`)
      case Opcode.Load:
        return set(`load_${to}(${this.#address(inst, insts.arg0[inst])})`)
      case Opcode.Uload8:
      case Opcode.Uload16:
      case Opcode.Uload32:
        return set(`load_u${name.slice(5)}(${this.#address(inst, insts.arg0[inst])})`)
      case Opcode.Sload8:
      case Opcode.Sload16:
      case Opcode.Sload32:
        return set(`(s${name.slice(5)})load_u${name.slice(5)}(${this.#address(inst, insts.arg0[inst])})`)
      case Opcode.Store:
        return this.#emit(`store_${unsigned(from())}(${this.#address(inst, insts.arg1[inst])}, ${x()});`)
      case Opcode.Istore8:
      case Opcode.Istore16:
      case Opcode.Istore32: {
        const width = name.slice(6)
        return this.#emit(`store_u${width}(${this.#address(inst, insts.arg1[inst])}, (u${width})${x()});`)
      }
      case Opcode.StackAddr:
        return set(`(u64)ss${insts.entity[inst]} + ${insts.imm[inst]}u`)
      case Opcode.SymbolValue:
        return set(this.#global(insts.entity[inst]))
      case Opcode.FuncAddr:
        return set(`(u64)&${twinName(symbolName(this.#func.funcRefs[insts.entity[inst]].name))}`)
      case Opcode.Call:
      case Opcode.CallIndirect: {
        const callee =
          op === Opcode.Call
            ? twinName(symbolName(this.#func.funcRefs[insts.entity[inst]].name))
            : `((${pointerTo(this.#func.signatures[insts.entity[inst]])})${x()})`
        const results = Array.from({ length: insts.resultCount[inst] }, (_, i) => `&v${result + i}`)
        return this.#emit(`${callee}(${[...list(), ...results].join(', ')});`)
      }
      case Opcode.Return:
        return this.#emit(
          `{ ${list()
            .map((value, i) => `*r${i} = ${value}; `)
            .join('')}return; }`,
        )
      case Opcode.Jump:
        return this.#emit(this.#jump(insts.target0[inst]))
      case Opcode.Brif:
        this.#emit(`if (${x()} != 0) ${this.#jump(insts.target0[inst])}`)
        return this.#emit(`else ${this.#jump(insts.target1[inst])}`)
      case Opcode.BrTable: {
        this.#emit(`switch (${x()}) {`)
        for (const [i, call] of this.#func.jumpTables[insts.entity[inst]].entries())
          this.#emit(`case ${i}: ${this.#jump(call)}`)
        this.#emit(`default: ${this.#jump(insts.target0[inst])}`)
        return this.#emit('}')
      }
      case Opcode.Trap:
        return this.#emit(`fw_trap(${insts.imm[inst]});`)
      case Opcode.Trapz:
        return trap(`${x()} == 0`)
      case Opcode.Trapnz:
        return trap(`${x()} != 0`)
      default:
        throw new Error(`no translation of ${name}`)
    }
  }

  #floatCondition(condition: number, x: string, y: string, type: string): string {
    const outcomes = floatCCOutcomes(condition as never)
    const terms = [
      [FLOAT_UNORDERED, `uno_${type}(${x}, ${y})`],
      [FLOAT_EQUAL, `${x} == ${y}`],
      [FLOAT_LESS, `${x} < ${y}`],
      [FLOAT_GREATER, `${x} > ${y}`],
    ] as const
    const chosen = terms.filter(([bit]) => (outcomes & bit) !== 0).map(([, term]) => term)
    if (chosen.length === 0) throw new Error(`condition ${FLOAT_CC_NAMES[condition]}`)
    return chosen.join(' || ')
  }
}
