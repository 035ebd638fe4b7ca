// Wine's DLLs describe their frames twice: for Windows, and for debuggers in .debug_frame, which GCC made exact at every
// instruction. What we take Windows to see in the prologues, bodies and epilogues of version 1 must be what that says.

import { expect, test } from 'vitest'
import { builtInFormats } from '../../packages/cli/src/formats.ts'
import { loadDisassembler } from '../../packages/cli/src/listing/disassemble.ts'
import { loadFile } from '../../packages/cli/src/listing/loaded-file.ts'
import { withEpilogues } from '../../packages/cli/src/listing/win64-epilogues.ts'
import { RETURN_ADDRESS, rowAt, sameState, type UnwindRow, XMM0 } from '../../packages/frame-layout/src/index.ts'
import { dwarf } from '../../packages/unwind-dwarf/src/index.ts'
import type { Win64DecodedFunction } from '../../packages/unwind-win64/src/index.ts'
import { peFiles, present, read } from '../support/real-files.ts'

const libraries = present(peFiles).filter((path) => /(?:ntdll|kernel32|kernelbase|msvcrt)\.dll$/.test(path))
const disassemble = await loadDisassembler()

/** GCC says of several vector registers that they are saved when the last of them is, and never that they are back. */
function withoutVectors(row: UnwindRow): UnwindRow {
  const registers = [...row.registers].filter(([register]) => register < XMM0 || register === RETURN_ADDRESS)
  return { ...row, registers: new Map(registers) }
}

test.skipIf(libraries.length === 0).each(libraries)('%s', (path) => {
  const file = loadFile(read(path), builtInFormats)
  const sections = file.sections.filter(({ name }) => name === '.debug_frame')
  const debug = new Map(dwarf.decode({ base: file.image.base, sections }).map((range) => [range.begin, range]))
  let compared = 0
  let jumps = 0
  for (const fn of file.functions) {
    const [range, ...more] = fn.ranges as readonly Win64DecodedFunction[]
    const theirs = debug.get(fn.address)
    if (range === undefined || more.length > 0 || theirs === undefined) continue
    // With a frame register GCC counts the CFA from rsp behind the last pop by as much as from that register: it is wrong.
    if (range.info.frameRegister !== 0) continue
    const { instructions } = disassemble(fn)
    const boundaries = instructions.map(({ offset }) => offset)
    const rows = withEpilogues(fn.rows!, fn.code, boundaries, range.info.prologueSize, 0)
    const theirRows = theirs.rows()
    const targets = new Set(instructions.map(({ target }) => target))
    let unreachable = false
    for (const [index, { offset, text }] of instructions.entries()) {
      // Padding in front of a loop or behind the last exit: nothing runs it.
      unreachable = (unreachable || instructions[index - 1]?.ends === true) && !targets.has(offset)
      if (unreachable && /^(?:nop|xchg ax, ax|int3)/.test(text)) continue
      const ours = withoutVectors(rowAt(rows, offset))
      const other = withoutVectors(rowAt(theirRows, offset))
      compared++
      if (sameState(ours, other)) continue
      // A jump to the cold part of a function is an exit to Windows: that part has an entry of its own.
      expect(text, `${fn.name}+0x${offset.toString(16)}: ${text}`).toMatch(/^jmp /)
      jumps++
    }
  }
  expect(compared).toBeGreaterThan(20_000)
  expect(jumps).toBeLessThan(compared / 500)
})
