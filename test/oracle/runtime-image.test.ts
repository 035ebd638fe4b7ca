// Code made at run time, registered with Windows (Wine, here) by each of its three ways: entries are found, frames are
// walked, exceptions pass through to handlers that lie out of the image's reach, tables grow and go.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { FrameRecorder, RBX } from '../../packages/frame-layout/src/index.ts'
import {
  encodeFrame,
  encodeScopeTable,
  type RuntimeCode,
  RuntimeImage,
  type Scope,
  type SystemCall,
} from '../../packages/unwind-win64/src/index.ts'
import { compileC, execute, keepWine, link, windows } from '../support/systems.ts'
import { have, scratch } from '../support/tools.ts'

const place = scratch()
const BASE = 0x5_0000_0000n

/** mov rax, imm64; call rax; nop. */
const CALL = [0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x90]
const callee = (offset: number) => ({ offset: offset + 2, kind: 'absolute-64' as const, symbol: 'callee', addend: 0 })

/** push rbx; sub rsp, 32; mov ebx, 0xbdd; call; add rsp, 32; pop rbx; ret, with a handler. */
function handled(symbol: string): RuntimeCode {
  const code = [0x53, 0x48, 0x83, 0xec, 0x20, 0xbb, 0xdd, 0x0b, 0, 0, ...CALL, 0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3]
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  recorder.epilogueBegin(23)
  recorder.adjustSp(27, 4, 32)
  recorder.pop(28, 1, RBX)
  recorder.epilogueEnd(29)
  const record = recorder.finish({ codeSize: code.length, personality: { symbol: 'handler' } })
  const unwind = encodeFrame(record, { code: Uint8Array.from(code) })
  return { symbol, code: Uint8Array.from(code), relocations: [callee(10)], unwind }
}

/** Saves rbx for the first of two calls alone. */
function shrinkWrapped(symbol: string): RuntimeCode {
  const save = [0x48, 0x89, 0x5c, 0x24, 0x28]
  const restore = [0x48, 0x8b, 0x5c, 0x24, 0x28]
  const code = [0x48, 0x83, 0xec, 0x38, 0x90, ...save, 0xbb, 0xdd, 0x0b, 0, 0, ...CALL, ...restore, ...CALL]
  code.push(0x48, 0x83, 0xc4, 0x38, 0xc3)
  const recorder = new FrameRecorder()
  recorder.adjustSp(4, 4, -56)
  recorder.prologueEnd(4)
  recorder.save(10, 5, RBX, 'sp', 40)
  recorder.restore(33, 5, RBX, 'sp', 40)
  recorder.epilogueBegin(46)
  recorder.adjustSp(50, 4, 56)
  recorder.epilogueEnd(51)
  const record = recorder.finish({ codeSize: code.length, personality: { symbol: 'handler' } })
  const unwind = encodeFrame(record, { code: Uint8Array.from(code) })
  return { symbol, code: Uint8Array.from(code), relocations: [callee(15), callee(33)], unwind }
}

/** Saves rbx in the home area of its caller, before it moves rsp. */
function homeSaved(symbol: string): RuntimeCode {
  const code = [0x48, 0x89, 0x5c, 0x24, 0x08, 0x48, 0x83, 0xec, 0x28, 0xbb, 0xdd, 0x0b, 0, 0, ...CALL]
  code.push(0x48, 0x8b, 0x5c, 0x24, 0x30, 0x48, 0x83, 0xc4, 0x28, 0xc3)
  const recorder = new FrameRecorder()
  recorder.save(5, 5, RBX, 'sp', 8)
  recorder.adjustSp(9, 4, -40)
  recorder.prologueEnd(9)
  recorder.epilogueBegin(27)
  recorder.restore(32, 5, RBX, 'sp', 48)
  recorder.adjustSp(36, 4, 40)
  recorder.epilogueEnd(37)
  const record = recorder.finish({ codeSize: code.length, personality: { symbol: 'handler' } })
  const unwind = encodeFrame(record, { code: Uint8Array.from(code) })
  return { symbol, code: Uint8Array.from(code), relocations: [callee(14)], unwind }
}

/** The prologue in one part, all else in another. */
function split(symbol: string): RuntimeCode {
  const hot = [0x53, 0x48, 0x83, 0xec, 0x20, 0xe9, 0, 0, 0, 0]
  const cold = [0xbb, 0xdd, 0x0b, 0, 0, ...CALL, 0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3]
  const code = Uint8Array.from([...hot, ...cold])
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  recorder.epilogueBegin(28)
  recorder.adjustSp(32, 4, 32)
  recorder.pop(33, 1, RBX)
  recorder.epilogueEnd(34)
  const parts = [
    { begin: 0, end: hot.length },
    { begin: hot.length, end: code.length },
  ]
  const record = recorder.finish({ codeSize: code.length, personality: { symbol: 'handler' }, parts })
  const unwind = encodeFrame(record, { code })
  return { symbol, code, relocations: [callee(15)], unwind, parts: [hot.length, cold.length] }
}

/** Calls `raise` in a `__try`; the `__except` block, taken always, makes 0x77 the result. */
function guarded(symbol: string): RuntimeCode {
  const code = [0x53, 0x48, 0x83, 0xec, 0x20, 0xbb, 0xdd, 0x0b, 0, 0, ...CALL, 0xb8, 0x77, 0, 0, 0]
  code.push(0x48, 0x83, 0xc4, 0x20, 0x5b, 0xc3)
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.adjustSp(5, 4, -32)
  recorder.prologueEnd(5)
  recorder.epilogueBegin(28)
  recorder.adjustSp(32, 4, 32)
  recorder.pop(33, 1, RBX)
  recorder.epilogueEnd(34)
  const record = recorder.finish({ codeSize: code.length, personality: { symbol: '__C_specific_handler' } })
  const scope: Scope = { begin: 10, end: 23, kind: 'except', filter: 'always', target: 23 }
  const handlerData = encodeScopeTable([scope], { symbol, codeSize: code.length })
  const unwind = encodeFrame(record, { code: Uint8Array.from(code), handlerData })
  const relocations = [{ ...callee(10), symbol: 'raise' }]
  return { symbol, code: Uint8Array.from(code), relocations, unwind }
}

const hex = (value: bigint): string => value.toString(16)

/** Lines for the driver. */
class Plan {
  readonly lines: string[] = []
  #files = 0

  write(writes: readonly { readonly address: bigint; readonly bytes: Uint8Array }[]): this {
    for (const { address, bytes } of writes) {
      const name = `image-${this.#files++}.bin`
      writeFileSync(place(name), bytes)
      this.lines.push(`write ${hex(address)} ${name}`)
    }
    return this
  }

  /** `words` in place of arguments that only the driver knows. */
  call({ name, arguments: values }: SystemCall, words: Readonly<Record<number, string>> = {}): this {
    this.lines.push(`call ${name} ${values.map((value, i) => words[i] ?? hex(value)).join(' ')}`)
    return this
  }

  add(...lines: readonly string[]): this {
    this.lines.push(...lines)
    return this
  }
}

keepWine()

describe.skipIf(!have(...windows.tools))('an image is registered by', () => {
  let program: string
  let symbols: Map<string, bigint>

  function follow(plan: Plan): string[] {
    writeFileSync(place('plan.txt'), `${plan.lines.join('\n')}\n`)
    const cwd = process.cwd()
    process.chdir(join(place('plan.txt'), '..'))
    try {
      const { stdout, stderr, status } = execute(windows, program, 'plan.txt')
      expect(status, stdout + stderr).toBe(0)
      return stdout.trim().split(/\r?\n/)
    } finally {
      process.chdir(cwd)
    }
  }

  beforeAll(() => {
    const object = compileC(windows, join(import.meta.dirname, 'runtime-image.c'), place('runtime-image.o'), '-O1')
    // Loaded at the same place every time, below the image.
    program = link(windows, place('runtime-image.exe'), [object], '-Wl,--image-base,0x140000000,--disable-dynamicbase')
    const lines = follow(new Plan().add('addresses'))
    symbols = new Map(lines.map((line) => line.split(' ')).map(([name, value]) => [name!, BigInt(`0x${value}`)]))
    expect(symbols.get('handler')).toBeLessThan(BASE)
  })

  function imageOf(): RuntimeImage {
    return new RuntimeImage({ base: BASE, symbols, capacity: { code: 4096, unwind: 4096, entries: 64 } })
  }

  const walked = (from: bigint) => [
    `  from +${hex(from)}: to the caller, rbx 600d`,
    '  went on, handler called 1 times',
  ]
  const map = (image: RuntimeImage) => `map ${hex(image.base)} ${image.bytes.length.toString(16)}`
  const rva = (image: RuntimeImage, symbol: string) => image.address(symbol) - BASE

  test('RtlAddFunctionTable', () => {
    const image = imageOf()
    const writes = image.add([handled('f'), shrinkWrapped('g'), split('h'), guarded('t')])
    const { register, remove } = image.functionTable()
    const [f, g, h] = ['f', 'g', 'h'].map((name) => rva(image, name)) as [bigint, bigint, bigint]
    const plan = new Plan().add(map(image)).write(writes).call(register)
    plan.add(`lookup ${hex(BASE + f + 5n)}`, `lookup ${hex(BASE + g + 15n)}`, `lookup ${hex(BASE + h + 15n)}`)
    plan.add(`run ${hex(BASE + f)}`, `run ${hex(BASE + g)}`, `run ${hex(BASE + h)}`)
    plan.add(`guard ${hex(image.address('t'))}`)
    plan.call(remove).add(`lookup ${hex(BASE + f + 5n)}`)
    expect(follow(plan).filter((line) => !line.startsWith('write'))).toEqual([
      'map ok',
      'RtlAddFunctionTable 1',
      `lookup +${hex(f)}..+${hex(f + 29n)} of ${hex(BASE)}`,
      `lookup +${hex(g + 5n)}..+${hex(g + 33n)} of ${hex(BASE)}`,
      `lookup +${hex(h + 10n)}..+${hex(h + 34n)} of ${hex(BASE)}`,
      'run',
      ...walked(f + 22n),
      '  back',
      'run',
      ...walked(g + 27n),
      ...walked(g + 45n),
      '  back',
      'run',
      ...walked(h + 27n),
      '  back',
      'guard 77',
      'RtlDeleteFunctionTable 1',
      'lookup none',
    ])
  })

  test('RtlAddGrowableFunctionTable, and grows', () => {
    const image = imageOf()
    const table = image.growableFunctionTable(0n)
    const plan = new Plan().add(map(image)).write(image.add([handled('f')]))
    const registered = image.growableFunctionTable(0n)
    plan.call(registered.register, { 0: '&handle' })
    plan.write(image.add([shrinkWrapped('g')]))
    const [f, g] = ['f', 'g'].map((name) => rva(image, name)) as [bigint, bigint]
    plan.add(`lookup ${hex(BASE + f + 5n)}`, `lookup ${hex(BASE + g + 5n)}`)
    plan.call(table.grow(0n), { 0: 'handle' })
    plan.add(`lookup ${hex(BASE + g + 5n)}`, `run ${hex(BASE + f)}`, `run ${hex(BASE + g)}`)
    plan.call(table.remove(0n), { 0: 'handle' }).add(`lookup ${hex(BASE + f + 5n)}`)
    const lines = follow(plan).filter((line) => !line.startsWith('write'))
    const grown = lines.findIndex((line) => line.startsWith('RtlGrowFunctionTable'))
    expect(lines.slice(0, grown)).toEqual([
      'map ok',
      'RtlAddGrowableFunctionTable 0',
      `lookup +${hex(f)}..+${hex(f + 29n)} of ${hex(BASE)}`,
      'lookup none',
    ])
    // The functions that grow and delete give nothing back.
    expect(lines.slice(grown + 1).filter((line) => !line.startsWith('Rtl'))).toEqual([
      `lookup +${hex(g + 5n)}..+${hex(g + 33n)} of ${hex(BASE)}`,
      'run',
      ...walked(f + 22n),
      '  back',
      'run',
      ...walked(g + 27n),
      ...walked(g + 45n),
      '  back',
      'lookup none',
    ])
  })

  test('RtlInstallFunctionTableCallback', () => {
    const image = imageOf()
    const writes = image.add([handled('f'), split('h'), homeSaved('k')])
    const { register, remove } = image.functionTableCallback(0n)
    const [f, h, k] = ['f', 'h', 'k'].map((name) => rva(image, name)) as [bigint, bigint, bigint]
    const table = image.regions.find(({ name }) => name === 'table')!
    const plan = new Plan().add(map(image)).write(writes)
    plan.add(`table ${hex(BASE + BigInt(table.offset))} ${image.entryCount.toString(16)}`)
    // Without its two low bits the identifier is refused.
    plan.call({ ...register, arguments: [BASE, ...register.arguments.slice(1)] }, { 3: 'callback' })
    plan.call(register, { 3: 'callback' })
    plan.add(`lookup ${hex(BASE + h + 15n)}`, `run ${hex(BASE + f)}`, `run ${hex(BASE + h)}`)
    plan
      .add(`run ${hex(BASE + k)}`)
      .call(remove)
      .add(`lookup ${hex(BASE + f + 5n)}`)
    expect(follow(plan).filter((line) => !line.startsWith('write'))).toEqual([
      'map ok',
      'RtlInstallFunctionTableCallback 0',
      'RtlInstallFunctionTableCallback 1',
      `lookup +${hex(h + 10n)}..+${hex(h + 34n)} of ${hex(BASE)}`,
      'run',
      ...walked(f + 22n),
      '  back',
      'run',
      ...walked(h + 27n),
      '  back',
      'run',
      ...walked(k + 26n),
      '  back',
      'RtlDeleteFunctionTable 1',
      'lookup none',
    ])
  })
})
