// What other tools say of the same: assemblers given our operations as directives, readers and linkers given our bytes.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import { decodeFrames, type FrameDescriptionEntry, instructionsOf } from '../src/decode.ts'
import type { CfiDirective } from '../src/directives.ts'
import { assembleEhFrame } from '../src/eh-frame.ts'
import { encodeEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { ProgramEncoder } from '../src/encode.ts'
import type { DwarfSection, FrameDescription } from '../src/frame-section.ts'
import { registerName } from '../src/registers.ts'
import { type CallFrameRow, callFrameRows } from '../src/rows.ts'
import { objectSection, readElf } from './elf.ts'
import { compiledRecord, wildRecord } from './records.ts'
import { asVector, toHex } from './vectors.ts'

const tools = {
  as: requireTool('as'),
  llvmMc: requireTool('llvm-mc'),
  readelf: requireTool('readelf'),
  dwarfdump: requireTool('llvm-dwarfdump'),
  ld: requireTool('ld'),
  lld: requireTool('ld.lld'),
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a tool that has to succeed and to say nothing on its error output. */
function run(tool: string, args: string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  expect(stderr, `${tool} ${args.join(' ')}`).toBe('')
  expect(status, `${tool} ${args.join(' ')}`).toBe(0)
  return stdout
}

const encoder = new ProgramEncoder()

interface Sample {
  readonly description: FrameDescription
  readonly directives: readonly CfiDirective[]
  readonly rows: readonly CallFrameRow[]
}

/** Functions one behind the other in .text, with their programs in bytes and as directives. */
function samples(count: number, first: number, vectorRegisters: boolean): Sample[] {
  let offset = 0
  return Array.from({ length: count }, (_, i) => {
    const seed = first + i
    const record = i % 3 === 0 ? wildRecord(seed) : compiledRecord(seed)
    const program = encoder.encode(record, { vectorRegisters })
    const description: FrameDescription = {
      symbol: `f${i}`,
      section: '.text',
      offset,
      size: record.codeSize,
      program,
      ...(record.kind === 'signal' ? { signalFrame: true } : undefined),
    }
    offset += record.codeSize
    const table = decodeFrames(assembleEhFrame([description]).bytes)
    const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
    const directives: CfiDirective[] = []
    for (const { at, operation } of instructionsOf(table, fde)) if (operation) directives.push({ at, ...operation })
    return { description, directives, rows: callFrameRows(table, fde, { everyRow: true }) }
  })
}

const hexBytes = (bytes: Uint8Array): string => Array.from(bytes, (byte) => `0x${byte.toString(16)}`).join(', ')

/** The directive of an operation; those without one are escaped, as the compilers do. */
function directiveText(directive: CfiDirective): string {
  switch (directive.op) {
    case 'def_cfa':
      return `.cfi_def_cfa ${directive.register}, ${directive.offset}`
    case 'def_cfa_register':
      return `.cfi_def_cfa_register ${directive.register}`
    case 'def_cfa_offset':
      return `.cfi_def_cfa_offset ${directive.offset}`
    case 'offset':
      return `.cfi_offset ${directive.register}, ${directive.offset}`
    case 'register':
      return `.cfi_register ${directive.register}, ${directive.into}`
    case 'restore':
    case 'undefined':
    case 'same_value':
      return `.cfi_${directive.op} ${directive.register}`
    case 'remember_state':
    case 'restore_state':
      return `.cfi_${directive.op}`
    case 'def_cfa_expression': {
      const { expression } = directive
      return `.cfi_escape 0x0f, ${expression.length}, ${hexBytes(expression)}`
    }
    case 'expression':
    case 'val_expression': {
      const { expression } = directive
      const opcode = directive.op === 'expression' ? 0x10 : 0x16
      return `.cfi_escape ${opcode}, ${directive.register}, ${expression.length}, ${hexBytes(expression)}`
    }
    case 'args_size': {
      const { size } = directive
      return `.cfi_escape 0x2e, ${size < 128 ? size : `${(size & 127) | 128}, ${size >> 7}`}`
    }
    default:
      throw new Error(`no directive for ${directive.op}`)
  }
}

const hasNegativeOffset = (one: CfiDirective): boolean => 'offset' in one && one.offset < 0

function assemblyOf(functions: readonly Sample[], sections: string): string {
  const lines = [`.cfi_sections ${sections}`, '.text']
  for (const { description, directives } of functions) {
    lines.push('.cfi_startproc', ...(description.signalFrame ? ['.cfi_signal_frame'] : []))
    let at = 0
    for (const directive of directives) {
      if (directive.at > at) lines.push(`.skip ${directive.at - at}, 0x90`)
      at = directive.at
      lines.push(directiveText(directive))
    }
    if (description.size > at) lines.push(`.skip ${description.size - at}, 0x90`)
    lines.push('.cfi_endproc')
  }
  return `${lines.join('\n')}\n`
}

function assemble(tool: 'as' | 'llvmMc', text: string): string {
  const source = join(folder, 'in.s')
  const object = join(folder, `${tool}.o`)
  writeFileSync(source, text)
  if (tool === 'as') run(tools.as!, ['--64', '--gdwarf-cie-version=4', source, '-o', object])
  else run(tools.llvmMc!, ['-triple=x86_64-linux-gnu', '-dwarf-version=4', '-filetype=obj', source, '-o', object])
  return object
}

test.skipIf(tools.llvmMc === null)("LLVM's assembler writes our bytes from our operations", () => {
  for (let round = 0; round < 3; round++) {
    const functions = samples(60, 1000 + round * 60, true)
    const given = functions.map(({ description, directives }) => ({ ...description, program: directives }))
    const object = assemble('llvmMc', assemblyOf(functions, '.eh_frame, .debug_frame'))
    const eh = objectSection(object, '.eh_frame')
    expect(asVector(assembleEhFrame(given, { dialect: 'llvm' }))).toEqual(eh)
    expect(asVector(assembleDebugFrame(given, { dialect: 'llvm' }))).toEqual(objectSection(object, '.debug_frame'))
    // The canonical dialect differs in the order of headers and in negative offsets alone.
    const plain = functions.filter(
      ({ description, directives }) =>
        !description.signalFrame && directives.every((one) => !one.op.startsWith('def_cfa') || !hasNegativeOffset(one)),
    )
    const one = assemble('llvmMc', assemblyOf(plain, '.eh_frame'))
    let offset = 0
    const packed = plain.map(({ description }) => {
      const placed = { ...description, offset }
      offset += description.size
      return placed
    })
    expect(asVector(assembleEhFrame(packed))).toEqual(objectSection(one, '.eh_frame'))
  }
})

test.skipIf(tools.as === null)('GNU as writes our bytes from our operations', () => {
  for (let round = 0; round < 3; round++) {
    const functions = samples(60, 2000 + round * 60, true)
    const given = functions.map(({ description, directives }) => ({ ...description, program: directives }))
    const object = assemble('as', assemblyOf(functions, '.eh_frame, .debug_frame'))
    // The flag that sets the version of .debug_frame sets that of .eh_frame as well.
    const eh = asVector(assembleEhFrame(given, { dialect: 'gnu' }))
    const plain = assemblyOf(functions, '.eh_frame')
    writeFileSync(join(folder, 'plain.s'), plain)
    run(tools.as!, ['--64', join(folder, 'plain.s'), '-o', join(folder, 'plain.o')])
    expect(eh).toEqual(objectSection(join(folder, 'plain.o'), '.eh_frame'))
    expect(asVector(assembleDebugFrame(given, { dialect: 'gnu' }))).toEqual(objectSection(object, '.debug_frame'))
  }
})

/** An object that holds a section of ours, its relocations as expressions, and the code that it speaks of. */
function objectOf(section: DwarfSection, codeSize: number): string {
  const lines = ['.text', '.globl _start', '_start:', `.skip ${codeSize}, 0x90`]
  lines.push(`.section ${section.name},"a",@progbits`, `.balign ${section.align}`)
  let at = 0
  for (const { offset, kind, symbol, addend } of section.relocations) {
    if (offset > at) lines.push(`.byte ${hexBytes(section.bytes.subarray(at, offset))}`)
    const wide = kind.endsWith('64')
    lines.push(`${wide ? '.quad' : '.long'} ${symbol}+${addend}${kind.startsWith('pc') ? '-.' : ''}`)
    at = offset + (wide ? 8 : 4)
  }
  if (at < section.bytes.length) lines.push(`.byte ${hexBytes(section.bytes.subarray(at))}`)
  const source = join(folder, 'ours.s')
  const object = join(folder, 'ours.o')
  writeFileSync(source, `${lines.join('\n')}\n`)
  run(tools.as!, ['--64', source, '-o', object])
  expect(objectSection(object, section.name)).toEqual(asVector(section))
  return object
}

/** Columns of one row as readelf prints them. */
function asReadelf(row: CallFrameRow, columns: readonly string[]): string[] {
  const rules = new Map([...row.registers].map(([register, rule]) => [registerName(register), rule]))
  const signed = (offset: number): string => (offset < 0 ? `${offset}` : `+${offset}`)
  return columns.map((name) => {
    const rule = rules.get(name)
    switch (rule?.rule) {
      case undefined:
      case 'undefined':
        return 'u'
      case 'same_value':
        return 's'
      case 'offset':
        return `c${signed(rule.offset)}`
      case 'register':
        return `r${rule.register}` // and its name in parentheses
      case 'expression':
        return 'exp'
      case 'val_expression':
        return 'vexp'
      default:
        return '?'
    }
  })
}

const withReadelf = tools.as !== null && tools.readelf !== null

test.skipIf(!withReadelf).each(['.eh_frame', '.debug_frame'])('readelf reads the rows of our %s', (name) => {
  const functions = samples(120, 3000, true)
  const given = functions.map(({ description }) => description)
  const section = name === '.eh_frame' ? assembleEhFrame(given) : assembleDebugFrame(given)
  const size = given.reduce((sum, { size }) => sum + size, 0)
  const printed = run(tools.readelf!, ['--debug-dump=frames-interp', '--wide', objectOf(section, size)])
  const blocks = new Map<string, string[]>()
  let lines: string[] = []
  for (const line of printed.split('\n')) {
    const range = /FDE cie=\w+ pc=(\w+\.\.\w+)/.exec(line)
    if (range) blocks.set(range[1]!, (lines = []))
    else if (line.includes(' CIE ')) lines = []
    else if (line.trim() !== '') lines.push(line.trim())
  }
  const address = (value: number): string => value.toString(16).padStart(16, '0')
  let compared = 0
  for (const { description, rows } of functions) {
    if (description.size === 0) continue
    const found = blocks.get(`${address(description.offset)}..${address(description.offset + description.size)}`)!
    if (found.length === 0) continue // no operations: readelf prints no table
    const columns = found[0]!.split(/ +/).slice(2)
    const table = found.slice(1).map((line) => line.replace(/ \(\w+\)/g, '').split(/ +/))
    const ours = rows.map((row) => {
      const cfa =
        row.cfa?.rule === 'register'
          ? `${registerName(row.cfa.register)}${row.cfa.offset < 0 ? '' : '+'}${row.cfa.offset}`
          : 'exp'
      return [address(description.offset + row.at), cfa, ...asReadelf(row, columns)]
    })
    expect(table, description.symbol).toEqual(ours)
    compared++
  }
  expect(compared).toBeGreaterThan(80)
})

test.skipIf(tools.as === null || tools.dwarfdump === null)('llvm-dwarfdump reads the rows of our section', () => {
  const functions = samples(120, 4000, true)
  const given = functions.map(({ description }) => description)
  const size = given.reduce((sum, { size }) => sum + size, 0)
  const object = objectOf(assembleEhFrame(given), size)
  const printed = run(tools.dwarfdump!, ['--eh-frame', object])
  const blocks = new Map<string, string[]>()
  let rows: string[] = []
  for (const line of printed.split('\n')) {
    const range = / FDE cie=\w+ pc=(\w+\.\.\.\w+)/.exec(line)
    if (range) blocks.set(range[1]!, (rows = []))
    else if (/^ +0x[0-9a-f]+: CFA=/.test(line)) rows.push(line.trim())
  }
  const address = (value: number): string => value.toString(16).padStart(8, '0')
  let compared = 0
  for (const { description, rows: wanted, directives } of functions) {
    // llvm-dwarfdump 14 forgets to restore the CFA, and does not print what an expression leads to as others do.
    if (directives.some(({ op }) => op === 'restore_state' || op.includes('expression'))) continue
    if (description.size === 0) continue
    const { offset, size } = description
    const found = blocks.get(`${address(offset)}...${address(offset + size)}`)!
    const ours = wanted.map((row) => {
      const rules = [...row.registers]
        .sort((a, b) => a[0] - b[0])
        .map(([register, rule]) => {
          const name = register === 16 ? 'RIP' : registerName(register).toUpperCase()
          if (rule.rule === 'offset')
            return `${name}=[CFA${rule.offset < 0 ? '' : '+'}${rule.offset || ''}]`.replace('+]', ']')
          if (rule.rule === 'register') return `${name}=${registerName(rule.register).toUpperCase()}`
          return `${name}=${rule.rule === 'undefined' ? 'undefined' : 'same'}`
        })
      const cfa = row.cfa as { register: number; offset: number }
      const plus = cfa.offset === 0 ? '' : cfa.offset < 0 ? `${cfa.offset}` : `+${cfa.offset}`
      return `0x${(offset + row.at).toString(16)}: CFA=${registerName(cfa.register).toUpperCase()}${plus}: ${rules.join(', ')}`
    })
    expect(found, description.symbol).toEqual(ours)
    compared++
  }
  expect(compared).toBeGreaterThan(20)
})

test.skipIf(tools.as === null || tools.ld === null || tools.lld === null)(
  'GNU ld and lld link our section without a word, and index it as we do',
  () => {
    // Functions without bytes share their address with the next; linkers order those as they like.
    const given = samples(120, 5000, false)
      .map(({ description }) => description)
      .filter((one) => one.size > 0)
    const size = given.reduce((sum, one) => sum + one.size, 0)
    const object = objectOf(assembleEhFrame(given), size)
    for (const linker of [tools.ld!, tools.lld!]) {
      for (const kind of ['-pie', '-shared', '-static']) {
        const out = join(folder, 'linked')
        run(linker, ['--fatal-warnings', '--eh-frame-hdr', kind, object, '-o', out])
        const { sections } = readElf(out)
        const find = (name: string) => sections.find((section) => section.name === name)!
        const frame = find('.eh_frame')
        const header = find('.eh_frame_hdr')
        const table = decodeFrames(frame.bytes, { address: frame.address })
        const functions = table.entries.filter((entry) => entry.kind === 'fde')
        expect(functions.length).toBe(given.length)
        const text = find('.text').address
        expect(functions.map(({ begin }) => Number(begin - text)).sort((a, b) => a - b)).toEqual(
          given.map(({ offset }) => offset),
        )
        expect(toHex(encodeEhFrameHdr(table, header.address))).toBe(toHex(header.bytes))
      }
    }
  },
)
