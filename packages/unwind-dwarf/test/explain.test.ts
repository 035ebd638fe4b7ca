// Why a row is as it is: the operations that are named make the rules that they are named for.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeFrames, type FrameDescriptionEntry, instructionsOf } from '../src/decode.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { ProgramEncoder } from '../src/encode.ts'
import { type ExplainedInstruction, explainRow } from '../src/explain.ts'
import type { CallFrameOperation } from '../src/operations.ts'
import { CallFrameMachine, callFrameRowAt, callFrameRows } from '../src/rows.ts'
import { wildRecord } from './records.ts'

const encoder = new ProgramEncoder()

function frameOf(program: Uint8Array, size: number) {
  const section = assembleEhFrame([{ symbol: 'f', section: '.text', offset: 0, size, program }])
  const table = decodeFrames(section.bytes)
  const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
  return { table, fde }
}

/** What the named operations alone make. Those that bring a row back are named behind what they bring. */
function made(instructions: readonly ExplainedInstruction[]): CallFrameMachine {
  const machine = new CallFrameMachine()
  // Register and offset may each have been said alone.
  if (instructions[0]?.operation?.op.startsWith('def_cfa_')) machine.apply({ op: 'def_cfa', register: 0, offset: 0 }, 0)
  for (const { operation, place } of instructions) {
    if (operation !== null && operation.op !== 'restore_state' && operation.op !== 'restore') {
      machine.apply(operation, place)
    }
  }
  return machine
}

test('rows, and what makes them, agree at every offset of random functions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1 << 20 }), (seed) => {
      const record = wildRecord(seed)
      const { table, fde } = frameOf(encoder.encode(record), record.codeSize)
      const starts = [...callFrameRows(table, fde, { everyRow: true }).map(({ at }) => at), fde.size]
      for (const at of new Set([...starts, ...starts.map((start) => Math.max(0, start - 1))])) {
        const { row, end, advance, cfa, registers } = explainRow(table, fde, at)
        expect(row).toEqual(callFrameRowAt(table, fde, at))
        expect(end > at || at === fde.size).toBe(true)
        expect(advance?.at ?? 0).toBe(row.at)
        // In the order of the program, for the register of the CFA may have been said behind its offset.
        const inOrder = [...cfa].sort(
          (a, b) => Number(b.entry.kind === 'cie') - Number(a.entry.kind === 'cie') || a.place - b.place,
        )
        expect(made(inOrder).cfa).toEqual(row.cfa)
        for (const [register, rule] of row.registers) {
          expect(made(registers.get(register)!).registers().get(register)).toEqual(rule)
        }
        for (const [register, sources] of registers) {
          if (row.registers.has(register)) continue
          expect(sources.some(({ operation }) => operation?.op.startsWith('restore'))).toBe(true)
        }
        const said = instructionsOf(table, fde).filter(({ at: place }) => place <= at)
        for (const { place } of cfa.filter(({ entry }) => entry.kind === 'fde')) {
          expect(said.some((each) => each.place === place)).toBe(true)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a row that came back names what made it, and what brought it back', () => {
  // push rbx; …; pop rbx; ret; then the row of the body again.
  const program = Uint8Array.of(
    ...[0x41, 0x0e, 0x10, 0x83, 0x02], // 1: def_cfa_offset 16, offset rbx
    ...[0x49, 0x0a, 0xc3, 0x0e, 0x08], // 10: remember_state, restore rbx, def_cfa_offset 8
    ...[0x41, 0x0b], // 11: restore_state
  )
  const { table, fde } = frameOf(program, 20)
  const names = (list: readonly ExplainedInstruction[]) =>
    list.map(({ operation, entry }) => `${entry.kind} ${(operation as CallFrameOperation).op}`)
  const at = (offset: number) => {
    const { cfa, registers, end } = explainRow(table, fde, offset)
    return { cfa: names(cfa), rbx: names(registers.get(3) ?? []), end }
  }
  expect(at(0)).toEqual({ cfa: ['cie def_cfa'], rbx: [], end: 1 })
  expect(at(5)).toEqual({ cfa: ['cie def_cfa', 'fde def_cfa_offset'], rbx: ['fde offset'], end: 10 })
  expect(at(10)).toEqual({ cfa: ['cie def_cfa', 'fde def_cfa_offset'], rbx: ['fde restore'], end: 11 })
  expect(at(15)).toEqual({
    cfa: ['cie def_cfa', 'fde def_cfa_offset', 'fde restore_state'],
    rbx: ['fde offset', 'fde restore_state'],
    end: 20,
  })
})
