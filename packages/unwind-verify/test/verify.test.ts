import { RBX, RSP, type UnwindRow } from '@framewright/frame-layout'
import { describe, expect, test } from 'vitest'
import { describeProblem, type FunctionReport, systemV, verifyUnwind } from '../src/index.ts'
import { type Case, cases, jumpTable, pushes } from './corpus.ts'
import { rangeOf, written } from './functions.ts'

/** What a case says when the rows of its first function are others. */
function reportWith({ input }: Case, rows: readonly UnwindRow[]): FunctionReport {
  const [first, ...others] = input.ranges
  return verifyUnwind({ ...input, ranges: [{ ...first!, rows }, ...others] }).functions[0]!
}

function problems({ findings }: FunctionReport): string[] {
  return findings.map(({ offsets, problem }) => `${offsets.join(' ')}: ${describeProblem(problem)}`)
}

test.each(cases.map((one): [string, Case] => [one.functions[0]!.name, one]))('%s: right as it stands', (_, one) => {
  for (const report of verifyUnwind(one.input).functions) {
    expect(problems(report)).toEqual([])
    expect([...report.undecided]).toEqual([])
    expect(report.right).toBe(report.instructions)
    expect(report.assumed).toBe(0)
  }
})

describe('a finding', () => {
  const [fn] = pushes.functions
  const changed = (at: number, change: (row: UnwindRow) => UnwindRow): readonly UnwindRow[] =>
    fn!.rows.map((row) => (row.at === at ? change(row) : row))

  test('of the CFA says by how much', () => {
    const rows = changed(7, (row) => ({ ...row, cfa: { rule: 'register', register: RSP, offset: 40 } }))
    expect(problems(reportWith(pushes, rows))).toEqual([
      '7 10 13 18 20 22: the CFA is said to be rsp+40, which is 8 bytes too low',
    ])
  })

  test('of a register that lies elsewhere says what lies there', () => {
    const rows = changed(3, (row) => ({
      ...row,
      registers: new Map([...row.registers, [RBX, { rule: 'cfa-offset', offset: -24 }]]),
    }))
    expect(problems(reportWith(pushes, rows))).toEqual([
      "3: rbx is said to be at cfa-24, and there is the caller's r12",
    ])
  })

  test('of a register that is changed stands where it changes', () => {
    const without = (row: UnwindRow): UnwindRow => {
      return { ...row, registers: new Map([...row.registers].filter(([register]) => register !== RBX)) }
    }
    // rbx holds the caller's value until offset 10.
    expect(problems(reportWith(pushes, changed(7, without)))).toEqual([
      "10 13 18 20 22: rbx is said to be unchanged, and is the caller's rdi",
    ])
  })

  test('has the path that leads there', () => {
    const rows = changed(30, (row) => ({ ...row, cfa: { rule: 'register', register: RSP, offset: 56 } }))
    const { findings } = reportWith(pushes, rows)
    expect(findings.map(({ offsets, path }) => ({ offsets, path }))).toEqual([
      { offsets: [30, 35, 40], path: [0, 18, 30] },
    ])
  })
})

describe('what cannot be decided is counted apart', () => {
  test('code behind a jump through a table that cannot be read', () => {
    const { readNumber: _, ...input } = jumpTable.input
    const report = verifyUnwind(input).functions[0]!
    expect(report.findings).toEqual([])
    expect([...report.undecided]).toEqual([['unreached', [24, 26, 27, 28, 30]]])
  })

  test('a table of unknown length is read as long as its entries lead to instructions', () => {
    const fn = written(
      'unbounded',
      `
53                      | push rbx                    | rsp+8
48 8d 05 0d 00 00 00    | lea rax,[0x15]              | rsp+16 rbx-16
48 63 14 b8             | movsxd rdx,[rax+rdi*4]      |
48 01 d0                | add rax,rdx                 |
ff e0                   | jmp rax                     |
f7 db                   | neg ebx                     |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
`,
    )
    const table = [0x11 - 0x15, 0x13 - 0x15, 0x12 - 0x15]
    const readNumber = (address: number): number | undefined => table[(address - 0x1015) / 4]
    const report = verifyUnwind({ ranges: [rangeOf(fn)], convention: systemV, readNumber }).functions[0]!
    expect(report.findings).toEqual([])
    expect(report.right).toBe(report.instructions)
  })

  test('a call of which nobody says whether it returns', () => {
    const fn = written(
      'a call that does not return',
      `
48 83 ec 08             | sub rsp,8                   | rsp+8
ff d0                   | call rax                    | rsp+16
90                      | nop                         | rsp+8
31 c0                   | xor eax,eax                 |
c3                      | ret                         |
`,
    )
    const input = { ranges: [rangeOf(fn)], convention: systemV }
    const report = verifyUnwind(input).functions[0]!
    expect(report.findings).toEqual([])
    expect([...report.undecided]).toEqual([['unreached', [7, 9]]])
    const returning = verifyUnwind({ ...input, returns: () => true }).functions[0]!
    expect(problems(returning)).toEqual(['6 7 9: the CFA is said to be rsp+8, which is 8 bytes too low'])
  })

  test('bytes that are no instruction', () => {
    const fn = written('not code', '31 c0 | xor eax,eax | rsp+8')
    const code = Uint8Array.of(...fn.code, 0x06)
    const report = verifyUnwind({ ranges: [{ ...rangeOf(fn), code }], convention: systemV }).functions[0]!
    expect(report.findings).toEqual([])
    expect(report.instructions).toBe(1)
  })
})

describe('functions in several parts', () => {
  const hot = `
53                      | push rbx                    | rsp+8
48 89 fb                | mov rbx,rdi                 | rsp+16 rbx-16
85 ff                   | test edi,edi                |
0f 84 f4 0f 00 00       | je 0x1000                   |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
`
  const cold = `
ff d3                   | call rbx                    | rsp+16 rbx-16
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
`
  const parts = [written('hot', hot), written('cold', cold, 0x2000)]
  const input = { ranges: parts.map((part) => rangeOf(part)), convention: systemV, returns: () => true }

  test('the state at the begin of a part is that of the jump to it', () => {
    for (const report of verifyUnwind(input).functions) {
      expect(report.findings).toEqual([])
      expect([report.right, report.assumed]).toEqual([report.instructions, 0])
    }
  })

  test('a part that nothing is seen to lead to is checked from its first row on, and counted', () => {
    const [report] = verifyUnwind({ ...input, ranges: [rangeOf(parts[1]!)] }).functions
    expect([report!.right, report!.assumed]).toEqual([3, 3])
    const rows: UnwindRow[] = parts[1]!.rows.map((row) => ({ ...row, at: row.at === 3 ? 2 : row.at }))
    const [wrong] = verifyUnwind({ ...input, ranges: [{ ...rangeOf(parts[1]!), rows }] }).functions
    expect(problems(wrong!)).toContain('2: the CFA is said to be rsp+8, which is 8 bytes too low')
  })
})

test('control comes to landing pads from the calls of their ranges', () => {
  const fn = written(
    'a landing pad',
    `
53                      | push rbx                    | rsp+8
48 89 fb                | mov rbx,rdi                 | rsp+16 rbx-16
ff d7                   | call rdi                    |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
48 89 df                | mov rdi,rbx                 | rsp+16 rbx-16
5b                      | pop rbx                     |
ff e7                   | jmp rdi                     | rsp+8
`,
  )
  const input = { ranges: [rangeOf(fn)], convention: systemV }
  expect([...verifyUnwind(input).functions[0]!.undecided]).toEqual([['unreached', [8, 11, 12]]])
  const pads = [{ begin: 0x1004, end: 0x1006, address: 0x1008 }]
  const report = verifyUnwind({ ...input, ranges: [rangeOf(fn, pads)] }).functions[0]!
  expect(report.findings).toEqual([])
  expect(report.right).toBe(report.instructions)
})

test('code that runs out of what is described, and code that is described twice', () => {
  const short = written('short', '31 c0 | xor eax,eax | rsp+8')
  const ret = written('ret', 'c3 | ret | rsp+8', 0x1002)
  const inside = written('inside', 'c3 | ret | rsp+8', 0x1005)
  const long = written(
    'long',
    `
31 c0 | xor eax,eax | rsp+8
c3    | ret         |
`,
    0x1003,
  )
  const of = (...all: Parameters<typeof rangeOf>[0][]) => {
    const report = verifyUnwind({ ranges: all.map((each) => rangeOf(each)), convention: systemV })
    return report.functions.map(problems)
  }
  expect(of(short)).toEqual([['0: control goes on behind this instruction, where nothing is described']])
  // One function runs into the next.
  expect(of(short, ret)).toEqual([[], []])
  expect(of(long, inside)).toEqual([['2: inside is described from here on as well'], []])
})

test('two runs give the same: nothing is left from the first', () => {
  const first = verifyUnwind(pushes.input)
  expect(verifyUnwind(pushes.input)).toEqual(first)
})
