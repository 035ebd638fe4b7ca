// Code made at run time, in running processes: thrown through, caught in, walked and debugged, with the image that describes it.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FrameRecord, FrameRecorder, RBP, RBX, type UnwoundFunction } from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildLsda, type LsdaRegion } from '../src/build-lsda.ts'
import { assembleDebugFrame } from '../src/debug-frame.ts'
import { decodeFrames } from '../src/decode.ts'
import { dwarf, frameDescriptions } from '../src/format.ts'
import { encodeLsda } from '../src/lsda.ts'
import { buildRunTimeImage, measureRunTimeImage } from '../src/run-time/image.ts'
import { encodeJitCodeEntry, encodeJitDescriptor, encodeJitElf } from '../src/run-time/jit-elf.ts'
import { linkSection } from '../src/run-time/link.ts'
import {
  DYN_INFO_BYTES,
  dynInfoOf,
  type Registration,
  registrationOf,
  unwindersOf,
} from '../src/run-time/registration.ts'
import { fromHex } from './vectors.ts'

const tools = {
  compiler: requireTool('g++'),
  cc: requireTool('gcc'),
  nm: requireTool('llvm-nm'),
  gdb: requireTool('gdb'),
  readelf: requireTool('readelf'),
  llvmReadelf: requireTool('llvm-readelf'),
  libunwind: requireTool('libunwind.h'),
}

const CODE = 0x2000_0000_1000n
const CATCHER = 64
const NEAR = CODE + 0x1000n
const FAR = 0x1000_0000_0000n
const DATA = CODE + 0x10_0000n

/**
 * push rbx; push rbp; sub rsp, 24; mov ebx, 7; mov ebp, 1; call rdi; add rsp, 24; pop rbp; pop rbx; ret. Nobody can walk
 * through it by luck: what is in rbp is no frame pointer.
 */
const passCode = fromHex('53554883ec18bb07000000bd01000000ffd74883c4185d5bc3')
const PASS_SIZE = passCode.length
/** Where its call ends. */
const CALL_END = 18

function passRecord(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.push(2, 1, RBP)
  recorder.adjustSp(6, 4, -24)
  recorder.prologueEnd(6)
  recorder.epilogueBegin(CALL_END)
  recorder.adjustSp(22, 4, 24)
  recorder.pop(23, 1, RBP)
  recorder.pop(24, 1, RBX)
  recorder.epilogueEnd(25)
  return recorder.finish({ codeSize: PASS_SIZE })
}

/** push rbx; call rdi; xor eax, eax; pop rbx; ret; and a landing pad that begins and ends the catch and returns 1. */
function catcherCode(symbols: ReadonlyMap<string, bigint>): Uint8Array {
  const word = (name: string): string => {
    const bytes = new DataView(new ArrayBuffer(8))
    bytes.setBigUint64(0, symbols.get(name)!, true)
    return Buffer.from(bytes.buffer).toString('hex')
  }
  const call = (name: string): string => `48b8${word(name)}ffd0` // mov rax, address; call rax
  return fromHex(`53ffd731c05bc34889c7${call('__cxa_begin_catch')}${call('__cxa_end_catch')}b8010000005bc3`)
}

function catcherRecord(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.prologueEnd(1)
  for (const pop of [6, 40]) {
    recorder.epilogueBegin(pop - 1)
    recorder.pop(pop, 1, RBX)
    recorder.epilogueEnd(pop + 1)
  }
  const personality = { symbol: '__gxx_personality_v0' }
  return recorder.finish({ codeSize: 41, personality, languageData: { symbol: 'table' } })
}

const pass: UnwoundFunction = {
  symbol: 'pass',
  section: 'code',
  offset: 0,
  codeSize: PASS_SIZE,
  unwind: dwarf.encode(passRecord()),
}
const catcher: UnwoundFunction = {
  symbol: 'catch_all',
  section: 'code',
  offset: CATCHER,
  codeSize: 41,
  unwind: dwarf.encode(catcherRecord()),
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-run-time-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

function compile(name: string, tool: string, options: readonly string[]): string {
  const out = join(folder, `${name}-${options.length}`)
  if (existsSync(out)) return out
  const { stderr, status } = spawnSync(tool, ['-O1', '-g', source(name), ...options, '-o', out], { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return out
}

/** Writes what has to lie in memory; returns the file. */
function segments(...parts: readonly (readonly [address: bigint, bytes: Uint8Array])[]): string {
  const path = join(folder, 'segments')
  const chunks = parts.flatMap(([address, bytes]) => {
    const head = new DataView(new ArrayBuffer(16))
    head.setBigUint64(0, address, true)
    head.setBigUint64(8, BigInt(bytes.length), true)
    return [new Uint8Array(head.buffer), bytes]
  })
  writeFileSync(path, Buffer.concat(chunks))
  return path
}

const hex = (value: bigint): string => value.toString(16)
const words = (calls: Registration['register']): string =>
  calls.map(({ symbol, argument }) => `${symbol}:${hex(argument)}`).join(',')

function run(program: string, args: readonly string[], environment: Record<string, string> = {}): unknown {
  const env = { ...process.env, ...environment }
  const { stdout, stderr, status, signal } = spawnSync(program, args, { encoding: 'utf8', env })
  return { stdout, stderr, status, signal }
}

const driven = (path: string, code: bigint, calls: Registration, ...more: string[]): string[] => [
  'run',
  path,
  hex(code),
  hex(code + BigInt(PASS_SIZE)),
  words(calls.register),
  words(calls.deregister),
  ...more,
]

const THROWN = '1 frame inside, main above: yes\nthrough 0\nthrough 1\nthrough 2\n3\n'

describe.skipIf(tools.compiler === null)('in a process', () => {
  test.each([
    ['the image beside the code', CODE, NEAR, 0x1b],
    ['the image far away', CODE, FAR, 0x1c],
    // libgcc takes it for dropped by a linker where fields have 4 bytes.
    ['the code at a multiple of 4 GiB', 0x3000_0000_0000n, 0x3000_0000_1000n, 0x1c],
  ] as const)('thrown through and walked by libgcc, %s', (_, code, address, encoding) => {
    const image = buildRunTimeImage([pass], { address, addresses: new Map([['code', code]]) })
    expect(decodeFrames(image.ehFrame.bytes, { address }).entries[0]).toMatchObject({ codeEncoding: encoding })
    const calls = registrationOf(image, 'libgcc')
    expect(calls.register).toEqual([{ symbol: '__register_frame', argument: address }])
    const program = compile('run-time-driver.cc', tools.compiler!, [])
    const path = segments([code, passCode], [address, image.bytes])
    const expected = { stdout: `${THROWN}gone\n`, stderr: '', status: 0, signal: null }
    expect(run(program, driven(path, code, calls))).toEqual(expected)
  })

  test.skipIf(tools.nm === null)('caught in, by the personality routine and a table of ours', () => {
    const program = compile('run-time-driver.cc', tools.compiler!, ['-static', '-no-pie'])
    const symbols = new Map<string, bigint>()
    for (const line of spawnSync(tools.nm!, [program], { encoding: 'utf8' }).stdout.split('\n')) {
      const found = /^([0-9a-f]+) \w (\S+)$/.exec(line)
      if (found) symbols.set(found[2]!, BigInt(`0x${found[1]}`))
    }
    const regions: LsdaRegion[] = [
      { start: 1, length: 2, landingPad: 7, handlers: [{ kind: 'catch', type: null }] },
      { start: 10, length: 24, landingPad: null, handlers: [] },
    ]
    const lsda = encodeLsda(buildLsda(regions, { typeEncoding: 0x03 }))
    const addresses = new Map([...symbols, ['code', CODE], ['table', DATA]])
    const image = buildRunTimeImage([pass, catcher], { address: NEAR, addresses })
    const code = new Uint8Array(CATCHER + 41)
    code.set(passCode)
    code.set(catcherCode(symbols), CATCHER)
    const path = segments([CODE, code], [NEAR, image.bytes], [DATA, lsda.bytes])
    const args = driven(path, CODE, registrationOf(image, 'libgcc'), hex(CODE + BigInt(CATCHER)))
    const stdout = `${THROWN}0 1 1\ngone\n`
    expect(run(program, args)).toEqual({ stdout, stderr: '', status: 0, signal: null })
  })

  const llvm = requireTool('libunwind.so.1')
  test.skipIf(llvm === null).each([
    ['FDE by FDE', 'llvm-libunwind', 2],
    ['by section', 'llvm-libunwind-sections', 1],
  ] as const)("thrown through and walked by LLVM's libunwind, %s", (_, unwinder, count) => {
    const two = [pass, { ...pass, symbol: 'again', offset: CATCHER }]
    const image = buildRunTimeImage(two, { address: NEAR, addresses: new Map([['code', CODE]]) })
    const calls = registrationOf(image, unwinder)
    const pointers = count === 2 ? image.functions.map(({ entry }) => entry) : [image.address]
    expect(calls.register.map(({ argument }) => argument)).toEqual(pointers)
    expect(calls.deregister.map(({ argument }) => argument)).toEqual(pointers.toReversed())
    const program = compile('run-time-driver.cc', tools.compiler!, [])
    const code = new Uint8Array(CATCHER + PASS_SIZE)
    code.set(passCode)
    code.set(passCode, CATCHER)
    const path = segments([CODE, code], [NEAR, image.bytes])
    const result = run(program, driven(path, CODE, calls), { LD_PRELOAD: llvm! })
    expect(result).toMatchObject({ stdout: expect.stringContaining(THROWN), stderr: '', status: 0 })
  })

  test.skipIf(tools.libunwind === null)('walked by nongnu libunwind', () => {
    const image = buildRunTimeImage([pass], { address: NEAR, addresses: new Map([['code', CODE]]) })
    const info = dynInfoOf(image, DATA)
    expect(info.register).toEqual([{ symbol: '_U_dyn_register', argument: DATA }])
    expect(info.deregister).toEqual([{ symbol: '_U_dyn_cancel', argument: DATA }])
    expect(info.bytes.length).toBe(DYN_INFO_BYTES)
    const program = compile('run-time-libunwind.c', tools.cc!, ['-lunwind'])
    const path = segments([CODE, passCode], [NEAR, image.bytes], [DATA, info.bytes])
    const args = [path, hex(CODE), hex(CODE + BigInt(PASS_SIZE)), hex(DATA), hex(BigInt(DYN_INFO_BYTES))]
    expect(run(program, args)).toEqual({
      stdout: 'inside lost\ninside main\ninside lost\n',
      stderr: '',
      status: 0,
      signal: null,
    })
  })
})

const jitElf = (sections: 'eh' | 'debug'): Uint8Array => {
  const addresses = new Map([['code', CODE]])
  const image = buildRunTimeImage([pass], { address: NEAR, addresses })
  const debug = assembleDebugFrame(frameDescriptions([pass]))
  return encodeJitElf({
    code: [{ address: CODE, size: PASS_SIZE }],
    symbols: [{ name: 'pass_on', address: CODE, size: PASS_SIZE }],
    sections:
      sections === 'eh'
        ? [image.ehFrame]
        : [{ name: '.debug_frame', address: 0n, bytes: linkSection(debug, 0n, addresses) }],
  })
}

test.skipIf(tools.gdb === null || tools.compiler === null).each(['eh', 'debug'] as const)(
  "gdb walks through the code by the file's .%s_frame",
  (sections) => {
    const elf = jitElf(sections)
    const entry = encodeJitCodeEntry({ next: 0n, previous: 0n, address: DATA + 0x1000n, size: elf.length })
    const descriptor = encodeJitDescriptor({ action: 'register', relevant: DATA, first: DATA })
    const path = segments([CODE, passCode], [DATA, Buffer.concat([entry, descriptor])], [DATA + 0x1000n, elf])
    const program = compile('run-time-driver.cc', tools.compiler!, [])
    const args = ['gdb', path, hex(CODE), hex(CODE + BigInt(PASS_SIZE)), hex(DATA + BigInt(entry.length))]
    const { stdout } = spawnSync(
      tools.gdb!,
      [
        ...['-nx', '-batch', '-iex', 'set debuginfod enabled off', '-ex', 'set breakpoint pending on'],
        ...['-ex', 'break stop_here', '-ex', 'run', '-ex', 'bt', '-ex', 'up 2', '-ex', 'print $rsp > 0', '--args'],
        ...[program, ...args],
      ],
      { encoding: 'utf8' },
    )
    const frames = stdout.split('\n').flatMap((line) => /^#(\d) .*?(\w+) \(/.exec(line)?.slice(1, 3).join(' ') ?? [])
    expect(frames.slice(0, 3), stdout).toEqual(['0 stop_here', '1 pass_on', '2 main'])
  },
)

test.skipIf(tools.readelf === null || tools.llvmReadelf === null).each(['eh', 'debug'] as const)(
  'readelf and llvm-readelf read the file without a warning: .%s_frame',
  (sections) => {
    const path = join(folder, 'jit.elf')
    writeFileSync(path, jitElf(sections))
    for (const tool of [tools.readelf!, tools.llvmReadelf!]) {
      const { stdout, stderr, status } = spawnSync(tool, ['-a', '--debug-dump=frames', '-W', path], {
        encoding: 'utf8',
      })
      // llvm-readelf has no --debug-dump.
      const plain = tool === tools.readelf ? { stdout, stderr, status } : readPlain(tool, path)
      expect({ stderr: plain.stderr, status: plain.status }).toEqual({ stderr: '', status: 0 })
      expect(plain.stdout).toMatch(/NOBITS +0000200000001000/)
      expect(plain.stdout).toMatch(/0000200000001000 +25 FUNC +GLOBAL DEFAULT +1 pass_on/)
    }
  },
)

function readPlain(tool: string, path: string): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(tool, ['-a', '-W', path], { encoding: 'utf8' })
}

describe('the image', () => {
  const addresses = new Map([['code', CODE]])

  test('takes no more bytes than was said, wherever it lies', () => {
    const bound = measureRunTimeImage([pass])
    for (const address of [NEAR, FAR]) {
      const { bytes } = buildRunTimeImage([pass], { address, addresses })
      expect(bytes.length).toBeLessThanOrEqual(bound)
    }
  })

  test('of parts has an FDE for each, wherever it lies', () => {
    const parts = [
      { begin: 0, end: CALL_END },
      { begin: CALL_END, end: PASS_SIZE },
    ]
    const split: UnwoundFunction = {
      ...pass,
      parts: [
        { symbol: 'pass', section: 'code', offset: 0, codeSize: CALL_END },
        { symbol: 'pass.cold', section: 'cold', offset: 8, codeSize: PASS_SIZE - CALL_END },
      ],
      unwind: dwarf.encode({ ...passRecord(), parts }),
    }
    const image = buildRunTimeImage([split], { address: NEAR, addresses: new Map([...addresses, ['cold', FAR]]) })
    expect(image.functions.map(({ begin, end }) => [begin, end])).toEqual([
      [CODE, CODE + BigInt(CALL_END)],
      [FAR + 8n, FAR + 8n + BigInt(PASS_SIZE - CALL_END)],
    ])
    // Out of the header's reach: entries of 8 bytes, which nongnu libunwind has no words for.
    expect(image.ehFrameHdr.bytes[3]).toBe(0x3c)
    expect(() => dynInfoOf(image, DATA)).toThrow(/too far/)
  })

  test('of nothing is registered with nobody', () => {
    const image = buildRunTimeImage([], { address: NEAR, addresses })
    expect(image.bytes.length).toBe(16)
    expect(registrationOf(image, 'libgcc')).toEqual({ register: [], deregister: [] })
    expect(dynInfoOf(image, DATA).register).toEqual([])
  })

  test('with absolute addresses does not depend on its place', () => {
    const at = (address: bigint): Uint8Array =>
      buildRunTimeImage([pass], { address, addresses, code: 'absolute' }).ehFrame.bytes
    expect(at(NEAR)).toEqual(at(FAR))
  })

  test('refuses what it cannot point at', () => {
    expect(() => buildRunTimeImage([catcher], { address: NEAR, addresses })).toThrow(/__gxx_personality_v0/)
    expect(() => buildRunTimeImage([pass], { address: NEAR + 4n, addresses })).toThrow(/no multiple of 8/)
  })
})

test('which unwinders a process has', () => {
  const among =
    (...names: string[]) =>
    (name: string): boolean =>
      names.includes(name)
  expect(unwindersOf('linux', among('__register_frame'))).toEqual(['libgcc'])
  expect(unwindersOf('linux', among('__register_frame', '_U_dyn_register'))).toEqual(['libgcc', 'nongnu-libunwind'])
  expect(unwindersOf('linux', among('__register_frame', '__unw_add_dynamic_fde'))).toEqual(['llvm-libunwind'])
  expect(unwindersOf('linux', among('__unw_add_dynamic_fde', '__unw_add_dynamic_eh_frame_section'))).toEqual([
    'llvm-libunwind-sections',
  ])
  expect(unwindersOf('darwin', among('__register_frame'))).toEqual(['llvm-libunwind'])
  expect(unwindersOf('linux', among())).toEqual([])
})
