// Constants against answers that are not ours: Cranelift's run tests (../shared/clif/runtests) with their arguments as
// constants. A caller of the function with the arguments of a `run` directive is optimised; when nothing but constants
// is left of it, they must be the results that the directive names.

import { readdirSync, readFileSync } from 'node:fs'
import {
  type Function,
  Opcode,
  parseFile,
  parseFunctions,
  printSignature,
  symbolName,
  Type,
  typeBits,
  typeName,
} from '@framewright/ir'
import { sharedPath } from '@framewright/testkit'
import { expect, test } from 'vitest'
import { optimizeModule } from '../src/index.ts'

const folder = sharedPath('clif/runtests')

interface Directive {
  readonly text: string
  readonly args: readonly bigint[]
  readonly results: readonly bigint[]
}

/** `run: %f(1, 2) == 3`, of integers. */
function directivesOf(func: Function): Directive[] {
  const found: Directive[] = []
  for (const { text } of func.source?.comments ?? []) {
    const match = /^[; ]*run:\s*%?\w*\s*\(([^)]*)\)\s*==\s*(\[[^\]]*\]|\S+)/.exec(text)
    if (match === null) continue
    const [args, results] = [match[1], match[2].replaceAll(/[[\]]/g, '')].map((list) =>
      list.trim() === '' ? [] : list.split(',').map((item) => integer(item.trim())),
    )
    if (args.includes(null) || results.includes(null)) continue
    found.push({ text, args: args as bigint[], results: results as bigint[] })
  }
  return found
}

function integer(text: string): bigint | null {
  const match = /^([+-]?)((?:0x)?[\da-fA-F_]+)$/.exec(text)
  if (match === null) return null
  const magnitude = BigInt(match[2].replaceAll('_', ''))
  return match[1] === '-' ? -magnitude : magnitude
}

const isFoldable = (type: number): boolean => type >= Type.I8 && type <= Type.I64

/** A function that calls another with constants. */
function callerOf(callee: Function, { args }: Directive): string {
  const { params, returns } = callee.signature
  const lines = params.map(
    ({ type }, i) => `    v${i} = iconst.${typeName(type)} ${BigInt.asIntN(typeBits(type), args[i])}`,
  )
  const results = returns.map((_, i) => `v${params.length + i}`)
  const left = results.length === 0 ? '' : `${results.join(', ')} = `
  return [
    `function %the_caller() -> ${returns.map(({ type }) => typeName(type)).join(', ')} ${callee.signature.callConv} {`,
    `    fn0 = colocated %${symbolName(callee.name)}${printSignature(callee.signature)}`,
    'block0:',
    ...lines,
    `    ${left}call fn0(${params.map((_, i) => `v${i}`).join(', ')})`,
    `    return ${results.join(', ')}`,
    '}',
    '',
  ].join('\n')
}

/** What a function returns, when that is constants; null. */
function constantsOf({ insts, layout, blocks, valueLists, values }: Function): bigint[] | null {
  const last = blocks.lastInst[layout.entry]
  if (insts.opcode[last] !== Opcode.Return) return null
  const start = insts.listStart[last]
  const found: bigint[] = []
  for (let i = 0; i < insts.listLength[last]; i++) {
    const inst = values.definition[valueLists[start + i]]
    if (inst < 0 || insts.opcode[inst] !== Opcode.Iconst) return null
    found.push((BigInt(insts.immHigh[inst] >>> 0) << 32n) | BigInt(insts.imm[inst] >>> 0))
  }
  return found
}

test.runIf(folder !== null)('run tests with constant arguments fold to their results', () => {
  let folded = 0
  const opcodes = new Set<number>()
  for (const name of readdirSync(folder!, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.clif')) continue
    const text = readFileSync(`${folder}/${name}`, 'utf8')
    const { functions } = parseFile(text)
    for (const [index, func] of functions.entries()) {
      const { params, returns } = func.signature
      if (![...params, ...returns].every(({ type }) => isFoldable(type)) || func.name.kind !== 'testcase') continue
      for (const directive of directivesOf(func)) {
        if (directive.args.length !== params.length || directive.results.length !== returns.length) continue
        const module = [parseFile(text).functions[index], ...parseFunctions(callerOf(func, directive))]
        optimizeModule(module)
        const got = constantsOf(module[1])
        if (got === null) continue
        folded++
        for (let inst = 0; inst < func.insts.length; inst++) opcodes.add(func.insts.opcode[inst])
        const wanted = directive.results.map((value, i) => BigInt.asUintN(typeBits(returns[i].type), value))
        expect(got, `${name}: ${directive.text}`).toEqual(wanted)
      }
    }
  }
  expect(folded).toBeGreaterThan(1000)
  const names = ['Iadd', 'Isub', 'Imul', 'Sdiv', 'Udiv', 'Srem', 'Urem', 'Ishl', 'Ushr', 'Sshr', 'Rotr', 'Clz'] as const
  expect(names.filter((opcode) => !opcodes.has(Opcode[opcode]))).toEqual([])
})

// What the reference (CLIF reference, section 3) says of the edges.
test.each([
  ['rotl.i8', ['0x81', '9'], 0x03n],
  ['rotl.i64', ['0x8000000000000001', '64'], 0x8000000000000001n],
  ['ctz.i16', ['0'], 16n],
  ['ctz.i64', ['0x100000000'], 32n],
  ['clz.i8', ['0'], 8n],
  ['cls.i32', ['-1'], 31n],
  ['cls.i32', ['0x40000000'], 0n],
  ['popcnt.i64', ['-1'], 64n],
  ['bitrev.i8', ['1'], 128n],
  ['bswap.i32', ['0x01020304'], 0x04030201n],
  ['iabs.i8', ['-128'], 0x80n],
  ['ineg.i64', ['0x8000000000000000'], 0x8000000000000000n],
  ['imul.i64', ['0xffffffffffffffff', '0xffffffffffffffff'], 1n],
  [
    'imul.i64',
    ['0x123456789abcdef0', '0xfedcba9876543210'],
    (0x123456789abcdef0n * 0xfedcba9876543210n) & ((1n << 64n) - 1n),
  ],
  ['umulhi.i64', ['-1', '-1'], 0xfffffffffffffffen],
  ['smulhi.i64', ['-1', '-1'], 0n],
  ['ishl.i8', ['0xff', '9'], 0xfen],
  ['ushr.i64', ['-1', '33'], 0x7fffffffn],
  ['sshr.i64', ['0x8000000000000000', '63'], 0xffffffffffffffffn],
  ['sshr.i16', ['0x8000', '15'], 0xffffn],
  ['srem.i32', ['0x80000000', '-1'], 0n],
  ['smin.i8', ['0x80', '1'], 0x80n],
  ['umin.i8', ['0x80', '1'], 1n],
  ['iadd.i64', ['0xffffffff', '1'], 0x100000000n],
  ['isub.i64', ['0', '1'], 0xffffffffffffffffn],
] as const)('%s %j', (opcode, operands, expected) => {
  const type = opcode.split('.')[1]
  const constants = operands.map((text, i) => `    v${i} = iconst.${type} ${text}`)
  const operation = `    v2 = ${opcode} ${operands.map((_, i) => `v${i}`).join(', ')}`
  const [func] = parseFunctions(
    [`function %f() -> ${type} {`, 'block0:', ...constants, operation, '    return v2', '}'].join('\n'),
  )
  optimizeModule([func])
  expect(constantsOf(func)).toEqual([expected])
})

test.each([
  ['udiv.i32', '5', '0'],
  ['srem.i64', '5', '0'],
  ['sdiv.i8', '0x80', '-1'],
])('%s %s, %s traps, and is left to', (opcode, x, y) => {
  const type = opcode.split('.')[1]
  const [func] = parseFunctions(`function %f() -> ${type} {
block0:
    v0 = iconst.${type} ${x}
    v1 = iconst.${type} ${y}
    v2 = ${opcode} v0, v1
    return v2
}`)
  optimizeModule([func])
  expect(constantsOf(func)).toBeNull()
})
