/**
 * The conformance kit: holds any `UnwindFormat` against random records. For each function: encode, put the sections at
 * addresses, decode, and evaluate the rows that come out on a simulated machine in front of every instruction; then let the
 * format walk from there. Registers, SP and return address have to be the caller's.
 *
 *     checkConformance(myFormat, { rows: 'equal' })
 *
 * A format may refuse a record with a typed error (an Error with a `problem` that has a `code`); what it accepts it must get
 * right. Refusals are counted in the report, so that a test can say how many are too many.
 */

import fc from 'fast-check'
import type { FrameArchitecture, Register } from '../architecture.ts'
import type {
  EncodeOptions,
  FunctionUnwind,
  LoadedSection,
  MachineState,
  PlacedPart,
  ReadMemory,
  UnwindFormat,
  UnwoundFunction,
} from '../format.ts'
import { loadImage } from '../load-image.ts'
import { printRow } from '../print-rows.ts'
import { x64 } from '../registers-x64.ts'
import { partsOf, type RegisterRule, rowAt, sameState, type UnwindRow, unwindRows } from '../rows.ts'
import { printRecord } from '../text.ts'
import { type GeneratedFunction, generatedFunctions } from './generate.ts'
import { type SimulatedPoint, simulate } from './simulate.ts'

/** How a format is tested. */
export interface ConformanceOptions {
  /** Modules of one to three functions; 200 when left out. */
  readonly runs?: number
  /** For the same run again; fast-check's choice when left out. */
  readonly seed?: number
  /** Functions of x86-64 when left out. Those of another architecture come with `architecture`. */
  readonly functions?: fc.Arbitrary<GeneratedFunction>
  readonly architecture?: FrameArchitecture
  readonly encodeOptions?: EncodeOptions
  /**
   * What decoded rows have to be. `'equal'` (when left out): those of the record. `'equal-in-registers'`: those of the
   * record as far as they speak of the CFA, the return address and `registers`. `'true'`: true on the machine, at every
   * instruction. `'true-outside-epilogues'`: for formats whose bytes say nothing of epilogues. `'true-in-body'`: nor of
   * prologues. `'unchecked'`.
   */
  readonly rows?: 'equal' | 'equal-in-registers' | 'true' | 'true-outside-epilogues' | 'true-in-body' | 'unchecked'
  /** Where walks begin. `'body'`: outside prologues and epilogues; when left out for formats that describe bodies alone. */
  readonly walks?: 'everywhere' | 'body'
  /** Registers that have to come back; all of the architecture when left out. */
  readonly registers?: readonly Register[]
}

/** What a run saw. */
export interface ConformanceReport {
  readonly functions: number
  /** Functions that need no entry. */
  readonly leaves: number
  /** Places that were walked from. */
  readonly points: number
  /** Refused functions by `problem.code`. */
  readonly refused: ReadonlyMap<string, number>
}

/** @throws Error with the smallest counterexample as text. */
export function checkConformance(format: UnwindFormat, options: ConformanceOptions = {}): ConformanceReport {
  const refused = new Map<string, number>()
  const report = { functions: 0, leaves: 0, points: 0, refused }
  const one = options.functions ?? generatedFunctions()
  const property = fc.property(fc.array(one, { minLength: 1, maxLength: 3 }), (functions) => {
    checkModule(format, functions, options, report)
  })
  const parameters = options.seed === undefined ? {} : { seed: options.seed }
  const details = fc.check(property, { numRuns: options.runs ?? 200, ...parameters })
  if (!details.failed) return report
  const shown = (details.counterexample?.[0] ?? []).map(({ record }) => printRecord(record)).join('\n')
  const cause = details.errorInstance
  const why = cause instanceof Error ? cause.message : String(cause)
  throw new Error(`${format.name} does not conform (seed ${details.seed}): ${why}\n\n${shown}`, { cause })
}

interface Counts {
  functions: number
  leaves: number
  points: number
  readonly refused: Map<string, number>
}

const BASE = 0x1_4000_0000n
const TEXT = BASE + 0x1000n
const COLD_TEXT = BASE + 0x80_0000n

interface PlacedFunction {
  readonly owner: UnwoundFunction
  /** By part. */
  readonly addresses: readonly bigint[]
  readonly made: GeneratedFunction
  readonly accepted: boolean
}

/** Code that grows, with a gap of breakpoints behind each piece. */
class TestSection {
  readonly name: string
  readonly address: bigint
  readonly #pieces: { readonly offset: number; readonly code: Uint8Array }[] = []
  #size = 0

  constructor(name: string, address: bigint) {
    this.name = name
    this.address = address
  }

  /** @returns the offset of the piece. */
  put(code: Uint8Array): number {
    const offset = this.#size
    this.#pieces.push({ offset, code })
    this.#size = (offset + code.length + 16) & ~15
    return offset
  }

  loaded(): LoadedSection {
    const bytes = new Uint8Array(this.#size).fill(0xcc)
    for (const { offset, code } of this.#pieces) bytes.set(code, offset)
    return { name: this.name, address: this.address, bytes }
  }
}

function checkModule(
  format: UnwindFormat,
  functions: readonly GeneratedFunction[],
  options: ConformanceOptions,
  report: Counts,
): void {
  const sections = [new TestSection('.text', TEXT), new TestSection('.text.cold', COLD_TEXT)] as const
  const placed: PlacedFunction[] = []
  for (const made of functions) {
    const unwind = encode(format, made, options, report)
    report.functions++
    if (unwind === null) report.leaves++
    // The first part lies with the other functions, further ones in a section of their own.
    const parts = partsOf(made.record).map(({ begin, end }, index): PlacedPart => {
      const section = sections[index === 0 ? 0 : 1]
      const offset = section.put(made.code.subarray(begin, end))
      const symbol = index === 0 ? `f${placed.length}` : `f${placed.length}.part.${index}`
      return { symbol, section: section.name, offset, codeSize: end - begin }
    })
    const addresses = parts.map(({ offset }, index) => sections[index === 0 ? 0 : 1].address + BigInt(offset))
    const owner = { ...parts[0]!, ...(parts.length > 1 ? { parts } : undefined), unwind: unwind ?? null }
    placed.push({ owner, addresses, made, accepted: unwind !== undefined })
  }
  const accepted = placed.filter((one) => one.accepted)
  const symbols = new Map<string, bigint>()
  for (const { owner, addresses } of placed) {
    const { parts = [owner] } = owner
    for (let i = 0; i < parts.length; i++) symbols.set(parts[i]!.symbol, addresses[i]!)
  }
  const loaded = sections.map((section) => section.loaded())
  const image = loadImage(BASE, loaded, format.assemble(accepted.map(({ owner }) => owner)), symbols)
  const decoded = (options.rows ?? 'equal') === 'unchecked' ? [] : format.decode(image)
  const { architecture = x64, walks = format.describes === 'body' ? 'body' : 'everywhere' } = options
  for (const { owner, addresses, made } of accepted) {
    const place = { codeAddress: addresses[0]!, partAddresses: addresses, architecture }
    for (const point of simulate(made.record, made.boundaries, place)) {
      const inBody = point.offset >= made.record.prologueEnd && !point.inEpilogue
      if (walks === 'body' && !inBody) continue
      report.points++
      if (owner.unwind !== null) checkRows(decoded, point, made, options)
      compare(format.unwind(point.state, image, point.memory), point, options, 'the walk gives')
    }
  }
}

/** undefined: refused. */
function encode(
  format: UnwindFormat,
  made: GeneratedFunction,
  options: ConformanceOptions,
  report: Counts,
): FunctionUnwind | null | undefined {
  try {
    return format.encode(made.record, { code: made.code, ...options.encodeOptions })
  } catch (error) {
    const code = (error as { problem?: { code?: unknown } }).problem?.code
    if (!(error instanceof Error) || typeof code !== 'string') throw error
    report.refused.set(code, (report.refused.get(code) ?? 0) + 1)
    return undefined
  }
}

function checkRows(
  decoded: ReturnType<UnwindFormat['decode']>,
  point: SimulatedPoint,
  made: GeneratedFunction,
  options: ConformanceOptions,
): void {
  const wanted = options.rows ?? 'equal'
  if (wanted === 'unchecked' || (wanted === 'true-outside-epilogues' && point.inEpilogue)) return
  if (wanted === 'true-in-body' && (point.inEpilogue || point.offset < made.record.prologueEnd)) return
  const pc = point.state.registers[(options.architecture ?? x64).programCounter]!
  const found = decoded.find(({ begin, end }) => pc >= begin && pc < end)
  if (found === undefined) throw new Error(`nothing decoded covers offset ${point.offset}`)
  const row = rowAt(found.rows(), Number(pc - found.begin))
  if (wanted === 'equal' || wanted === 'equal-in-registers') {
    const whole = rowAt(unwindRows(made.record, options.architecture), point.offset)
    const expected = wanted === 'equal' ? whole : restricted(whole, options)
    if (!sameState(row, expected)) {
      const shown = (one: UnwindRow): string => printRow(one, options.architecture)
      throw new Error(`at ${point.offset} the row says ${shown(row)}, not ${shown(expected)}`)
    }
  }
  const caller = evaluateRow(row, point.state, point.memory, options.architecture)
  if (caller !== null) compare(caller, point, options, 'the decoded row gives')
}

/** What a row says of the CFA, the return address and the registers that the format knows. */
function restricted(row: UnwindRow, { registers, architecture = x64 }: ConformanceOptions): UnwindRow {
  const kept = [...row.registers].filter(
    ([register]) => register === architecture.returnAddress || (registers?.includes(register) ?? true),
  )
  return { ...row, registers: new Map(kept), argumentBytes: 0 }
}

/** What a row says of a machine: the caller's registers. Null where it takes an expression to say it. */
export function evaluateRow(
  row: UnwindRow,
  state: MachineState,
  memory: ReadMemory,
  architecture: FrameArchitecture = x64,
): MachineState | null {
  const { stackPointer, returnAddress, programCounter, registerBytes, pushBytes } = architecture
  const registers = [...state.registers]
  const { cfa: rule } = row
  if (rule.rule === 'expression') return null
  const place = state.registers[rule.register]! + BigInt(rule.offset)
  const cfa = rule.rule === 'register' ? place : memory(place, pushBytes)! + BigInt(rule.add)
  registers[stackPointer] = cfa
  // A link register still holds the address; a pseudo register has a rule.
  registers[programCounter] = state.registers[returnAddress]
  for (const [register, rule] of row.registers) {
    const value = evaluateRule(rule, register)
    if (value === null) return null
    registers[register] = value
    if (register === returnAddress) registers[programCounter] = value
  }
  return { registers }

  function evaluateRule(rule: RegisterRule, register: Register): bigint | undefined | null {
    switch (rule.rule) {
      case 'cfa-offset':
        return memory(cfa + BigInt(rule.offset), registerBytes[register]!)
      case 'cfa-value':
        return cfa + BigInt(rule.offset)
      case 'register':
        return state.registers[rule.register]
      case 'memory':
        return memory(state.registers[rule.register]! + BigInt(rule.offset), registerBytes[register]!)
      case 'undefined':
        return undefined
      case 'unchanged':
        return state.registers[register]
      case 'expression':
      case 'value-expression':
        return null
    }
  }
}

function compare(found: MachineState, point: SimulatedPoint, options: ConformanceOptions, what: string): void {
  const { caller } = point
  const { registers: wanted, architecture = x64 } = options
  for (let register = 0; register < caller.registers.length; register++) {
    const expected = caller.registers[register]
    const always = register === architecture.stackPointer || register === architecture.programCounter
    if (expected === undefined || (wanted !== undefined && !always && !wanted.includes(register))) continue
    const value = found.registers[register]
    if (value !== expected) {
      const shown = value === undefined ? 'nothing' : `0x${value.toString(16)}`
      const name = architecture.registerNames[register]
      throw new Error(`at ${point.offset} ${what} ${name} = ${shown}, the caller had 0x${expected.toString(16)}`)
    }
  }
}
