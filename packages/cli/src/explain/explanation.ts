// What unwind data say of one address, and which bytes say it: the value that formats give, and how it is printed.

import { RETURN_ADDRESS, type UnwindRow, x64 } from '@framewright/frame-layout'
import { largest } from '../largest.ts'
import { type JsonRow, jsonRow } from '../listing/json.ts'
import { cfaText, hex, ruleText } from '../listing/rows.ts'
import { padTo, type Style } from '../style.ts'

export interface Explanation {
  /** Name of the format. */
  readonly format: string
  /** Where it lies in the file: `.eh_frame`. */
  readonly source: string
  /** One line: what was found. */
  readonly summary: string
  /** What holds at the address; null where the format says nothing of it. */
  readonly row: UnwindRow | null
  /** The addresses between which it holds; null where nobody says so. */
  readonly from: bigint | null
  readonly to: bigint | null
  readonly groups: readonly Group[]
  /** What the format itself prints. */
  readonly words: readonly string[]
}

/** Bytes that together say one thing. */
export interface Group {
  /** `CFA`, `rbx`, `entry` */
  readonly name: string
  /** What they say. */
  readonly value: string
  readonly reasons: readonly Reason[]
}

export interface Reason {
  readonly section: string
  /** From the start of the section. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly name: string
  readonly meaning: string
}

/** Groups for the CFA and each register of a row. */
export function rowGroups(row: UnwindRow, reasonsOf: (register: 'cfa' | number) => readonly Reason[]): Group[] {
  return [
    { name: 'CFA', value: cfaText(row), reasons: reasonsOf('cfa') },
    ...[...row.registers].map(([register, rule]): Group => {
      return { name: registerText(register), value: ruleText(rule), reasons: reasonsOf(register) }
    }),
  ]
}

export function registerText(register: number): string {
  return register === RETURN_ADDRESS ? 'return' : x64.registerNames[register]
}

/** Bytes to a line before they are cut short. */
const SHOWN = 8

/** @param place - an address as the user knows it. */
export function explanationLines(
  { format, source, summary, from, to, groups, words }: Explanation,
  place: (address: bigint) => string,
  style: Style,
): string[] {
  const lines = [`${style('cyan', source)}${style('dim', `  ${format}`)}`, `  ${summary}`]
  if (from !== null && to !== null) lines.push(`  the row holds from ${place(from)} to ${place(to)}`)
  const width = largest(
    groups.map(({ name }) => name.length),
    0,
  )
  const reasons = groups.flatMap((group) => group.reasons)
  const placeOf = ({ section, offset }: Reason): string => `${section}+${hex(offset, 2)}`
  const placeWidth = largest(
    reasons.map((reason) => placeOf(reason).length),
    0,
  )
  const bytesWidth = largest(
    reasons.map(({ bytes }) => bytesText(bytes).length),
    0,
  )
  const nameWidth = largest(
    reasons.map(({ name }) => name.length),
    0,
  )
  for (const { name, value, reasons: own } of groups) {
    lines.push(`  ${style('bold', padTo(name, width))}  ${value}`.trimEnd())
    for (const reason of own) {
      const { bytes, name: what, meaning } = reason
      const at = style('dim', padTo(placeOf(reason), placeWidth))
      const said = `${style('cyan', padTo(what, nameWidth))}  ${meaning}`
      lines.push(`  ${' '.repeat(width)}    ${at}  ${padTo(bytesText(bytes), bytesWidth)}  ${said}`.trimEnd())
    }
  }
  for (const line of words) lines.push(`  ${line}`.trimEnd())
  return lines
}

function bytesText(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, SHOWN)].map((byte) => hex(byte, 2)).join(' ')
  return bytes.length > SHOWN ? `${shown} …` : shown
}

export interface JsonExplanation {
  readonly format: string
  readonly source: string
  readonly summary: string
  readonly row: JsonRow | null
  readonly from: string | null
  readonly to: string | null
  readonly groups: readonly Group[]
  readonly words: readonly string[]
}

export function explanationJson(
  { format, source, summary, row, from, to, groups, words }: Explanation,
  place: (address: bigint) => string,
): JsonExplanation {
  const said = (address: bigint | null) => (address === null ? null : place(address))
  return {
    format,
    source,
    summary,
    row: row === null ? null : jsonRow(row),
    from: said(from),
    to: said(to),
    groups,
    words,
  }
}
