// Formats beside the targets' own, and chains of fallbacks: what is written, and what is read back.

import { readFileSync } from 'node:fs'
import { type FrameRecord, firstFitting, RBP, type UnwindFormat } from '@framewright/frame-layout'
import { checkConformance, generatedFunctions, realignedFunctions } from '@framewright/frame-layout/testing'
import { readObject } from '@framewright/object'
import { dwarf } from '@framewright/unwind-dwarf'
import { sframe } from '@framewright/unwind-sframe'
import { expect, test } from 'vitest'
import { fib, run, world } from './memory-host.ts'
import { runTool, scratch, tools } from './tools.ts'

const file = scratch()
const linux = '--target x86_64-unknown-linux-gnu'
const leaf = '\nfunction %leaf(i64) -> i64 {\nblock0(v0: i64):\n    return v0\n}\n'
const both = fib + leaf

/** DWARF under another name and in another section, which refuses functions without a frame. */
const picky: UnwindFormat = {
  ...dwarf,
  name: 'picky',
  encode(record: FrameRecord) {
    if (record.events.every(({ kind }) => kind !== 'push')) {
      throw Object.assign(new Error('no frame to speak of (the frame record)'), {
        problem: { code: 'no-frame' },
        event: -1,
      })
    }
    return { ...dwarf.encode(record), format: 'picky' as 'dwarf' }
  },
  assemble: (functions) =>
    dwarf
      .assemble(functions.map((fn) => (fn.unwind === null ? fn : { ...fn, unwind: { ...fn.unwind, format: 'dwarf' } })))
      .map((section) => ({ ...section, name: '.picky' })),
  decode: (image) =>
    dwarf
      .decode({
        ...image,
        sections: image.sections
          .filter(({ name }) => name === '.picky')
          .map((section) => ({ ...section, name: '.eh_frame' })),
      })
      .map((range) => ({ ...range, rows: () => range.rows(), print: () => ['picky words'] })),
  print: () => ['picky words'],
}
const modules = { './picky.mjs': { default: picky } }

async function compiled(words: string, text: string = both): Promise<Uint8Array> {
  const { code, stderr, bytes } = await run(`compile - -o - ${linux} ${words}`, world({}, { stdin: text, modules }))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return bytes
}

const sectionNames = (object: Uint8Array): string[] => readObject(object).sections.map(({ name }) => name)

test('sframe is a section for the linker like any other', async () => {
  const object = await compiled('--unwind sframe')
  expect(sectionNames(object)).toEqual(['.text', '.sframe', '.note.GNU-stack'])
  const { kind, align, bytes, relocations } = readObject(object).sections[1]
  // SHT_PROGBITS, allocated, not writable, which is what 'rodata' means.
  expect({ kind, align, version: bytes[2] }).toEqual({ kind: 'rodata', align: 8, version: 2 })
  expect(relocations.map(({ kind, addend }) => [kind, addend])).toEqual([
    ['pc-relative-32', 0],
    ['pc-relative-32', expect.any(Number)],
  ])
})

test('what was written in a format is shown in its words, with and without its name', async () => {
  const where = world({ 'f.o': await compiled('--unwind sframe') }, { modules })
  const plain = await run('unwind f.o', where)
  expect(plain).toMatchObject({ code: 0, stderr: '' })
  expect(plain.stdout).toContain('f.o: ELF object, unwind data: sframe\n')
  expect(plain.stdout).toMatch(
    /leaf: 4 bytes of code\n {2}from {2}to {2}CFA {4}return\n {2}00 {4}04 {2}rsp\+8 {2}cfa-8\n/,
  )
  expect(plain.stdout).toContain(
    'SFrame version 2: 4 bytes of code, 1 row, 1 byte for a start\n    00  cfa = rsp+8, rip at cfa-8\n',
  )
  expect((await run('unwind f.o --unwind sframe', where)).stdout).toBe(plain.stdout)
  expect((await run('unwind f.o --unwind dwarf', where)).stdout).toContain('no unwind data')
  expect((await run('disasm f.o', where)).stdout).toMatch(/rsp\+16/)
  const json = JSON.parse((await run('unwind --json -f leaf f.o', where)).stdout)
  expect(json.functions[0].encoded).toEqual([
    {
      title: 'sframe',
      lines: ['SFrame version 2: 4 bytes of code, 1 row, 1 byte for a start', '  00  cfa = rsp+8, rip at cfa-8'],
    },
  ])
})

test('of sframe,dwarf every function is described by one of the two, and walked by it', () => {
  const functions = generatedFunctions({ machineFrames: true, parts: true, labelsAhead: true })
  const made = new Set<string>()
  const chain = firstFitting([sframe, dwarf])
  const counting: UnwindFormat = {
    ...chain,
    encode(record) {
      const unwind = chain.encode(record)
      if (unwind !== null) made.add(unwind.format)
      return unwind
    },
  }
  for (const some of [functions, realignedFunctions()]) {
    const report = checkConformance(counting, { rows: 'true', registers: [RBP], functions: some, runs: 100 })
    expect([...report.refused]).toEqual([])
    expect(report.points).toBeGreaterThan(1000)
  }
  expect([...made].sort()).toEqual(['dwarf', 'sframe'])
})

test('each function is described in the first format of a chain that can, and read back from there', async () => {
  const object = await compiled('--unwind ./picky.mjs,sframe')
  expect(sectionNames(object)).toEqual(['.text', '.picky', '.sframe', '.note.GNU-stack'])
  const where = world({ 'f.o': object }, { stdin: both, modules })
  const shown = await run('unwind f.o --unwind ./picky.mjs,sframe', where)
  expect(shown.stdout).toContain('unwind data: picky and sframe\n')
  const [, first, second] = shown.stdout.split(/^(?=\w+: )/m).slice(-3)
  expect(first).toMatch(/^fib: .*\n {2}picky words/s)
  expect(second).toContain('SFrame version 2')
  const text = await run(`unwind - ${linux} --unwind ./picky.mjs,sframe`, where)
  expect(text.stdout).toContain('unwind data: picky,sframe\n')
  expect(text.stdout).toContain('picky words')
  expect(text.stdout).toContain('SFrame version 2')
  // The whole of it can be had in one format as well.
  expect(sectionNames(await compiled('--unwind sframe,dwarf'))).toEqual(['.text', '.sframe', '.note.GNU-stack'])
})

test('without names, a function that DWARF does not describe is shown in the format that does', async () => {
  // fib in .picky as DWARF would have it, under the name that everybody knows.
  const eh: UnwindFormat = {
    ...picky,
    assemble: (all) => picky.assemble(all).map((one) => ({ ...one, name: '.eh_frame' })),
  }
  const where = world({}, { stdin: both, modules: { './eh.mjs': { default: eh } } })
  const { bytes } = await run(`compile - -o - ${linux} --unwind ./eh.mjs,sframe`, where)
  const { stdout } = await run('unwind f.o', world({ 'f.o': bytes }))
  expect(stdout).toContain('unwind data: dwarf and sframe\n')
  expect(stdout).toMatch(/fib: .*DW_CFA_.*leaf: .*SFrame version 2/s)
})

test("'none' ends a chain: what no format can describe has no entry", async () => {
  const refused = await run(`compile a.clif ${linux} --unwind ./picky.mjs`, world({ 'a.clif': both }, { modules }))
  expect(refused.code).toBe(1)
  expect(refused.stderr).toMatch(/^a\.clif:\d+:\d+: error: no frame to speak of/)
  const object = await compiled('--unwind ./picky.mjs,none')
  expect(sectionNames(object)).toEqual(['.text', '.picky', '.note.GNU-stack'])
  const shown = await run('unwind f.o --unwind ./picky.mjs', world({ 'f.o': object }, { modules }))
  expect(shown.stdout).toMatch(/leaf: 4 bytes of code\n {2}no unwind data\n/)
})

test('a chain that nothing can describe says why each format cannot', async () => {
  const again = { './picky.mjs': { default: picky }, './other.mjs': { default: { ...picky, name: 'other' } } }
  const where = world({ 'a.clif': leaf }, { modules: again })
  const { code, stderr } = await run(`compile a.clif ${linux} --unwind ./picky.mjs,./other.mjs`, where)
  expect(code).toBe(1)
  expect(stderr).toContain('picky: no frame to speak of')
  expect(stderr).toContain('other: no frame to speak of')
})

test('chains that make no sense are wrong calls', async () => {
  const call = async (chain: string) => {
    const { code, stderr } = await run(`compile a.clif --unwind ${chain}`, world({ 'a.clif': fib }))
    expect(code).toBe(2)
    return stderr
  }
  expect(await call('none,dwarf')).toContain("what stands behind 'none' is never asked")
  expect(await call('sfrane')).toContain("did you mean 'sframe'?")
  expect(await call('dwarf,')).toContain("unknown unwind format ''")
})

test("binutils' reader shows what we show, and its linker keeps it", async (context) => {
  const [as, objdump, ld] = tools(context, 'as', 'objdump', 'ld')
  // What this binutils writes is what it reads.
  file('probe.s', '  .text\n  .cfi_startproc\n  nop\n  .cfi_endproc\n')
  expect(runTool(as, '--gsframe', '-o', file('probe.o'), file('probe.s')).stderr).toBe('')
  const { sections } = readObject(new Uint8Array(readFileSync(file('probe.o'))))
  const version = sections.find(({ name }) => name === '.sframe')!.bytes[2]
  if (version === 3) return
  const format = version === 1 ? 'sframe-v1' : 'sframe'
  const path = file('f.o', await compiled(`--unwind ${format}`))
  const theirs = [...runTool(objdump, '--sframe=.sframe', path).stdout.matchAll(/^ +[\da-f]{8}([\da-f]{8}) +(\S+)/gm)]
  const json = JSON.parse((await run('unwind --json f.o', world({ 'f.o': new Uint8Array(readFileSync(path)) }))).stdout)
  const ours = json.functions.flatMap(
    ({ rows }: { rows: { at: number; cfa: { register: string; offset: number } }[] }) =>
      rows.map(({ at, cfa }) => [at, `${cfa.register === 'rsp' ? 'sp' : 'fp'}+${cfa.offset}`]),
  )
  expect(theirs.map(([, at, cfa]) => [Number.parseInt(at!, 16), cfa])).toEqual(ours)
  const linked = runTool(ld, '--fatal-warnings', '-shared', '-o', file('f.so'), path)
  expect(linked).toEqual({ status: 0, stdout: '', stderr: '' })
  const shown = await run('unwind f.so', world({ 'f.so': new Uint8Array(readFileSync(file('f.so'))) }))
  expect(shown.stdout).toContain(`ELF library, unwind data: sframe\n`)
  expect(shown.stdout).toMatch(/fib: at 0x.*SFrame version 1/s)
})

test('what linkers leave of .sframe, merged or one behind the other, is read as what it means', (context) => {
  const [as, ld, lld] = tools(context, 'as', 'ld', 'ld.lld')
  const source = (name: string, depth: number) =>
    `  .text\n  .globl ${name}\n  .type ${name}, @function\n${name}:\n  .cfi_startproc\n  nop\n` +
    `  .cfi_def_cfa_offset ${depth}\n  nop\n  .cfi_endproc\n  .size ${name}, . - ${name}\n`
  const objects = [16, 48, 80].map((depth, index) => {
    const path = file(`part${index}.s`, `  .cfi_sections .sframe\n${source(`f${depth}`, depth)}`)
    expect(runTool(as, '-o', file(`part${index}.o`), path).stderr).toBe('')
    return file(`part${index}.o`)
  })
  const outputs: readonly [string, readonly string[]][] = [
    [ld, ['-shared']],
    [lld, ['-r']],
    [lld, ['-shared']],
  ]
  return Promise.all(
    outputs.map(async ([linker, [flag]], index) => {
      const path = file(`whole${index}`)
      expect(runTool(linker, flag!, '-o', path, ...objects)).toEqual({ status: 0, stdout: '', stderr: '' })
      const where = world({ f: new Uint8Array(readFileSync(path)) })
      const { functions } = JSON.parse((await run('unwind --json f', where)).stdout)
      const last = functions.map(({ name, rows }: { name: string; rows: { cfa: object }[] | null }) => [
        name,
        rows?.[1]?.cfa,
      ])
      const expected = [16, 48, 80].map((offset) => [`f${offset}`, { register: 'rsp', offset }])
      expect(last, `${linker} ${flag}`).toEqual(expected)
    }),
  )
})
