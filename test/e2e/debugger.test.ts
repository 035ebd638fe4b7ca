// A debugger that stops in a callback shows our functions by name, and finds the variables of the C that called them.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileClif } from '../support/framewright.ts'
import { compileC, link, linux, sourcesOf } from '../support/systems.ts'
import { need, run, scratch } from '../support/tools.ts'

const place = scratch()

test("gdb's bt walks through our frames", { timeout: 120_000 }, async (context) => {
  const [gdb] = need(context, 'gdb', ...linux.tools)
  // Not optimised: a frame that was inlined is not there to be walked through.
  const object = await compileClif(sourcesOf('callback').clif, place('callback.o'), linux.triple, '-O', '0')
  const main = compileC(linux, join(import.meta.dirname, 'backtrace.c'), place('backtrace.o'), '-O1', '-g')
  const program = link(linux, place('backtrace'), [main, object])
  const commands = [
    'set debuginfod enabled off',
    'break stop_here',
    'run',
    'bt',
    'frame function main',
    'print witness',
  ]
  const batch = commands.flatMap((command) => ['-ex', command])
  const { stdout, stderr } = run(gdb!, ['-batch', '-nx', ...batch, program])
  const frames = [...stdout.matchAll(/^#(\d+) +(?:0x[\da-f]+ in )?(\w+)/gm)].map((match) => match[2])
  expect(frames.slice(0, 10), stdout + stderr).toEqual([
    'stop_here',
    'stop_at',
    'apply_to_buffer',
    'to_buffer',
    'apply_crowded',
    'crowded',
    'apply',
    'nested',
    'nested',
    'nested',
  ])
  expect(frames.slice(10, 12)).toEqual(['nested', 'main'])
  expect(stdout).toContain('$1 = 4711')
  expect(stderr).not.toMatch(/corrupt|inconsistent|warning/i)
})
