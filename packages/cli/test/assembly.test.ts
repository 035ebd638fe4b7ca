// The text of --emit asm goes through assemblers, and what they make describes the same frames as our own object.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rowAt, sameState } from '@framewright/frame-layout'
import { readObject } from '@framewright/object'
import { repositoryRoot, requireTool } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { builtInFormats } from '../src/formats.ts'
import { type Disassembly, loadDisassembler } from '../src/listing/disassemble.ts'
import type { ListedFunction } from '../src/listing/listed-function.ts'
import { loadObject } from '../src/listing/load-object.ts'
import { run, world } from './memory-host.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()
const examples = join(repositoryRoot, 'examples')
const names = readdirSync(examples).filter((name) => name.endsWith('.clif'))
const disassemble = await loadDisassembler()

const assemblers = [
  ['as', 'x86_64-unknown-linux-gnu', []],
  ['clang', 'x86_64-unknown-linux-gnu', ['-c', '-x', 'assembler']],
  ['x86_64-w64-mingw32-as', 'x86_64-w64-windows-gnu', []],
  ['clang', 'x86_64-w64-windows-gnu', ['-c', '-x', 'assembler', '--target=x86_64-w64-mingw32']],
] as const

describe.each(assemblers)('%s for %s', (tool, triple, flags) => {
  const path = requireTool(tool)
  test.skipIf(path === null).each(names)('%s', async (name) => {
    const where = world({ 'a.clif': new Uint8Array(readFileSync(join(examples, name))) })
    expect(await run(`compile a.clif --target ${triple} --emit asm -o a.s`, where)).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await run(`compile a.clif --target ${triple} -o a.o`, where)).toMatchObject({ code: 0, stderr: '' })
    const out = file('a.o')
    const said = runTool(path as string, ...flags, '-o', out, file('a.s', where.files.get('a.s')))
    expect(said).toEqual({ status: 0, stdout: '', stderr: '' })
    const ours = loadObject(readObject(where.files.get('a.o') as Uint8Array), builtInFormats).functions
    const theirs = loadObject(readObject(new Uint8Array(readFileSync(out))), builtInFormats).functions
    expect(theirs.map((fn) => fn.name)).toEqual(ours.map((fn) => fn.name))
    for (const [index, fn] of ours.entries()) compare(fn, theirs[index])
  })
})

/** Encodings may differ, so instructions are matched by their order. */
function compare(ours: ListedFunction, theirs: ListedFunction): void {
  const mine = disassemble(ours)
  const other = disassemble(theirs)
  expect(mnemonics(other), ours.name).toEqual(mnemonics(mine))
  expect(theirs.rows === null, ours.name).toBe(ours.rows === null)
  if (ours.rows === null || theirs.rows === null) return
  for (const [index, { offset, text }] of mine.instructions.entries()) {
    const place = `${ours.name}+${offset}: ${text}`
    expect(sameState(rowAt(theirs.rows, other.instructions[index].offset), rowAt(ours.rows, offset)), place).toBe(true)
  }
}

function mnemonics({ instructions }: Disassembly): string[] {
  return instructions.map(({ text }) => text.split(' ')[0])
}

test('a name that means something to the assembler is still a name', async (context) => {
  const [as, clang] = tools(context, 'as', 'clang')
  const text =
    'function %rax(i64) -> i64 {\n    fn0 = %not(i64) -> i64\nblock0(v0: i64):\n    v1 = call fn0(v0)\n    return v1\n}\n'
  const { stdout } = await run('compile - --emit asm', world({}, { stdin: text }))
  expect(stdout).toContain('"rax":')
  for (const [tool, ...flags] of [[clang, '-c', '-x', 'assembler']]) {
    const out = file('names.o')
    expect(runTool(tool, ...flags, '-o', out, file('names.s', stdout)).stderr).toBe('')
    const { symbols } = readObject(new Uint8Array(readFileSync(out)))
    expect(symbols.filter(({ binding }) => binding === 'global').map(({ name }) => name)).toEqual(['rax', 'not'])
  }
  void as
})
