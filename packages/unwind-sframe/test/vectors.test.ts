// Version 2 as LLVM 22 writes it, from our rows as directives. The bytes are recorded, for that version is not Debian's.
//
// To record them again: LLVMLITE=PYTHON npx vitest run --project unwind-sframe vectors, where PYTHON is a Python that has
// llvmlite 0.50, whose assembler is LLVM's.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FrameRecord, parseRecord, printRecord } from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { createSFrameFormat, decodeSFrame, readRows, type SFrameFormatOptions, sframe } from '../src/index.ts'
import { assemblyOf } from './directives.ts'
import { sectionOf } from './elf.ts'
import { place, records } from './samples.ts'

interface Vectors {
  readonly producer: string
  readonly records: readonly string[]
  /** The section of all of them, one behind the other, in base64. */
  readonly section: string
  readonly relocations: readonly (readonly [offset: number, symbol: string, addend: number])[]
}

const path = join(import.meta.dirname, 'llvm-22-version-2.json')
const python = process.env.LLVMLITE

/** Reads assembly, writes an object. */
const script = `
import sys
import llvmlite.binding as llvm
llvm.initialize_all_targets()
llvm.initialize_all_asmprinters()
llvm.initialize_native_asmparser()
triple = "x86_64-unknown-linux-gnu"
quoted = "".join('module asm "%s"\\n' % line.strip() for line in sys.stdin)
module = llvm.parse_assembly('target triple = "%s"\\n%s' % (triple, quoted))
machine = llvm.Target.from_triple(triple).create_target_machine()
open(sys.argv[1], "wb").write(machine.emit_object(module))
print("LLVM %d.%d.%d" % llvm.llvm_version_info)
`

/** LLVM takes the size of the starts from the last row's, GNU and we from the function's. */
function startsAgree(record: FrameRecord): boolean {
  const [section] = sframe.assemble(place([record], sframe))
  const table = decodeSFrame(section!.bytes)
  return table.functions.every((fn) => {
    const last = readRows(table, fn).at(-1)!.at
    return fn.startSize === (last < 0x100 ? 0 : last < 0x1_0000 ? 1 : 2)
  })
}

function record(interpreter: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-sframe-vectors-'))
  const object = join(folder, 'f.o')
  const list = records('x86-64', 140).filter(startsAgree).slice(0, 120)
  const input = ['.cfi_sections .sframe', '.text', ...list.flatMap((one, i) => assemblyOf(one, `f${i}`)), ''].join('\n')
  const { stdout, stderr, status } = spawnSync(interpreter, ['-c', script, object], { input, encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  const { bytes, relocations } = sectionOf(object, '.sframe')
  rmSync(folder, { recursive: true })
  const vectors: Vectors = {
    producer: stdout.trim(),
    records: list.map((one) => printRecord(one)),
    section: Buffer.from(bytes).toString('base64'),
    relocations: relocations.map(({ offset, symbol, addend }) => [offset, symbol, addend]),
  }
  writeFileSync(path, `${JSON.stringify(vectors, null, 1)}\n`)
}

test('version 2 is what LLVM writes, byte for byte', () => {
  if (python !== undefined) record(python)
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors
  expect(vectors.producer).toMatch(/^LLVM 22\./)
  expect(vectors.records.length).toBe(120)
  const list = vectors.records.map((text) => parseRecord(text))
  const theirs = new Uint8Array(Buffer.from(vectors.section, 'base64'))
  const options: SFrameFormatOptions = { version: 2, starts: 'field', sorted: false }
  const format = createSFrameFormat(options)
  const [ours] = format.assemble(place(list, format))
  expect(ours!.relocations.map(({ offset, symbol, addend }) => [offset, symbol, addend])).toEqual(vectors.relocations)
  expect(Buffer.from(ours!.bytes).toString('hex')).toBe(Buffer.from(theirs).toString('hex'))
  const table = decodeSFrame(theirs)
  expect([table.version, table.flags]).toEqual([2, 4])
  expect(new Set(table.functions.map(({ startSize }) => startSize))).toEqual(new Set([0, 1, 2]))
})
