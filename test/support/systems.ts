// The two systems that the end-to-end tests compile for, link for and run on.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { clean, environment, examplesFolder, type Outcome, run, runWine } from './tools.ts'

export interface System {
  readonly name: 'linux' | 'windows'
  readonly triple: string
  /** C compiler, which also links. */
  readonly cc: string
  readonly cxx: string
  /** Everything that compiling, linking and running takes. */
  readonly tools: readonly string[]
  /** The end of a program's name. */
  readonly exe: string
}

export const linux: System = {
  name: 'linux',
  triple: 'x86_64-unknown-linux-gnu',
  cc: 'gcc',
  cxx: 'g++',
  tools: ['gcc'],
  exe: '',
}

export const windows: System = {
  name: 'windows',
  triple: 'x86_64-w64-windows-gnu',
  cc: 'x86_64-w64-mingw32-gcc',
  cxx: 'x86_64-w64-mingw32-g++',
  tools: ['x86_64-w64-mingw32-gcc', 'wine64'],
  exe: '.exe',
}

export const systems: readonly System[] = [linux, windows]

const found = (name: string): string => {
  const path = requireTool(name)
  if (path === null) throw new Error(`${name} is missing`)
  return path
}

/** Compiles one C file to an object. */
export function compileC(system: System, source: string, out: string, ...options: readonly string[]): string {
  clean(found(system.cc), ['-std=gnu11', '-Wall', '-I', examplesFolder, '-c', source, '-o', out, ...options])
  return out
}

/** Links a program; a warning of the linker is an error. */
export function link(system: System, out: string, inputs: readonly string[], ...options: readonly string[]): string {
  const libraries = system.name === 'linux' ? ['-lm'] : []
  clean(found(system.cc), ['-o', out, '-Wl,--fatal-warnings', ...inputs, ...options, ...libraries])
  return out
}

/**
 * Keeps Wine running from the first to the last test of a file. Otherwise its services start and end with every program:
 * most of a second each, and more where a pipe is inherited.
 */
export function keepWine(): void {
  let sleeper: ChildProcess | undefined
  let folder: string | undefined
  beforeAll(() => {
    const [cc, wine] = windows.tools.map((tool) => requireTool(tool))
    if (cc == null || wine == null) return
    folder = mkdtempSync(join(tmpdir(), 'framewright-wine-sleeper-'))
    const source = join(folder, 'sleeper.c')
    const program = join(folder, 'sleeper.exe')
    // It ends by itself, should nobody end it.
    writeFileSync(source, '#include <windows.h>\nint main(void) { Sleep(900000); return 0; }\n')
    clean(cc, ['-o', program, source])
    sleeper = spawn(wine, [program], { stdio: 'ignore', env: environment })
  })
  afterAll(() => {
    sleeper?.kill('SIGKILL')
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
}

/** Runs a program of either system. */
export function execute(system: System, program: string, ...args: readonly string[]): Outcome {
  if (system.name === 'linux') return run(program, args)
  return runWine(found('wine64'), program, args)
}

/** The driver and the twin of an example, as C source files. */
export const sourcesOf = (
  example: string,
): { readonly driver: string; readonly twin: string; readonly clif: string } => ({
  driver: join(examplesFolder, 'drivers', `${example}.c`),
  twin: join(examplesFolder, `${example}.c`),
  clif: join(examplesFolder, `${example}.clif`),
})
