// Every function of Wine's and mingw's DLLs: its unwind data mean to us what they mean to LLVM, and written again they are
// the same bytes.

import { describe, expect, test } from 'vitest'
import { type UnwindRow, x64 } from '../../packages/frame-layout/src/index.ts'
import { imageBytesAt, type LinkedImage, readImage } from '../../packages/object/src/index.ts'
import { decodeLsda, encodeLsda } from '../../packages/unwind-dwarf/src/index.ts'
import {
  encodeUnwindInfo,
  operandBytes,
  operationNames,
  type UnwindCode,
  type UnwindInfo,
  validateImage,
  type Win64DecodedFunction,
  win64Format,
} from '../../packages/unwind-win64/src/index.ts'
import { peFiles, present, read, wineLibraries } from '../support/real-files.ts'
import { clean, need } from '../support/tools.ts'

/** None of these files has version 3. */
interface RealFunction extends Win64DecodedFunction {
  readonly info: UnwindInfo
}

interface Loaded {
  readonly image: LinkedImage
  readonly functions: readonly RealFunction[]
}

const loaded = new Map<string, Loaded>()

function load(path: string): Loaded {
  const known = loaded.get(path)
  if (known !== undefined) return known
  const result = decoded(path)
  loaded.set(path, result)
  return result
}

function decoded(path: string): Loaded {
  const image = readImage(read(path))
  const { unwindIndex } = image
  if (unwindIndex === null) return { image, functions: [] }
  const sections = image.sections.filter(({ name }) => !name.startsWith('.pdata'))
  const table = { name: '.pdata', address: unwindIndex.address, bytes: unwindIndex.bytes }
  const functions = win64Format.decode({ base: image.base, sections: [...sections, table] }).map((fn): RealFunction => {
    if (fn.info.version === 3) throw new Error(`${path} has a record of version 3`)
    return { ...fn, info: fn.info }
  })
  return { image, functions }
}

/** A function in the words of `llvm-readobj --unwind`. */
function inTheirWords({ base }: LinkedImage, { begin, end, entry, info }: RealFunction): string[] {
  const hex = (value: bigint): string => `0x${value.toString(16).toUpperCase()}`
  const register = (number: number): string => x64.registerNames[number]!.toUpperCase()
  const framed = info.frameRegister !== 0
  const operands = (code: UnwindCode): string => {
    switch (operationNames[code.operation]) {
      case 'PUSH_NONVOL':
        return ` reg=${register(code.info)}`
      case 'ALLOC_LARGE':
      case 'ALLOC_SMALL':
        return ` size=${operandBytes(code)}`
      case 'SET_FPREG':
        return ` reg=${framed ? register(info.frameRegister) : '<invalid>'}, offset=0x${info.frameOffset.toString(16).toUpperCase()}`
      case 'SAVE_NONVOL':
      case 'SAVE_NONVOL_FAR':
        return ` reg=${register(code.info)}, offset=0x${operandBytes(code).toString(16).toUpperCase()}`
      case 'SAVE_XMM128':
      case 'SAVE_XMM128_FAR':
        return ` reg=XMM${code.info}, offset=0x${operandBytes(code).toString(16).toUpperCase()}`
      case 'PUSH_MACHFRAME':
        return ` errcode=${code.info === 0 ? 'no' : 'yes'}`
    }
    return ''
  }
  return [
    `${hex(begin)} ${hex(end)} ${hex(base + BigInt(entry.unwindInfo))}`,
    `version ${info.version} flags ${info.flags} prologue ${info.prologueSize}`,
    `frame ${framed ? `${register(info.frameRegister)} 0x${(info.frameOffset / 16).toString(16).toUpperCase()}` : '-'}`,
    ...info.codes.map((code) => {
      const name = operationNames[code.operation]
      return `0x${code.codeOffset.toString(16).toUpperCase().padStart(2, '0')}: ${name}${operands(code)}`
    }),
    ...((info.flags & 3) !== 0 ? [`handler ${hex(base + BigInt(info.handler))}`] : []),
  ]
}

function theirsOf(text: string): string[][] {
  return text
    .split('  RuntimeFunction {\n')
    .slice(1)
    .map((entry) => {
      const address = (name: string) => new RegExp(`^ +${name}: .*\\((0x[\\dA-F]+)\\)`, 'm').exec(entry)?.[1]
      const field = (name: string) => new RegExp(`^ +${name}: (.*)$`, 'm').exec(entry)?.[1]
      const codes = [...entry.matchAll(/^ +(0x[\dA-F]{2}: .*)$/gm)].map(([, code]) => code!)
      const register = field('FrameRegister')
      const flags = Number(/Flags \[ \((0x[\dA-F]+)\)/.exec(entry)?.[1])
      const handler = address('Handler')
      return [
        `${address('StartAddress')} ${address('EndAddress')} ${address('UnwindInfoAddress')}`,
        `version ${field('Version')} flags ${flags} prologue ${field('PrologSize')}`,
        `frame ${register === '-' ? '-' : `${register?.replace(/ \(.*/, '')} ${field('FrameOffset')}`}`,
        ...codes,
        ...(handler === undefined ? [] : [`handler ${handler}`]),
      ]
    })
}

/** What a record does to rsp and saves, from its codes alone: what the rows must say behind the prologue. */
function totals({ info }: RealFunction): { readonly size: number; readonly saved: ReadonlySet<number> } {
  let size = 8
  const saved = new Set<number>()
  for (const code of info.codes) {
    switch (operationNames[code.operation]) {
      case 'PUSH_NONVOL':
        size += 8
        saved.add(code.info)
        break
      case 'ALLOC_LARGE':
      case 'ALLOC_SMALL':
        size += operandBytes(code)
        break
      case 'SAVE_NONVOL':
      case 'SAVE_NONVOL_FAR':
        saved.add(code.info)
        break
      case 'SAVE_XMM128':
      case 'SAVE_XMM128_FAR':
        saved.add(code.info + 16)
        break
      case 'PUSH_MACHFRAME':
        size = Number.NaN
        break
    }
  }
  return { size, saved }
}

function checkRows(fn: RealFunction, rows: readonly UnwindRow[]): void {
  const name = `the function at 0x${fn.begin.toString(16)}`
  const { size, saved } = totals(fn)
  const { cfa, registers } = rows.at(-1)!
  if (fn.info.parent !== null || Number.isNaN(size)) return
  if (fn.info.frameRegister === 0) expect(cfa, name).toEqual({ rule: 'register', register: 4, offset: size })
  else expect(cfa, name).toMatchObject({ rule: 'register', register: fn.info.frameRegister })
  expect(new Set([...registers.keys()].filter((register) => register !== x64.returnAddress)), name).toEqual(saved)
}

/** The record written again, and the bytes in the file. */
function writtenAgain({ image }: Loaded, { entry, info }: RealFunction): [Uint8Array, Uint8Array] {
  const bytes = imageBytesAt(image, image.base + BigInt(entry.unwindInfo))!
  // A record without codes takes four bytes in the file; ours has eight, as compilers for Windows write it.
  const written = encodeUnwindInfo(info).subarray(0, info.codes.length === 0 && info.flags === 0 ? 4 : undefined)
  return [written, bytes.subarray(0, written.length)]
}

describe.each(present(peFiles))('%s', (path) => {
  test('has the functions that LLVM and objdump count, and the codes that LLVM reads', (context) => {
    const [readobj, objdump] = need(context, 'llvm-readobj', 'x86_64-w64-mingw32-objdump')
    const { image, functions } = load(path)
    expect(functions.length).toBeGreaterThan(50)
    const listed = clean(objdump!, ['-p', path])
    const table = listed.slice(listed.indexOf('The Function Table'))
    expect(functions.length).toBe([...table.matchAll(/^ [\da-f]{16}:\t/gm)].length)
    const theirs = theirsOf(clean(readobj!, ['--unwind', path]))
    expect(functions.length).toBe(theirs.length)
    for (const [index, fn] of functions.entries()) {
      const ours = inTheirWords(image, fn)
      if (ours.join('\n') !== theirs[index]!.join('\n')) expect(ours).toEqual(theirs[index])
    }
  })

  test('written again, every record is the same bytes', () => {
    const file = load(path)
    for (const fn of file.functions) {
      const [written, bytes] = writtenAgain(file, fn)
      if (!equal(written, bytes)) expect(written, `the function at 0x${fn.begin.toString(16)}`).toEqual(bytes)
    }
  })

  test('rows end with the whole frame', () => {
    for (const fn of load(path).functions) checkRows(fn, fn.rows())
  })

  test('its LSDAs, which are the data of the handler of C++, written again mean the same', () => {
    const { image, functions } = load(path)
    const personality = image.symbols.find(({ name }) => name === '__gxx_personality_seh0')?.address
    const withData = functions.filter(({ info }) => image.base + BigInt(info.handler) === personality)
    if (path.endsWith('libstdc++-6.dll')) expect(withData.length).toBeGreaterThan(500)
    for (const { entry, info, begin, end } of withData) {
      const address = image.base + BigInt(entry.unwindInfo)
      const bytes = imageBytesAt(image, address)!
      const lsda = decodeLsda(bytes, encodeUnwindInfo(info).length, address)
      const name = `the LSDA of 0x${begin.toString(16)}`
      for (const { start, length } of lsda.callSites) {
        expect(start + length, name).toBeLessThanOrEqual(Number(end - begin))
      }
      const { landingPadStart, types, ...tables } = lsda
      expect(landingPadStart, name).toBeNull()
      const { bytes: written } = encodeLsda({ ...tables, types: types.map(() => ({ symbol: 'type' })) })
      const { callSites, actions, specifications } = lsda
      expect(decodeLsda(written), name).toMatchObject({ callSites, actions, specifications })
    }
  })
})

/**
 * What validation has to say of these files, besides notes, looked at by hand:
 *
 * - ntdll.dll: call_consolidate_callback, written by hand, goes on saving behind what it declares to be its prologue; two
 *   functions, RtlRaiseException among them, end with a call that does not come back.
 * - libgomp-1.dll: gcc saved eight registers before it set the frame register; rsp does not move in between, so Windows undoes
 *   it rightly, and Wine 8 does not.
 */
const faults: Readonly<Record<string, readonly string[]>> = {
  'ntdll.dll': ['code-past-prologue', 'ends-with-call'],
  'libgomp-1.dll': ['save-before-frame-register'],
}

test.skipIf(present(peFiles).length === 0)('validation finds what is wrong, and nothing else', () => {
  for (const path of present(peFiles)) {
    const { base, sections, unwindIndex } = readImage(read(path))
    const others = sections.filter(({ name }) => !name.startsWith('.pdata'))
    const table = { name: '.pdata', address: unwindIndex!.address, bytes: unwindIndex!.bytes }
    const found = validateImage({ base, sections: [...others, table] }).filter(({ severity }) => severity !== 'note')
    const allowed = faults[path.slice(path.lastIndexOf('/') + 1)] ?? []
    expect([...new Set(found.map(({ code }) => code))].sort(), path).toEqual(allowed)
  }
})

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

// All that Wine brings are some hundred files and 170 000 functions: their counts, bytes and rows.
test.skipIf(wineLibraries().length === 0)('all DLLs of Wine', { timeout: 120_000 }, () => {
  let count = 0
  for (const path of wineLibraries()) {
    const file = decoded(path)
    for (const fn of file.functions) {
      const [written, bytes] = writtenAgain(file, fn)
      if (!equal(written, bytes)) expect(written, `${path}, the function at 0x${fn.begin.toString(16)}`).toEqual(bytes)
      checkRows(fn, fn.rows())
    }
    count += file.functions.length
  }
  expect(count).toBeGreaterThan(100_000)
})
