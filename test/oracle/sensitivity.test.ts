// The stepping test notices every single wrong number in the tables of our own objects.

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { examples } from '../support/examples.ts'
import { compileClif, framewright } from '../support/framewright.ts'
import { keepWine, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { clean, need, scratch } from '../support/tools.ts'
import { stepProgram, stepTools } from './step.ts'

const place = scratch()
keepWine()

interface Field {
  /** From the start of the section. */
  readonly offset: number
  readonly name: string
  readonly meaning: string
}

/** Where a byte of the field is changed, and by how much. */
type Change = readonly [byte: number, by: number]

/** Changes that make a field wrong. An advance of 1 to 63 bytes, a register or a small operand lies in the opcode's own byte. */
const changes: Readonly<Record<string, readonly Change[]>> = {
  DW_CFA_advance_loc: [[0, 1]],
  DW_CFA_def_cfa_offset: [[1, 8]],
  DW_CFA_offset: [
    [0, 1],
    [1, 1],
  ],
  // The first byte is the code offset: one more, and an instruction boundary falls on the wrong side of it. A store of a
  // vector register is no such case: until something else is in the register, both sides are right.
  UWOP_PUSH_NONVOL: [
    [0, 1],
    [1, 16],
  ],
  UWOP_ALLOC_SMALL: [
    [0, 1],
    [1, 16],
  ],
  UWOP_ALLOC_LARGE: [
    [0, 1],
    [2, 1],
  ],
  UWOP_SAVE_XMM128: [
    [1, 16],
    [2, 1],
  ],
}

/** Where a section lies in an object file, in bytes. */
function sectionAt(object: string, name: string): number {
  const text = clean(requireTool('llvm-readobj')!, ['--sections', object])
  const block = text.split('Section {').find((each) => each.includes(`Name: ${name} `))
  const offset = /\b(?:Offset|PointerToRawData): (0x[\dA-F]+)/.exec(block ?? '')?.[1]
  if (offset === undefined) throw new Error(`${object} has no ${name}`)
  return Number(offset)
}

/** The first and the last one of each kind. */
function sample(fields: readonly Field[]): Field[] {
  return Object.keys(changes).flatMap((name) => {
    const all = fields.filter((field) => field.name === name)
    return [...new Set([all[0], all.at(-1)])].filter((field) => field !== undefined)
  })
}

const wanted: readonly { readonly system: System; readonly section: string; readonly title: string }[] = [
  { system: linux, section: '.eh_frame', title: '.eh_frame, frame description (FDE)' },
  { system: windows, section: '.xdata', title: '.xdata, UNWIND_INFO' },
]

test.for(wanted)('one wrong number in $section', { timeout: 180_000 }, async ({ system, section, title }, context) => {
  need(context, ...stepTools(system), 'llvm-readobj')
  const object = await compileClif(sourcesOf('callback').clif, place(`right-${system.name}.o`), system.triple)
  const { stdout } = await framewright(['unwind', '--json', object])
  const { functions } = JSON.parse(stdout) as {
    functions: { name: string; encoded: { title: string; fields: Field[] }[] }[]
  }
  const { encoded } = functions.find(({ name }) => name === 'apply_crowded')!
  const fields = sample(encoded.find((part) => part.title === title)!.fields)
  expect(fields.length).toBeGreaterThan(4)
  const start = sectionAt(object, section)
  const example = { ...examples.find(({ name }) => name === 'callback')!, calls: ['$apply_crowded(plus, 4, 2.5)'] }
  const stepped = (path: string) => stepProgram(system, example, path, '', [], place).run()
  expect(stepped(object).wrong).toBe(0)

  const missed: string[] = []
  for (const { offset, name, meaning } of fields) {
    for (const [byte, by] of changes[name]!) {
      const bytes = readFileSync(object)
      bytes[start + offset + byte]! += by
      const wrong = place(`wrong-${system.name}.o`)
      writeFileSync(wrong, bytes)
      if (stepped(wrong).wrong === 0) missed.push(`${name}, ${meaning}: byte ${byte} plus ${by}`)
    }
  }
  expect(missed).toEqual([])
})
