// What Windows sees in epilogues. Version 1 of UNWIND_INFO says nothing of them: the system reads the instructions at the
// program counter, and where they are an epilogue it runs them instead of undoing the prologue. So the rows of an object's
// function are those of its prologue, and these.

import { RETURN_ADDRESS, type RegisterRule, RSP, rowAt, sameState, type UnwindRow } from '@framewright/frame-layout'
import { isEpilogue, type RecognisedEpilogue, recogniseEpilogue } from '@framewright/unwind-win64'

/**
 * @param rows - of the prologue.
 * @param boundaries - where instructions begin, ascending: those of the function, or of one of its ranges.
 * @param prologueEnd - offset of the first byte that may be of an epilogue.
 * @param frameRegister - of the function's record; 0 for none.
 */
export function withEpilogues(
  rows: readonly UnwindRow[],
  code: Uint8Array,
  boundaries: readonly number[],
  prologueEnd: number,
  frameRegister: number,
): UnwindRow[] {
  const result: UnwindRow[] = []
  // A jump to the first byte is a call of itself to Windows, and leaves as well.
  const leaves = (from: number) => (target: number) => from + target <= 0 || from + target >= code.length
  for (const at of boundaries) {
    let row: UnwindRow = { ...rowAt(rows, at), at }
    if (at >= prologueEnd) {
      const found = recogniseEpilogue((offset) => code[at + offset], frameRegister, leaves(at))
      if (isEpilogue(found)) row = epilogueRow(found, at)
    }
    const last = result.at(-1)
    if (last === undefined || !sameState(last, row)) result.push(row)
  }
  return result
}

/** The rest of an epilogue: rsp is adjusted, registers are popped, and above them lies the return address. */
export function epilogueRow({ adjustment, pops }: RecognisedEpilogue, at: number): UnwindRow {
  const register = adjustment.from < 0 ? RSP : adjustment.from
  const rules = pops.map((popped, index): [number, RegisterRule] => {
    return [popped, { rule: 'cfa-offset', offset: -8 - 8 * (pops.length - index) }]
  })
  rules.push([RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 }])
  return {
    at,
    cfa: { rule: 'register', register, offset: adjustment.offset + 8 * pops.length + 8 },
    argumentBytes: 0,
    registers: new Map(rules.sort(([a], [b]) => a - b)),
  }
}
