// Whatever the input is, the command ends with exit code 0 or 1, and with 1 it says what is wrong and where: never a stack
// trace, never half an output.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OPCODE_NAMES } from '../packages/ir/src/index.ts'
import { examples } from './support/examples.ts'
import { framewright } from './support/framewright.ts'
import { sourcesOf } from './support/systems.ts'

const triples = ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc'] as const

/** Runs `framewright compile` on a text that need not be one, and holds what every outcome must be. */
async function compile(input: Uint8Array | string, triple: string = triples[0]) {
  const files = new Map([['in.clif', input]])
  const outcome = await framewright(['compile', 'in.clif', '-o', 'out.o', '--target', triple], files)
  const shown = JSON.stringify({
    input: typeof input === 'string' ? input.slice(-400) : [...input].slice(-100),
    ...outcome,
    written: undefined,
  })
  expect([0, 1], shown).toContain(outcome.status)
  expect(outcome.stdout, shown).toBe('')
  // A stack trace names functions and files: `    at parse (file:///…:12:3)`.
  expect(outcome.stderr, shown).not.toMatch(/^\s+at .*:\d+:\d+\)?$|node:internal|\.[tj]s:\d+/m)
  if (outcome.status === 0) {
    expect([...outcome.written.keys()], shown).toEqual(['out.o'])
  } else {
    expect(outcome.written.size, shown).toBe(0)
    expect(outcome.stderr, shown).toMatch(/^in\.clif:\d+:\d+: error: \S/m)
  }
  return outcome
}

/** The place of the first error, `line:column`. */
const placeOf = (stderr: string): string | undefined => /^in\.clif:(\d+:\d+): error: /m.exec(stderr)?.[1]

const body = (instructions: string, signature = '() -> i64'): string =>
  `function %f${signature} {\nblock0:\n    ${instructions}\n}\n`

describe('one mistake each', () => {
  // The place is that of the wrong word. Lines and columns count from 1.
  const mistakes: readonly (readonly [name: string, text: string, place: string | RegExp, message: RegExp])[] = [
    ['an opcode that there is none', body('v0 = fiddle.i64 1\n    return v0'), '3:10', /fiddle/],
    ['a type that there is none', 'function %f(i65) {\nblock0(v0: i65):\n    return\n}\n', /^1:1[0-9]$/, /i65/],
    ['a value that there is none', body('v0 = iconst.i64 1\n    v1 = iadd v0, v9\n    return v1'), /^4:\d+$/, /v9/],
    ['a block that there is none', body('v0 = iconst.i64 1\n    jump block7'), /^[34]:\d+$/, /block7/],
    ['a function reference that there is none', body('v0 = call fn3()\n    return v0'), /^3:\d+$/, /fn3/],
    ['a stack slot that there is none', body('v0 = stack_addr.i64 ss4\n    return v0'), /^3:\d+$/, /ss4/],
    ['a type too narrow', body('v0 = iconst.i32 1\n    return v0'), /^4:\d+$/, /i32|i64|type/],
    [
      'operands of two types',
      body('v0 = iconst.i64 1\n    v1 = iconst.i32 1\n    v2 = iadd v0, v1\n    return v2'),
      /^5:\d+$/,
      /type|i32/,
    ],
    [
      'a float where an integer must be',
      body('v0 = f64const 0.0\n    v1 = iadd v0, v0\n    return v1'),
      /^4:\d+$/,
      /f64|type/,
    ],
    ['a definition twice', body('v0 = iconst.i64 1\n    v0 = iconst.i64 2\n    return v0'), /^4:\d+$/, /v0/],
    [
      'too few arguments',
      'function %f() -> i64 {\n    fn0 = %g(i64) -> i64\nblock0:\n    v0 = call fn0()\n    return v0\n}\n',
      /^4:\d+$/,
      /argument/,
    ],
    ['no terminator', body('v0 = iconst.i64 1'), /^[23]:\d+$/, /terminator|terminat/],
    ['something behind the terminator', body('v0 = iconst.i64 1\n    return v0\n    return v0'), /^[45]:\d+$/, /./],
    [
      'a constant too large for its type',
      body('v0 = iconst.i8 300\n    v1 = uextend.i64 v0\n    return v1'),
      /^3:\d+$/,
      /300|range|fit|large/,
    ],
    ['a number of a thousand digits', body(`v0 = iconst.i64 ${'9'.repeat(1000)}\n    return v0`), /^3:\d+$/, /./],
    [
      'an offset beyond 32 bits',
      body('v0 = iconst.i64 0\n    v1 = load.i64 v0+99999999999\n    return v1'),
      /^4:\d+$/,
      /./,
    ],
    ['a block number beyond all', body(`jump block${'9'.repeat(30)}`), /^3:\d+$/, /./],
    ['a value number beyond all', body(`v${'9'.repeat(30)} = iconst.i64 0\n    return v0`), /^3:\d+$/, /./],
    ['a block number that would take all memory', body('jump block4294967294'), /^3:\d+$/, /./],
    [
      'a slot number that would take all memory',
      'function %f() {\n    ss4294967294 = explicit_slot 8\nblock0:\n    return\n}\n',
      /^2:\d+$/,
      /./,
    ],
    [
      'a string that does not end',
      'function %f() {\n    region0 = 1 "no end\nblock0:\n    return\n}\n',
      /^\d+:\d+$/,
      /./,
    ],
    ['a function that does not end', 'function %f() {\nblock0:\n    return\n', /^[34]:\d+$/, /./],
    ['one brace too many', `${body('v0 = iconst.i64 1\n    return v0')}}\n`, /^6:1$/, /./],
    ['no function at all but words', 'this is not CLIF\n', '1:1', /./],
    ['a control character', body('v0 = iconst.i64 1\u0007\n    return v0'), /^3:\d+$/, /./],
    ['a letter beyond ASCII', body('vß = iconst.i64 1\n    return v0'), /^3:\d+$/, /./],
    [
      'two functions of one name',
      `${body('v0 = iconst.i64 1\n    return v0')}${body('v0 = iconst.i64 2\n    return v0')}`,
      /^[67]:\d+$/,
      /%?f\b/,
    ],
  ]
  test.each(mistakes)('%s', async (_, text, place, message) => {
    for (const triple of triples) {
      const { status, stderr } = await compile(text, triple)
      expect({ status, stderr }).toMatchObject({ status: 1 })
      expect(placeOf(stderr), stderr).toMatch(typeof place === 'string' ? new RegExp(`^${place}$`) : place)
      expect(stderr).toMatch(message)
    }
  })
})

test('an empty file and a file of comments are no mistake, or one with a place', async () => {
  await compile('')
  await compile('; nothing\n\n')
})

// Every kind of declaration and operand that the parser knows, valid and small.
const everything = `; everything
function %all(i64, f64 , i32 uext) -> i64 system_v {
    ss0 = explicit_slot 16, align = 8
    gv0 = symbol colocated %data
    gv1 = symbol %table+8
    sig0 = (i64, f64) -> i64, f64 windows_fastcall
    fn0 = colocated %all(i64, f64, i32 uext) -> i64 system_v
    fn1 = u0:7(i64) -> i64
    region0 = 5 "stack"

block0(v0: i64, v1: f64, v2: i32):
@0012 v3 = iconst.i64 -0x1234_5678
    v4 = f64const -0x1.8p-3
    v5 = load.i64 notrap aligned v0-8
    v6, v7 = call_indirect sig0, v5(v0, v1)
    v8 = call fn0(v6, v4, v2)
    v9 = icmp ult v8, v3
    v20 -> v8
    brif v9, block1(v20), block2

block1(v10: i64):
    br_table v2, block2, [block1(v10), block3(v10, v7), block2]

block2 cold:
    trap user3

block3(v11: i64, v12: f64):
    v13 = symbol_value.i64 gv1
    store v12, v13+16
    v14 = stack_addr.i64 ss0+8
    istore8 v11, v14
    v15 = func_addr.i64 fn1
    v16 = select v9, v15, v11 ; the end
    trapnz v16, int_ovf
    return v16
}
`

describe('cut off', () => {
  test('everything the parser knows, at every byte', { timeout: 120_000 }, async () => {
    expect((await compile(everything)).stderr).toBe('')
    const failures = new Set<number>()
    for (let length = 0; length < everything.length; length++) {
      const { status } = await compile(everything.slice(0, length), triples[length % 2])
      if (status === 1) failures.add(length)
    }
    // From the first word of the function to its last brace, nothing is whole.
    const first = everything.indexOf('function') + 1
    const last = everything.lastIndexOf('}')
    expect(failures.size).toBeGreaterThanOrEqual(last - first + 1)
  })

  test.each(['quicksort', 'callback'])('%s, at every byte', { timeout: 120_000 }, async (name) => {
    const text = readFileSync(sourcesOf(name).clif, 'utf8')
    let failed = 0
    for (let length = 0; length < text.length; length++) failed += (await compile(text.slice(0, length))).status!
    expect(failed).toBeGreaterThan(text.length / 2)
  })
})

describe('deep and long', () => {
  const repeat = (piece: string, times: number): string => piece.repeat(times)
  const inputs: Readonly<Record<string, string>> = {
    'brackets in brackets': body(`br_table v0, block1, ${repeat('[', 100_000)}`),
    'parentheses in parentheses': `function %f${repeat('(', 100_000)}`,
    'braces in braces': repeat('function %f() {', 50_000),
    'a line of a million characters': body(`v0 = iconst.i64 ${repeat('1', 1_000_000)}`),
    'a name of a million characters': `function %${repeat('a', 1_000_000)}( {`,
    'signs without end': body(`v0 = iconst.i64 ${repeat('-', 100_000)}1`),
    'a comment without end': `;${repeat('x', 1_000_000)}`,
    'the largest value number': body('v4294967294 = iconst.i64 0\n    return v4294967294'),
    'an alias of itself': body('v0 -> v0\n    return v0'),
    'aliases in a ring': body('v0 -> v1\n    v1 -> v0\n    return v0'),
    'a global value on itself':
      'function %f() -> i64 {\n    gv0 = load.i64 notrap aligned gv0\nblock0:\n    v0 = symbol_value.i64 gv0\n    return v0\n}\n',
  }
  test.each(Object.entries(inputs))('%s', async (_, text) => {
    await compile(text)
  })

  test('a chain of 50 000 additions compiles, and takes no stack', async () => {
    const lines = Array.from({ length: 50_000 }, (_, i) => `v${i + 1} = iadd v${i}, v${i}`)
    const text = `function %f(i64) -> i64 {\nblock0(v0: i64):\n${lines.join('\n')}\nreturn v50000\n}\n`
    expect((await compile(text)).stderr).toBe('')
  })

  test('20 000 blocks in a row compile, and take no stack', async () => {
    const blocks = Array.from({ length: 20_000 }, (_, i) => `block${i + 1}:\n    brif v0, block${i + 2}, block20001`)
    const text = `function %f(i64) {\nblock0(v0: i64):\n    jump block1\n${blocks.join('\n')}\nblock20001:\n    return\n}\n`
    expect((await compile(text)).stderr).toBe('')
  })

  test('a frame larger than any stack is refused with a place, or compiled', async () => {
    for (const size of ['2147483647', '4294967295', '4294967296', '18446744073709551616']) {
      const text = `function %f() -> i64 {\n    ss0 = explicit_slot ${size}\nblock0:\n    v0 = stack_addr.i64 ss0\n    return v0\n}\n`
      for (const triple of triples) await compile(text, triple)
    }
  })
})

describe('at random', () => {
  const texts = examples.map(({ name }) => readFileSync(sourcesOf(name).clif, 'utf8'))
  const functions = [everything, ...texts.flatMap((text) => text.match(/^function [\s\S]*?^}\n/gm) ?? [])]
  // FRAMEWRIGHT_RUNS=20000 looks further, from another seed each time.
  const runs = process.env['FRAMEWRIGHT_RUNS']
  const settings = runs === undefined ? { numRuns: 1000, seed: 20_261_122 } : { numRuns: Number(runs) }

  test('bytes', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => void (await compile(bytes))),
      settings,
    )
  })

  test('words of the language in any order', { timeout: 120_000 }, async () => {
    const words = [...new Set(functions.join(' ').match(/\w+|[^\w\s]|\s/g))]
    const text = fc.array(fc.constantFrom(...words), { maxLength: 120 }).map((list) => list.join(''))
    await fc.assert(
      fc.asyncProperty(text, fc.boolean(), async (soup, inside) => {
        await compile(inside ? `function %f(i64) -> i64 {\nblock0(v0: i64):\n${soup}\n}\n` : soup)
      }),
      settings,
    )
  })

  test('bytes of a function replaced, removed, doubled', { timeout: 120_000 }, async () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      remove: fc.nat({ max: 6 }),
      insert: fc.oneof(
        fc.string({ maxLength: 4 }),
        fc.constantFrom('v1', 'block2', 'i8', 'f32', '-1', '(', ')', ',', '0x'),
      ),
    })
    const change = fc.tuple(fc.constantFrom(...functions), fc.array(edit, { minLength: 1, maxLength: 4 }))
    await fc.assert(
      fc.asyncProperty(change, async ([text, edits]) => {
        let changed = text
        for (const { at, remove, insert } of edits) {
          const index = Math.floor(at * changed.length)
          changed = changed.slice(0, index) + insert + changed.slice(index + remove)
        }
        await compile(changed)
      }),
      settings,
    )
  })

  test('opcodes, types, values, numbers replaced by others of their kind', { timeout: 120_000 }, async () => {
    const kinds: readonly (readonly [pattern: RegExp, others: readonly string[]])[] = [
      [/(?<=^ +(?:v\d+(?:, v\d+)* = )?)[a-z]\w*/gm, OPCODE_NAMES.slice(1)],
      [/\b[if](?:8|16|32|64)\b/g, ['i8', 'i16', 'i32', 'i64', 'i128', 'f16', 'f32', 'f64', 'f128', 'i8x16', 'f32x4']],
      [/\bv\d+\b/g, Array.from({ length: 30 }, (_, n) => `v${n}`)],
      [/\bblock\d+\b/g, ['block0', 'block1', 'block2', 'block3', 'block9']],
      [/\b(?:ss|fn|sig|gv)\d+\b/g, ['ss0', 'ss1', 'fn0', 'fn1', 'sig0', 'sig1', 'gv0', 'gv1']],
      [
        /(?<= )-?(?:0x)?[\da-f]+\b/g,
        ['0', '-1', '255', '-129', '0x8000', '2147483648', '-2147483649', '0x7fffffffffffffff'],
      ],
      [
        /\b(?:system_v|notrap|aligned|colocated|uext|cold)\b/g,
        ['tail', 'winch', 'fast', 'windows_fastcall', 'apple_aarch64', 'probestack', 'big', 'readonly', 'sret', 'tls'],
      ],
      [/\b(?:eq|ne|s[lg][te]|u[lg][te]|uno|ord)\b/g, ['eq', 'ult', 'sge', 'uno', 'one', 'ugt']],
    ]
    const replacement = fc.tuple(fc.nat({ max: kinds.length - 1 }), fc.nat(), fc.nat())
    const change = fc.tuple(
      fc.constantFrom(...functions),
      fc.array(replacement, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(change, async ([text, replacements, windows]) => {
        let changed = text
        for (const [kind, which, by] of replacements) {
          const [pattern, others] = kinds[kind]!
          const found = [...changed.matchAll(pattern)]
          if (found.length === 0) continue
          const { index, 0: word } = found[which % found.length]!
          changed = changed.slice(0, index) + others[by % others.length] + changed.slice(index + word.length)
        }
        await compile(changed, triples[windows ? 1 : 0])
      }),
      { ...settings, numRuns: 3 * settings.numRuns },
    )
  })

  test('words and lines of a function exchanged', { timeout: 120_000 }, async () => {
    const places = fc.tuple(fc.nat(), fc.nat())
    const change = fc.tuple(
      fc.constantFrom(...functions),
      fc.array(places, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(change, async ([text, swaps, lines]) => {
        const pieces = lines ? text.split(/(?<=\n)/) : text.split(/\b/)
        for (const [a, b] of swaps) {
          const [i, k] = [a % pieces.length, b % pieces.length]
          ;[pieces[i], pieces[k]] = [pieces[k]!, pieces[i]!]
        }
        await compile(pieces.join(''))
      }),
      settings,
    )
  })
})

test('a file that is no text, a folder, a file that is not there', async () => {
  await compile(new Uint8Array(4096).map((_, i) => (i * 167) & 255))
  await compile(new Uint8Array(readFileSync(process.execPath).subarray(0, 10_000)))
  for (const path of [import.meta.dirname, join(import.meta.dirname, 'no-such-file.clif')]) {
    const { status, stderr } = await framewright(['compile', path, '-o', '/dev/null'])
    expect(status).toBe(1)
    expect(stderr).toContain(path)
    expect(stderr).not.toMatch(/^\s+at /m)
  }
})
