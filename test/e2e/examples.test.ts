// Every example, compiled for both systems, gives what its C twin gives, and what another compiler made of it.

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Example, examples } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, execute, keepWine, link, linux, type System, sourcesOf, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()
keepWine()

interface Variant {
  readonly name: string
  readonly options: readonly string[]
  readonly link?: readonly string[]
}

/** What makes other frames, or other code, of the same functions. */
const variants: readonly Variant[] = [
  { name: 'the defaults', options: [] },
  { name: '-O 0', options: ['-O', '0'] },
  { name: 'frame pointers', options: ['--set', 'preserve_frame_pointers'] },
  { name: 'stack probes, no red zone', options: ['--set', 'enable_probestack', '--set', 'enable_red_zone=false'] },
  { name: 'at a fixed place', options: ['--set', 'is_pic=false'], link: ['-no-pie'] },
  // What a processor of 2013 has: BMI, LZCNT, POPCNT, SSE4.1. Wine runs it on this machine, too.
  ...(haswell() ? [{ name: 'haswell', options: ['--set', 'haswell'] }] : []),
]

function haswell(): boolean {
  const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  return ['sse4_1', 'popcnt', 'abm', 'bmi1', 'bmi2', 'fma', 'avx2'].every((flag) => flags.includes(` ${flag} `))
}

describe.each([linux, windows])('$name', (system) => {
  test.for(examples)('$name', { timeout: 120_000 }, async (example, context) => {
    need(context, ...system.tools)
    const inC = compileTwin(system, example)
    for (const { name: variant, options, link: linkOptions = [] } of variants) {
      const name = `${example.name}-${system.name}-${variant.replaceAll(/\W/g, '')}`
      const object = await compileClif(sourcesOf(example.name).clif, place(`${name}.o`), system.triple, ...options)
      const program = link(system, place(`${name}${system.exe}`), [...inC, object], ...linkOptions)
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
