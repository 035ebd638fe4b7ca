// `unwind --at`: what holds at one place, and which bytes say so, in every format that a file carries.

import { readFileSync } from 'node:fs'
import {
  type FrameRecord,
  FrameRecorder,
  RBP,
  RBX,
  RETURN_ADDRESS,
  RSP,
  type UnwindFormat,
  XMM0,
} from '@framewright/frame-layout'
import { readObject, writeObject } from '@framewright/object'
import { sframe } from '@framewright/unwind-sframe'
import { type Win64DecodedFunction, win64Format } from '@framewright/unwind-win64'
import { describe, expect, test } from 'vitest'
import { explainWin64 } from '../src/explain/win64.ts'
import { loadDisassembler } from '../src/listing/disassemble.ts'
import { loadObject } from '../src/listing/load-object.ts'
import { moduleObject } from '../src/module-object.ts'
import { findTarget } from '../src/target.ts'
import { fib, run, type World, world } from './memory-host.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()

interface JsonRow {
  readonly cfa: unknown
  readonly registers: unknown
}

interface Explained {
  readonly at: Readonly<Record<string, unknown>>
  readonly explanations: readonly {
    readonly format: string
    readonly source: string
    readonly summary: string
    readonly row: (JsonRow & { readonly at: number }) | null
    readonly from: string | null
    readonly to: string | null
    readonly groups: readonly {
      readonly name: string
      readonly value: string
      readonly reasons: readonly { readonly section: string; readonly offset: number; readonly bytes: string }[]
    }[]
  }[]
}

async function explained(where: World, path: string, place: string): Promise<Explained> {
  const { code, stdout, stderr } = await run(['unwind', path, '--json', '--at', place], where)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Explained
}

/** Where instructions begin, with the row that disasm shows beside each. */
async function boundaries(where: World, path: string, name: string) {
  const { stdout } = await run(`disasm --json ${path} -f ${name}`, where)
  const [fn] = (
    JSON.parse(stdout) as {
      functions: { instructions: { offset: number; text: string; unwind: JsonRow }[] }[]
    }
  ).functions
  return fn.instructions
}

const same = ({ cfa, registers }: JsonRow) => ({ cfa, registers })

async function compiled(triple: string): Promise<World> {
  const where = world({ 'fib.clif': fib })
  expect(await run(`compile fib.clif -o fib.o --target ${triple}`, where)).toMatchObject({ code: 0, stderr: '' })
  return where
}

describe.each(['x86_64-unknown-linux-gnu', 'x86_64-pc-windows-msvc'])('%s', (triple) => {
  const system = triple.includes('linux') ? 'linux' : 'windows'

  test('in words', async () => {
    const where = await compiled(triple)
    for (const place of ['fib+9', 'fib+1']) {
      const { code, stdout, stderr } = await run(['unwind', 'fib.o', '--at', place], where)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      await expect(stdout).toMatchFileSnapshot(`golden/at-${system}-${place.replace('+', '-')}.txt`)
    }
  })

  test('at every instruction the row is the one that the listings show, and its bytes are the file’s', async () => {
    const where = await compiled(triple)
    const sections = new Map<string, Uint8Array>()
    for (const { name, bytes } of readObject(where.files.get('fib.o') as Uint8Array).sections) sections.set(name, bytes)
    const instructions = await boundaries(where, 'fib.o', 'fib')
    expect(instructions.length).toBeGreaterThan(10)
    for (const { offset, unwind, text } of instructions) {
      const { at, explanations } = await explained(where, 'fib.o', `fib+${offset}`)
      expect(at).toMatchObject({ function: 'fib', functionOffset: offset, section: '.text' })
      expect(explanations.length).toBe(1)
      const [{ row, groups }] = explanations
      expect(same(row as JsonRow), `${offset}: ${text}`).toEqual(same(unwind))
      for (const { section, offset: from, bytes } of groups.flatMap(({ reasons }) => reasons)) {
        const length = bytes.length / 2
        const stored = sections.get(section)?.subarray(from, from + length) as Uint8Array
        expect(Buffer.from(stored).toString('hex')).toBe(bytes)
      }
      // Each register that has a rule is named, and so is the CFA.
      const names = groups.map(({ name }) => name)
      for (const register of ['CFA', ...Object.keys((row as JsonRow).registers as object)]) {
        expect(names).toContain(register)
      }
    }
  })

  test('a place may be a name, a section, an offset; anything else is an error', async () => {
    const where = await compiled(triple)
    const reference = await explained(where, 'fib.o', 'fib+0x9')
    for (const place of ['%fib+9', '9', '0x9', '.text+9']) {
      const { explanations } = await explained(where, 'fib.o', place)
      expect(explanations, place).toEqual(reference.explanations)
    }
    expect((await explained(where, 'fib.clif', 'fib+1')).at).toMatchObject({ function: 'fib', functionOffset: 1 })
    const wrong = async (place: string) => await run(['unwind', 'fib.o', '--at', place], where)
    expect(await wrong('nothing')).toMatchObject({
      ...{ code: 1, stdout: '', stderr: 'fib.o: error: no function or section nothing; there are fib\n' },
    })
    expect((await wrong('fib+0x10000')).stderr).toBe('fib.o: error: fib+0x10000: no code is at that offset\n')
    expect((await wrong('fib+x')).code).toBe(1)
    expect(await run('unwind fib.o --at fib -f fib', where)).toMatchObject({ code: 2 })
    const json = JSON.parse((await run('unwind fib.o --json --at nothing', where)).stdout)
    expect(json).toMatchObject({ ok: false, diagnostics: [{ code: 'no-place' }] })
  })
})

test('other formats tell their row, each section once, and what they print of our own functions', async () => {
  const where = world({ 'fib.clif': fib })
  expect(await run('compile fib.clif -o fib.o --unwind sframe --target x86_64-unknown-linux-gnu', where)).toMatchObject(
    {
      code: 0,
    },
  )
  for (const { offset, unwind } of await boundaries(where, 'fib.o', 'fib')) {
    const { explanations } = await explained(where, 'fib.o', `fib+${offset}`)
    expect(explanations.map(({ format, source }) => [format, source])).toEqual([['sframe', '.sframe']])
    expect(same(explanations[0].row as JsonRow)).toEqual(same(unwind))
  }
  const chain = '--unwind sframe --target x86_64-unknown-linux-gnu'
  const { stdout } = await run(`unwind fib.clif --at fib+9 ${chain}`, where)
  expect(stdout).toMatch(/SFrame version 2: \d+ bytes of code/)
  // A stranger's, under the name of a module.
  const stranger: UnwindFormat = { ...sframe, name: 'mine', print: () => ['what I print'] }
  const modules = { './mine.mjs': { default: stranger } }
  const theirs = await run('unwind fib.o --at fib+9 --unwind ./mine.mjs', { ...where, modules })
  expect(theirs).toMatchObject({ code: 0, stderr: '' })
  expect(theirs.stdout).toContain('.sframe  mine\n')
})

test('where one format is malformed the others are asked all the same', async (context) => {
  const [gcc] = tools(context, 'x86_64-w64-mingw32-gcc')
  const path = file('both.o')
  expect(runTool(gcc, '-O2', '-c', '-g', '-o', path, file('both.c', program)).stderr).toBe('')
  const model = readObject(new Uint8Array(readFileSync(path)))
  const broken = model.sections.map((section) => {
    if (section.name !== '.debug_frame') return section
    const bytes = section.bytes.slice()
    bytes[8] = 9 // the version of the CIE
    return { ...section, bytes }
  })
  const where = world({ 'both.o': writeObject({ ...model, sections: broken }) })
  const [good, bad] = (await explained(where, 'both.o', 'walk+1')).explanations
  expect(good).toMatchObject({ format: 'win64', source: '.pdata' })
  expect(bad).toMatchObject({ format: 'dwarf', row: null })
  expect(bad.summary).toMatch(/version/)
  expect(await run('unwind both.o --at walk+1 --unwind dwarf', where)).toMatchObject({ code: 1, stdout: '' })
})

test('with several sections of code an offset needs a section', async () => {
  const text = (name: string) => ({ name, kind: 'text' as const, align: 16, bytes: new Uint8Array(8), relocations: [] })
  const object = writeObject({ format: 'elf', sections: [text('.text.a'), text('.text.b')], symbols: [] })
  const where = world({ 'two.o': object })
  const { code, stderr } = await run('unwind two.o --at 3', where)
  expect({ code, stderr }).toEqual({
    ...{ code: 1 },
    stderr: 'two.o: error: 3: there is more than one section of code; say which, as in .text.a+3 or .text.b+3\n',
  })
  const { stdout } = await run('unwind two.o --at .text.b+3', where)
  expect(stdout).toContain('nothing in this file describes it')
})

const program = `
#ifdef _WIN32
__declspec(dllexport)
#endif
int walk(int n, int (*call)(int), const int *values) {
  int sum = 0;
  for (int i = 0; i < n; i++) { if (values[i] < 0) return call(sum) + i; sum += call(values[i]); }
  return sum;
}
`

describe.each([
  ['gcc', ['-shared', '-fPIC'], ['.eh_frame']],
  ['gcc', ['-c', '-fno-asynchronous-unwind-tables', '-g'], ['.debug_frame']],
  ['x86_64-w64-mingw32-gcc', ['-shared', '-g'], ['.pdata', '.debug_frame']],
  ['x86_64-w64-mingw32-gcc', ['-c', '-g'], ['.pdata', '.debug_frame']],
] as const)('what %s %j makes', (compiler, flags, sources) => {
  test('is explained in each of its formats, with the rows of the listing', async (context) => {
    const [cc] = tools(context, compiler)
    const path = file('explained.out')
    expect(runTool(cc, '-O2', ...flags, '-o', path, file('explained.c', program)).stderr).toBe('')
    const where = world({ image: new Uint8Array(readFileSync(path)) })
    for (const { offset, unwind, text } of await boundaries(where, 'image', 'walk')) {
      if (text.startsWith('nop')) continue
      const { at, explanations } = await explained(where, 'image', `walk+0x${offset.toString(16)}`)
      expect(at).toMatchObject({ function: 'walk', functionOffset: offset })
      expect(explanations.map(({ source }) => source)).toEqual(sources)
      for (const { row } of explanations) expect(same(row as JsonRow), `${offset}: ${text}`).toEqual(same(unwind))
      // The bytes in front say which code is covered.
      expect(explanations[0].groups[0].reasons.length).toBeGreaterThan(0)
    }
    if (flags.some((flag) => flag === '-shared')) {
      const { at } = await explained(where, 'image', 'walk+5')
      const again = await explained(where, 'image', at['address'] as string)
      expect(again.at).toEqual(at)
    }
  })
})

test('of a DLL an address may be an rva', async (context) => {
  const [cc] = tools(context, 'x86_64-w64-mingw32-gcc')
  const path = file('rva.dll')
  expect(runTool(cc, '-O2', '-shared', '-o', path, '-Wl,--image-base,0x180000000', file('rva.c', program)).stderr).toBe(
    '',
  )
  const where = world({ 'rva.dll': new Uint8Array(readFileSync(path)) })
  const { at } = await explained(where, 'rva.dll', 'walk+2')
  const rva = Number(BigInt(at['address'] as string) - 0x1_8000_0000n)
  expect((await explained(where, 'rva.dll', `0x${rva.toString(16)}`)).at).toEqual(at)
  expect((await explained(where, 'rva.dll', String(rva))).at).toEqual(at)
  expect((await run('unwind rva.dll --at 0x10', where)).stderr).toMatch(/no code is at 0x180000010/)
})

const disassemble = await loadDisassembler()

interface Made {
  readonly code: Uint8Array
  readonly record: FrameRecord
}

/** push rbx; push r12; sub rsp, 32; nop; add rsp, 32; pop r12; pop rbx; ret; nop; the same way out again. */
function twoExits(): Made {
  const exit = [0x48, 0x83, 0xc4, 0x20, 0x41, 0x5c, 0x5b, 0xc3]
  const code = Uint8Array.of(0x53, 0x41, 0x54, 0x48, 0x83, 0xec, 0x20, 0x90, ...exit, 0x90, ...exit)
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.push(3, 2, 12)
  recorder.adjustSp(7, 4, -32)
  recorder.prologueEnd(7)
  for (const at of [8, 17]) {
    recorder.epilogueBegin(at)
    recorder.adjustSp(at + 4, 4, 32)
    recorder.pop(at + 6, 2, 12)
    recorder.pop(at + 7, 1, RBX)
    recorder.epilogueEnd(at + 8)
  }
  return { code, record: recorder.finish({ codeSize: code.length }) }
}

/** Saves behind the 255 bytes that one record reaches, and a frame register. */
function chained(): Made {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.push(2, 1, RBX)
  recorder.adjustSp(9, 7, -192)
  recorder.setFrameRegister(17, 8, RBP, 64)
  for (let i = 0; i < 6; i++) recorder.save(60 + 60 * i, 9, XMM0 + 6 + i, 'sp', 16 * i)
  recorder.prologueEnd(360)
  const code = new Uint8Array(380).fill(0x90)
  return { code, record: recorder.finish({ codeSize: code.length }) }
}

describe.each([
  ['version 1', twoExits(), 1],
  ['version 2', twoExits(), 2],
  ['chained records', chained(), 1],
] as const)('Windows, %s', (_, { code, record }, version) => {
  const target = findTarget('x86_64-pc-windows-msvc')
  const unwind = win64Format.encode(record, { version, code })
  const fn = { name: 'f', code, codeSize: code.length, alignment: 16, relocations: [], unwind }
  const file = loadObject(moduleObject([fn], target, win64Format), [win64Format])
  const begin = file.functions[0].address

  // Memory says of each of its words where it lies, so what a walk read tells where it read it.
  const TAG = 1n << 60n
  const memory = (address: bigint): bigint => address + TAG
  const registers: bigint[] = Array.from({ length: 32 }, (_, i) => 0x10_0000n + BigInt(i))
  registers[RSP] = 0x7000_0000n
  registers[RBP] = 0x7000_0100n

  test('the row is what the walk does, at every instruction', () => {
    const places: bigint[] = []
    for (const { offset } of disassemble(file.functions[0]).instructions) {
      const frame = [...registers]
      frame[RETURN_ADDRESS] = begin + BigInt(offset)
      const caller = win64Format.unwind({ registers: frame }, file.image, memory).registers
      const [{ row, groups }] = explainWin64(file, begin + BigInt(offset), (address) => String(address), disassemble)
      if (row === null || row.cfa.rule !== 'register') throw new Error('no row')
      const cfa = registers[row.cfa.register] + BigInt(row.cfa.offset)
      expect(caller[RSP], `rsp at ${offset}`).toBe(cfa)
      for (let register = 0; register < 16; register++) {
        if (register === RSP) continue
        const rule = row.registers.get(register)
        const expected = rule?.rule === 'cfa-offset' ? memory(cfa + BigInt(rule.offset)) : registers[register]
        expect(caller[register], `register ${register} at ${offset}`).toBe(expected)
      }
      expect(caller[RETURN_ADDRESS]).toBe(memory(cfa - 8n))
      places.push(BigInt(groups.length))
    }
    expect(new Set(places).size).toBeGreaterThan(1)
  })

  /** Codes of the record that covers an address, and of those that it is chained to. */
  function codesFor(address: bigint): number {
    const ranges = file.functions[0].ranges as readonly Win64DecodedFunction[]
    let range = ranges.find((each) => address >= each.begin && address < each.end)
    let count = 0
    while (range !== undefined && range.info.version !== 3) {
      count += range.info.codes.length
      const { parent } = range.info
      range = ranges.find((each) => each.entry.begin === parent?.begin)
    }
    return count
  }

  test('the listing shows the same rows', async () => {
    const where = world({ 'f.obj': writeObject(moduleObject([fn], target, win64Format)) })
    for (const { offset, unwind: shown } of await boundaries(where, 'f.obj', 'f')) {
      const { explanations } = await explained(where, 'f.obj', `f+${offset}`)
      expect(same(explanations[0].row as JsonRow), String(offset)).toEqual(same(shown))
    }
  })

  test('every code is undone or skipped, each once', () => {
    for (const offset of [0, 1, code.length - 1]) {
      const [{ groups }] = explainWin64(file, begin + BigInt(offset), (address) => String(address), disassemble)
      if (groups.some(({ name }) => name === 'epilogue')) continue
      const reasons = groups.filter(({ name }) => !['found', 'record', 'chained to'].includes(name))
      const places = new Set(reasons.flatMap((group) => group.reasons.map(({ offset: at }) => at)))
      expect(places.size).toBe(codesFor(begin + BigInt(offset)))
    }
  })
})
