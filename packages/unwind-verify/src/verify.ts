/** Unwind information held against the instructions that it describes. */

import type { Outcome } from './check.ts'
import { CodeReader } from './decode.ts'
import { UnitFlow } from './flow.ts'
import { findUnits, Image, type PlacedRange } from './image.ts'
import type { VerifyInput } from './input.ts'
import type { Finding, FindingProblem, FunctionReport, UndecidedReason, VerifyReport } from './report.ts'

/**
 * Follows the stack pointer and the registers that a caller must get back through every path of every range, and compares
 * them with the rows at each instruction.
 *
 * @returns a report for each range, in the order of the input.
 */
export function verifyUnwind(input: VerifyInput): VerifyReport {
  const reader = new CodeReader()
  try {
    const image = new Image(input.ranges)
    const { units, called, named } = findUnits(image, reader, input)
    const reports = new Map<PlacedRange['range'], FunctionReport>()
    const entries = new Set<number>([...called, ...(input.entries ?? [])])
    const unitOf = new Map<PlacedRange, PlacedRange[]>()
    for (const unit of units) {
      const members = unit.map((index) => image.ranges[index]!)
      for (const member of members) unitOf.set(member, members)
    }
    for (const unit of units) {
      let members = unitOf.get(image.ranges[unit[0]!]!)!
      let flow: UnitFlow
      for (;;) {
        flow = new UnitFlow(image, members, input, reader, named)
        flow.run(entriesOf(members, entries))
        if (flow.strangers.size === 0) break
        // Jump tables were found that lead to parts which nothing else leads to: once more, with them.
        members = [...new Set([members, ...[...flow.strangers].map((range) => unitOf.get(range)!)].flat())]
        for (const member of members) unitOf.set(member, members)
      }
      // A part that was looked at alone before is looked at again, with what leads to it.
      for (const [range, report] of reportsOf(flow, members, image)) reports.set(range.range, report)
    }
    return { functions: input.ranges.map((range) => reports.get(range)!) }
  } finally {
    reader.free()
  }
}

/** Begins of functions, and what is called in the middle of a range. */
function entriesOf(members: readonly PlacedRange[], entries: ReadonlySet<number>): number[] {
  const found: number[] = []
  for (const { begin, end, isFunction } of members) {
    if (isFunction) found.push(begin)
    for (let address = isFunction ? begin + 1 : begin; address < end; address++) {
      if (entries.has(address)) found.push(address)
    }
  }
  return found
}

interface Mark {
  outcome: Outcome
  assumed: boolean
}

function reportsOf(flow: UnitFlow, members: readonly PlacedRange[], image: Image): Map<PlacedRange, FunctionReport> {
  const marks = new Map<number, Mark>()
  /** By range, and in it by what is wrong. */
  const found = new Map<PlacedRange, Map<string, { problem: FindingProblem; offsets: number[]; path: number[] }>>()
  const wrong = new Set<number>()
  const note = (address: number, problems: readonly FindingProblem[], leader: number, arriving: boolean): void => {
    if (problems.length === 0) return
    const range = image.ranges[image.indexAt(address)]!
    wrong.add(address)
    let own = found.get(range)
    if (own === undefined) {
      own = new Map()
      found.set(range, own)
    }
    for (const problem of problems) {
      const key = JSON.stringify(problem)
      const known = own.get(key)
      const offset = address - range.begin
      if (known === undefined) {
        const path = pathTo(flow, leader, range.begin)
        own.set(key, { problem, offsets: [offset], path: arriving ? [...path, offset] : path })
      } else if (!known.offsets.includes(offset)) known.offsets.push(offset)
    }
  }
  flow.report({
    checked(address, outcome, leader, assumed) {
      marks.set(address, { outcome, assumed })
      note(address, outcome.problems, leader, false)
    },
    ranOut(address, leader) {
      note(address, [{ code: 'runs-out' }], leader, false)
    },
    arrived(address, problems, from) {
      note(address, problems, from, true)
    },
  })
  return new Map(
    members.map((member) => [
      member,
      reportOf(flow, member, marks, wrong, found.get(member), image.overlapping(member)),
    ]),
  )
}

function reportOf(
  flow: UnitFlow,
  member: PlacedRange,
  marks: ReadonlyMap<number, Mark>,
  wrong: ReadonlySet<number>,
  found: ReadonlyMap<string, { problem: FindingProblem; offsets: number[]; path: number[] }> | undefined,
  overlapping: PlacedRange | null,
): FunctionReport {
  const { range, begin } = member
  const undecided = new Map<UndecidedReason, number[]>()
  const leave = (reason: UndecidedReason, address: number): void => {
    const offsets = undecided.get(reason)
    if (offsets === undefined) undecided.set(reason, [address - begin])
    else offsets.push(address - begin)
  }
  let instructions = 0
  let right = 0
  let assumed = 0
  for (const { address, isFiller } of flow.sweeps.get(member)!) {
    const mark = marks.get(address)
    if (mark === undefined) {
      if (isFiller || range.openEnd === true || flow.isTable(address)) continue
      instructions++
      leave('unreached', address)
      continue
    }
    instructions++
    if (wrong.has(address)) continue
    if (mark.outcome.undecided !== null) leave(mark.outcome.undecided, address)
    else {
      right++
      if (mark.assumed) assumed++
    }
  }
  const findings = [...(found?.values() ?? [])].map(({ problem, offsets, path }): Finding => {
    return { function: range.name, offsets: offsets.sort((a, b) => a - b), problem, path }
  })
  if (overlapping !== null) {
    const problem: FindingProblem = { code: 'overlap', other: overlapping.range.name }
    findings.push({ function: range.name, offsets: [overlapping.begin - begin], problem, path: [] })
  }
  findings.sort((a, b) => a.offsets[0]! - b.offsets[0]!)
  return { name: range.name, begin, instructions, right, assumed, findings, undecided }
}

/** The blocks of one path, its entry first. */
function pathTo(flow: UnitFlow, leader: number, begin: number): number[] {
  const path: number[] = []
  const seen = new Set<number>()
  for (let at = leader; !seen.has(at); ) {
    seen.add(at)
    path.unshift(at - begin)
    const parent = flow.parents.get(at)
    if (parent === undefined) break
    at = parent
  }
  return path
}
