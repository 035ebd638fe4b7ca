// Findings held against findings.txt, where each is explained by hand.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtInFormats } from '../../packages/cli/src/formats.ts'
import { type LoadedFile, loadFile } from '../../packages/cli/src/listing/loaded-file.ts'
import { type Proof, type ProofOptions, proveUnwind } from '../../packages/cli/src/prove/prove-unwind.ts'
import { describeProblem, type FunctionReport } from '../../packages/unwind-verify/src/index.ts'

interface Rule {
  readonly file: RegExp
  readonly function: RegExp
  /** `at …`, `only …`, or a pattern of a message. */
  readonly says: string
}

/** A line: file | function | what is said | why it is so. `*` stands for anything. */
const rules: readonly Rule[] = readFileSync(join(import.meta.dirname, 'findings.txt'), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => {
    const [file = '', fn = '', says = '', why = ''] = line.split(' | ').map((part) => part.trim())
    if (why === '') throw new Error(`findings.txt: no reason in '${line}'`)
    return { file: pattern(file), function: pattern(fn), says }
  })

function pattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.+?^$(){}[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
}

export interface Explained {
  readonly instructions: number
  readonly right: number
  readonly assumed: number
  readonly findings: number
  readonly undecided: number
  /** Findings that no line of findings.txt explains. */
  readonly unexplained: readonly string[]
}

/** @param name - as findings.txt calls the file. */
export function explain(name: string, bytes: Uint8Array, options?: ProofOptions): Explained {
  const file = loadFile(bytes, builtInFormats)
  const proof = proveUnwind(file, options)
  const sum = { instructions: 0, right: 0, assumed: 0, findings: 0, undecided: 0 }
  const unexplained: string[] = []
  for (const report of proof.report.functions) {
    sum.instructions += report.instructions
    sum.right += report.right
    sum.assumed += report.assumed
    sum.findings += report.findings.length
    for (const offsets of report.undecided.values()) sum.undecided += offsets.length
    if (report.findings.length > 0) unexplained.push(...without(name, report, file, proof))
  }
  return { ...sum, unexplained }
}

function without(name: string, report: FunctionReport, file: LoadedFile, proof: Proof): string[] {
  const own = rules.filter((rule) => rule.file.test(name) && rule.function.test(report.name))
  const messages = report.findings.map(({ problem }) => describeProblem(problem))
  const whole = own.some(({ says }) => {
    if (says.startsWith('at ')) return false
    if (says.startsWith('only ')) return messages.every((message) => pattern(says.slice(5)).test(message))
    return messages.some((message) => pattern(says).test(message))
  })
  if (whole) return []
  const codes = own.filter(({ says }) => says.startsWith('at ')).flatMap(({ says }) => says.slice(3).split(', '))
  return report.findings
    .map(({ offsets }, index) => ({ offsets, message: messages[index]! }))
    .filter(({ offsets }) => !offsets.every((offset) => isAt(codes, file, proof.address(report.begin + offset))))
    .map(({ offsets, message }) => {
      const address = proof.address(report.begin).toString(16)
      return `${name} | ${report.name} | ${message} (0x${address}+0x${offsets[0]!.toString(16)}, ${offsets.length})`
    })
}

/** Whether the instruction at an address begins with one of the codes, as hexadecimal digits. */
function isAt(codes: readonly string[], { sections }: LoadedFile, address: bigint): boolean {
  const section = sections.find((each) => {
    return each.isCode && address >= each.address && address < each.address + BigInt(each.bytes.length)
  })
  if (section === undefined) return false
  const at = Number(address - section.address)
  const bytes = Buffer.from(section.bytes.subarray(at, at + 8)).toString('hex')
  return codes.some((code) => bytes.startsWith(code))
}
