// framewright unwind --verify: the unwind data of files held against their instructions.

import type { Finding, UndecidedReason } from '@framewright/unwind-verify'
import { UsageError } from '../arguments.ts'
import { type Context, isObject, printJson, readInput } from '../context.ts'
import type { Proof } from '../prove/prove-unwind.ts'
import { counted } from '../report.ts'
import type { Style } from '../style.ts'
import { loadSubject } from '../subject.ts'

export async function verifyUnwindCommand(context: Context): Promise<number> {
  const { host, args, json, style } = context
  if (args.inputs.length === 0) throw new UsageError('unwind --verify needs an input')
  const { proveUnwind } = await import('../prove/prove-unwind.ts')
  const { describeProblem, describeReason } = await import('@framewright/unwind-verify')
  const files: unknown[] = []
  let ok = true
  for (const path of args.inputs) {
    const input = await readInput(path, host)
    const subject = await loadSubject(input, context)
    const isOurs = !isObject(input.bytes)
    const conventions = isOurs ? subject.functions.map((fn): [string, string] => [fn.name, fn.show().convention]) : []
    const proof = proveUnwind(subject.file, { conventions: new Map(conventions), callsReturn: isOurs })
    const wanted = args.lists.has('function') ? new Set(subject.functions.map(({ name }) => name)) : null
    const summary = sum(proof, wanted)
    if (summary.findings.length > 0) ok = false
    if (json) {
      const findings = summary.findings.map(({ finding, begin }) => {
        const { offsets, path: blocks, problem } = finding
        const message = describeProblem(problem)
        return { function: finding.function, address: proof.address(begin), offsets, path: blocks, ...problem, message }
      })
      const { functions, instructions, right, assumed, undescribed } = summary
      const undecided = Object.fromEntries(summary.undecided)
      const counts = { functions, undescribed, instructions, right, assumed, undecided }
      const places = summary.places.map(({ begin, ...place }) => ({ ...place, address: proof.address(begin) }))
      files.push({ file: input.name, description: subject.description, ...counts, findings, undecidedPlaces: places })
    } else {
      host.stdout.write(`${style('bold', input.name)}: ${subject.description}\n`)
      for (const line of summaryLines(summary, describeReason, style)) host.stdout.write(`  ${line}\n`)
      if (context.verbose) for (const line of placeLines(summary.places, describeReason)) host.stderr.write(`${line}\n`)
      for (const line of findingLines(summary.findings, proof, describeProblem, style)) host.stdout.write(`${line}\n`)
    }
  }
  if (json) printJson({ ok, files, diagnostics: [] }, context)
  return ok ? 0 : 1
}

interface Summary {
  functions: number
  readonly undescribed: number
  instructions: number
  right: number
  assumed: number
  readonly undecided: Map<UndecidedReason, number>
  readonly findings: { readonly finding: Finding; readonly begin: number }[]
  readonly places: UndecidedPlace[]
}

interface UndecidedPlace {
  readonly function: string
  readonly begin: number
  readonly reason: UndecidedReason
  readonly offsets: readonly number[]
}

function sum({ report, undescribed }: Proof, wanted: ReadonlySet<string> | null): Summary {
  const total: Summary = {
    ...{ functions: 0, undescribed, instructions: 0, right: 0, assumed: 0 },
    undecided: new Map(),
    findings: [],
    places: [],
  }
  for (const each of report.functions) {
    if (wanted !== null && !wanted.has(each.name.replace(/\+0x[\da-f]+$/, ''))) continue
    total.functions++
    total.instructions += each.instructions
    total.right += each.right
    total.assumed += each.assumed
    for (const [reason, offsets] of each.undecided) {
      total.undecided.set(reason, (total.undecided.get(reason) ?? 0) + offsets.length)
      total.places.push({ function: each.name, begin: each.begin, reason, offsets })
    }
    for (const finding of each.findings) total.findings.push({ finding, begin: each.begin })
  }
  return total
}

function summaryLines(
  { functions, undescribed, instructions, right, assumed, undecided, findings }: Summary,
  describeReason: (reason: UndecidedReason) => string,
  style: Style,
): string[] {
  const places = new Set(findings.flatMap(({ finding, begin }) => finding.offsets.map((offset) => begin + offset))).size
  const found = findings.length === 0 ? style('green', '0 findings') : style('red', counted(findings.length, 'finding'))
  const at = findings.length === 0 ? '' : ` at ${counted(places, 'instruction')}`
  const lines = [
    `${counted(functions, 'range')} of code, ${counted(instructions, 'instruction')}: ${right} as the unwind data say, ${found}${at}`,
  ]
  if (assumed > 0) lines.push(`${assumed} of them in parts of functions that nothing was seen to lead to`)
  for (const [reason, count] of undecided) lines.push(`undecided: ${count} ${describeReason(reason)}`)
  if (undescribed > 0) lines.push(`${counted(undescribed, 'function')} without unwind data, not checked`)
  return lines
}

function placeLines(places: readonly UndecidedPlace[], describeReason: (reason: UndecidedReason) => string): string[] {
  return places.map(
    ({ function: name, offsets, reason }) => `${name} ${offsetsText(offsets)}: ${describeReason(reason)}`,
  )
}

function findingLines(
  findings: Summary['findings'],
  proof: Proof,
  describeProblem: (problem: Finding['problem']) => string,
  style: Style,
): string[] {
  const lines: string[] = []
  let last = -1
  for (const { finding, begin } of findings) {
    if (begin !== last) lines.push('', `  ${style('bold', finding.function)} (0x${proof.address(begin).toString(16)})`)
    last = begin
    const { offsets, path, problem } = finding
    const blocks = path.length > 6 ? ['…', ...path.slice(-5).map(offsetText)] : path.map(offsetText)
    lines.push(`    ${offsetsText(offsets)}: ${describeProblem(problem)}`)
    if (blocks.length > 0) lines.push(style('dim', `      path: ${blocks.join(' → ')}`))
  }
  return lines
}

function offsetText(offset: number): string {
  return `${offset < 0 ? '-' : '+'}0x${Math.abs(offset).toString(16)}`
}

function offsetsText(offsets: readonly number[]): string {
  const shown = offsets.slice(0, 3).map(offsetText).join(', ')
  return offsets.length <= 3 ? shown : `${shown} and ${offsets.length - 3} more, to ${offsetText(offsets.at(-1)!)}`
}
