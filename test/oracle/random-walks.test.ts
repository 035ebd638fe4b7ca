// Random prologues and epilogues: at every instruction the platform's unwinder and ours, started from the same made-up
// state of the machine, come to the same caller, and that is the caller that there was.

import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { preserved } from '../../packages/cli/src/demo/trace.ts'
import {
  type MachineState,
  RBP,
  RBX,
  RETURN_ADDRESS,
  RSP,
  type UnwindImage,
  XMM0,
} from '../../packages/frame-layout/src/index.ts'
import {
  CodeWriter,
  type GeneratedFunction,
  generatedFunctions,
  realignedFunctions,
  type SimulatedPoint,
  shrinkWrappedFunctions,
  simulate,
} from '../../packages/frame-layout/src/testing/index.ts'
import { readImage, writeObject } from '../../packages/object/src/index.ts'
import { dwarf } from '../../packages/unwind-dwarf/src/index.ts'
import { unwindFrame, win64Format } from '../../packages/unwind-win64/src/index.ts'
import { read } from '../support/real-files.ts'
import { keepWine, linux, type System, windows } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'
import { codeSections, codeSymbols, type RandomModule, randomModule } from './random-module.ts'
import {
  Agreement,
  askPoints,
  compareWalks,
  hasLlvmLibunwind,
  imageOf,
  linkWalk,
  MADE_UP_RETURN,
  MADE_UP_STACK,
  memoryOf,
  noCases,
  type Walk,
  walkDriver,
} from './walks.ts'

const place = scratch()
keepWine()

interface Linked {
  readonly module: RandomModule
  readonly image: UnwindImage
  readonly program: string
  /** By section. */
  readonly addresses: readonly bigint[]
}

function link(system: System, name: string, module: RandomModule): Linked {
  const object = place(`${name}.o`)
  writeFileSync(object, writeObject(module.object))
  const program = linkWalk(system, place(`${name}${system.exe}`), [
    walkDriver(system, place),
    noCases(system, place),
    object,
  ])
  const { symbols } = readImage(read(program))
  const addresses = codeSymbols.map((symbol) => symbols.find((each) => each.name === symbol)!.address)
  return { module, image: imageOf(program), program, addresses }
}

function pointsOf({
  module,
  addresses,
}: Linked): { readonly point: SimulatedPoint; readonly made: GeneratedFunction }[] {
  return module.functions.flatMap(({ made, parts }) => {
    const partAddresses = parts.map(({ section, offset }) => {
      return addresses[codeSections.indexOf(section)]! + BigInt(offset)
    })
    const where = { codeAddress: partAddresses[0]!, partAddresses, stack: MADE_UP_STACK, returnAddress: MADE_UP_RETURN }
    return simulate(made.record, made.boundaries, where).map((point) => ({ point, made }))
  })
}

const MODULE_SIZE = 2500

function modules(functions: fc.Arbitrary<GeneratedFunction>, count: number, seed: number): GeneratedFunction[][] {
  return Array.from({ length: Math.ceil(count / MODULE_SIZE) }, (_, i) =>
    fc.sample(functions, { numRuns: Math.min(MODULE_SIZE, count), seed: seed + i }),
  )
}

/** Whether registers are those that the caller had. */
function isTrue({ caller }: SimulatedPoint, { registers: found }: MachineState, registers: readonly number[]): boolean {
  return [...registers, RSP, RETURN_ADDRESS].every((register) => {
    const wanted = caller.registers[register]
    return wanted === undefined || wanted === found[register]
  })
}

interface Walked {
  functions: number
  epilogues: number
  /** Instructions. */
  points: number
  /** Instructions where the platform's answer, or ours, is not the truth. */
  untrue: number
  /** By the error's code. */
  readonly refused: Record<string, number>
}

interface Judged {
  readonly point: SimulatedPoint
  readonly made: GeneratedFunction
  readonly walks: readonly Walk[]
  readonly image: UnwindImage
}

/** @param judge - whether the answers are true. */
function walk(
  linked: Linked,
  system: System,
  agreement: Agreement,
  walked: Walked,
  judge: (judged: Judged) => boolean,
): void {
  const { module, image, program } = linked
  const points = pointsOf(linked)
  const answers = askPoints(
    system,
    program,
    points.map(({ point }) => point),
  )
  for (let i = 0; i < points.length; i++) {
    const { point, made } = points[i]!
    const walks = answers[i]!
    compareWalks(image, { state: point.state, memory: memoryOf(point), walks }, agreement)
    if (!judge({ point, made, walks, image })) walked.untrue++
  }
  walked.functions += module.functions.length
  walked.points += points.length
  for (const { made } of module.functions) {
    walked.epilogues += made.record.events.filter(({ kind }) => kind === 'epilogue-end').length
  }
  for (const [code, count] of module.refused) walked.refused[code] = (walked.refused[code] ?? 0) + count
}

const nothing = (): Walked => ({ functions: 0, epilogues: 0, points: 0, untrue: 0, refused: {} })

test('libunwind and libgcc', { timeout: 300_000 }, (context) => {
  need(context, ...linux.tools, 'libunwind.h')
  const agreement = new Agreement()
  const walked = nothing()
  const any = generatedFunctions({ machineFrames: true, handlers: true, parts: true, labelsAhead: true })
  const all = [
    ...modules(any, 10_000, 1),
    ...modules(realignedFunctions(), 500, 2),
    ...modules(shrinkWrappedFunctions(), 1000, 5),
  ]
  for (const [i, functions] of all.entries()) {
    const linked = link(
      linux,
      `random-${i}`,
      randomModule(functions, dwarf, 'elf', ({ record }) => dwarf.encode(record)),
    )
    walk(linked, linux, agreement, walked, ({ point, walks }) =>
      walks.every(({ by, answers: [first] }) => by === 'llvm' || isTrue(point, first!.caller, preserved.system_v)),
    )
  }
  expect(agreement).toMatchObject({ differences: [], different: 0, refused: 0, withoutData: 0, unknown: 0 })
  expect(walked).toMatchObject({ functions: 11_500, untrue: 0, refused: {} })
  expect(walked.epilogues).toBeGreaterThan(10_000)
  expect(walked.points).toBeGreaterThan(250_000)
  expect(agreement.agreed).toBe(2 * walked.points)
  if (hasLlvmLibunwind()) expect(agreement.llvm).toBeGreaterThan(0.9 * walked.points)
})

/** Prologues of up to 700 bytes; of what lies behind 255 bytes, UNWIND_INFO speaks in a range of its own. */
function longPrologues(): fc.Arbitrary<GeneratedFunction> {
  const choices = fc.record({ filler: fc.nat(60), framed: fc.boolean(), saved: fc.integer({ min: 1, max: 10 }) })
  return choices.map(({ filler, framed, saved }) => {
    const code = new CodeWriter()
    code.push(RBX)
    code.push(RBP)
    code.adjustSp(-168)
    if (framed) code.setFrame(RBP, 32)
    for (let i = 0; i < saved; i++) {
      for (let k = 0; k < filler; k++) code.nop()
      code.save(XMM0 + 6 + i, 'sp', RSP, i * 16)
    }
    code.recorder.prologueEnd(code.at)
    code.nop()
    for (let i = 0; i < saved; i++) code.restore(XMM0 + 6 + i, 'sp', RSP, i * 16)
    code.recorder.epilogueBegin(code.at)
    code.adjustSp(168)
    code.pop(RBP)
    code.pop(RBX)
    code.ret()
    const record = code.recorder.finish({ codeSize: code.at })
    return { record, code: Uint8Array.from(code.bytes), boundaries: code.boundaries }
  })
}

/** Wine 8 does not take a jump out of the function for the end of an epilogue. */
function leavesByJump({ point, made }: Judged): boolean {
  if (!point.inEpilogue) return false
  const end = made.record.events.find(({ kind, at }) => kind === 'epilogue-end' && at > point.offset)
  return end?.kind === 'epilogue-end' && end.exit === 'tail-jump'
}

interface WalkedOnWine {
  readonly agreement: Agreement
  readonly walked: Walked
  /** Instructions where Wine 8 is known to be wrong. */
  readonly excused: number
}

function walkOnWine(name: string, all: readonly GeneratedFunction[][], version: 1 | 2): WalkedOnWine {
  const agreement = new Agreement()
  const walked = nothing()
  let excused = 0
  for (const [i, functions] of all.entries()) {
    const module = randomModule(functions, win64Format, 'coff', ({ record, code }) =>
      win64Format.encode(record, { code, version }),
    )
    walk(link(windows, `${name}-${version}-${i}`, module), windows, agreement, walked, (judged) => {
      const { point, walks, image } = judged
      const ours = unwindFrame(point.state, image, memoryOf(point))
      if (!isTrue(point, ours, preserved.windows_fastcall)) return false
      if (isTrue(point, walks[0]!.answers[0]!.caller, preserved.windows_fastcall)) return true
      excused++
      return leavesByJump(judged)
    })
  }
  return { agreement, walked, excused }
}

test.for([1, 2] as const)("Wine's RtlVirtualUnwind, version %i", { timeout: 300_000 }, (version, context) => {
  need(context, ...windows.tools)
  const documented = generatedFunctions({ forms: 'windows', machineFrames: true, handlers: true, parts: true })
  const count = version === 1 ? 10_000 : 2500
  const { agreement, walked, excused } = walkOnWine('random', modules(documented, count, 3), version)
  expect(agreement).toMatchObject({ differences: [], different: 0, unknown: 0 })
  // Version 2 has one run of pushes to undo: none with the frame register set in the middle of it.
  expect(walked.refused).toEqual(version === 1 ? {} : { 'epilogue-form': expect.any(Number) })
  expect(walked.functions).toBeGreaterThan(count * 0.97)
  if (version === 1) expect(walked.functions).toBe(count)
  expect(walked.untrue).toBe(0)
  expect(walked.epilogues).toBeGreaterThan(count)
  expect(walked.points).toBeGreaterThan(25 * count)
  expect(agreement.agreed + agreement.refused).toBe(walked.points)
  expect(agreement.inEpilogue).toBeGreaterThan(2 * count)
  expect(agreement.withHandler).toBeGreaterThan(5 * count)
  // An instruction in twenty or so.
  expect(excused).toBeLessThan(walked.points / 15)
})

test.for([1, 2] as const)(
  'Wine, and functions in several ranges, version %i',
  { timeout: 300_000 },
  (version, context) => {
    need(context, ...windows.tools)
    const count = version === 1 ? 2000 : 500
    const bodies = modules(shrinkWrappedFunctions(), count, 5)
    const prologues = modules(longPrologues(), count / 5, 6)
    const { agreement, walked } = walkOnWine('ranges', [...bodies, ...prologues], version)
    expect(agreement).toMatchObject({ differences: [], different: 0, unknown: 0 })
    expect(walked).toMatchObject({ functions: count + count / 5, untrue: 0, refused: {} })
    expect(walked.points).toBeGreaterThan(10 * count)
  },
)

test('a wrong answer is noticed', (context) => {
  need(context, ...linux.tools, 'libunwind.h')
  const [functions] = modules(generatedFunctions(), 20, 4)
  const linked = link(
    linux,
    'wrong',
    randomModule(functions!, dwarf, 'elf', ({ record }) => dwarf.encode(record)),
  )
  const points = pointsOf(linked).map(({ point }) => point)
  const answers = askPoints(linux, linked.program, points)
  for (const register of [...preserved.system_v, RSP, RETURN_ADDRESS]) {
    const agreement = new Agreement()
    for (const [i, point] of points.entries()) {
      const walks = answers[i]!.slice(0, 2).map(({ by, answers: [answer] }): Walk => {
        if (by === 'RtlVirtualUnwind') throw new Error('on Linux')
        const registers = answer!.caller.registers.with(register, answer!.caller.registers[register]! + 1n)
        return { by, answers: [{ status: 'stepped', caller: { registers } }] }
      })
      compareWalks(linked.image, { state: point.state, memory: memoryOf(point), walks }, agreement)
    }
    expect(agreement.different).toBe(2 * points.length)
  }
})
