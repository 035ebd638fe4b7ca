// Code with its offsets, bytes and text, and beside every instruction the state of the frame in front of it.

import { rowAt, type UnwindRow, x64 } from '@framewright/frame-layout'
import { largest } from '../largest.ts'
import { padTo, type Style, visibleLength } from '../style.ts'
import type { Disassembly } from './disassemble.ts'
import type { ListedFunction } from './listed-function.ts'
import { cfaText, frameBytes, hex, savedColumn, savedRegisters } from './rows.ts'

/** Bytes to a line before the rest goes on the next. */
const BYTES_SHOWN = 10

export interface CodeListingOptions {
  readonly style: Style
  /** Said behind the function's name. */
  readonly note?: string
}

/** The function as lines. */
export function codeListing(fn: ListedFunction, code: Disassembly, { style, note }: CodeListingOptions): string[] {
  const width = Math.max(2, fn.code.length.toString(16).length)
  const longest = Math.min(
    BYTES_SHOWN,
    largest(
      code.instructions.map(({ bytes }) => bytes.length),
      1,
    ),
  )
  const bytesWidth = longest * 3
  const textWidth =
    largest(
      code.instructions.map(({ text }) => text.length),
      12,
    ) + 2
  const { rows } = fn
  const lines = [`${style('bold', `${fn.name}:`)} ${style('dim', summary(fn, note))}`]
  if (rows !== null) {
    const left = ' '.repeat(2 + width + 2 + bytesWidth + 1 + textWidth)
    lines.push(style('dim', `${left}CFA      saved, from the CFA`))
  }
  const texts = rows === null ? [] : savedColumn(rows, width)
  const saved = new Map(rows?.map((row, index) => [row, texts[index]]))
  let shown: UnwindRow | null = null
  for (const { offset, bytes, text } of code.instructions) {
    const label = code.labels.get(offset)
    if (label !== undefined) lines.push(style('magenta', `${label}:`))
    const head = `  ${style('dim', hex(offset, width))}  ${style('dim', bytesText(bytes, 0).padEnd(bytesWidth))} `
    let line = head + padTo(colored(text, style), textWidth)
    if (rows !== null) {
      const row = rowAt(rows, offset)
      line += shown === row ? style('dim', '|') : stateText(row, saved.get(row) ?? '', style)
      shown = row
    }
    lines.push(line.trimEnd())
    for (let at = BYTES_SHOWN; at < bytes.length; at += BYTES_SHOWN) {
      lines.push(style('dim', `  ${' '.repeat(width)}  ${bytesText(bytes, at)}`))
    }
  }
  return lines.concat(dataLines(fn, code, width, bytesWidth, style))
}

/** Constants and tables behind the code. */
function dataLines(fn: ListedFunction, code: Disassembly, width: number, bytesWidth: number, style: Style): string[] {
  const lines: string[] = []
  const places = [...code.labels.keys()].filter((place) => place > code.dataStart).sort((a, b) => a - b)
  let next = 0
  let at = code.dataStart
  while (at < fn.code.length) {
    const label = code.labels.get(at)
    if (label !== undefined) lines.push(style('magenta', `${label}:`))
    let end = Math.min(fn.code.length, at + 8)
    while (next < places.length && places[next] <= at) next++
    if (next < places.length) end = Math.min(end, places[next])
    const bytes = fn.code.subarray(at, end)
    const digits = [...bytes]
      .map((byte) => hex(byte, 2))
      .reverse()
      .join('')
    const directive = { 1: '.byte', 2: '.short', 4: '.long', 8: '.quad' }[bytes.length] ?? '.byte'
    const value = directive === '.byte' ? [...bytes].map((byte) => `0x${hex(byte, 2)}`).join(', ') : `0x${digits}`
    const text = `${directive} ${value}`
    lines.push(`  ${style('dim', hex(at, width))}  ${style('dim', bytesText(bytes, 0).padEnd(bytesWidth))} ${text}`)
    at = end
  }
  return lines
}

function bytesText(bytes: Uint8Array, from: number): string {
  return [...bytes.subarray(from, from + BYTES_SHOWN)].map((byte) => hex(byte, 2)).join(' ')
}

function stateText(row: UnwindRow, saved: string, style: Style): string {
  const cfa = cfaText(row)
  return `${style('green', cfa)}${' '.repeat(Math.max(1, 9 - visibleLength(cfa)))}${style('yellow', saved)}`
}

function summary(fn: ListedFunction, note: string | undefined): string {
  const parts = [`${fn.isEndGuessed ? 'about ' : ''}${fn.codeSize} bytes of code`]
  if (fn.code.length > fn.codeSize) parts.push(`${fn.code.length - fn.codeSize} of constants`)
  if (fn.rows === null) parts.push('no unwind data')
  else {
    const frame = frameBytes(fn.rows)
    if (frame === 0) parts.push('no frame')
    else if (frame !== null) parts.push(`frame of ${frame}`)
    const saved = savedRegisters(fn.rows)
    if (saved.length > 0) parts.push(`saves ${saved.map((register) => x64.registerNames[register]).join(' ')}`)
  }
  if (fn.aliases.length > 0) parts.push(`also ${fn.aliases.join(', ')}`)
  return [...(note === undefined || note === '' ? [] : [note]), ...parts].join(', ')
}

/** Mnemonic, then operands. */
function colored(text: string, style: Style): string {
  const space = text.indexOf(' ')
  return space < 0 ? style('cyan', text) : style('cyan', text.slice(0, space)) + text.slice(space)
}
