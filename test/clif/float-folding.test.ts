// Floats folded by the optimiser, against answers that are not ours: the reference's run tests with their arguments as
// constants. What is left of a caller must be the results that the directive names.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runDirectives } from '../../packages/filetest/src/index.ts'
import {
  type Function as IrFunction,
  OPCODE_NAMES,
  Opcode,
  parseFile,
  parseFunctions,
  printSignature,
  symbolName,
  Type,
  typeBits,
  typeName,
} from '../../packages/ir/src/index.ts'
import { printFloatBits } from '../../packages/ir/src/text/index.ts'
import { optimizeModule } from '../../packages/opt/src/index.ts'
import { sharedPath } from '../../packages/testkit/src/index.ts'

const folder = sharedPath('clif/runtests')
const isFloat = (type: Type): boolean => type === Type.F32 || type === Type.F64
const isFoldable = (type: Type): boolean => (type >= Type.I8 && type <= Type.I64) || isFloat(type)

function literal(type: Type, bits: bigint): string {
  if (type === Type.F32) return `f32const ${printFloatBits(bits, 32)}`
  if (type === Type.F64) return `f64const ${printFloatBits(bits, 64)}`
  return `iconst.${typeName(type)} ${BigInt.asIntN(typeBits(type), bits)}`
}

/** A function that calls another with constants. */
function callerOf({ name, signature }: IrFunction, args: readonly bigint[]): string {
  const { params, returns, callConv } = signature
  const results = returns.map((_, i) => `v${params.length + i}`).join(', ')
  return `function %the_caller() -> ${returns.map(({ type }) => typeName(type)).join(', ')} ${callConv} {
    fn0 = colocated %${symbolName(name)}${printSignature(signature)}
block0:
${params.map(({ type }, i) => `    v${i} = ${literal(type, args[i])}`).join('\n')}
    ${results} = call fn0(${params.map((_, i) => `v${i}`).join(', ')})
    return ${results}
}
`
}

/** What a function returns when that is constants; null. */
function constantsOf({ insts, layout, blocks, valueLists, values }: IrFunction): bigint[] | null {
  const last = blocks.lastInst[layout.entry]
  if (insts.opcode[last] !== Opcode.Return) return null
  const found: bigint[] = []
  for (let i = 0; i < insts.listLength[last]; i++) {
    const inst = values.definition[valueLists[insts.listStart[last] + i]]
    const opcode = inst < 0 ? 0 : insts.opcode[inst]
    if (opcode !== Opcode.Iconst && opcode !== Opcode.F32const && opcode !== Opcode.F64const) return null
    found.push((BigInt(insts.immHigh[inst] >>> 0) << 32n) | BigInt(insts.imm[inst] >>> 0))
  }
  return found
}

test.runIf(folder !== null)('run tests of floats fold to their results', () => {
  let folded = 0
  const opcodes = new Set<string>()
  for (const file of readdirSync(folder ?? '').filter((name) => name.endsWith('.clif'))) {
    const text = readFileSync(`${folder}/${file}`, 'utf8')
    const { functions } = parseFile(text, { file })
    for (const [index, func] of functions.entries()) {
      const { params, returns } = func.signature
      const types = [...params, ...returns].map(({ type }) => type)
      if (!types.every(isFoldable) || !types.some(isFloat) || func.name.kind !== 'testcase') continue
      for (const { text: directive, args, expected, unequal } of runDirectives(func)) {
        if (expected === null || unequal || returns.length === 0) continue
        const module = [parseFile(text).functions[index], ...parseFunctions(callerOf(func, args))]
        optimizeModule(module)
        const found = constantsOf(module[1])
        if (found === null) continue
        folded++
        for (let inst = 0; inst < func.insts.length; inst++) opcodes.add(OPCODE_NAMES[func.insts.opcode[inst]])
        expect(found, `${file}: ${directive}`).toEqual(expected)
      }
    }
  }
  expect(folded).toBeGreaterThan(1000)
  const wanted = [
    ...['fadd', 'fsub', 'fmul', 'fmin', 'sqrt', 'floor', 'trunc', 'fcmp', 'fcopysign', 'fpromote'],
    ...['fcvt_from_sint', 'fcvt_from_uint', 'bitcast'],
  ]
  expect(wanted.filter((name) => !opcodes.has(name))).toEqual([])
})

// What those tests have for vectors only, against the host's arithmetic.
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  1e-320,
  -3.7e9,
  4294967296.5,
  1e300,
  Infinity,
  -Infinity,
  1 / 3,
]
const view = new DataView(new ArrayBuffer(8))
function bitsOf(type: Type, value: number): bigint {
  if (type === Type.F64) view.setFloat64(0, value)
  else view.setFloat32(0, value)
  return type === Type.F64 ? view.getBigUint64(0) : BigInt(view.getUint32(0))
}
const even = (x: number): number => {
  const rounded = Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded
}
const clamp = (x: number, low: bigint, high: bigint): bigint =>
  x <= Number(low) ? low : x >= Number(high) ? high : BigInt(Math.trunc(x))

test.each<[string, Type, (x: number, y: number) => number | bigint]>([
  ['fdiv', Type.F64, (x, y) => x / y],
  ['fmax', Type.F64, (x, y) => Math.max(x, y)],
  ['ceil', Type.F64, (x) => Math.ceil(x)],
  ['nearest', Type.F64, even],
  ['fneg', Type.F64, (x) => -x],
  ['fabs', Type.F64, (x) => Math.abs(x)],
  ['fdemote.f32', Type.F32, (x) => Math.fround(x)],
  ['fcvt_to_uint_sat.i64', Type.I64, (x) => clamp(x, 0n, 2n ** 64n - 1n)],
  ['fcvt_to_sint_sat.i32', Type.I32, (x) => clamp(x, -(2n ** 31n), 2n ** 31n - 1n)],
])('%s of numbers', (opcode, to, compute) => {
  const binary = compute.length === 2
  for (const x of NUMBERS) {
    for (const y of binary ? NUMBERS : [0]) {
      const expected = compute(x, y)
      if (Number.isNaN(expected)) continue
      const operands = [x, y].map((value, i) => `    v${i} = ${literal(Type.F64, bitsOf(Type.F64, value))}\n`).join('')
      const call = `${opcode} ${binary ? 'v0, v1' : 'v0'}`
      const text = `function %f() -> ${typeName(to)} {\nblock0:\n${operands}    v2 = ${call}\n    return v2\n}\n`
      const module = parseFunctions(text)
      optimizeModule(module)
      const bits = typeof expected === 'bigint' ? BigInt.asUintN(typeBits(to), expected) : bitsOf(to, expected)
      expect(constantsOf(module[0]), `${opcode} ${x} ${y}`).toEqual([bits])
    }
  }
})

test.each([
  ['a quiet NaN that an operation makes', 'f64', 'fdiv', ['0.0', '0.0'], 'fdiv'],
  ['a NaN that an operation passes on', 'f32', 'fadd', ['+NaN:0x1', '0x1.0p0'], 'fadd'],
  ['the sign of a NaN, which is a bit', 'f64', 'fneg', ['+NaN:0x1'], 'f64const -NaN:0x1'],
  ['a trap', 'i32', 'fcvt_to_sint.i32', ['+NaN'], 'fcvt_to_sint'],
])('%s', (_, type, opcode, operands, left) => {
  const from = type === 'i32' ? 'f64' : type
  const lines = operands.map((operand, i) => `    v${i} = ${from}const ${operand}\n`).join('')
  const names = operands.map((_, i) => `v${i}`).join(', ')
  const text = `function %f() -> ${type} {\nblock0:\n${lines}    v9 = ${opcode} ${names}\n    return v9\n}\n`
  const module = parseFunctions(text)
  optimizeModule(module)
  const { insts, valueLists, values, blocks, layout } = module[0]
  const result = values.definition[valueLists[insts.listStart[blocks.lastInst[layout.entry]]]]
  const bits = (BigInt(insts.immHigh[result] >>> 0) << 32n) | BigInt(insts.imm[result] >>> 0)
  const name = OPCODE_NAMES[insts.opcode[result]]
  expect(name.endsWith('const') ? `${name} ${printFloatBits(bits, 64)}` : name).toBe(left)
})
