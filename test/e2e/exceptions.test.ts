// A C++ exception from a callback passes through our frames and is caught above them: on Linux libgcc finds its way by
// .eh_frame, on Windows RtlUnwindEx by .pdata and .xdata.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requireTool } from '../../packages/testkit/src/index.ts'
import { compileClif } from '../support/framewright.ts'
import { execute, keepWine, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { clean, examplesFolder, need, scratch } from '../support/tools.ts'

const place = scratch()
keepWine()
const source = join(import.meta.dirname, 'exceptions.cc')

function build(system: System, object: string, ...options: string[]): string {
  const out = place(`exceptions-${system.name}${options.join('')}${system.exe}`)
  const libraries = system.name === 'linux' ? [] : ['-static']
  clean(requireTool(system.cxx)!, [
    '-std=c++17',
    '-Wall',
    '-I',
    examplesFolder,
    '-o',
    out,
    source,
    object,
    ...options,
    ...libraries,
  ])
  return out
}

test.for([linux, windows])('C++ exceptions pass our frames ($name)', { timeout: 120_000 }, async (system, context) => {
  need(context, ...system.tools, system.cxx)
  for (const [index, settings] of [[], ['-O', '0', '--set', 'preserve_frame_pointers']].entries()) {
    const out = place(`callback-${system.name}-${index}.o`)
    const object = await compileClif(sourcesOf('callback').clif, out, system.triple, ...settings)
    for (const level of ['-O0', '-O2']) {
      const { status, stdout, stderr } = execute(system, build(system, object, level))
      expect(stdout + stderr).toMatch(/^exceptions: 450 attempts, 0 failures\r?\n$/)
      expect(status).toBe(0)
    }
  }
})

test('without unwind information the same program ends', { timeout: 120_000 }, async (context) => {
  need(context, ...linux.tools, linux.cxx)
  const object = await compileClif(sourcesOf('callback').clif, place('bare.o'), linux.triple, '--unwind', 'none')
  const { status, stdout } = execute(linux, build(linux, object, '-O1'))
  expect(stdout).not.toContain(' 0 failures')
  expect(status).not.toBe(0)
})
