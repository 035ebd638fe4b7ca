// Every scalar opcode on every type, one row each, and small functions around them that show what the opcode turns into
// beside constants, memory, branches and selections.

import { FLOAT_CC_NAMES, INT_CC_NAMES, parseType } from '../../../packages/ir/src/index.ts'
import { specials } from './values.ts'

export type ScalarName = 'i8' | 'i16' | 'i32' | 'i64' | 'f32' | 'f64'

/** One opcode on its types. In `text`, $0, $1, $2 are the operands. */
export interface Form {
  readonly text: string
  readonly operands: readonly ScalarName[]
  readonly results: readonly ScalarName[]
}

const INTEGERS: readonly ScalarName[] = ['i8', 'i16', 'i32', 'i64']
const FLOATS: readonly ScalarName[] = ['f32', 'f64']
const SCALARS: readonly ScalarName[] = [...INTEGERS, ...FLOATS]
const bits = (type: ScalarName): number => Number(type.slice(1))

//   opcode, types, operands
const SAME: readonly (readonly [opcodes: string, types: readonly ScalarName[], operands: number])[] = [
  ['iadd isub imul smin smax umin umax umulhi smulhi udiv sdiv urem srem', INTEGERS, 2],
  ['ineg iabs clz ctz cls popcnt bitrev', INTEGERS, 1],
  ['bswap', ['i16', 'i32', 'i64'], 1],
  ['band bor bxor', SCALARS, 2],
  ['bnot', SCALARS, 1],
  ['bitselect', SCALARS, 3],
  ['fadd fsub fmul fdiv fmin fmax fcopysign', FLOATS, 2],
  ['fneg fabs sqrt ceil floor trunc nearest', FLOATS, 1],
  ['fma', FLOATS, 3],
]

/** All forms. */
export function forms(): Form[] {
  const list: Form[] = []
  const add = (text: string, operands: readonly ScalarName[], results: readonly ScalarName[]): void =>
    void list.push({ text, operands, results })
  for (const [opcodes, types, count] of SAME) {
    for (const opcode of opcodes.split(' ')) {
      for (const type of types) {
        const operands = Array.from({ length: count }, (_, i) => `$${i}`).join(', ')
        add(`${opcode}.${type} ${operands}`, new Array<ScalarName>(count).fill(type), [type])
      }
    }
  }
  for (const type of INTEGERS) {
    for (const opcode of ['uadd', 'sadd', 'usub', 'ssub', 'umul', 'smul'])
      add(`${opcode}_overflow.${type} $0, $1`, [type, type], [type, 'i8'])
    for (const opcode of ['uadd_overflow_cin', 'sadd_overflow_cin', 'usub_overflow_bin', 'ssub_overflow_bin'])
      add(`${opcode}.${type} $0, $1, $2`, [type, type, 'i8'], [type, 'i8'])
    for (const opcode of ['ishl', 'ushr', 'sshr', 'rotl', 'rotr']) {
      for (const amount of INTEGERS) add(`${opcode}.${type} $0, $1`, [type, amount], [type])
    }
    for (const condition of INT_CC_NAMES) add(`icmp.${type} ${condition} $0, $1`, [type, type], ['i8'])
    for (const other of INTEGERS) {
      add(`bmask.${other} $0`, [type], [other])
      if (bits(other) > bits(type))
        for (const opcode of ['uextend', 'sextend']) add(`${opcode}.${other} $0`, [type], [other])
      if (bits(other) < bits(type)) add(`ireduce.${other} $0`, [type], [other])
    }
    for (const float of FLOATS) {
      for (const opcode of ['fcvt_from_sint', 'fcvt_from_uint']) add(`${opcode}.${float} $0`, [type], [float])
      for (const opcode of ['fcvt_to_sint', 'fcvt_to_uint', 'fcvt_to_sint_sat', 'fcvt_to_uint_sat'])
        add(`${opcode}.${type} $0`, [float], [type])
    }
  }
  for (const type of ['i32', 'i64'] as const) add(`uadd_overflow_trap.${type} $0, $1, user7`, [type, type], [type])
  for (const type of FLOATS) {
    for (const condition of FLOAT_CC_NAMES) add(`fcmp.${type} ${condition} $0, $1`, [type, type], ['i8'])
  }
  for (const type of SCALARS) {
    for (const condition of INTEGERS) {
      add(`select.${type} $0, $1, $2`, [condition, type, type], [type])
      if (condition === 'i8' && !type.startsWith('f'))
        add(`select_spectre_guard.${type} $0, $1, $2`, [condition, type, type], [type])
    }
    for (const other of SCALARS) if (bits(other) === bits(type)) add(`bitcast.${other} $0`, [type], [other])
  }
  add('fpromote.f64 $0', ['f32'], ['f64'])
  add('fdemote.f32 $0', ['f64'], ['f32'])
  return list
}

/** Bits as a literal. */
export function literal(type: ScalarName, value: bigint): string {
  if (!type.startsWith('f')) return `${BigInt.asIntN(bits(type), value)}`
  const width = bits(type)
  const [exponentBits, fractionBits] = width === 32 ? [8, 23] : [11, 52]
  const sign = value >> BigInt(width - 1) === 1n ? '-' : ''
  const exponent = Number((value >> BigInt(fractionBits)) & ((1n << BigInt(exponentBits)) - 1n))
  const fraction = value & ((1n << BigInt(fractionBits)) - 1n)
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 * bias + 1) return fraction === 0n ? `${sign || '+'}Inf` : `${sign || '+'}NaN`
  if (exponent === 0 && fraction === 0n) return `${sign}0.0`
  const digits = (fraction << BigInt(width === 32 ? 1 : 0)).toString(16).padStart(width === 32 ? 6 : 13, '0')
  return exponent === 0 ? `${sign}0x0.${digits}p${1 - bias}` : `${sign}0x1.${digits}p${exponent - bias}`
}

/** A constant of the type. */
export const constant = (type: ScalarName, value: bigint): string =>
  `${type.startsWith('f') ? `${type}const` : `iconst.${type}`} ${literal(type, value)}`

/** Where an operand comes from: a parameter, a constant, memory just written with a parameter, or the first operand. */
export type Source = 'param' | 'memory' | 'first' | bigint

/** What is done with the results: returned; or the last one, an i8, decides something. */
export type Sink = 'return' | 'brif' | 'brif-not' | 'select' | 'select-float' | 'trapz' | 'trapnz' | 'extend'

/**
 * A function around one form. Its first parameter is the arena's address if an operand is in memory; those of the
 * operands that come from outside follow.
 */
export function functionAround(
  name: string,
  form: Form,
  sources: readonly Source[],
  sink: Sink,
): { readonly text: string; readonly params: readonly ScalarName[]; readonly arena: boolean } {
  const arena = sources.includes('memory')
  const lines: string[] = []
  const head: string[] = []
  const params: ScalarName[] = []
  let next = 0
  const fresh = (): string => `v${next++}`
  const param = (type: ScalarName): string => {
    const value = fresh()
    head.push(`${value}: ${type}`)
    params.push(type)
    return value
  }
  const base = arena ? param('i64') : ''
  const given = sources.map((source, i) => (source === 'param' || source === 'memory' ? param(form.operands[i]) : ''))
  const operands: string[] = []
  sources.forEach((source, i) => {
    if (source === 'memory') lines.push(`store ${given[i]}, ${base}+${16 * i + 8}`)
  })
  sources.forEach((source, i) => {
    const type = form.operands[i]
    if (source === 'first') {
      operands.push(operands[0])
    } else if (source === 'param') {
      operands.push(given[i])
    } else {
      const value = fresh()
      operands.push(value)
      lines.push(`${value} = ${source === 'memory' ? `load.${type} ${base}+${16 * i + 8}` : constant(type, source)}`)
    }
  })
  const results = form.results.map(fresh)
  lines.push(`${results.join(', ')} = ${form.text.replaceAll(/\$(\d)/g, (_, i) => operands[Number(i)])}`)
  let returns: readonly ScalarName[] = form.results
  const flag = results.at(-1)
  if (sink === 'return') {
    lines.push(`return ${results.join(', ')}`)
  } else if (sink === 'brif' || sink === 'brif-not') {
    returns = ['i32']
    lines.push(`brif ${flag}, ${sink === 'brif' ? 'block1, block2' : 'block2, block1'}`)
    lines.push('', 'block1:', 'v90 = iconst.i32 1', 'return v90', '', 'block2:', 'v91 = iconst.i32 2', 'return v91')
  } else if (sink === 'select' || sink === 'select-float') {
    const type = sink === 'select' ? 'i64' : 'f64'
    const x = param(type)
    const y = param(type)
    returns = [type]
    lines.push(`v92 = select ${flag}, ${x}, ${y}`, 'return v92')
  } else if (sink === 'extend') {
    returns = ['i64', 'i32']
    lines.push(`v93 = uextend.i64 ${flag}`, `v94 = sextend.i32 ${flag}`, 'return v93, v94')
  } else {
    returns = form.results.slice(0, -1)
    lines.push(`${sink} ${flag}, user3`, `return ${results.slice(0, -1).join(', ')}`)
  }
  const body = lines.map((line) => (line === '' || line.startsWith('block') ? line : `    ${line}`)).join('\n')
  const signature = `(${params.join(', ')})${returns.length === 0 ? '' : ` -> ${returns.join(', ')}`}`
  return { text: `function %${name}${signature} {\nblock0(${head.join(', ')}):\n${body}\n}\n`, params, arena }
}

/** Divisors at which something else is done, or the same in another way: 0, +-1, powers of two, magic numbers. */
export function divisors(type: ScalarName): bigint[] {
  const width = bits(type)
  const values = [0n, 1n, 2n, 3n, 5n, 7n, 10n, 100n, 641n]
  // Narrower types are divided in 32 bits, whatever the divisor.
  if (width >= 32) {
    values.push(6n, 9n, 11n, 12n, 14n, 25n, 28n, 60n, 125n, 625n, 1000n, 10_000n, 1_000_000n, 10n ** 9n + 7n)
    values.push(0x7fff_ffffn, 0xffff_ffffn, 0x1_0000_0001n, 274_177n, 6_700_417n)
    for (let shift = 2; shift < width; shift++) values.push(1n << BigInt(shift))
  }
  const all = values.flatMap((value) => [value, -value]).concat(1n << BigInt(width - 1), (1n << BigInt(width - 1)) - 1n)
  return [...new Set(all.map((value) => BigInt.asUintN(width, value)))]
}

/** The special values of a type by name. */
export const specialsOf = (type: ScalarName): readonly bigint[] => specials(parseType(type))
