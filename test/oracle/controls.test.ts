// What the stepping test is worth: gcc's own objects pass it, and without their unwind tables they do not.

import { describe, expect, test } from 'vitest'
import { type Example, examples } from '../support/examples.ts'
import { compileC, keepWine, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { clean, need, scratch } from '../support/tools.ts'
import { stepProgram, stepTools } from './step.ts'

const place = scratch()
keepWine()

/** The C twin of an example, as gcc compiles it, and what it is linked with. */
function twinOf(system: System, example: Example): string {
  const out = place(`${example.name}-${system.name}.o`)
  return compileC(system, sourcesOf(example.name).twin, out, '-O1', '-fno-inline')
}

// Between them: recursion, saved integer registers, saved floats, large frames, several returns, callbacks.
const names = ['fib', 'pressure', 'frames', 'returns', 'callback']
const chosen = examples.filter((example) => names.includes(example.name))

describe.each([linux, windows])('$name', (system) => {
  test.for(chosen)("gcc's $name passes", (example, context) => {
    need(context, ...stepTools(system))
    const program = stepProgram(system, example, twinOf(system, example), 'c_', [], place)
    for (const unwinder of system.name === 'linux' ? (['libunwind', 'libgcc'] as const) : [undefined]) {
      const report = program.run(unwinder)
      expect(report.complaints).toEqual([])
      expect(report).toMatchObject({ wrong: 0, capped: 0, cases: example.calls.length })
      expect(report.boundaries).toBeGreaterThan(50)
      expect(report.frames).toBeGreaterThan(report.boundaries)
    }
  })

  test('without its tables it fails', (context) => {
    need(context, ...stepTools(system), 'llvm-objcopy')
    const [objcopy] = need(context, 'llvm-objcopy')
    const example = examples.find(({ name }) => name === 'callback')!
    const stripped = place(`stripped-${system.name}.o`)
    const sections = system.name === 'linux' ? ['.eh_frame', '.rela.eh_frame'] : ['.pdata', '.xdata']
    const remove = sections.map((section) => `--remove-section=${section}`)
    clean(objcopy!, [...remove, twinOf(system, example), stripped])
    const program = stepProgram(system, { ...example, name: 'callback' }, stripped, 'c_', [], place)
    const report = program.run()
    expect(report.wrong).toBeGreaterThan(report.boundaries / 2)
  })
})
