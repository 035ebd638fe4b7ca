// Cranelift's own run tests (../shared/clif/runtests): compiled, linked with a C driver, called.
//
// Every function that compiles is called in both conventions, with several settings. What is refused is listed, with the
// reason, in refused.txt: a function that is newly refused changes that file.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  applySetting,
  CodegenError,
  type CompiledFunction,
  Compiler,
  defaultSettings,
} from '../../packages/codegen-x64/src/index.ts'
import { runDirectives } from '../../packages/filetest/src/index.ts'
import { type Function as IrFunction, printExternalName, symbolName } from '../../packages/ir/src/index.ts'
import { type ParsedFile, parseFile } from '../../packages/ir/src/text/index.ts'
import { optimizeModule } from '../../packages/opt/src/index.ts'
import { sharedPath } from '../../packages/testkit/src/index.ts'
import type { ConventionName } from '../support/machine/convention.ts'
import { setConventions } from '../support/machine/convert.ts'
import { availableFeatures } from '../support/machine/features.ts'
import { Image } from '../support/machine/image.ts'
import { linux, type System, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()
const folder = sharedPath('clif/runtests')

interface Variant {
  readonly name: string
  readonly settings: readonly string[]
  /** Runs the optimiser first. What is refused then is not listed: it may be less, as code that is not there is not refused. */
  readonly optimised?: boolean
}

const variants: readonly Variant[] = [
  { name: 'baseline', settings: [] },
  { name: 'features', settings: availableFeatures() },
  { name: 'frame-pointers', settings: ['preserve_frame_pointers'] },
  { name: 'optimised', settings: [], optimised: true },
]
const listed = variants.filter(({ optimised }) => optimised !== true)

interface Configuration {
  readonly name: string
  readonly system: System
  readonly convention: ConventionName
}

const configurations: readonly Configuration[] = [
  { name: 'System V', system: linux, convention: 'system_v' },
  { name: "Windows' convention on Linux", system: linux, convention: 'windows_fastcall' },
  { name: 'Windows', system: windows, convention: 'windows_fastcall' },
]

/** Symbols of the C and compiler libraries that code generation may call. */
const library = new Set(['ceil', 'floor', 'trunc', 'nearbyint', 'fma'].flatMap((name) => [name, `${name}f`]))
library.add('___chkstk_ms')

const read = (): { name: string; text: string }[] => {
  if (folder === null) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.clif'))
    .sort()
    .map((name) => ({ name, text: readFileSync(`${folder}/${name}`, 'utf8') }))
}

interface Unit {
  readonly func: IrFunction
  readonly name: string
  /** Null when refused, then with the reason. */
  readonly compiled: CompiledFunction | null
  readonly refused: string
}

/** Compiles a file. A function whose callees are refused is refused as well. */
function compileAll(file: ParsedFile, prefix: string, { system, convention }: Configuration, variant: Variant): Unit[] {
  const settings = defaultSettings()
  // Settings of the file that are not implemented ask for other code, not for code that means something else.
  for (const setting of file.header.settings) {
    try {
      applySetting(settings, ...(setting.split('=') as [string, string?]))
    } catch (error) {
      if (!(error instanceof CodegenError)) throw error
    }
  }
  for (const setting of variant.settings) applySetting(settings, setting)
  const compiler = new Compiler({ target: system.triple as 'x86_64-unknown-linux-gnu', settings, check: true })
  for (const func of file.functions) setConventions(func, () => convention)
  if (variant.optimised === true) optimizeModule(file.functions)
  const units = file.functions.map((func, i): Unit => {
    const name = `${prefix}_${i}`
    try {
      return { func, name, compiled: compiler.compile(func), refused: '' }
    } catch (error) {
      if (!(error instanceof CodegenError)) throw error
      return { func, name, compiled: null, refused: error.message.replace(/ in \S+$/, '') }
    }
  })
  for (let changed = true; changed; ) {
    changed = false
    for (const [i, unit] of units.entries()) {
      const missing = unit.compiled?.relocations.find(
        ({ symbol }) =>
          !library.has(symbol) &&
          !units.some(({ func, compiled }) => compiled !== null && symbolName(func.name) === symbol),
      )
      if (missing === undefined) continue
      units[i] = { ...unit, compiled: null, refused: `refers to ${missing.symbol}, which is refused or unknown` }
      changed = true
    }
  }
  return units
}

const label = (unit: Unit): string => printExternalName(unit.func.name)

/** What was refused, and in which configurations and variants. */
const refusals = new Map<string, Set<string>>()
let finished = 0

describe.runIf(folder !== null)('run tests', () => {
  const files = read()

  test.for(configurations)('$name', { timeout: 120_000 }, async (configuration, context) => {
    const { system } = configuration
    need(context, ...system.tools)
    const image = new Image(system)
    const calls: { readonly what: string; readonly expected: readonly bigint[]; readonly unequal: boolean }[] = []
    for (const variant of variants) {
      for (const [i, file] of files.entries()) {
        // The header's default convention is the host's; here it is the configuration's.
        const units = compileAll(
          parseFile(file.text),
          `${variant.name}_${i}`.replaceAll('-', '_'),
          configuration,
          variant,
        )
        for (const unit of units) {
          if (unit.compiled === null) {
            if (!listed.includes(variant)) continue
            const key = `${file.name} ${label(unit)}: ${unit.refused}`
            refusals.set(key, (refusals.get(key) ?? new Set()).add(`${configuration.name}, ${variant.name}`))
            continue
          }
          const linked = (symbol: string): string =>
            units.find(({ func }) => symbolName(func.name) === symbol)?.name ?? symbol
          const entry = image.add(unit.name, unit.compiled, unit.func.signature, linked)
          for (const { text, args, expected, unequal } of runDirectives(unit.func)) {
            if (expected === null) continue
            image.call(entry, args)
            calls.push({ what: `${variant.name}: ${file.name} ${label(unit)}: ${text}`, expected, unequal })
          }
        }
      }
    }
    const outcomes = image.run(place, `runtests-${configuration.name.replaceAll(/\W/g, '')}`)
    const wrong: string[] = []
    for (const [i, { trap, results, violations }] of outcomes.entries()) {
      const { what, expected, unequal } = calls[i]
      const equal = results.length === expected.length && results.every((result, j) => result === expected[j])
      if (trap === null && equal !== unequal && violations.length === 0) continue
      wrong.push(`${what}\n  got [${results.map((bits) => `0x${bits.toString(16)}`)}] ${trap ?? ''} ${violations}`)
    }
    expect(wrong.slice(0, 20)).toEqual([])
    expect(calls.length / variants.length).toBeGreaterThan(4800)
    finished++
  })

  test('what is refused is known', async (context) => {
    if (finished < configurations.length) context.skip()
    const total = configurations.length * listed.length
    const lines = [...refusals].map(
      ([key, where]) => `${key}${where.size === total ? '' : ` [${[...where].join('; ')}]`}`,
    )
    await expect(`${lines.sort().join('\n')}\n`).toMatchFileSnapshot('refused.txt')
  })
})
