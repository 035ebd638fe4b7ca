// Machine code against C: the same functions and calls, in several configurations, must do the same.

import { writeFileSync } from 'node:fs'
import { applySetting, Compiler, defaultSettings } from '../../../packages/codegen-x64/src/index.ts'
import type { Function as IrFunction } from '../../../packages/ir/src/index.ts'
import { symbolName, trapCodeName, typeBits, verifyFunction } from '../../../packages/ir/src/index.ts'
import { parseFunctions } from '../../../packages/ir/src/text/index.ts'
import { execute, linux, type System, windows } from '../systems.ts'
import { clean } from '../tools.ts'
import { translate } from './clif-to-c.ts'
import type { ConventionName } from './convention.ts'
import { setConventions } from './convert.ts'
import { availableFeatures } from './features.ts'
import { buildDriver, Image, linkProgram, type Outcome, toolPath, writeTables } from './image.ts'
import { shrink } from './shrink.ts'
import { type Argument, sameValue, show } from './values.ts'

/** Functions in one text, which may call each other and those of callees.c, with calls to make. */
export interface Program {
  /** Says what it is, for messages: a seed, or what it shows. */
  readonly label: string
  /** Function names must differ between all programs of one comparison. */
  readonly text: string
  readonly calls: readonly ProgramCall[]
}

export interface ProgramCall {
  /** Index of the function in the text. */
  readonly index: number
  readonly args: readonly Argument[]
}

export interface Configuration {
  readonly name: string
  readonly system: System
  /** The convention of a function, by name. */
  readonly convention: (name: string) => ConventionName
  readonly settings: readonly string[]
  /** What is done to the functions of a text before they are compiled. */
  readonly transform?: (functions: readonly IrFunction[]) => void
}

const always = (name: ConventionName) => (): ConventionName => name
/** One half of the functions in each convention, by their names. */
const mixed = (name: string): ConventionName => {
  let sum = 0
  for (let i = 0; i < name.length; i++) sum += name.charCodeAt(i)
  return sum % 2 === 0 ? 'system_v' : 'windows_fastcall'
}

/** Both systems and conventions, with and without optional instructions and frame pointers. */
export const configurations: readonly Configuration[] = [
  { name: 'System V', system: linux, convention: always('system_v'), settings: [] },
  { name: 'System V, features', system: linux, convention: always('system_v'), settings: availableFeatures() },
  {
    name: 'both conventions, frame pointers',
    system: linux,
    convention: mixed,
    settings: ['preserve_frame_pointers', 'enable_red_zone=false'],
  },
  { name: 'Windows', system: windows, convention: always('windows_fastcall'), settings: [] },
  {
    name: 'Windows, both conventions, features, frame pointers',
    system: windows,
    convention: mixed,
    settings: [...availableFeatures(), 'preserve_frame_pointers'],
  },
]

/** Names of callees.c: their last letter is that of their convention. */
export const externals: ReadonlySet<string> = new Set(
  ['add', 'narrow', 'scale', 'single', 'byte', 'short', 'many', 'floats'].flatMap((name) => [
    `c_${name}_s`,
    `c_${name}_w`,
  ]),
)

/** What the C twins of the programs do, compiled by gcc once, for Linux. */
export class Reference {
  readonly programs: readonly Program[]
  readonly outcomes: readonly Outcome[]

  /** @param optimisation - gcc's. */
  constructor(programs: readonly Program[], place: (name: string) => string, optimisation: '-O0' | '-O1' = '-O1') {
    const name = 'reference'
    this.programs = programs
    const functions: IrFunction[] = []
    const words: bigint[] = []
    const called: IrFunction[] = []
    for (const { label, text, calls } of programs) {
      const parsed = parseFunctions(text, { file: label })
      for (const func of parsed) {
        const findings = verifyFunction(func)
        if (findings.length > 0) throw new Error(`${label}: ${findings[0].message}\n${text}`)
      }
      for (const { index, args } of calls) {
        let relative = 0n
        for (const [i, arg] of args.entries()) if (typeof arg !== 'bigint') relative |= 1n << BigInt(i)
        const values = args.map((arg) => (typeof arg === 'bigint' ? arg : BigInt(arg.arena)))
        words.push(BigInt(functions.length + index), BigInt(args.length), relative, BigInt(called.length), ...values)
        called.push(parsed[index])
      }
      functions.push(...parsed)
    }
    const source = place(`${name}.c`)
    writeFileSync(source, translate(functions, externals))
    const objects = [place(`${name}-twins.o`), place(`${name}-vectors.o`)]
    const options = [
      optimisation,
      '-std=gnu11',
      '-w',
      '-fwrapv',
      '-fno-strict-aliasing',
      '-ffp-contract=off',
      '-fno-math-errno',
    ]
    clean(toolPath(linux.cc), [...options, '-I', import.meta.dirname, '-c', source, '-o', objects[0]])
    writeFileSync(objects[1], writeTables(words))
    const program = place(name)
    linkProgram(linux, program, [...buildDriver(linux, place, true), ...objects])
    const { status, stdout, stderr } = execute(linux, program)
    const lines = stdout.split('\n').filter((line) => line !== '')
    if (status !== 0 || lines.length !== called.length) {
      throw new Error(`${name}: ${lines.length} of ${called.length} calls, exit code ${status}, ${stderr}`)
    }
    this.outcomes = lines.map((line, i) => {
      const [trap, memory, ...results] = line.split(' ').map((word) => BigInt(`0x${word}`))
      return {
        trap: trap === 0n ? null : trapCodeName(Number(trap)),
        results: trap === 0n ? called[i].signature.returns.map((_, j) => results[j]) : [],
        memory: memory.toString(16),
        violations: [],
      }
    })
  }
}

/** A call that did something else than the reference. */
interface Difference {
  readonly program: Program
  readonly call: string
  readonly problems: readonly string[]
}

/**
 * Runs the programs in a configuration.
 *
 * With FRAMEWRIGHT_SHRINK=1 the program of the first difference is made smaller, which takes minutes.
 *
 * @returns what differs from the reference, a text for each call that does.
 */
export function compare(reference: Reference, configuration: Configuration, place: (name: string) => string): string[] {
  const differences = differencesOf(reference, configuration, place)
  const texts = differences.map(
    ({ program, call, problems }) =>
      `${configuration.name}: ${program.label}: ${call}: ${problems.join('; ')}\n${program.text}`,
  )
  if (differences.length > 0 && process.env['FRAMEWRIGHT_SHRINK'] === '1') {
    const [{ program, problems }] = differences
    // The first word of a problem says of what kind it is.
    const kind = (problem: string): string => problem.split(' ')[0]
    const fails = (text: string): boolean => {
      try {
        const smaller = new Reference([{ ...program, text }], place)
        return differencesOf(smaller, configuration, place).some(
          (other) => kind(other.problems[0]) === kind(problems[0]),
        )
      } catch {
        return false
      }
    }
    texts.unshift(`smaller:\n${shrink(program.text, fails)}`)
  }
  return texts
}

function differencesOf(
  reference: Reference,
  configuration: Configuration,
  place: (name: string) => string,
): Difference[] {
  const { programs, outcomes } = reference
  const { system, convention } = configuration
  const settings = defaultSettings()
  for (const setting of configuration.settings) applySetting(settings, ...(setting.split('=') as [string, string?]))
  const compiler = new Compiler({ target: system.triple as 'x86_64-unknown-linux-gnu', settings, check: true })
  const image = new Image(system)
  const called: { readonly program: Program; readonly call: ProgramCall; readonly func: IrFunction }[] = []
  for (const program of programs) {
    const functions = parseFunctions(program.text, { file: program.label })
    for (const func of functions) setConventions(func, (name) => (externals.has(name) ? null : convention(name)))
    configuration.transform?.(functions)
    const entries = functions.map((func) => {
      try {
        return image.add(symbolName(func.name), compiler.compile(func), func.signature)
      } catch (error) {
        throw new Error(`${program.label}\n${program.text}`, { cause: error })
      }
    })
    for (const call of program.calls) {
      image.call(entries[call.index], call.args, called.length)
      called.push({ program, call, func: functions[call.index] })
    }
  }
  const name = `machine-${configuration.name.replaceAll(/\W/g, '')}`
  const differences: Difference[] = []
  for (const [i, got] of image.run(place, name).entries()) {
    const expected = outcomes[i]
    const { program, call, func } = called[i]
    const { params, returns } = func.signature
    const problems = [...got.violations]
    if (got.trap !== expected.trap) problems.push(`trap ${got.trap}, expected ${expected.trap}`)
    else if (got.trap === null) {
      returns.forEach(({ type }, j) => {
        if (sameValue(type, got.results[j], expected.results[j])) return
        problems.push(`result ${j} is ${show(type, got.results[j])}, expected ${show(type, expected.results[j])}`)
      })
    }
    if (got.memory !== expected.memory) problems.push('memory differs')
    if (problems.length === 0) continue
    const args = call.args.map((arg, j) =>
      typeof arg === 'bigint'
        ? show(params[j].type, BigInt.asUintN(typeBits(params[j].type), arg))
        : `arena+${arg.arena}`,
    )
    differences.push({ program, call: `%${symbolName(func.name)}(${args.join(', ')})`, problems })
  }
  return differences
}
