// Every linker takes our objects, all of them together, without a word.

import { describe, expect, test } from 'vitest'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { examples } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, execute, keepWine, link, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { clean, need, scratch } from '../support/tools.ts'

const place = scratch()
keepWine()
const names = examples.map(({ name }) => name)

const ours = (triple: string, names: readonly string[]): Promise<string[]> =>
  Promise.all(names.map((name) => compileClif(sourcesOf(name).clif, place(`${name}-${triple}.o`), triple)))

const twins = (system: System, names: readonly string[], ...options: string[]): string[] =>
  names.map((name) => {
    const out = place(`${name}-${system.name}-twin${options.join('')}.o`)
    return compileC(system, sourcesOf(name).twin, out, '-O1', ...options)
  })

/** A program of all objects, whose `main` is the driver of the first example. */
async function everything(system: System, ...options: string[]): Promise<string> {
  const driver = compileC(system, sourcesOf('calls').driver, place(`driver-${system.name}.o`))
  const inputs = [driver, ...(await ours(system.triple, names)), ...twins(system, names)]
  return link(system, place(`all-${system.name}${options.join('')}${system.exe}`), inputs, ...options)
}

describe('ELF', () => {
  const ways: Readonly<Record<string, readonly string[]>> = {
    'GNU ld, position-independent': ['-pie'],
    'GNU ld, at a fixed place': ['-no-pie'],
    'GNU ld, static': ['-static'],
    'GNU ld, unused sections thrown away': ['-Wl,--gc-sections'],
    'lld, position-independent': ['-fuse-ld=lld', '-pie'],
    'lld, at a fixed place': ['-fuse-ld=lld', '-no-pie'],
    'lld, identical code folded': ['-fuse-ld=lld', '-Wl,--icf=all'],
  }
  test.for(Object.entries(ways))('%s', { timeout: 120_000 }, async ([, options], context) => {
    need(context, ...linux.tools, 'ld', ...(options.includes('-fuse-ld=lld') ? ['ld.lld'] : []))
    const program = await everything(linux, ...options)
    const { status, stdout } = execute(linux, program)
    expect(stdout).toContain('0 wrong')
    expect(status).toBe(0)
    // The stack stays what it should be, and the unwind tables are found.
    const [readelf] = need(context, 'readelf')
    const headers = clean(readelf!, ['-lW', program])
    expect(headers).toMatch(/GNU_STACK\s.*\sRW\s/)
    if (!options.includes('-static')) expect(headers).toMatch(/GNU_EH_FRAME/)
  })

  test('a shared object', { timeout: 120_000 }, async (context) => {
    const [gcc] = need(context, 'gcc')
    // memory.clif says that a variable of the program is near; in a shared object it is not.
    const shared = names.filter((name) => name !== 'memory')
    const library = place('libexamples.so')
    clean(gcc!, ['-shared', '-Wl,--fatal-warnings,-z,defs', '-o', library, ...(await ours(linux.triple, shared))])
    const driver = compileC(linux, sourcesOf('callback').driver, place('callback-driver.o'))
    const program = link(linux, place('with-library'), [driver, ...twins(linux, ['callback']), library])
    expect(execute(linux, program).stdout).toContain('0 wrong')
  })
})

describe('COFF', () => {
  const ways: Readonly<Record<string, readonly string[]>> = {
    "mingw's ld": [],
    "mingw's ld, at a fixed place": ['-Wl,--disable-dynamicbase'],
    "lld as mingw's linker": ['-fuse-ld=lld'],
  }
  test.for(Object.entries(ways))('%s', { timeout: 120_000 }, async ([, options], context) => {
    need(context, ...windows.tools, ...(options.includes('-fuse-ld=lld') ? ['ld.lld'] : []))
    const program = await everything(windows, ...options)
    const { status, stdout } = execute(windows, program)
    expect(stdout).toContain('0 wrong')
    expect(status).toBe(0)
    checkFunctionTable(program)
  })

  test('lld-link, without a C library', { timeout: 120_000 }, async (context) => {
    const [linker] = need(context, 'lld-link', ...windows.tools)
    const chosen = ['fib', 'quicksort', 'pressure', 'calls', 'frames', 'switch', 'callback', 'memory']
    const options = ['-ffreestanding', '-fno-stack-protector', '-mno-stack-arg-probe']
    const source = compileC(
      windows,
      `${import.meta.dirname}/freestanding.c`,
      place('freestanding.o'),
      '-O1',
      ...options,
    )
    const objects = [source, ...(await ours('x86_64-pc-windows-msvc', chosen)), ...twins(windows, chosen, ...options)]
    const program = place('freestanding.exe')
    clean(linker!, ['/entry:start', '/subsystem:console', '/nodefaultlib', '/WX', `/out:${program}`, ...objects])
    expect(execute(windows, program)).toMatchObject({ status: 42, stdout: '' })
    checkFunctionTable(program)
  })
})

/** The program's function table is sorted, its ranges do not overlap, and it has more than a few. */
function checkFunctionTable(program: string): void {
  const text = clean(requireTool('llvm-readobj')!, ['--unwind', program])
  const starts = [...text.matchAll(/StartAddress: .*?\(?(0x[\dA-F]+)\)?$/gm)].map((match) => Number(match[1]))
  const ends = [...text.matchAll(/EndAddress: .*?\(?(0x[\dA-F]+)\)?$/gm)].map((match) => Number(match[1]))
  expect(starts.length).toBeGreaterThan(20)
  expect(ends.length).toBe(starts.length)
  for (const [index, start] of starts.entries()) {
    expect(ends[index]).toBeGreaterThan(start)
    if (index > 0) expect(start).toBeGreaterThanOrEqual(ends[index - 1]!)
  }
}
