// What is not CLIF: a problem with a place, whatever the text is.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { IrSyntaxError, parseFile, printFunction, Type, verifyFunction } from '../../src/index.ts'
import { generateModule, Random } from '../../src/testing/index.ts'

const body = (...lines: string[]): string =>
  ['function %f(i32, i64) {', 'block0(v0: i32, v1: i64):', ...lines, '}'].join('\n')
const declare = (...lines: string[]): string => ['function %f() {', ...lines, 'block0:', '    return', '}'].join('\n')

/** The text, then `line:column: message`. */
const CASES: readonly (readonly [name: string, text: string, message: string])[] = [
  ['nothing after the name', 'function %f', '1:12: expected `(`, found the end of the text'],
  ['no function', 'hello', '1:1: expected `function`, found `hello`'],
  ['a truncated body', 'function %f() {\nblock0:\n    v0 = icon', '3:10: unknown opcode `icon`'],
  ['an unknown opcode', body('    v2 = iaddd v0, v0'), '3:10: unknown opcode `iaddd`'],
  ['an unknown type', body('    v2 = iconst.i33 1'), '3:17: unknown type `i33`'],
  ['an unknown convention', 'function %f() fastcall {}', '1:15: unknown calling convention `fastcall`'],
  ['a missing suffix', body('    v2 = iconst 1'), '3:10: iconst needs a type suffix'],
  ['a suffix too many', body('    return.i32 v0'), '3:5: return takes no type suffix'],
  ['a suffix out of its set', body('    v2 = iconst.f32 1'), '3:10: iconst cannot have the type f32'],
  [
    'a type that only comes later',
    body('    v2 = iadd v9, v0'),
    '3:10: iadd needs a type suffix: its operand is defined further down',
  ],
  ['a value that is nowhere', body('    v2 = iadd v0, v9', '    return'), '3:19: v9 is not defined'],
  ['a value twice', body('    v0 = iconst.i32 1'), '3:5: v0 is defined twice'],
  ['a block twice', 'function %f() {\nblock0:\n    return\nblock0:\n    return\n}', '4:1: block0 is defined twice'],
  ['too many results', body('    v2, v3 = iadd v0, v0'), '3:14: iadd gives 1 results, 2 are named'],
  ['too few results', body('    iadd v0, v0'), '3:5: iadd gives 1 results, 0 are named'],
  ['a number too wide', body('    v2 = iconst.i8 256'), '3:20: `256` does not fit in 8 bits'],
  [
    'a number far too wide',
    body(`    v2 = iconst.i64 ${'9'.repeat(50)}`),
    `3:21: \`${'9'.repeat(40)}…\` does not fit in 64 bits`,
  ],
  ['a number that is none', body('    v2 = iconst.i32 0xg'), '3:21: `0xg` is not an integer'],
  ['an underscore in a narrow decimal', body('    v2 = iconst.i32 1_000'), '3:21: `1_000` is not an integer'],
  ['an entity number too large', body('    v4294967295 = iconst.i32 1'), '3:5: unknown opcode `v4294967295`'],
  ['a leading zero', body('    v01 = iconst.i32 1'), '3:5: unknown opcode `v01`'],
  ['a block number too large', body('    jump block100000'), '3:10: more than 100000 blocks'],
  [
    'a decimal fraction',
    body('    v2 = f64const 1.5'),
    '3:19: `1.5` is not a float: write 0.0 or hexadecimal digits with a point, as 0x1.8p3',
  ],
  [
    'an integer for a float',
    body('    v2 = f64const 0x1p4'),
    '3:19: `0x1p4` is not a float: write 0.0 or hexadecimal digits with a point, as 0x1.8p3',
  ],
  [
    'a float with too many bits',
    body('    v2 = f32const 0x1.0000001'),
    '3:19: `0x1.0000001` has more bits than the format',
  ],
  ['a float too large', body('    v2 = f32const 0x1.0p128'), '3:19: `0x1.0p128` is too large for the format'],
  ['a float too small', body('    v2 = f32const 0x1.0p-150'), '3:19: `0x1.0p-150` is too small for the format'],
  [
    'a payload too large',
    body('    v2 = f32const +NaN:0x400000'),
    '3:19: `+NaN:0x400000` has a payload too large for the format',
  ],
  ['an unsigned signalling NaN', body('    v2 = f32const sNaN:0x1'), '3:19: expected a float, found `sNaN`'],
  ['an offset without a sign', body('    v2 = load.i32 v1 8'), '3:22: expected an offset with its sign, found `8`'],
  [
    'an offset too large',
    body('    v2 = load.i32 v1+0x80000000'),
    '3:21: `+0x80000000` does not fit in a signed offset of 32 bits',
  ],
  ['a trap code that is none', body('    trap user0'), '3:10: expected a trap code, found `user0`'],
  ['a condition that is none', body('    v2 = icmp lt v0, v0'), '3:15: expected an integer condition, found `lt`'],
  ['an alias of itself', body('    v2 -> v2'), '3:5: v2 stands for itself'],
  ['an alias of what comes later', body('    v2 -> v3', '    v3 = iconst.i32 1'), '3:11: v3 is not defined'],
  ['another alias of the same name', body('    v2 -> v0', '    v2 -> v1'), '4:5: v2 is defined twice'],
  ['both byte orders', body('    v2 = load.i32 little big v1'), '3:26: an access is either little- or big-endian'],
  ['two regions', body('    v2 = load.i32 region0 region1 v1'), '3:27: an access is in one alias region'],
  ['a slot that is not declared', body('    v2 = stack_addr.i64 ss0'), '3:25: ss0 is not defined'],
  ['a function that is not declared', body('    call fn0()'), '3:10: fn0 is not defined'],
  ['a function declared further down', declare('    fn0 = %g sig0', '    sig0 = ()'), '2:14: sig0 is not defined'],
  ['a base that is nowhere', declare('    gv0 = load.i64 notrap aligned gv7'), '2:35: gv7 is not defined'],
  [
    'a global load that may trap',
    declare('    gv0 = vmctx', '    gv1 = load.i64 gv0'),
    '3:11: a global load must be notrap aligned',
  ],
  [
    'a declaration twice',
    declare('    ss0 = explicit_slot 8', '    ss0 = explicit_slot 8'),
    '3:5: ss0 is defined twice',
  ],
  [
    'a declaration far off',
    declare('    ss100000 = explicit_slot 8'),
    '2:5: more than 100000 declarations before ss100000',
  ],
  ['an alignment of three', declare('    ss0 = explicit_slot 8, align = 3'), '2:36: `3` is not a power of two'],
  ['a slot too large', declare('    ss0 = explicit_slot 4294967296'), '2:25: `4294967296` does not fit in 32 bits'],
  [
    'regions out of order',
    declare('    region1 = 5 "x"'),
    '2:5: alias regions are numbered in order: region0 comes next',
  ],
  ['more regions than flags can name', declare('    region65535 = 5 "x"'), '2:5: more than 65535 alias regions'],
  ['a string without an end', declare('    region0 = 5 "x'), '2:17: the string has no end'],
  ['an odd number of digits', declare('    const0 = 0x123'), '2:14: `0x123` must have an even number of digits'],
  ['too few lanes', body('    v2 = vconst.i32x4 [1 2 3]'), '3:23: i32x4 has 4 lanes, 3 are given'],
  ['a character from elsewhere', body('    v2 = iconst.i32 1 é'), '3:23: unexpected character `\\u{e9}`'],
  ['a character beyond the plane', '\u{1f600}', '1:1: unexpected character `\\u{1f600}`'],
  ['a zero byte', 'function\u0000', '1:9: unexpected character `\\u{0}`'],
  ['a target before a test', 'target x86_64\ntest cat\n', '2:1: a test line comes too late'],
  [
    'a set after the last target',
    'test cat\ntarget x86_64\nset opt_level=speed\n',
    '3:1: a set line must stand above a target',
  ],
  [
    'a stack map of a tail call',
    declare('    fn0 = %g()', '    ss0 = explicit_slot 8').replace('return', 'return_call fn0(), stack_map=[]'),
    '5:24: a tail call has no stack map',
  ],
  ['a table without its bracket', body('    br_table v0, block1, [block2'), '4:1: expected `,` or `]`, found `}`'],
]

describe('a text that is not CLIF', () => {
  test.each(CASES)('%s', (_, text, message) => {
    let error: unknown
    try {
      parseFile(text, { file: 'x.clif' })
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(IrSyntaxError)
    expect((error as IrSyntaxError).message).toBe(`x.clif:${message}`)
  })
})

/** Reads the text; whatever comes out must hold together. @returns whether it was read. */
function survives(text: string): boolean {
  const lines = text.split('\n').length
  try {
    for (const func of parseFile(text).functions) {
      const found = verifyFunction(func, { pointerType: Type.I64 })
      const printed = printFunction(func, { atomicFlags: true })
      if (found.length > 0 || /dt\d|const\d+ = 0x[0-9a-f]{33}/.test(printed)) continue
      const again = parseFile(printed).functions[0]
      expect(printFunction(again, { atomicFlags: true })).toBe(printed)
      expect(verifyFunction(again, { pointerType: Type.I64 })).toEqual([])
    }
    return true
  } catch (error) {
    if (!(error instanceof IrSyntaxError)) throw error
    expect(error.line).toBeGreaterThanOrEqual(1)
    expect(error.line).toBeLessThanOrEqual(lines)
    expect(error.column).toBeGreaterThanOrEqual(1)
    expect(error.message).not.toMatch(/\bundefined\b|\[object/)
    return false
  }
}

describe('malformed text', () => {
  test('of great size or depth is refused in time', () => {
    const many = 300_000
    const texts = [
      '('.repeat(many),
      `function %f(${'('.repeat(many)}`,
      `function %f() {${'{'.repeat(many)}`,
      body(`    v2 = iadd ${'v0, '.repeat(many)}`),
      body(`    jump block1(${'v0, '.repeat(many)}`),
      body(`    br_table v0, block1, [${'['.repeat(many)}`),
      body(`    v2 = vconst.i32x4 [${'1 '.repeat(many)}`),
      body(`    v2 = iconst.i64 ${'1'.repeat(many)}`),
      body(`    v2 = iconst.i64 0x${'_'.repeat(many)}`),
      body(`    v2 = f64const 0x${'1'.repeat(many)}.0`),
      body(`    v2 = f64const 0x0.0p${'9'.repeat(many)}x`),
      body(`    v2 = f64const NaN:0x${'1'.repeat(many)}`),
      body(`    ${'x'.repeat(many)}`),
      body(`    v${'1'.repeat(many)}`),
      `%${'f'.repeat(many)}`,
      `"${'x'.repeat(many)}`,
      ';'.repeat(many),
      'test '.repeat(many),
      `${'set a\n'.repeat(5000)}target`,
      `${' '.repeat(many)}@`,
    ]
    for (const text of texts) {
      const start = performance.now()
      survives(text)
      expect(performance.now() - start).toBeLessThan(1500)
    }
  })

  test('a chain of aliases or globals of any length is followed', () => {
    const aliases = Array.from({ length: 20_000 }, (_, i) => `    v${i + 2} -> v${i === 0 ? 0 : i + 1}`)
    expect(survives(body(...aliases, '    return'))).toBe(true)
    const globals = Array.from({ length: 20_000 }, (_, i) => `    gv${i} = iadd_imm.i64 gv${(i + 1) % 20_000}, 1`)
    expect(survives(declare(...globals))).toBe(true)
  })

  const corpus: string[] = []
  for (const folder of ['parser', 'verifier', 'isa-x64', 'runtests']) {
    const path = sharedPath(`clif/${folder}`)
    if (path === null) continue
    const files = readdirSync(path).filter((file) => file.endsWith('.clif'))
    // Every tenth of the many, every one of the few.
    const step = files.length > 50 ? 10 : 1
    for (let i = 0; i < files.length; i += step) corpus.push(readFileSync(join(path, files[i]), 'utf8').slice(0, 6000))
  }
  for (const { text } of generateModule({ seed: 11, instructions: 150, extended: true }, 3)) corpus.push(text)

  test('cut off anywhere is refused or read', () => {
    const random = new Random(1)
    for (const text of corpus) for (let i = 0; i < 8; i++) survives(text.slice(0, random.below(text.length)))
  })

  test('with characters, words or lines changed is refused or read', () => {
    const random = new Random(2)
    const characters = 'v0129abxfi.,:;()[]{}<>=+-@%"\n _\u0000é\ud800'
    for (let round = 0; round < 1500; round++) {
      let text = random.pick(corpus)
      for (let edits = random.between(1, 4); edits > 0; edits--) {
        const at = random.below(text.length)
        const cut = (from: number, to: number, insert: string): string => text.slice(0, from) + insert + text.slice(to)
        switch (random.below(5)) {
          case 0:
            text = cut(at, at + 1, characters[random.below(characters.length)])
            break
          case 1:
            text = cut(at, at + random.below(12), '')
            break
          case 2: {
            const other = random.pick(corpus)
            const from = random.below(other.length)
            text = cut(at, at, other.slice(from, from + random.below(60)))
            break
          }
          case 3: {
            // Another word in place of one.
            const words = text.match(/\w+/g) ?? []
            text = text.replace(random.pick(words), random.pick(words))
            break
          }
          default: {
            const lines = text.split('\n')
            const [line] = lines.splice(random.below(lines.length), 1)
            lines.splice(random.below(lines.length + 1), 0, line)
            text = lines.join('\n')
          }
        }
      }
      survives(text)
    }
  })

  test('that is no text at all is refused', () => {
    const random = new Random(3)
    for (let round = 0; round < 300; round++) {
      const length = random.below(400)
      const text = String.fromCharCode(...Array.from({ length }, () => random.below(random.oneIn(2) ? 128 : 0x1_0000)))
      survives(text)
      survives(`function %f() {\nblock0:\n${text}`)
    }
  })
})
