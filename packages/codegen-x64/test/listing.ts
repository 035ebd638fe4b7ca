// What a golden file records of a compiled function: code, frame, unwind data.

import {
  applySetting,
  type CompiledFunction,
  Compiler,
  defaultFormats,
  defaultSettings,
  type TargetTriple,
} from '@framewright/codegen-x64'
import { printRecord, printRows, unwindRows } from '@framewright/frame-layout'
import { trapCodeName } from '@framewright/ir'
import { type ParsedFile, parseFile } from '@framewright/ir/text'
import { disassemble } from '@framewright/testkit'

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const at = (offset: number): string => offset.toString(16).padStart(4, '0')

/** Compiles every function of a file for each of its targets, with the register allocator checked. */
export function listFile(text: string): string[] {
  const { targets } = parseFile(text).header
  return targets.flatMap(({ triple, options, settings: shared }) => {
    const settings = defaultSettings()
    for (const option of [...shared, ...options]) applySetting(settings, ...(option.split('=') as [string, string?]))
    const compiler = new Compiler({ target: triple as TargetTriple, settings, check: true })
    // Parsed afresh: the header's convention `fast` is the target's own.
    const file: ParsedFile = parseFile(text)
    const title = [triple, ...options].join(' ')
    return file.functions.flatMap((func) => ['', `${title}:`, ...listFunction(compiler.compile(func))])
  })
}

export function listFunction(compiled: CompiledFunction): string[] {
  const { code, codeSize, frame, unwind, relocations, traps, callSites } = compiled
  const notes = new Map<number, string[]>()
  const note = (offset: number, text: string): void => void notes.set(offset, [...(notes.get(offset) ?? []), text])
  const instructions = disassemble(code.subarray(0, codeSize))
  for (const { offset, kind, symbol, addend } of relocations) {
    const place = instructions.findLast((instruction) => instruction.offset <= offset)
    const sum = addend === 0 ? '' : addend > 0 ? `+${addend}` : `${addend}`
    note(place?.offset ?? offset, `${symbol}${sum} (${kind})`)
  }
  traps.offset.forEach((offset, i) => {
    note(offset, `may trap: ${trapCodeName(traps.code[i])}`)
  })
  const lines = [`%${compiled.name}: ${codeSize} bytes of code`]
  for (const { offset, text } of instructions) {
    const notice = notes.get(offset)
    lines.push(`${at(offset)}  ${text}${notice === undefined ? '' : `  <- ${notice.join(', ')}`}`)
  }
  if (callSites.length > 0) lines.push(`return addresses: ${Array.from(callSites, at).join(' ')}`)
  if (code.length > codeSize) lines.push(`behind the code, from ${at(codeSize)}: ${hex(code.subarray(codeSize))}`)
  if (frame.events.length === 0) {
    lines.push('no frame')
  } else {
    lines.push('frame:', ...indented(printRecord(frame).trimEnd().split('\n')))
    lines.push('rows:', ...indented(printRows(unwindRows(frame))))
  }
  if (unwind === null) return [...lines, 'no unwind entry']
  const format = Object.values(defaultFormats).find((candidate) => candidate?.name === unwind.format)
  lines.push(`${unwind.format}: ${hex(unwind.bytes)}`, ...indented(format?.print(unwind) ?? []))
  return lines
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
