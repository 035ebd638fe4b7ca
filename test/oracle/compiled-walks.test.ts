// Compiled code, ours and that of other compilers: before every instruction, the platform's unwinder and ours, started
// from the same state of the running program, come to the same callers, up to four frames up.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Example, examples } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, keepWine, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { clean, need, scratch } from '../support/tools.ts'
import { stepTools, tableOf } from './step.ts'
import { Agreement, askSteps, compareWalks, hasLlvmLibunwind, imageOf, linkWalk, walkDriver } from './walks.ts'

const place = scratch()
keepWine()

interface Compiler {
  readonly tool: string
  readonly options: readonly string[]
}

const compilersOf: Readonly<Record<System['name'], readonly Compiler[]>> = {
  linux: [
    { tool: 'gcc', options: [] },
    // clang 14 says a wrong CFA in the prologue of functions of Windows' convention that save xmm registers: between the
    // allocation and the last store it is the one before the allocation. What a walk from there finds is anything.
    { tool: 'clang', options: ['-DONE_CONVENTION'] },
  ],
  windows: [
    { tool: 'x86_64-w64-mingw32-gcc', options: [] },
    { tool: 'clang', options: ['--target=x86_64-w64-windows-gnu'] },
    { tool: 'clang', options: ['--target=x86_64-pc-windows-msvc'] },
  ],
}

const levels: readonly (readonly string[])[] = [
  ['-O0'],
  ['-O2'],
  ['-O2', '-fno-omit-frame-pointer'],
  ['-Os', '-mno-red-zone'],
]

const asFile = (text: string): string => text.replaceAll(/\W+/g, '-')

/** Steps through a program, and walks from everywhere. */
function walkProgram(system: System, name: string, objects: readonly string[], visits: number): Agreement {
  const program = linkWalk(system, place(`${name}${system.exe}`), [walkDriver(system, place), ...objects])
  const image = imageOf(program)
  const agreement = new Agreement()
  for (const asked of askSteps(system, program, visits)) compareWalks(image, asked, agreement)
  return agreement
}

const expectAgreement = (agreement: Agreement): void => {
  expect(agreement).toMatchObject({ differences: [], different: 0, unknown: 0 })
}

describe.each([linux, windows])('$name', (system) => {
  const compiled = compilersOf[system.name].flatMap((compiler) => levels.map((level) => ({ ...compiler, level })))

  test.for(compiled)('$tool $options $level', { timeout: 120_000 }, ({ tool, options, level }, context) => {
    const [compiler] = need(context, tool, ...stepTools(system))
    const name = asFile(`frames-${tool}-${[...options, ...level].join('-')}`)
    const object = place(`${name}.o`)
    const source = join(import.meta.dirname, 'frames.c')
    clean(compiler!, ['-std=gnu11', '-Wall', ...options, ...level, '-c', source, '-o', object])
    const agreement = walkProgram(system, name, [object], 3)
    expectAgreement(agreement)
    expect(agreement.refused).toBe(0)
    expect(agreement.agreed).toBeGreaterThan(system.name === 'linux' ? 6000 : 3000)
    expect(agreement.afterCall).toBeGreaterThan(agreement.agreed / 2)
    if (system.name === 'windows') {
      expect(agreement.inEpilogue).toBeGreaterThan(50)
    } else {
      // The convention of Windows saves xmm registers, and libunwind reads no table that names one.
      if (tool === 'gcc') expect(agreement.beyondReader).toBeGreaterThan(0)
      else expect(agreement.beyondReader).toBe(0)
      expect(agreement.withoutData).toBe(0)
      if (hasLlvmLibunwind()) expect(agreement.llvm).toBeGreaterThan(2000)
    }
  })

  test.for(examples)('the example $name, compiled by us and by gcc', { timeout: 120_000 }, async (example, context) => {
    need(context, ...stepTools(system))
    const { clif, twin } = sourcesOf(example.name)
    const ours = await compileClif(clif, place(`${example.name}-${system.name}.o`), system.triple)
    const theirs = compileC(system, twin, place(`${example.name}-${system.name}-twin.o`), '-O2')
    for (const [prefix, object, other] of [
      ['', ours, theirs],
      ['c_', theirs, ours],
    ] as const) {
      const name = `example-${system.name}-${prefix}${example.name}`
      const table = tableObject(system, example, object, prefix, name)
      const agreement = walkProgram(system, name, [table, object, other], 2)
      expectAgreement(agreement)
      expect(agreement.refused).toBe(0)
      expect(agreement.agreed).toBeGreaterThan(200)
      if (prefix === '') expect(agreement.beyondReader).toBe(0)
      if (system.name === 'windows') expect(agreement.inEpilogue).toBeGreaterThan(0)
      else expect(agreement.withoutData).toBe(0)
    }
  })
})

function tableObject(system: System, example: Example, object: string, prefix: string, name: string): string {
  const source = place(`${name}.table.c`)
  writeFileSync(source, tableOf(system, example, object, prefix))
  return compileC(system, source, place(`${name}.table.o`), '-O1', '-I', import.meta.dirname, '-Wno-unused')
}

describe('exceptions of C++ on Linux', () => {
  // Every instruction of the unwinder that throws is stepped over as well, which takes its time.
  const compiled = ['g++', 'clang++'].flatMap((tool) => levels.slice(0, 2).map((level) => ({ tool, level })))
  test.for(compiled)('$tool $level', { timeout: 120_000 }, ({ tool, level }, context) => {
    const [compiler] = need(context, tool, ...stepTools(linux))
    const name = asFile(`throws-${tool}-${level.join('-')}`)
    const object = place(`${name}.o`)
    clean(compiler!, ['-Wall', ...level, '-c', join(import.meta.dirname, 'throws.cc'), '-o', object])
    const agreement = walkProgram(linux, name, [object, '-lstdc++'], 3)
    expectAgreement(agreement)
    expect(agreement).toMatchObject({ refused: 0, withoutData: 0, beyondReader: 0 })
    expect(agreement.agreed).toBeGreaterThan(3000)
    expect(agreement.afterCall).toBeGreaterThan(2000)
  })
})
