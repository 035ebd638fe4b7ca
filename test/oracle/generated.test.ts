// Random functions that call each other: every instruction unwound on both systems, and the same results from both, whose
// conventions, registers and frames differ.

import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  GENERATED_TYPES,
  type GeneratedFunction,
  type GeneratedType,
  generateFunction,
  Random,
} from '../../packages/ir/src/testing/index.ts'
import type { Example } from '../support/examples.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, execute, keepWine, link, linux, type System, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'
import { stepProgram, stepTools } from './step.ts'

const place = scratch()
keepWine()

const cType: Readonly<Record<GeneratedType, string>> = {
  i8: 'int8_t',
  i16: 'int16_t',
  i32: 'int32_t',
  i64: 'int64_t',
  f32: 'float',
  f64: 'double',
}

/** Functions that may call those before them, with 0 to 12 parameters of all types. */
function moduleOf(seed: number): GeneratedFunction[] {
  const random = new Random(seed)
  const made: GeneratedFunction[] = []
  for (let i = 0; i < 8; i++) {
    const params = Array.from({ length: random.between(0, 12) }, () => random.pick(GENERATED_TYPES))
    const callees = made
      .slice(-4)
      .map(({ name, params, returns, cost }, k) => ({ name, params, returns, cost, colocated: k % 2 === 0 }))
    made.push(
      generateFunction({
        ...{ seed: seed * 100 + i, name: `f${seed}_${i}`, instructions: 30 + random.between(0, 150) },
        ...{ params, returns: [random.pick(GENERATED_TYPES)], callees, maxTrips: 3, extended: i % 2 === 0 },
      }),
    )
  }
  return made
}

const prototype = ({ name, params, returns }: GeneratedFunction): string =>
  `${cType[returns[0]!]} ${name}(${params.map((type) => cType[type]).join(', ') || 'void'});`

function callsOf(functions: readonly GeneratedFunction[], seed: number): string[] {
  const random = new Random(seed)
  return functions.flatMap(({ name, params }) =>
    [0, 1].map(() => {
      const values = params.map((type) => {
        const n = random.between(0, 2000) - 1000
        return type.startsWith('f')
          ? `(${cType[type]})${n}.375`
          : type === 'i64'
            ? `INT64_C(${n}) * 0x10001`
            : `(${cType[type]})${n}`
      })
      return `${name}(${values.join(', ')})`
    }),
  )
}

/** Prints the bits of what each call gives. */
function printer(functions: readonly GeneratedFunction[], calls: readonly string[]): string {
  const lines = calls.map((call) => {
    const { returns } = functions.find(({ name }) => call.startsWith(`${name}(`))!
    return `  { ${cType[returns[0]!]} r = ${call}; unsigned long long bits = 0; memcpy(&bits, &r, sizeof r); printf("%llx\\n", bits); }`
  })
  return `#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n${functions.map(prototype).join('\n')}\nint main(void) {\n${lines.join('\n')}\n  return 0;\n}\n`
}

const seeds = [1, 2, 3, 4, 5, 6]

describe.each(seeds)('module %i', (seed) => {
  const functions = moduleOf(seed)
  const clif = (): string => {
    const path = place(`module-${seed}.clif`)
    writeFileSync(path, functions.map(({ text }) => text).join('\n'))
    return path
  }
  const calls = callsOf(functions, seed)
  const compile = (system: System): Promise<string> =>
    compileClif(clif(), place(`module-${seed}-${system.name}.o`), system.triple, '-O', seed % 2 === 0 ? '0' : '2')

  test('gives the same on both systems', { timeout: 120_000 }, async (context) => {
    need(context, ...linux.tools, ...windows.tools)
    const source = place(`print-${seed}.c`)
    writeFileSync(source, printer(functions, calls))
    const outputs: string[][] = []
    for (const system of [linux, windows]) {
      const main = compileC(system, source, place(`print-${seed}-${system.name}.o`))
      const program = link(system, place(`print-${seed}${system.exe}`), [main, await compile(system)])
      const { status, stdout } = execute(system, program)
      expect(status, stdout).toBe(0)
      outputs.push(stdout.trim().split(/\r?\n/))
    }
    expect(outputs[0]!.length).toBe(calls.length)
    expect(outputs[1]).toEqual(outputs[0])
  })

  test.for([linux, windows])('every instruction on $name', { timeout: 180_000 }, async (system, context) => {
    need(context, ...stepTools(system))
    // Calls that take long say no more than short ones.
    const cost = (call: string): number => functions.find(({ name }) => call.startsWith(`${name}(`))!.cost
    const chosen = calls.filter((call) => cost(call) < 8000)
    const declarations = functions.map(prototype).join('\n')
    const example: Example = { name: `module${seed}`, checksum: null, results: 0, calls: chosen, declarations }
    const program = stepProgram(system, example, await compile(system), '', [], place)
    for (const unwinder of system.name === 'linux' ? (['libunwind', 'libgcc'] as const) : [undefined]) {
      const report = program.run(unwinder)
      expect(report).toMatchObject({ complaints: [], wrong: 0, capped: 0, cases: chosen.length })
      expect(report.entered).toBeGreaterThan(functions.length / 2)
    }
  })
})
