// Rows as .cfi_ directives, for an assembler that makes SFrame of them.

import {
  AARCH64_V0,
  aarch64,
  type FrameArchitecture,
  type FrameRecord,
  partRows,
  partsOf,
  type Register,
  type RegisterRule,
  sameCfa,
  sameRule,
  type UnwindRow,
  unwindRows,
  x64,
} from '@framewright/frame-layout'

/** The record as if every instruction, and what lies between, were so many times as long. */
export function stretched(record: FrameRecord, factor: number): FrameRecord {
  return {
    ...record,
    codeSize: record.codeSize * factor,
    events: record.events.map((event) => ({ ...event, at: event.at * factor })),
    ...(record.parts === undefined
      ? {}
      : { parts: record.parts.map(({ begin, end }) => ({ begin: begin * factor, end: end * factor })) }),
  }
}

/**
 * A function per part: zeros for instructions, and every change of a row. Only what changes is said, of other registers too,
 * which SFrame has no words for. Behind the last change that it has words for nothing is said: the assembler begins a row
 * at the last directive, whatever that is of.
 */
export function assemblyOf(record: FrameRecord, symbol: string): string[] {
  const architecture = record.architecture === 'aarch64' ? aarch64 : x64
  const rows = unwindRows(record, architecture)
  return partsOf(record).flatMap((part, index) => {
    const lines = [`${symbol}.${index}:`, '  .cfi_startproc']
    let before = atEntry(architecture)
    let at = 0
    const own = partRows(rows, part)
    const last = own.findLastIndex((row, i) => isRelevant(own[i - 1] ?? before, row, architecture))
    for (const row of own.slice(0, last + 1)) {
      if (row.at > at) lines.push(`  .skip ${row.at - at}`)
      at = row.at
      lines.push(...changes(before, row, architecture))
      before = row
    }
    return [...lines, `  .skip ${part.end - part.begin - at}`, '  .cfi_endproc']
  })
}

function atEntry({ stackPointer, entryCfaOffset, returnAddress, returnAddressOffset }: FrameArchitecture): UnwindRow {
  const registers = new Map<Register, RegisterRule>()
  if (returnAddressOffset !== null) registers.set(returnAddress, { rule: 'cfa-offset', offset: returnAddressOffset })
  const cfa = { rule: 'register', register: stackPointer, offset: entryCfaOffset } as const
  return { at: 0, cfa, registers, argumentBytes: 0 }
}

/** Whether SFrame tells the rows apart. */
function isRelevant(a: UnwindRow, b: UnwindRow, { framePointer, returnAddress }: FrameArchitecture): boolean {
  const differs = (register: Register): boolean => {
    const [before, after] = [a.registers.get(register), b.registers.get(register)]
    return before === undefined || after === undefined ? before !== after : !sameRule(before, after)
  }
  const registersDiffer = differs(framePointer) || differs(returnAddress)
  return !sameCfa(a.cfa, b.cfa) || registersDiffer || a.returnAddressSigned !== b.returnAddressSigned
}

function changes(before: UnwindRow, row: UnwindRow, architecture: FrameArchitecture): string[] {
  const lines: string[] = []
  const number = (register: Register): number => dwarfNumber(register, architecture)
  if (!sameCfa(before.cfa, row.cfa) && row.cfa.rule === 'register') {
    lines.push(`  .cfi_def_cfa ${number(row.cfa.register)}, ${row.cfa.offset}`)
  }
  for (const register of before.registers.keys()) {
    if (!row.registers.has(register)) lines.push(`  .cfi_restore ${number(register)}`)
  }
  for (const [register, rule] of row.registers) {
    const old = before.registers.get(register)
    if (old !== undefined && sameRule(old, rule)) continue
    if (rule.rule === 'cfa-offset') lines.push(`  .cfi_offset ${number(register)}, ${rule.offset}`)
    if (rule.rule === 'undefined') lines.push(`  .cfi_undefined ${number(register)}`)
  }
  if (before.returnAddressSigned !== row.returnAddressSigned) lines.push('  .cfi_negate_ra_state')
  return lines
}

/** System V AMD64 ABI, "DWARF Register Number Mapping"; DWARF for the Arm 64-bit Architecture, "DWARF register names". */
function dwarfNumber(register: Register, architecture: FrameArchitecture): number {
  if (architecture === aarch64) return register < AARCH64_V0 ? register : register - AARCH64_V0 + 64
  if (register >= 32) return 16
  return register >= 16 ? register + 1 : [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15][register]!
}
