// GNU's and LLVM's readers find in our objects what `framewright unwind --json` prints.

import { describe, expect, test } from 'vitest'
import { examples } from '../support/examples.ts'
import { compileClif, framewright } from '../support/framewright.ts'
import { linux, sourcesOf, windows } from '../support/systems.ts'
import { clean, need, scratch } from '../support/tools.ts'

const place = scratch()

/** A row of any of the three: the CFA, and where registers lie, from the CFA. */
interface Row {
  readonly at: number
  readonly cfa: string
  readonly saved: Readonly<Record<string, number>>
}

interface Described {
  readonly begin: number
  readonly end: number
  readonly rows: readonly Row[]
}

interface JsonFunction {
  readonly name: string
  readonly offset: number
  readonly codeSize: number
  readonly rows:
    | readonly {
        readonly at: number
        readonly cfa: { readonly register: string; readonly offset: number }
        readonly registers: Readonly<Record<string, { readonly rule: string; readonly offset: number }>>
      }[]
    | null
  readonly encoded: readonly {
    readonly title: string
    readonly fields: readonly { readonly name: string; readonly meaning: string }[]
  }[]
}

async function ours(object: string): Promise<readonly JsonFunction[]> {
  const { status, stdout, stderr } = await framewright(['unwind', '--json', object])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return (JSON.parse(stdout) as { functions: readonly JsonFunction[] }).functions
}

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`)

function described({ offset, rows, encoded }: JsonFunction): Described {
  const entry = encoded.find(({ title }) => title.includes('FDE'))
  const size = /^(\d+) bytes?$/.exec(entry?.fields.find(({ name }) => name === 'code size')?.meaning ?? '')
  expect(size).not.toBeNull()
  return {
    begin: offset,
    // Without the constants behind the code.
    end: offset + Number(size![1]),
    rows: distinct(
      (rows ?? []).map(({ at, cfa, registers }) => {
        const saved = Object.entries(registers).filter(([, { rule }]) => rule !== 'unchanged')
        for (const [, { rule }] of saved) expect(rule).toBe('cfa-offset')
        return {
          at: offset + at,
          cfa: `${cfa.register}${signed(cfa.offset)}`,
          saved: Object.fromEntries(saved.map(([name, { offset }]) => [name, offset])),
        }
      }),
    ),
  }
}

/** Rows that say the same as the one before are dropped: the tools print some twice. */
function distinct(rows: readonly Row[]): Row[] {
  const kept: Row[] = []
  const text = ({ cfa, saved }: Row): string => JSON.stringify([cfa, Object.entries(saved).sort()])
  for (const row of rows) if (kept.length === 0 || text(kept.at(-1)!) !== text(row)) kept.push(row)
  return kept
}

/** Of the return address, where it is not in the table of a tool by itself. */
const initial = { cfa: 'rsp+8', saved: { return: -8 } } as const

function fromReadelf(text: string): Described[] {
  return text
    .split(/\n\n/)
    .map((block) => /FDE .*pc=([\da-f]+)\.\.([\da-f]+)\n?([\s\S]*)/.exec(block))
    .filter((match) => match !== null)
    .map(([, begin, end, table]) => {
      const [from, to] = [Number.parseInt(begin!, 16), Number.parseInt(end!, 16)]
      const [head, ...lines] = table!.trim() === '' ? [] : table!.trim().split('\n')
      const registers = head?.trim().split(/\s+/).slice(2) ?? []
      const rows = lines.map((line): Row => {
        const [at, cfa, ...rules] = line.trim().split(/\s+/)
        const saved: Record<string, number> = {}
        for (const [index, rule] of rules.entries()) {
          const name = registers[index] === 'ra' ? 'return' : registers[index]!
          if (rule !== 'u') saved[name] = Number(/^c([+-]\d+)$/.exec(rule)?.[1])
        }
        return { at: Number.parseInt(at!, 16), cfa: cfa!, saved }
      })
      return { begin: from, end: to, rows: distinct(rows.length > 0 ? rows : [{ at: from, ...initial }]) }
    })
}

/**
 * From the instructions that LLVM decodes, run here. It prints rows too, but LLVM 14 restores no CFA at
 * DW_CFA_restore_state, so its rows behind the first epilogue are wrong for everybody's objects.
 */
function fromDwarfdump(text: string): Described[] {
  const entries = text.split(/\n(?=[\da-f]{8} )/)
  const initial = new Map<string, readonly string[]>()
  const found: Described[] = []
  for (const entry of entries) {
    const instructions = [...entry.matchAll(/^ +DW_CFA_(.*)$/gm)].map(([, instruction]) => instruction!.trim())
    const common = /^([\da-f]+) [\da-f]+ [\da-f]+ CIE$/m.exec(entry)
    if (common !== null) initial.set(common[1]!, instructions)
    const described = /^[\da-f]+ [\da-f]+ [\da-f]+ FDE cie=([\da-f]+) pc=([\da-f]+)\.\.\.([\da-f]+)$/m.exec(entry)
    if (described === null) continue
    const [begin, end] = [Number.parseInt(described[2]!, 16), Number.parseInt(described[3]!, 16)]
    found.push({ begin, end, rows: runInstructions(begin, [...initial.get(described[1]!)!, ...instructions]) })
  }
  return found
}

/** DWARF 5, 6.4.2: the few instructions that our tables use. */
function runInstructions(begin: number, instructions: readonly string[]): Row[] {
  const rows: Row[] = []
  const stack: (typeof state)[] = []
  let at = begin
  let state: { cfa: string; offset: string; saved: Record<string, number> } = { cfa: '', offset: '', saved: {} }
  const nameOf = (register: string): string => (register === 'RIP' ? 'return' : register.toLowerCase())
  const flush = (): void => void rows.push({ at, cfa: state.cfa + state.offset, saved: { ...state.saved } })
  for (const instruction of instructions) {
    const [name, first = '', second = ''] = instruction.split(/:? +/).map((word) => word.replace(/:$/, ''))
    if (name === 'def_cfa') state = { ...state, cfa: nameOf(first), offset: second }
    else if (name === 'def_cfa_offset') state = { ...state, offset: first }
    else if (name === 'def_cfa_register') state = { ...state, cfa: nameOf(first) }
    else if (name === 'offset') state = { ...state, saved: { ...state.saved, [nameOf(first)]: Number(second) } }
    else if (name === 'remember_state') stack.push(state)
    else if (name === 'restore_state') state = stack.pop()!
    else if (name === 'restore' || name === 'same_value') {
      const { [nameOf(first)]: _, ...saved } = state.saved
      state = { ...state, saved }
    } else if (/^advance_loc[124]?$/.test(name!)) {
      flush()
      at += Number(first)
    } else if (name !== 'nop') throw new Error(`DW_CFA_${instruction}`)
  }
  flush()
  return distinct(rows)
}

const byBegin = (list: readonly Described[]): Described[] => [...list].sort((a, b) => a.begin - b.begin)

describe('DWARF', () => {
  test.for(examples)('$name', async ({ name }, context) => {
    const [readelf, dwarfdump] = need(context, 'readelf', 'llvm-dwarfdump')
    for (const settings of [[], ['--set', 'preserve_frame_pointers']]) {
      const out = place(`${name}${settings.length}.o`)
      const object = await compileClif(sourcesOf(name).clif, out, linux.triple, ...settings)
      const functions = await ours(object)
      const expected = byBegin(functions.map(described))
      expect(expected.length).toBeGreaterThan(0)
      expect(expected.every(({ rows }) => rows.length > 0)).toBe(true)
      // Without a complaint of theirs, first of all.
      expect(byBegin(fromReadelf(clean(readelf!, ['-wF', object])))).toEqual(expected)
      expect(byBegin(fromDwarfdump(clean(dwarfdump!, ['--eh-frame', object])))).toEqual(expected)
    }
  })
})

/** One operation of a prologue: `0x8 ALLOC_SMALL 32`, `0x1 PUSH_NONVOL rbp`, `0x10 SAVE_XMM128 xmm6 224`. */
interface Unwound {
  readonly name: string
  readonly size: number
  readonly prologue: number
  readonly frameRegister: string
  readonly operations: readonly string[]
}

function fromReadobj(text: string): Unwound[] {
  const field = (block: string, name: string): string => new RegExp(`^\\s*${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
  return text
    .split('RuntimeFunction {')
    .slice(1)
    .map((block) => {
      const codes = /UnwindCodes \[\n([\s\S]*?)\]/.exec(block)?.[1] ?? ''
      expect(field(block, 'Version')).toBe('1')
      return {
        name: field(block, 'StartAddress').split(' ')[0]!,
        size: Number(/ \+(0x[\dA-F]+) /.exec(field(block, 'EndAddress'))?.[1]),
        prologue: Number(field(block, 'PrologSize')),
        frameRegister: field(block, 'FrameRegister')
          .replace(/^-$| \(.*\)$/g, '')
          .toLowerCase(),
        operations: codes
          .trim()
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => {
            const [, at, operation, rest] = /^\s*(0x[\dA-F]+): (\w+) (.*)$/.exec(line)!
            const values = [...rest!.matchAll(/\w+=(\w+)/g)].map(([, value]) =>
              /^[A-Z]/.test(value!) ? value!.toLowerCase() : `${Number(value)}`,
            )
            return `${Number(at)} ${operation} ${values.join(' ')}`
          }),
      }
    })
}

function unwound({ name, codeSize, encoded }: JsonFunction): Unwound {
  const fields = encoded.find(({ title }) => title.includes('UNWIND_INFO'))!.fields
  const meaning = (field: string): string => fields.find((each) => each.name === field)?.meaning ?? ''
  return {
    name,
    size: codeSize,
    prologue: Number(/\d+/.exec(meaning('SizeOfProlog'))),
    frameRegister: /^(r\w+) =/.exec(meaning('FrameRegister, Offset'))?.[1] ?? '',
    operations: fields
      .filter((field) => field.name.startsWith('UWOP_'))
      .map((field) => {
        // `at 0x10: xmm6 saved at rsp + 224 (14 × 16)`, `at 0x8: rsp -= 32 (3 × 8 + 8)`, `at 0x4: rbp = rsp + 0`
        const [, at, text] = /^at (0x[\da-f]+): (.*)$/.exec(field.meaning)!
        const plain = text!.replace(/ \(.*\)$/, '')
        const values = plain.match(
          /^push (\w+)$|^rsp -= (\d+)$|^(\w+) saved at (?:rsp|the frame base) \+ (\d+)$|^(\w+) = rsp \+ (\d+)$/,
        )
        expect(values, field.meaning).not.toBeNull()
        const found = values!.slice(1).filter((value) => value !== undefined)
        return `${Number(at)} ${field.name.slice(5)} ${found.join(' ')}`
      }),
  }
}

describe('UNWIND_INFO', () => {
  test.for(examples)('$name', async ({ name }, context) => {
    const [readobj] = need(context, 'llvm-readobj')
    for (const triple of [windows.triple, 'x86_64-pc-windows-msvc']) {
      for (const settings of [[], ['--set', 'preserve_frame_pointers']]) {
        const object = await compileClif(sourcesOf(name).clif, place(`${name}-win.o`), triple, ...settings)
        const functions = await ours(object)
        // A leaf that moves no stack pointer has no entry.
        const expected = functions.filter(({ rows }) => rows !== null).map(unwound)
        expect(fromReadobj(clean(readobj!, ['--unwind', object]))).toEqual(expected)
      }
    }
  })

  test('there are operations of every kind among them', async (context) => {
    const [readobj] = need(context, 'llvm-readobj')
    const kinds = new Set<string>()
    for (const name of ['pressure', 'frames', 'callback']) {
      const object = await compileClif(sourcesOf(name).clif, place(`${name}-kinds.o`), windows.triple)
      for (const [, kind] of clean(readobj!, ['--unwind', object]).matchAll(/0x[\dA-F]+: (\w+) /g)) kinds.add(kind!)
    }
    expect([...kinds].sort()).toEqual(['ALLOC_LARGE', 'ALLOC_SMALL', 'PUSH_NONVOL', 'SAVE_XMM128'])
  })
})
