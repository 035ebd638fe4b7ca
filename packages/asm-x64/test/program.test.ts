// Whole programs: random ones with branches, references, tables, alignments and marks. The finished code is decoded by
// iced-x86, and everything must lie where the decoded instructions say.
import fc from 'fast-check'
import { type Instruction, Mnemonic, OpKind } from 'iced-x86'
import { describe, expect, test } from 'vitest'
import { Assembler, Base, BranchForm, Inst, Register, RelocationKind, Size } from '../src/index.ts'
import { walk } from './iced.ts'

type Item =
  | { readonly kind: 'filler'; readonly bytes: number }
  | { readonly kind: 'jmp' | 'jcc'; readonly label: number; readonly form: number }
  | { readonly kind: 'call' | 'lea'; readonly label: number }
  | { readonly kind: 'bind'; readonly label: number }
  | { readonly kind: 'align'; readonly to: number }
  | { readonly kind: 'constant'; readonly width: 0 | 1 | 2; readonly value: number }
  | { readonly kind: 'table'; readonly labels: readonly number[] }
  | { readonly kind: 'symbol'; readonly symbol: number }
  | { readonly kind: 'mark' }

const LABELS = 8

const filler = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 90, max: 140 }) },
  { weight: 1, arbitrary: fc.constantFrom(120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130) },
)
const label = fc.integer({ min: 0, max: LABELS - 1 })
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('filler' as const), bytes: filler }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('jmp' as const, 'jcc' as const),
      label,
      form: fc.constantFrom(BranchForm.auto, BranchForm.auto, BranchForm.auto, BranchForm.long),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('call' as const, 'lea' as const), label }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('bind' as const), label }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('align' as const), to: fc.constantFrom(1, 2, 4, 8, 16, 32, 64) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('constant' as const),
      width: fc.constantFrom(0 as const, 1 as const, 2 as const),
      value: fc.integer({ min: -3, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('table' as const), labels: fc.array(label, { maxLength: 5 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('symbol' as const), symbol: fc.integer({ min: 0, max: 99 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('mark' as const) }) },
)

/** Every label is bound once: later binds are dropped, missing ones come at the end. */
const program: fc.Arbitrary<Item[]> = fc.array(item, { maxLength: 120 }).map((items) => {
  const bound = new Set<number>()
  const once = items.filter((one) => {
    if (one.kind !== 'bind') return true
    const fresh = !bound.has(one.label)
    bound.add(one.label)
    return fresh
  })
  const rest = Array.from({ length: LABELS }, (_, i) => i).filter((i) => !bound.has(i))
  return [...once, ...rest.map((i): Item => ({ kind: 'bind', label: i }))]
})

interface Written {
  /** Offsets before each item and at the end, as written. */
  readonly marks: Int32Array
  /** Pool entries of the items that have one, in order. */
  readonly entries: number[]
}

function write(asm: Assembler, items: readonly Item[]): Written {
  asm.reset()
  const marks = new Int32Array(items.length + 1)
  const entries: number[] = []
  for (let i = 0; i < LABELS; i++) asm.newLabel()
  for (const [i, one] of items.entries()) {
    marks[i] = asm.length
    switch (one.kind) {
      case 'filler':
        asm.nop(one.bytes)
        break
      case 'jmp':
        asm.jmp(one.label, one.form)
        break
      case 'jcc':
        asm.jcc(one.label * 2, one.label, one.form)
        break
      case 'call':
        asm.call(one.label)
        break
      case 'lea':
        asm.leaLabel(Register.r9, one.label)
        break
      case 'bind':
        asm.bind(one.label)
        break
      case 'align':
        asm.align(one.to)
        break
      case 'constant': {
        const { width, value } = one
        const entry =
          width === 0
            ? asm.constant32(value)
            : width === 1
              ? asm.constant64(value, ~value)
              : asm.constant128(value, 1, 2, ~value)
        entries.push(entry)
        // Five bytes of immediate and opcode behind the displacement where there is an immediate.
        if (width === 1) asm.mi(Inst.Cmp_rm_imm, Size.bits64, Base.pool, entry, 0, 0, 0x1234567)
        else asm.rmPool(Inst.Movups_x_xm, 0, Register.xmm9, entry)
        break
      }
      case 'table': {
        const entry = asm.jumpTable(one.labels)
        entries.push(entry)
        asm.leaPool(Register.rcx, entry)
        break
      }
      case 'symbol':
        asm.callSymbol(RelocationKind.plt32, one.symbol)
    }
  }
  marks[items.length] = asm.length
  return { marks, entries }
}

const isNop = (got: Instruction): boolean => got.mnemonic === Mnemonic.Nop || got.mnemonic === Mnemonic.Xchg

/** Decodes the finished code beside its items and checks one against the other. */
function verify(asm: Assembler, items: readonly Item[], written: Written): void {
  const { marks, entries } = written
  const asWritten = marks.slice()
  const branches: { item: number; at: number; length: number; target: number; label: number }[] = []
  const labelAt = new Int32Array(LABELS).fill(-1)
  const bytes = asm.bytes.subarray(0, asm.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const decoded: { at: number; length: number; nop: boolean; target: number; pc: number; mnemonic: Mnemonic }[] = []
  walk(asm.bytes.subarray(0, asm.codeLength), (got, at) => {
    const near = got.opCount === 1 && got.opKind(0) === OpKind.NearBranch64
    decoded.push({
      at,
      length: got.length,
      nop: isNop(got),
      target: near ? Number(BigInt.asIntN(64, got.nearBranchTarget)) : -1,
      pc: got.isIpRelMemoryOperand ? Number(BigInt.asIntN(64, got.ipRelMemoryAddress)) : -1,
      mnemonic: got.mnemonic,
    })
  })
  asm.remap(marks, marks.length)

  let next = 0
  let entry = 0
  let relocation = 0
  let alignment = 1
  const pools: (() => void)[] = []
  const references: { target: number; label: number }[] = []
  for (const [i, one] of items.entries()) {
    const at = next < decoded.length ? decoded[next]!.at : asm.codeLength
    expect(marks[i], `mark before item ${i}`).toBe(at)
    const got = decoded[next]
    switch (one.kind) {
      case 'filler': {
        let rest = one.bytes
        for (; rest > 0; next++) {
          expect(decoded[next]!.nop).toBe(true)
          rest -= decoded[next]!.length
        }
        expect(rest).toBe(0)
        break
      }
      case 'align':
        alignment = Math.max(alignment, one.to)
        while ((next < decoded.length ? decoded[next]!.at : asm.codeLength) % one.to !== 0) {
          expect(decoded[next]!.nop).toBe(true)
          next++
        }
        expect((next < decoded.length ? decoded[next]!.at : asm.codeLength) - at).toBeLessThan(one.to)
        break
      case 'bind':
        labelAt[one.label] = at
        expect(asm.labelOffset(one.label)).toBe(at)
        break
      case 'jmp':
      case 'jcc': {
        const { length, target } = got!
        branches.push({ item: i, at, length, target, label: one.label })
        references.push({ target, label: one.label })
        if (one.form === BranchForm.long) expect(length).toBe(one.kind === 'jmp' ? 5 : 6)
        next++
        break
      }
      case 'call':
        references.push({ target: got!.target, label: one.label })
        next++
        break
      case 'lea':
        references.push({ target: got!.pc, label: one.label })
        next++
        break
      case 'constant': {
        const offset = asm.poolOffset(entries[entry++]!)
        expect(got!.pc).toBe(offset)
        const width = 4 << one.width
        expect(offset % width).toBe(0)
        alignment = Math.max(alignment, width)
        const { value } = one
        const words = [[value], [value, ~value], [value, 1, 2, ~value]][one.width]!
        expect(words.map((_, n) => view.getInt32(offset + 4 * n, true))).toEqual(words)
        next++
        break
      }
      case 'table': {
        const offset = asm.poolOffset(entries[entry++]!)
        expect(got!.pc).toBe(offset)
        alignment = Math.max(alignment, 4)
        pools.push(() => {
          for (const [n, to] of one.labels.entries()) {
            expect(view.getInt32(offset + 4 * n, true) + offset).toBe(labelAt[to])
          }
        })
        next++
        break
      }
      case 'symbol':
        expect(asm.relocations.offset[relocation]).toBe(at + 1)
        expect(asm.relocations.symbol[relocation++]).toBe(one.symbol)
        next++
    }
  }
  expect(next).toBe(decoded.length)
  expect(marks[items.length]).toBe(asm.codeLength)
  expect(asm.relocations.length).toBe(relocation)
  expect(asm.alignment).toBe(alignment)
  for (const check of pools) check()
  for (const { target, label: to } of references) expect(target).toBe(labelAt[to])

  // No branch is longer than the rule allows: ahead by the distance as written, back by the real one.
  for (const branch of branches) {
    const one = items[branch.item]!
    if ((one.kind !== 'jmp' && one.kind !== 'jcc') || one.form !== BranchForm.auto || branch.length === 2) continue
    const bind = items.findIndex((other) => other.kind === 'bind' && other.label === branch.label)
    if (bind > branch.item) {
      const end = asWritten[branch.item]! + (one.kind === 'jmp' ? 5 : 6)
      expect(asWritten[bind]! - end).toBeGreaterThan(127)
    } else expect(labelAt[branch.label]! - (branch.at + 2)).toBeLessThan(-128)
  }
}

describe('random programs', () => {
  const shared = new Assembler()

  test('decode to what was written, with every branch at its label and every mark in its place', () => {
    fc.assert(
      fc.property(program, (items) => {
        const written = write(shared, items)
        shared.finish()
        verify(shared, items, written)
      }),
      { numRuns: 500 },
    )
  })

  test('come out the same from a new assembler as from one that was used before', () => {
    fc.assert(
      fc.property(program, program, (before, items) => {
        write(shared, before)
        shared.finish()
        write(shared, items)
        shared.finish()
        const fresh = new Assembler()
        write(fresh, items)
        fresh.finish()
        const used = Buffer.from(shared.bytes.subarray(0, shared.length)).toString('hex')
        expect(used).toBe(Buffer.from(fresh.bytes.subarray(0, fresh.length)).toString('hex'))
        expect(shared.codeLength).toBe(fresh.codeLength)
        expect(shared.alignment).toBe(fresh.alignment)
      }),
      { numRuns: 200 },
    )
  })
})

test('a branch over 127 bytes is short, over 128 long; back over 126 and 127', () => {
  for (const [distance, short] of [
    [127, true],
    [128, false],
  ] as const) {
    const asm = new Assembler()
    const end = asm.newLabel()
    asm.jcc(4, end)
    asm.nop(distance)
    asm.bind(end)
    asm.finish()
    expect(asm.codeLength).toBe(distance + (short ? 2 : 6))
  }
  for (const [distance, short] of [
    [126, true],
    [127, false],
  ] as const) {
    const asm = new Assembler()
    const start = asm.newLabel()
    asm.bind(start)
    asm.nop(distance)
    asm.jmp(start)
    asm.finish()
    expect(asm.codeLength).toBe(distance + (short ? 2 : 5))
  }
})

test('a branch back over branches that became short is short by the real distance', () => {
  const asm = new Assembler()
  const start = asm.newLabel()
  const end = asm.newLabel()
  asm.bind(start)
  // 25 branches of 6 bytes as written, 2 in the end.
  for (let i = 0; i < 25; i++) asm.jcc(4, end)
  asm.jmp(start)
  asm.bind(end)
  asm.finish()
  // The first four are too far from the end as written: 6 i + 5 bytes > 127 with i >= 21 branches in between.
  expect(asm.codeLength).toBe(4 * 6 + 21 * 2 + 2)
})

test('remap moves an offset inside a branch to its end, and one at either end with it', () => {
  const asm = new Assembler()
  const end = asm.newLabel()
  asm.nop(1)
  asm.jcc(4, end)
  asm.nop(1)
  asm.bind(end)
  asm.finish()
  const offsets = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8)
  asm.remap(offsets, offsets.length)
  expect([...offsets]).toEqual([0, 1, 2, 3, 3, 3, 3, 3, 4])
})

test('a large program grows every buffer, in linear time', () => {
  const time = (count: number): number => {
    const asm = new Assembler()
    const labels = Array.from({ length: count }, () => asm.newLabel())
    const start = performance.now()
    for (let i = 0; i < count; i++) {
      asm.bind(labels[i]!)
      asm.jcc(i & 15, labels[Math.min(i + (i % 60), count - 1)]!)
      asm.rmPool(Inst.Addsd_x_xm, 0, Register.xmm0, asm.constant64(i, i ^ 5))
      asm.callSymbol(RelocationKind.plt32, i)
    }
    asm.finish()
    const elapsed = performance.now() - start
    expect(asm.length).toBeGreaterThan(count * 21)
    for (const i of [0, 1, count >> 1, count - 1]) {
      const at = asm.poolOffset(asm.constant64(i, i ^ 5))
      expect(new DataView(asm.bytes.buffer).getInt32(at, true)).toBe(i)
    }
    return elapsed
  }
  time(1000)
  const small = time(20_000)
  const large = time(200_000)
  expect(large / small).toBeLessThan(40)
})
