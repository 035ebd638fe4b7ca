// Numbers of encoded unwind data are changed, one at a time, in objects of ours: where the rows are others then, that is
// found. A row may be another and still true (a register that is saved and still in its place): the least share that must be
// found is what was measured, with a little room.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtInFormats } from '../../packages/cli/src/formats.ts'
import { loadObject } from '../../packages/cli/src/listing/load-object.ts'
import { proveUnwind } from '../../packages/cli/src/prove/prove-unwind.ts'
import { sameState, type UnwindRow } from '../../packages/frame-layout/src/index.ts'
import { type ObjectFile, readObject } from '../../packages/object/src/index.ts'
import { framewright } from '../support/framewright.ts'
import { examplesFolder } from '../support/tools.ts'

async function compiled(example: string, target: string): Promise<ObjectFile> {
  const text = readFileSync(join(examplesFolder, `${example}.clif`), 'utf8')
  const args = ['compile', 'in.clif', '-o', 'out.o', '--target', target]
  const { written, stderr } = await framewright(args, new Map([['in.clif', text]]))
  expect(stderr).toBe('')
  return readObject(written.get('out.o')!)
}

function rowsOf(object: ObjectFile): (readonly UnwindRow[] | null)[] {
  return loadObject(object, builtInFormats).functions.map(({ rows }) => rows)
}

function sameRows(a: readonly UnwindRow[] | null, b: readonly UnwindRow[] | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((row, i) => row.at === b[i]!.at && sameState(row, b[i]!))
}

interface Count {
  /** Changes that the reader took, and that change what is said. */
  changed: number
  found: number
  /** Nothing was found, but not everything could be decided any more: the first row of a function says that it is none. */
  undecided: number
}

function mutate(object: ObjectFile, section: string, first: number): Count {
  const count = { changed: 0, found: 0, undecided: 0 }
  const original = rowsOf(object)
  const index = object.sections.findIndex(({ name }) => name === section)
  const { bytes, relocations } = object.sections[index]!
  // Addresses are the linker's, and in .eh_frame the length of the code stands behind each: what is described is another
  // piece of code then, but what is said of it is true.
  const width = section === '.eh_frame' ? 8 : 4
  const skipped = new Set(relocations.flatMap(({ offset }) => Array.from({ length: width }, (_, i) => offset + i)))
  for (let at = first; at < bytes.length; at++) {
    if (skipped.has(at)) continue
    for (const by of [1, 8, 0x10, 0xff]) {
      const content = Uint8Array.from(bytes)
      content[at] = content[at]! + by
      const sections = object.sections.map((each, i) => (i === index ? { ...each, bytes: content } : each))
      const other = { ...object, sections }
      let isOther: boolean
      try {
        isOther = rowsOf(other).some((rows, i) => !sameRows(rows, original[i]!))
      } catch {
        continue // It is malformed, and that was noticed.
      }
      if (!isOther) continue
      count.changed++
      const { report } = proveUnwind(loadObject(other, builtInFormats), { callsReturn: true })
      if (report.functions.some(({ findings }) => findings.length > 0)) count.found++
      else if (report.functions.some(({ undecided, assumed }) => undecided.size > 0 || assumed > 0)) count.undecided++
    }
  }
  return count
}

test.each([
  ['fib', 'x86_64-unknown-linux-gnu', '.eh_frame', 24],
  ['quicksort', 'x86_64-unknown-linux-gnu', '.eh_frame', 24],
  ['frames', 'x86_64-unknown-linux-gnu', '.eh_frame', 24],
  ['fib', 'x86_64-pc-windows-msvc', '.xdata', 0],
  ['quicksort', 'x86_64-pc-windows-msvc', '.xdata', 0],
  ['conventions', 'x86_64-pc-windows-msvc', '.xdata', 0],
])('%s for %s: %s', async (example, target, section, first) => {
  const count = mutate(await compiled(example, target), section, first)
  expect(count.changed).toBeGreaterThan(20)
  // The rest are rules that are others and true: a register that an exit popped has its value in the slot as well, so a
  // `restore` that names another register leaves a rule that holds.
  expect(count.found / count.changed).toBeGreaterThan(section === '.eh_frame' ? 0.8 : 0.9)
  expect(count.undecided / count.changed).toBeLessThan(0.05)
})
