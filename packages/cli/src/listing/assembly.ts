// `--emit asm`: a module as text for the GNU assembler (`.intel_syntax noprefix`), which clang reads as well.
//
// Operands, branches and jump tables are symbolic, so the text may be edited; unwind data are the assembler's own
// directives (.cfi_… or .seh_…), made from the frame record. The assembler may choose other encodings than ours: its
// object does the same, but need not be the same bytes.

import { RETURN_ADDRESS, sameRule, type UnwindRow, XMM0, x64 } from '@framewright/frame-layout'
import type { ModuleFunction } from '../compile-module.ts'
import type { Target } from '../target.ts'
import { type Disassembler, type Disassembly, gnuName, loadDisassembler } from './disassemble.ts'
import { hex } from './rows.ts'

/** Where something is said between instructions: at a code offset, before the instruction that begins there. */
type Notes = Map<number, string[]>

export async function moduleAssembly(
  functions: readonly ModuleFunction[],
  target: Target,
  file: string,
): Promise<string> {
  const disassemble = await loadDisassembler()
  const lines = [
    `# ${file.replace(/[^\x20-\x7e]/g, '?')} for ${target.triple}`,
    '    .intel_syntax noprefix',
    '    .text',
  ]
  for (const [index, fn] of functions.entries()) lines.push('', ...functionLines(fn, index, target, disassemble))
  if (target.objectFormat === 'elf') lines.push('', '    .section .note.GNU-stack,"",@progbits')
  return `${lines.join('\n')}\n`
}

function functionLines(
  fn: ModuleFunction,
  index: number,
  { objectFormat }: Target,
  disassemble: Disassembler,
): string[] {
  const name = gnuName(fn.name)
  const listed = {
    ...fn,
    aliases: [],
    offset: 0,
    section: '.text',
    sectionIndex: 0,
    record: fn.frame,
    isEndGuessed: false,
  }
  const code = disassemble(listed, { labelPrefix: `.L${index}_`, gnu: true })
  const labels = new Map(code.labels)
  const tables = jumpTables(fn, code, labels, `.L${index}_t`)
  const described = fn.unwind !== null
  const isWindows = fn.unwind?.format === 'win64'
  const notes = !described ? new Map() : isWindows ? sehDirectives(fn) : cfiDirectives(fn.rows)
  const [begin, end] = !described
    ? ['', '']
    : isWindows
      ? [`.seh_proc ${name}`, '.seh_endproc']
      : ['.cfi_startproc', '.cfi_endproc']

  const lines = [`    .p2align ${Math.log2(fn.alignment)}, 0xcc`, `    .globl ${name}`]
  if (objectFormat === 'elf') lines.push(`    .type ${name}, @function`)
  else lines.push(`    .def ${name}; .scl 2; .type 32; .endef`)
  lines.push(`${name}:`)
  if (begin !== '') lines.push(`    ${begin}`)
  for (const { offset, text } of code.instructions) {
    for (const note of notes.get(offset) ?? []) lines.push(`    ${note}`)
    const label = labels.get(offset)
    if (label !== undefined) lines.push(`${label}:`)
    lines.push(`    ${text}`)
  }
  if (end !== '') lines.push(`    ${end}`)
  lines.push(...dataLines(fn, labels, tables))
  if (objectFormat === 'elf') lines.push(`    .size ${name}, . - ${name}`)
  return lines
}

/**
 * Tables of distances from the table to an instruction, four bytes each. They lie among the constants, and an address is
 * taken of them; the labels of their targets are added to `labels`.
 *
 * @returns the targets, by the place of the table.
 */
function jumpTables(
  fn: ModuleFunction,
  { instructions }: Disassembly,
  labels: Map<number, string>,
  prefix: string,
): Map<number, number[]> {
  const starts = new Set(instructions.map(({ offset }) => offset))
  const taken = new Set(
    instructions.filter(({ text }) => text.startsWith('lea ')).map(({ text }) => /\+ ([^\]]+)\]$/.exec(text)?.[1]),
  )
  const places = [...labels].filter(([offset]) => offset >= fn.codeSize).sort(([a], [b]) => a - b)
  const tables = new Map<number, number[]>()
  const view = new DataView(fn.code.buffer, fn.code.byteOffset, fn.code.length)
  for (const [index, [table, label]] of places.entries()) {
    if (!taken.has(label)) continue
    const end = places[index + 1]?.[0] ?? fn.code.length
    const targets: number[] = []
    for (let at = table; at + 4 <= end; at += 4) {
      const to = table + view.getInt32(at, true)
      if (!starts.has(to)) break
      targets.push(to)
      if (!labels.has(to)) labels.set(to, `${prefix}${labels.size}`)
    }
    tables.set(table, targets)
  }
  return tables
}

function dataLines(
  fn: ModuleFunction,
  labels: ReadonlyMap<number, string>,
  tables: ReadonlyMap<number, number[]>,
): string[] {
  const lines: string[] = []
  // Constants lie at multiples of their size from the function's start, which the instructions need no longer end at.
  if (fn.codeSize < fn.code.length) lines.push('    .p2align 4, 0xcc')
  const places = [...labels.keys()].filter((place) => place > fn.codeSize).sort((a, b) => a - b)
  let next = 0
  let at = fn.codeSize
  while (at < fn.code.length && !labels.has(at) && fn.code[at] === PADDING) at++
  while (at < fn.code.length) {
    const label = labels.get(at)
    if (label !== undefined) lines.push(`${label}:`)
    const targets = tables.get(at) ?? []
    for (const target of targets) lines.push(`    .long ${labels.get(target)} - ${label}`)
    at += 4 * targets.length
    if (targets.length > 0) continue
    let end = Math.min(fn.code.length, at + 8)
    while (next < places.length && places[next] <= at) next++
    if (next < places.length) end = Math.min(end, places[next])
    lines.push(`    .byte ${[...fn.code.subarray(at, end)].map((byte) => `0x${hex(byte, 2)}`).join(', ')}`)
    at = end
  }
  return lines
}

const PADDING = 0xcc

const names = x64.registerNames

/** What changes from row to row; of vector registers nothing, as in our own .eh_frame (LLVM's unwinder fails on them). */
function cfiDirectives(rows: readonly UnwindRow[]): Notes {
  const notes: Notes = new Map()
  let before: UnwindRow = {
    ...{ at: 0, cfa: { rule: 'register', register: x64.stackPointer, offset: 8 } as const, argumentBytes: 0 },
    registers: new Map([[RETURN_ADDRESS, { rule: 'cfa-offset', offset: -8 } as const]]),
  }
  for (const row of rows) {
    const said: string[] = []
    const { cfa } = row
    // In our own code the CFA is found from a register everywhere, and every register at an offset or in another one.
    if (cfa.rule !== 'register' || before.cfa.rule !== 'register') throw new Error(`a CFA by ${cfa.rule}`)
    if (cfa.register !== before.cfa.register) said.push(`.cfi_def_cfa ${names[cfa.register]}, ${cfa.offset}`)
    else if (cfa.offset !== before.cfa.offset) said.push(`.cfi_def_cfa_offset ${cfa.offset}`)
    for (const register of before.registers.keys()) {
      if (!row.registers.has(register) && !isVector(register)) said.push(`.cfi_restore ${cfiName(register)}`)
    }
    for (const [register, rule] of row.registers) {
      const old = before.registers.get(register)
      if (isVector(register) || (old !== undefined && sameRule(old, rule))) continue
      if (rule.rule === 'cfa-offset') said.push(`.cfi_offset ${cfiName(register)}, ${rule.offset}`)
      else if (rule.rule === 'register') said.push(`.cfi_register ${cfiName(register)}, ${cfiName(rule.register)}`)
      else if (rule.rule === 'undefined') said.push(`.cfi_undefined ${cfiName(register)}`)
      else if (rule.rule === 'cfa-value') said.push(`.cfi_val_offset ${cfiName(register)}, ${rule.offset}`)
    }
    notes.set(row.at, said)
    before = row
  }
  return notes
}

function isVector(register: number): boolean {
  return register >= XMM0 && register < RETURN_ADDRESS
}

/** System V AMD64 ABI, "DWARF Register Number Mapping": the return address is 16. */
function cfiName(register: number): string {
  return register === RETURN_ADDRESS ? '16' : names[register]
}

/** What the prologue does. Epilogues need no words: Windows reads their instructions. */
function sehDirectives({ frame }: ModuleFunction): Notes {
  const notes: Notes = new Map()
  const say = (at: number, text: string) => notes.set(at, [...(notes.get(at) ?? []), text])
  let frameOffset = 0
  for (const event of frame.events) {
    switch (event.kind) {
      case 'push':
        say(event.at, event.saves ? `.seh_pushreg ${names[event.register]}` : `.seh_stackalloc ${event.size}`)
        break
      case 'adjust-sp':
        say(event.at, `.seh_stackalloc ${-event.delta}`)
        break
      case 'set-frame-register':
        frameOffset = event.spOffset
        say(event.at, `.seh_setframe ${names[event.register]}, ${event.spOffset}`)
        break
      case 'save': {
        const offset = event.offset + (event.base === 'frame' ? frameOffset : 0)
        say(event.at, `.seh_save${event.register < 16 ? 'reg' : 'xmm'} ${names[event.register]}, ${offset}`)
        break
      }
      case 'prologue-end':
        say(event.at, '.seh_endprologue')
        return notes
    }
  }
  return notes
}
