// Every example, compiled for both systems, gives what its C twin gives, and what another compiler made of it.

import { describe, expect, test } from 'vitest'
import { type Example, examples } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, execute, link, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()

/** What makes other frames, or other code, of the same functions. */
const variants: Readonly<Record<string, readonly string[]>> = {
  'the defaults': [],
  '-O 0': ['-O', '0'],
  'frame pointers': ['--set', 'preserve_frame_pointers'],
}

describe.each([linux, windows])('$name', (system) => {
  test.for(examples)('$name', { timeout: 120_000 }, async (example, context) => {
    need(context, ...system.tools)
    const inC = compileTwin(system, example)
    for (const [variant, options] of Object.entries(variants)) {
      const name = `${example.name}-${system.name}-${variant.replaceAll(/\W/g, '')}`
      const object = await compileClif(sourcesOf(example.name).clif, place(`${name}.o`), system.triple, ...options)
      const program = link(system, place(`${name}${system.exe}`), [...inC, object])
      const { status, stdout } = execute(system, program)
      const last = stdout.trim().split(/\r?\n/).at(-1) ?? ''
      const match = /^(\w+): (\d+) results compared, (\d+) wrong, checksum ([\da-f]{16})$/.exec(last)
      expect(match, `${variant}: ${stdout}`).not.toBeNull()
      const [, printed, results, wrong, checksum] = match!
      expect({ printed, results: Number(results), wrong, status }, `${variant}: ${stdout}`).toEqual({
        printed: example.name,
        results: example.results,
        wrong: '0',
        status: 0,
      })
      if (example.checksum !== null) expect(checksum, variant).toBe(example.checksum)
    }
  })
})

function compileTwin(system: System, example: Example): string[] {
  const { driver, twin } = sourcesOf(example.name)
  const name = `${example.name}-${system.name}`
  return [
    compileC(system, driver, place(`${name}-driver.o`), '-O1'),
    compileC(system, twin, place(`${name}-twin.o`), '-O1'),
  ]
}
