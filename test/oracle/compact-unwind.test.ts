// Compact unwind beside DWARF: what clang says of its functions in both, and functions of which one takes what the other
// has no words for.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type FrameRecord,
  printRow,
  rowAt,
  sameState,
  type UnwindImage,
  unwindRows,
} from '../../packages/frame-layout/src/index.ts'
import {
  checkConformance,
  generatedFunctions,
  realignedFunctions,
} from '../../packages/frame-layout/src/testing/index.ts'
import {
  createCompactFormat,
  decodeEncoding,
  encodeEncoding,
  frameOfRow,
  machOSectionNames,
  rowOfFrame,
  type StackImmediate,
} from '../../packages/unwind-compact/src/index.ts'
import { type MachFile, readMachO } from '../../packages/unwind-compact/test/mach-o.ts'
import { dwarf } from '../../packages/unwind-dwarf/src/index.ts'
import { examples } from '../support/examples.ts'
import { framewright } from '../support/framewright.ts'
import { clean, need, repositoryRoot, scratch } from '../support/tools.ts'

const place = scratch()

/** Frames of every kind that a compiler makes; nobody runs them. */
const source = `
extern int callee(int, ...);
extern void use(void *);
int leaf(int a) { return a + 1; }
int once(int a) { return callee(a) + 1; }
int twice(int a) { return callee(a) + callee(a + 1); }
int several(int a, int b, int c) { int x = callee(a), y = callee(b); return callee(x, y) + x * y + c; }
int many(int a, int b, int c, int d, int e) {
  int x = callee(a), y = callee(b), z = callee(c), w = callee(d), v = callee(e);
  return callee(x, y, z, w, v) + x * y + z * w - v;
}
int array(int n) { char buffer[100]; use(buffer); return callee(n) + buffer[n]; }
int page(int n) { char buffer[5000]; use(buffer); return callee(n) + buffer[n] + callee(buffer[3], n); }
int edge(int n) { char buffer[2008]; use(buffer); return callee(n) + buffer[n]; }
int dynamic(int n) { char buffer[n]; use(buffer); return callee(n) + buffer[n - 1]; }
int aligned(int n) { _Alignas(64) char buffer[64]; use(buffer); return callee(n) + buffer[n]; }
int arguments(int n) { return callee(1, 2, 3, 4, 5, 6, 7, 8, 9, n) + n; }
int early(int n) { if (n > 3) return n; int x = callee(n); return callee(x) * x + callee(n); }
double real(double x, int n) { double y = x * 2; callee(n); return y; }
int loop(int n) { int sum = 0; for (int i = 0; i < n; i++) sum += callee(i) * sum + callee(sum, n); return sum; }
int tail(int n) { return n > 2 ? callee(n) : callee(n + callee(3)); }
`

/** An object as formats read it. */
function imageOf({ sections }: MachFile): UnwindImage {
  return { base: 0n, sections: sections.map(({ name, address, bytes }) => ({ name, address, bytes })) }
}

/** Every `sub rsp, imm32` of some code. */
function immediatesIn(code: Uint8Array): StackImmediate[] {
  const found: StackImmediate[] = []
  const view = new DataView(code.buffer, code.byteOffset, code.length)
  for (let i = 0; i + 7 <= code.length && i < 253; i++) {
    const isSub = code[i] === 0x48 && code[i + 1] === 0x81 && code[i + 2] === 0xec
    if (isSub) found.push({ at: i + 3, value: view.getInt32(i + 3, true) })
  }
  return found
}

describe.each(['-fno-omit-frame-pointer', '-fomit-frame-pointer'])('functions of clang, %s', (frames) => {
  test.for(['-O0', '-O1', '-O2', '-Os'])('%s: its words say its DWARF, and are ours', (level, context) => {
    const [clang] = need(context, 'clang')
    writeFileSync(place('in.c'), source)
    const target = ['-target', 'x86_64-apple-macos11', '-ffreestanding', '-funwind-tables']
    clean(clang!, [...target, level, frames, '-c', place('in.c'), '-o', place('out.o')])
    // Addresses of an object count from its own begin, in fields of both sections.
    const file = readMachO(place('out.o'))
    const image = imageOf(file)
    const text = file.sections.find(({ name }) => name === '__TEXT,__text')!
    // Both sections describe every function here, so each is read alone.
    const words = createCompactFormat().decode(image)
    const described = dwarf.decode({
      ...image,
      sections: image.sections
        .filter(({ name }) => name === '__TEXT,__eh_frame')
        .map((section) => ({ ...section, name: '.eh_frame' })),
    })
    expect(described.length).toBe(source.match(/^(?:int|double) /gm)!.length)
    let compared = 0
    for (const { begin, end, rows } of described) {
      const covering = words.find((word) => begin >= word.begin && begin < word.end)
      const body = { ...rows().at(-1)!, at: 0 }
      const code = text.bytes.subarray(Number(begin - text.address), Number(end - text.address))
      const made = frameOfRow(body, immediatesIn(code))
      const ours =
        'frame' in made
          ? encodeEncoding({ frame: made.frame, isNotFunctionStart: false, hasLanguageData: false, personality: 0 })
          : null
      if (covering === undefined) {
        // Without a frame there is no word: LLVM says nothing, and we what holds.
        expect(ours).toBe(0x0201_0000)
        continue
      }
      const [row] = covering.rows()
      expect(sameState(row!, body), `${printRow(row!)} or ${printRow(body)}`).toBe(true)
      expect(ours).toBe((covering as { encoding?: number }).encoding)
      compared++
    }
    expect(compared).toBeGreaterThan(11)
  })
})

const general = Array.from({ length: 16 }, (_, register) => register)

describe('what no encoding says is said in DWARF', () => {
  const functions = generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true })

  test('nothing is refused, and every body is walked', () => {
    const format = createCompactFormat({ fallback: dwarf, sectionNames: machOSectionNames })
    for (const made of [functions, realignedFunctions()]) {
      const report = checkConformance(format, {
        ...{ runs: 200, functions: made, rows: 'unchecked', walks: 'body', registers: general },
      })
      expect([...report.refused]).toEqual([])
      expect(report.points).toBeGreaterThan(500)
    }
  })

  test('every instruction of every function, with a word for each state', () => {
    const format = createCompactFormat({ fallback: dwarf, precision: 'instructions' })
    const report = checkConformance(format, { runs: 400, functions, rows: 'true', registers: general })
    expect([...report.refused]).toEqual([])
    expect(report.points).toBeGreaterThan(5000)
  })
})

interface JsonFunction {
  readonly name: string
  readonly code: string
  /** Return addresses. */
  readonly callSites: readonly number[]
  readonly frame: FrameRecord
}

describe('the frames of the examples', () => {
  const format = createCompactFormat({ fallback: dwarf })

  test.each([
    ['x86_64-unknown-linux-gnu', []],
    ['x86_64-unknown-linux-gnu', ['--set', 'preserve_frame_pointers']],
    ['x86_64-pc-windows-msvc', []],
  ] as const)('%s, %j: the word is true in the body', async (triple, settings) => {
    let places = 0
    let words = 0
    let others = 0
    for (const { name } of examples) {
      const path = join(repositoryRoot, 'examples', `${name}.clif`)
      const args = ['compile', '--emit', 'json', '--target', triple, ...settings, path, '-o', '-']
      const { status, stdout } = await framewright(args)
      expect(status).toBe(0)
      for (const { name, code, callSites, frame } of (JSON.parse(stdout) as { functions: JsonFunction[] }).functions) {
        const bytes = Uint8Array.from(Buffer.from(code, 'hex'))
        const { ranges, fallback } = format.encode(frame, { code: bytes })!
        if (fallback !== null) {
          others++
          continue
        }
        words++
        const rows = unwindRows(frame)
        const row = rowOfFrame(decodeEncoding(ranges[0]!.encoding).frame, (at) =>
          new DataView(bytes.buffer).getInt32(at, true),
        )
        // Where the body begins, and at its calls; those of the prologue (a probe of the stack) are not described.
        for (const offset of [frame.prologueEnd, ...callSites.map((after) => after - 1)]) {
          if (offset < frame.prologueEnd) continue
          const { argumentBytes: _, ...wanted } = rowAt(rows, offset)
          expect(sameState(row!, { ...wanted, argumentBytes: 0 }), `${name} at ${offset}`).toBe(true)
          places++
        }
      }
    }
    // Functions of the Windows convention that save vector registers are the others.
    expect(words).toBeGreaterThan(80)
    expect(places).toBeGreaterThan(words)
    expect(others).toBeLessThan(words / 2)
  })
})

test('the command writes the rows into an object, and shows them', async () => {
  const clif = `
function %plain(i64) -> i64 {
    fn0 = %other(i64) -> i64
block0(v0: i64):
    v1 = call fn0(v0)
    v2 = iadd v1, v0
    return v2
}
`
  writeFileSync(place('in.clif'), clif)
  for (const triple of ['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc']) {
    const args = ['--target', triple, '--unwind', 'compact', place('in.clif')]
    const direct = await framewright(['unwind', ...args])
    expect(direct).toMatchObject({ status: 0, stderr: '' })
    const word = /0x0000\.\.0x\w+ {2}0x0[12]\w+ {2}CFA = rsp\+\d+, rbx at CFA-16/.exec(direct.stdout)
    expect(word, direct.stdout).not.toBeNull()
    expect(await framewright(['compile', ...args, '-o', place('out.obj')])).toMatchObject({ status: 0, stderr: '' })
    const read = await framewright(['unwind', place('out.obj')])
    expect(read).toMatchObject({ status: 0, stderr: '' })
    expect(read.stdout).toContain('unwind data: compact')
    expect(read.stdout).toContain(word![0].slice(16))
    expect(read.stdout).not.toContain('no unwind data')
    // Prologues are not described, and nobody shall think that they are wrong.
    const verified = await framewright(['unwind', '--verify', place('out.obj')])
    expect(verified.status).toBe(2)
    expect(verified.stderr).toContain('compact describes frames in the bodies of functions')
  }
})
