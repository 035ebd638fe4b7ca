// The platform's unwinder, asked before every instruction of every example, finds what the callers had: return address,
// stack pointer and every preserved register. Nothing may be wrong, anywhere, on either system.

import { describe, expect, test } from 'vitest'
import { type Example, examples } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, keepWine, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'
import { stepProgram, stepTools } from './step.ts'

const place = scratch()
keepWine()
const variants: Readonly<Record<string, readonly string[]>> = {
  'the defaults': [],
  'frame pointers, -O 0': ['-O', '0', '--set', 'preserve_frame_pointers'],
  'stack probes, no red zone': ['--set', 'enable_probestack', '--set', 'enable_red_zone=false'],
}

async function objectOf(
  system: System,
  example: Example,
  variant: string,
  options: readonly string[],
): Promise<string> {
  const out = place(`${example.name}-${system.name}-${variant.replaceAll(/\W/g, '')}.o`)
  return compileClif(sourcesOf(example.name).clif, out, system.triple, ...options)
}

describe.each([linux, windows])('$name', (system) => {
  test.for(examples)('every instruction of $name', { timeout: 180_000 }, async (example, context) => {
    need(context, ...stepTools(system))
    const twin = compileC(system, sourcesOf(example.name).twin, place(`${example.name}-${system.name}-twin.o`), '-O1')
    for (const [variant, options] of Object.entries(variants)) {
      const object = await objectOf(system, example, variant, options)
      const program = stepProgram(system, example, object, '', [twin], place)
      for (const unwinder of system.name === 'linux' ? (['libunwind', 'libgcc'] as const) : [undefined]) {
        const report = program.run(unwinder)
        const told = { variant, unwinder, ...report }
        expect(told).toMatchObject({ complaints: [], wrong: 0, capped: 0, cases: example.calls.length })
        // Every function was entered, where none has been inlined, and no step went unasked.
        if (options.includes('0')) expect(told).toMatchObject({ entered: report.functions })
        expect(report.frames).toBeGreaterThanOrEqual(report.boundaries)
      }
    }
  })
})
