// 200 000 texts that are not quite CLIF: each is read or refused with a place, in bounded time and memory, whatever it is.
// Then large ones, in every direction that a text can be large in: at a cost that grows faster than the text, they would
// not end within the time that tests have.
//
// FRAMEWRIGHT_FUZZ_SEED=n takes other texts.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  controlFlowGraph,
  dominatorTree,
  IrSyntaxError,
  parseFile,
  printFunction,
  verifyFunction,
} from '../../src/index.ts'
import { generateAnyFunction, generateFunction, Random } from '../../src/testing/index.ts'

const SEED = 1_000_000 * Number(process.env['FRAMEWRIGHT_FUZZ_SEED'] ?? 0)
const TEXTS = 200_000
const MOST_CHARACTERS = 1200
/** Numbers that a text skips have placeholders, up to this many. */
const MOST_DECLARATIONS = 100_000

const clifFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.clif'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))

/** Pieces of that many characters at most, each from the beginning of a file or of a function. */
function pieces(texts: readonly string[]): string[] {
  const found: string[] = []
  for (const text of texts) {
    found.push(text.slice(0, MOST_CHARACTERS))
    const functions = text.split(/^(?=function )/m)
    if (functions.length > 1) found.push(functions[functions.length >> 1].slice(0, MOST_CHARACTERS))
  }
  return found
}

const shared = sharedPath('clif')
const CORPUS: readonly string[] = [
  ...pieces(clifFiles(join(import.meta.dirname, '../../../../examples'))),
  ...pieces(clifFiles(join(import.meta.dirname, '../golden'))),
  ...(shared === null ? [] : pieces(clifFiles(shared))),
  ...Array.from({ length: 400 }, (_, seed) => generateAnyFunction({ seed, instructions: 6 }).text),
  ...Array.from({ length: 40 }, (_, seed) => generateFunction({ seed, instructions: 40 }).text),
]

/** Reads a text. @returns whether it was accepted. Anything thrown but a syntax error with its place fails. */
function isRead(text: string): boolean {
  try {
    const { functions } = parseFile(text)
    for (const func of functions) {
      const { insts, values, blocks, stackSlots, globalValues, signatures, funcRefs, constants } = func
      const rows = insts.capacity + values.capacity + blocks.capacity
      const declared = [stackSlots, globalValues, signatures, funcRefs, constants].map(({ length }) => length)
      if (rows > 400 + 4 * text.length || Math.max(...declared) > MOST_DECLARATIONS + text.length) {
        throw new Error(`${rows} rows, ${declared} declarations for ${JSON.stringify(text)}`)
      }
      verifyFunction(func)
    }
    return true
  } catch (error) {
    if (!(error instanceof IrSyntaxError))
      throw new Error(`internal error for ${JSON.stringify(text)}`, { cause: error })
    const { line, column, message } = error
    // A place in the text, or just behind its end; a report that can be shown on a line.
    const inText = line >= 1 && column >= 1 && line <= text.length + 1 && column <= text.length + 1
    if (!inText || !message.startsWith(`<text>:${line}:${column}: `) || message.length > 400) {
      throw new Error(`no good report for ${JSON.stringify(text)}: ${message.slice(0, 1000)}`)
    }
    return false
  }
}

const SPECIAL = 'v0129abxfi.,:;()[]{}<>=+-@%"\n\t _\u0000é\ud800~#/'
const NUMBERS = ['99999999999999999999999', '4294967295', '4294967296', '65536', '99999', '-1', '0x', '1e9', '00']
const OPENERS = ['(', '[', '{', '<', '"', '; ', 'v1, ', 'block1(', '(i32', '-', '0x_', 'v1 -> ', ':', '@f ', '.']

function tokens(text: string): string[] {
  return text.match(/\s+|[\w.]+|./gs) ?? []
}

const replaced = (text: string, from: number, to: number, by: string): string =>
  text.slice(0, from) + by + text.slice(to)

/** Ways to spoil a text. */
const SPOIL: Readonly<Record<string, (text: string, random: Random) => string>> = {
  truncation: (text, random) => text.slice(random.below(text.length)).slice(0, random.below(text.length) + 1),
  cut: (text, random) => text.slice(0, random.below(text.length)),
  'token swap': (text, random) => {
    const list = tokens(text)
    for (let swaps = random.between(1, 3); swaps > 0; swaps--) {
      const a = random.below(list.length)
      const b = random.below(list.length)
      const token = list[a]
      list[a] = list[b]
      list[b] = token
    }
    return list.join('')
  },
  'token from elsewhere': (text, random) => {
    const list = tokens(text)
    list[random.below(list.length)] = random.pick(tokens(random.pick(CORPUS).slice(0, 200)))
    return list.join('')
  },
  'byte flip': (text, random) => {
    const at = random.below(text.length)
    return replaced(text, at, at + 1, String.fromCharCode((text.charCodeAt(at) ^ (1 << random.below(8))) & 0xffff))
  },
  'special character': (text, random) => {
    const at = random.below(text.length)
    return replaced(text, at, at + random.below(2), SPECIAL[random.below(SPECIAL.length)])
  },
  'deep nesting': (text, random) => {
    const at = random.below(text.length)
    return replaced(text, at, at, random.pick(OPENERS).repeat(random.between(2, 300)))
  },
  'huge count': (text, random) => {
    const numbers = [...text.matchAll(/\d+/g)]
    if (numbers.length === 0) return random.pick(NUMBERS)
    const { 0: digits, index } = random.pick(numbers)
    return replaced(text, index, index + digits.length, random.pick(NUMBERS))
  },
  'piece from elsewhere': (text, random) => {
    const at = random.below(text.length)
    const other = random.pick(CORPUS)
    const from = random.below(other.length)
    return replaced(text, at, at + random.below(20), other.slice(from, from + random.below(60)))
  },
  'line twice': (text, random) => {
    const lines = text.split('\n')
    lines.splice(random.below(lines.length), random.below(2), random.pick(lines))
    return lines.join('\n')
  },
}

describe('a spoilt text', () => {
  const ways = Object.entries(SPOIL)
  test.each(ways)(
    'by %s is read or refused with its place',
    (way, spoil) => {
      const random = new Random(SEED + way.length * 31 + way.charCodeAt(0))
      let accepted = 0
      const rounds = TEXTS / ways.length
      for (let round = 0; round < rounds; round++) if (isRead(spoil(random.pick(CORPUS), random))) accepted++
      expect(accepted).toBeLessThan(rounds)
      expect(accepted).toBeGreaterThan(0)
    },
    120_000,
  )
})

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')
const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(', ')
const entry = (...body: string[]): string =>
  ['function %large(i32, i64) system_v {', 'block0(v0: i32, v1: i64):', ...body, '}', ''].join('\n')

/** Texts that are CLIF, and large in one direction. */
const LARGE: Readonly<Record<string, () => string>> = {
  '10 000 blocks in a chain': () =>
    entry(
      'jump block1',
      lines(9_999, (i) => `block${i + 1}:\njump block${i + 2}`),
      'block10000:',
      'return',
    ),
  '10 000 blocks that branch back': () =>
    entry(
      'jump block1',
      lines(9_999, (i) => `block${i + 1}:\nbrif.i32 v0, block${i + 2}, block${1 + (i >> 1)}`),
      'block10000:',
      'return',
    ),
  '10 000 blocks from the last to the first': () =>
    entry(
      'jump block10000',
      lines(9_999, (i) => `block${10_000 - i}:\njump block${9_999 - i}`),
      'block1:',
      'return',
    ),
  '10 000 blocks that one can go to': () =>
    entry(
      `br_table v0, block1, [${list(10_000, (i) => `block${i + 1}`)}]`,
      lines(10_000, (i) => `block${i + 1}:\njump block10001`),
      'block10001:',
      'return',
    ),
  '100 000 values': () =>
    entry(
      lines(100_000, (i) => `v${i + 2} = iadd.i64 v${i + 1}, v1`),
      'return',
    ),
  '100 000 values of scattered numbers': () =>
    entry(
      lines(100_000, (i) => `v${2 + ((i * 7919) % 100_003) * 40_000} = iconst.i8 0`),
      'return',
    ),
  '50 000 values used above their definition': () =>
    entry(
      'jump block2',
      'block1:',
      lines(50_000, (i) => `v${i + 100_000} = iadd.i64 v${i + 2}, v1`),
      'return',
      'block2:',
      lines(50_000, (i) => `v${i + 2} = iconst.i64 ${i}`),
      'jump block1',
    ),
  '20 000 aliases of each other': () =>
    entry(
      lines(20_000, (i) => `v${i + 2} -> v${i + 1}`),
      'v30000 = ineg v20001',
      'return',
    ),
  '20 000 aliases of one value': () =>
    entry(
      lines(20_000, (i) => `v${i + 2} -> v1`),
      lines(20_000, (i) => `v${i + 30_000} = ineg v${i + 2}`),
      'return',
    ),
  '5 000 block parameters': () =>
    entry(
      `jump block1(${list(5_000, () => 'v1')})`,
      `block1(${list(5_000, (i) => `v${i + 2}: i64`)}):`,
      `brif v0, block1(${list(5_000, (i) => `v${5_001 - i}`)}), block2`,
      'block2:',
      'return',
    ),
  '500 blocks of 100 parameters': () =>
    entry(
      `jump block1(${list(100, () => 'v1')})`,
      lines(
        500,
        (i) =>
          `block${i + 1}(${list(100, (k) => `v${i * 100 + k + 2}: i64`)}):\nbrif v0, block${i + 2}${i === 499 ? '' : `(${list(100, (k) => `v${i * 100 + k + 2}`)})`}, block501`,
      ),
      'block501:',
      'return',
    ),
  'a call of 10 000 arguments': () =>
    entry(`call fn0(${list(10_000, () => 'v1')})`, 'return').replace(
      'block0',
      `fn0 = %g(${list(10_000, () => 'i64')}) system_v\nblock0`,
    ),
  '50 000 results of a call': () =>
    entry(`${list(50_000, (i) => `v${i + 2}`)} = call fn0()`, 'return').replace(
      'block0',
      `fn0 = %g() -> ${list(50_000, () => 'i8')} system_v\nblock0`,
    ),
  '20 000 handlers': () =>
    entry(
      `try_call fn0(), sig0, block1, [${list(20_000, (i) => (i % 2 === 0 ? `tag${i}: block1` : 'context v1'))}]`,
      'block1:',
      'return',
    ).replace('block0', 'sig0 = () system_v\nfn0 = %g sig0\nblock0'),
  '20 000 declarations of every kind': () =>
    entry('return').replace(
      'block0',
      [
        lines(20_000, (i) => `ss${i} = explicit_slot 8`),
        lines(20_000, (i) => `region${i} = ${i} "r"`),
        lines(20_000, (i) => `gv${i} = ${i === 0 ? 'symbol %a' : `iadd_imm.i64 gv${i - 1}, 1`}`),
        lines(20_000, (i) => `sig${i} = (i32)`),
        lines(20_000, (i) => `fn${i} = u0:${i} sig${i}`),
        lines(20_000, (i) => `const${i} = 0x${i.toString(16).padStart(8, '0')}`),
        'block0',
      ].join('\n'),
    ),
  '20 000 constants of vectors': () =>
    entry(
      lines(20_000, (i) => `v${i + 2} = vconst.i64x2 [${i} ${i >> 1}]`),
      'return',
    ),
  '50 000 tags on an instruction': () => entry(`<${list(50_000, String)}> sequence_point`, 'return'),
  '5 000 functions': () => lines(5_000, (i) => `function %f${i}() {\nblock0:\n    return\n}`),
  '50 000 functions on one line': () =>
    Array.from({ length: 50_000 }, (_, i) => `function %f${i}() { block0: return }`).join(' '),
  '20 000 functions, the last with a line for its end': () =>
    `${Array.from({ length: 20_000 }, (_, i) => `function %f${i}() { block0: return }`).join(' ')} function %l() {\n}`,
  '50 000 comments': () =>
    entry(
      lines(50_000, (i) => `; comment ${i}`),
      lines(20_000, (i) => `nop ; ${i}`),
      'return',
    ),
  'a comment of a million characters': () => entry(`nop ; ${'comment '.repeat(125_000)}`, 'return'),
  'a line of 50 000 instructions': () => entry(Array.from({ length: 50_000 }, () => 'nop').join(' '), 'return'),
  'a million spaces': () => entry(' '.repeat(1_000_000), `nop${' '.repeat(1_000_000)}return`),
  'a name of a million characters': () => entry('return').replace('%large', `%${'n'.repeat(1_000_000)}`),
  'a string of a million characters': () =>
    entry('return').replace('block0', `region0 = 1 "${'s'.repeat(1_000_000)}"\nblock0`),
}

/** Texts that are no CLIF, and large; what is wrong stands at the end. */
const LARGE_WRONG: Readonly<Record<string, () => string>> = {
  'an integer of a million digits': () => entry(`v2 = iconst.i64 ${'1'.repeat(1_000_000)}`, 'return'),
  'a hexadecimal integer of a million digits': () => entry(`v2 = iconst.i64 0x${'f_'.repeat(500_000)}`, 'return'),
  'a float of a million digits': () => entry(`v2 = f64const 0x1.${'8'.repeat(1_000_000)}`, 'return'),
  'an f128 of a million digits': () => entry(`v2 = f128const 0x${'0'.repeat(999_999)}1.${'8'.repeat(1_000_000)}`),
  'an exponent of a million digits': () => entry(`v2 = f64const 0x1.0p${'9'.repeat(1_000_000)}`, 'return'),
  'an f16 with a payload of a million digits': () => entry(`v2 = f16const +NaN:0x${'1'.repeat(1_000_000)}`, 'return'),
  'bytes of a million digits': () => entry(`v2 = vconst.i8x16 0x${'00'.repeat(500_000)}`, 'return'),
  'a vector of a million lanes': () => entry(`v2 = vconst.i8x16 [${'1 '.repeat(1_000_000)}]`, 'return'),
  'an opcode of a million letters': () => entry('a'.repeat(1_000_000)),
  'a million opening brackets': () => `function %f${'('.repeat(1_000_000)}`,
  'a million opening braces': () => entry('{'.repeat(1_000_000)),
  'an unfinished string': () => entry('return').replace('block0', `region0 = 1 "${'s'.repeat(1_000_000)}`),
  'a mistake behind a million characters': () => entry(`${'nop '.repeat(250_000)} oops`),
  'a mistake behind 200 000 lines': () => entry(`${'nop\n'.repeat(200_000)} oops`),
  'a million characters that are none': () => '\u0000'.repeat(1_000_000),
  'a value that comes nowhere, 100 000 times': () =>
    entry(
      lines(100_000, (i) => `v${i + 2} = iadd.i64 v999999, v1`),
      'return',
    ),
  'alias regions without end': () =>
    entry('return').replace('block0', `${lines(70_000, (i) => `region${i} = ${i} "r"`)}\nblock0`),
  'declarations far apart': () =>
    entry('return').replace(
      'block0',
      `${['ss', 'gv', 'sig', 'fn', 'const'].map((name) => `${name}99999 = `).join('0\n')}0`,
    ),
}

describe('a large text', () => {
  test.each(Object.entries(LARGE))(
    'of %s is read, verified, printed and read again',
    (_, make) => {
      const { functions } = parseFile(make())
      expect(functions.length).toBeGreaterThan(0)
      for (const func of functions) {
        expect(verifyFunction(func).slice(0, 3)).toEqual([])
        dominatorTree(func, controlFlowGraph(func))
      }
      const printed = functions.map((func) => printFunction(func)).join('\n')
      const again = parseFile(printed).functions
      expect(again.length).toBe(functions.length)
      expect(again[0].insts.length).toBe(functions[0].insts.length)
      expect(again.map((func) => printFunction(func)).join('\n') === printed).toBe(true)
    },
    60_000,
  )

  test.each(Object.entries(LARGE_WRONG))(
    'of %s is refused',
    (_, make) => {
      expect(isRead(make())).toBe(false)
    },
    60_000,
  )
})
