/** SFrame in words. */

import { printRows } from '@framewright/frame-layout'
import { abiOf, type SFrameAbi } from './abi.ts'
import { ByteReader } from './byte-reader.ts'
import { SFRAME_F_FDE_FUNC_START_PCREL, SFRAME_F_FDE_SORTED, SFRAME_F_FRAME_POINTER } from './constants.ts'
import type { SFrameFunction, SFrameTable } from './decode.ts'
import type { SFrameFunctionUnwind } from './encode.ts'
import { SFrameError } from './errors.ts'
import { unwindRowsOf } from './unwind-rows.ts'

/** A whole section: its header, and every function with its rows. */
export function printSFrame(table: SFrameTable): string[] {
  const { version, flags, abi, functions } = table
  const said = [
    `SFrame version ${version}`,
    abiName(abi),
    `${functions.length} ${functions.length === 1 ? 'function' : 'functions'}`,
  ]
  if ((flags & SFRAME_F_FDE_SORTED) !== 0) said.push('sorted')
  if ((flags & SFRAME_F_FRAME_POINTER) !== 0) said.push('all keep the frame pointer')
  if ((flags & SFRAME_F_FDE_FUNC_START_PCREL) !== 0) said.push('starts count from their field')
  return [
    said.join(', '),
    ...functions.flatMap((fn) => ['', `0x${fn.begin.toString(16)}`, ...printFunction(table, fn)]),
  ]
}

/** One function: what its description says, and its rows. Where it lies is not said. */
export function printFunction(table: SFrameTable, fn: SFrameFunction): string[] {
  const said = [`SFrame version ${table.version}: ${fn.size} bytes of code`, rowsText(fn.rows, fn.startSize)]
  if (fn.repeat !== 0) said.push(`repeated every ${fn.repeat} bytes`)
  if (fn.flexible) said.push('flexible rules')
  if (fn.signalFrame) said.push('interrupted, not called')
  if (fn.key === 'b') said.push('signed with key B')
  const rows = fn.rows === 0 || fn.size === 0 ? [] : printRows(unwindRowsOf(table, fn), table.abi.architecture)
  return [said.join(', '), ...rows.map((line) => `  ${line}`)]
}

function rowsText(rows: number, startSize: number): string {
  return `${rows} ${rows === 1 ? 'row' : 'rows'}, ${1 << startSize} bytes for a start`.replace('1 bytes', '1 byte')
}

function abiName(abi: SFrameAbi): string {
  return `${abi.architecture.name}${abi.bigEndian ? ', big-endian' : ''}`
}

/** The unwind data of a function that is in no section yet, part by part. */
export function printUnwind(unwind: SFrameFunctionUnwind, version: 1 | 2): string[] {
  const abi = abiOf(unwind.architecture)
  if (abi === null) throw new SFrameError({ code: 'architecture', architecture: unwind.architecture })
  const { fixedReturnAddress, architecture } = abi
  const reader = new ByteReader(unwind.bytes, false)
  const context = { version, abi, fixedFramePointer: 0, fixedReturnAddress, reader }
  return unwind.parts.flatMap(({ begin, end, rows, codeSize, startSize }, index) => {
    const place = { offset: begin, size: codeSize, rows, rowsAt: begin, rowsEnd: end, startSize }
    const lines = printRows(unwindRowsOf(context, { ...place, repeat: 0, flexible: false }), architecture)
    const title = `SFrame version ${version}${unwind.parts.length === 1 ? '' : `, part ${index + 1}`}`
    const text = `${title}: ${codeSize} bytes of code, ${rowsText(rows, startSize)}`
    return [text, ...lines.map((line) => `  ${line}`)]
  })
}
