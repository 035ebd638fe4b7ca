import { expect, test } from 'vitest'
import { decodeFrames, type FrameDescriptionEntry, type FrameTable, instructionsOf } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import type { FrameDescription } from '../src/frame-section.ts'
import { type CallFrameRow, callFrameRows } from '../src/rows.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { descriptions, fromHex, link, loadVectors, toHex, type VectorCase, type VectorRow } from './vectors.ts'

const vectors = loadVectors()

const fdes = (table: FrameTable): FrameDescriptionEntry[] => table.entries.filter((entry) => entry.kind === 'fde')

function asVectorRow(row: CallFrameRow): VectorRow {
  const regs: VectorRow['regs'] = {}
  for (const [register, rule] of row.registers) {
    regs[register] =
      rule.rule === 'register'
        ? { rule: 'register', reg: rule.register }
        : rule.rule === 'expression' || rule.rule === 'val_expression'
          ? { rule: rule.rule, expr: toHex(rule.expression) }
          : rule
  }
  const cfa =
    row.cfa === null
      ? null
      : row.cfa.rule === 'register'
        ? { reg: row.cfa.register, offset: row.cfa.offset }
        : { expr: toHex(row.cfa.expression) }
  return { at: row.at, cfa, regs }
}

/** Each function's FDE in a table that may be sorted: they differ in address. */
function byFunction(one: VectorCase, table: FrameTable, addresses: Record<string, number>): FrameDescriptionEntry[] {
  const all = fdes(table)
  return descriptions(one.functions).map((description, i) => {
    const begin = BigInt(addresses[description.section]! + description.offset)
    // A function without bytes lies where the next one does.
    const found = all.filter((fde) => fde.begin === begin && fde.size === description.size)
    expect(found.length, `${one.id} f${i}`).toBe(1)
    return found[0]!
  })
}

test.skipIf(vectors === null)('linked sections are the relocated ones', () => {
  for (const one of vectors!.cases) {
    const llvm = one.eh_frame.both ?? one.eh_frame.llvm!
    expect(toHex(link(llvm, one.linked.eh_frame_address, one.linked.addresses)), one.id).toBe(one.linked.hex)
  }
})

test.skipIf(vectors === null)('every function of every section has the rows of its operations', () => {
  let compared = 0
  for (const one of vectors!.cases) {
    const { addresses, eh_frame_address: at } = one.linked
    const reasons = (one.reasons.eh_frame ?? []).concat(one.reasons.debug_frame ?? [])
    const sections: { who: string; table: FrameTable }[] = []
    for (const [who, section] of Object.entries(one.eh_frame)) {
      sections.push({ who, table: decodeFrames(link(section!, at, addresses), { address: BigInt(at) }) })
    }
    for (const [version, by] of Object.entries(one.debug_frame)) {
      for (const [who, section] of Object.entries(by)) {
        // One CIE for functions that would need several: not what the operations say.
        if (who === 'llvm' && reasons.includes('llvm-single-debug-frame-cie')) continue
        const bytes = link(section!, 0, addresses, '.debug_frame')
        sections.push({ who: `${who} ${version}`, table: decodeFrames(bytes, { debug: true }) })
      }
    }
    for (const { who, table } of sections) {
      if (who.startsWith('llvm') && reasons.includes('llvm-stale-cfa-offset')) continue
      // gas moved the rule into the CIE, and `restore` comes back to it.
      if (who.startsWith('gas') && one.id === 'j-absorb-restore') continue
      byFunction(one, table, addresses).forEach((fde, i) => {
        const { rows } = one.functions[i]!
        if (rows === null) {
          expect(() => callFrameRows(table, fde)).not.toThrow()
          return
        }
        const found = callFrameRows(table, fde, { everyRow: true }).map(asVectorRow)
        // An escape without effect starts no row here; what matters is the state at every offset.
        expect(statesByOffset(found), `${one.id} ${who} f${i}`).toEqual(statesByOffset(rows))
        compared++
      })
    }
  }
  expect(compared).toBeGreaterThan(1000)
})

/** Rows without those that repeat the one before. */
function statesByOffset(rows: VectorRow[]): VectorRow[] {
  const result: VectorRow[] = []
  for (const row of rows) {
    const last = result.at(-1)
    if (last === undefined || JSON.stringify({ ...last, at: 0 }) !== JSON.stringify({ ...row, at: 0 })) result.push(row)
  }
  return result
}

test.skipIf(vectors === null)('a section that was read writes itself again', () => {
  for (const one of vectors!.cases) {
    for (const [who, section] of Object.entries(one.eh_frame)) {
      const dialect = who === 'gas' ? 'gnu' : 'llvm'
      const { addresses, eh_frame_address: at } = one.linked
      const table = decodeFrames(link(section!, at, addresses), { address: BigInt(at) })
      const given = descriptions(one.functions)
      const again: FrameDescription[] = byFunction(one, table, addresses).map((fde, i) => ({
        ...given[i]!,
        size: fde.size,
        program: table.bytes.slice(fde.programStart, fde.programEnd),
      }))
      // With the programs already in bytes gas has nothing to move; its sections are compared by the rows above.
      if (dialect === 'gnu' && (one.reasons.eh_frame ?? []).includes('gas-absorbs-offset0-into-cie')) continue
      expect(toHex(assembleEhFrame(again, { dialect }).bytes), `${one.id} ${who}`).toBe(section!.hex)
    }
  }
})

test('an operation knows where its bytes are', () => {
  const bytes = fromHex(
    '1400000000000000017a5200017810011b0c0708900100001c0000001c000000000000001100000000410e108602430d064c0c0708000000',
  )
  const table = decodeFrames(bytes)
  const [fde] = fdes(table)
  expect(
    instructionsOf(table, fde!).map(({ place, length, at, operation }) => [place, length, at, operation?.op ?? null]),
  ).toEqual([
    [41, 1, 1, null],
    [42, 2, 1, 'def_cfa_offset'],
    [44, 2, 1, 'offset'],
    [46, 1, 4, null],
    [47, 2, 4, 'def_cfa_register'],
    [49, 1, 16, null],
    [50, 3, 16, 'def_cfa'],
    [53, 1, 16, null],
    [54, 1, 16, null],
    [55, 1, 16, null],
  ])
})

test('the return address may stand in any column: GNU’s assembler takes 32 in COFF', () => {
  const row = (register: number): CallFrameRow => ({
    ...{ at: 0, cfa: { rule: 'register', register: 7, offset: 8 }, argumentBytes: 0 },
    registers: new Map([[register, { rule: 'offset', offset: -8 }]]),
  })
  expect(asUnwindRows([row(32)], 32)).toEqual(asUnwindRows([row(16)], 16))
  expect(asUnwindRows([row(32)], 16)[0]!.registers.get(31)).toEqual({ rule: 'cfa-offset', offset: -8 }) // xmm15
  expect(() => asUnwindRows([row(16)], 32)).toThrow('a second return address')
})

test('a register brings back the offset in front of an expression, as every unwinder has it', () => {
  // As libgcrypt's sha512-avx2 writes it: rsp+56, then an expression, then def_cfa_register alone.
  const program = Uint8Array.of(
    ...[0x41, 0x0e, 56], // 1: def_cfa_offset 56
    ...[0x41, 0x0f, 3, 0x77, 0x08, 0x06], // 2: def_cfa_expression (breg7 8; deref)
    ...[0x41, 0x0d, 7], // 3: def_cfa_register rsp
    ...[0x41, 0x0f, 3, 0x77, 0x08, 0x06, 0x0e, 48], // 4: the expression again, and an offset behind it
    ...[0x41, 0x0d, 6], // 5: def_cfa_register rbp
  )
  const table = decodeFrames(assembleEhFrame([{ symbol: 'f', section: '.text', offset: 0, size: 9, program }]).bytes)
  const cfas = callFrameRows(table, fdes(table)[0]!).map(({ cfa }) =>
    cfa?.rule === 'register' ? `${cfa.register}+${cfa.offset}` : cfa?.rule,
  )
  expect(cfas).toEqual(['7+8', '7+56', 'expression', '7+56', 'expression', '6+48'])
})
