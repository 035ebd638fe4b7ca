// What disasm and unwind are about: functions of an object or a linked image, or of CLIF that is compiled and put into an
// object first.

import { type DecodedFunction, type FunctionUnwind, sameState, type UnwindFormat } from '@framewright/frame-layout'
import type { Win64DecodedFunction } from '@framewright/unwind-win64'
import { listed, type OptionRow, type ParsedArguments } from './arguments.ts'
import { compileModule } from './compile-module.ts'
import { type Context, type Input, isObject, textOf } from './context.ts'
import { asOne, builtInFormats, findFormats } from './formats.ts'
import { type Disassembler, loadDisassembler } from './listing/disassemble.ts'
import type { ListedFunction } from './listing/listed-function.ts'
import { loadObject } from './listing/load-object.ts'
import { type LoadedFile, type LoadedFunction, loadFile } from './listing/loaded-file.ts'
import { withEpilogues } from './listing/win64-epilogues.ts'
import { moduleObject } from './module-object.ts'
import { diagnosticOf, InputError } from './problems.ts'
import { parseSetting } from './settings.ts'
import { findTarget, hostTarget } from './target.ts'

export interface Subject {
  /** In words: `x86_64-unknown-linux-gnu, dwarf`. */
  readonly description: string
  /** Those that the user wants to see. */
  readonly functions: readonly SubjectEntry[]
  readonly file: LoadedFile
  readonly format: UnwindFormat | null
  /** All formats that may describe it. */
  readonly formats: readonly UnwindFormat[]
}

/** One of many functions: what is shown of it is made when it is shown. */
export interface SubjectEntry {
  readonly name: string
  readonly aliases: readonly string[]
  show(): SubjectFunction
}

export interface SubjectFunction extends ListedFunction {
  /** The convention it was compiled for; empty where unknown. */
  readonly convention: string
  /** What the format made of the frame; null for functions of a file, and where it made nothing. */
  readonly unwind: FunctionUnwind | null
  /** Where it lies in the file's image, and what the file says of it. */
  readonly address: bigint
  readonly ranges: readonly DecodedFunction[]
  /** Whose unwind data describe it; null where nothing does. */
  readonly format: UnwindFormat | null
}

/** Options of the commands that look at functions. */
export const subjectOptions: readonly OptionRow[] = [
  { long: 'target', value: 'TRIPLE', help: "compile for this; an object's target is its own" },
  {
    long: 'function',
    short: 'f',
    value: 'NAME',
    repeatable: true,
    help: 'only this function; may be given several times',
  },
  {
    long: 'optimize',
    short: 'O',
    value: 'LEVEL',
    choices: ['0', '2'],
    help: '0: compile quickly; 2 (the default): good code',
  },
  { long: 'set', value: 'NAME[=VALUE]', repeatable: true, help: 'a code generation setting, as in CLIF files' },
  {
    long: 'unwind',
    value: 'FORMAT',
    help: "a format, or several with commas, as compile takes them; the target's, or those of the file, by default",
  },
]

/** @throws InputError, UsageError */
export async function loadSubject(input: Input, { host, args }: Context): Promise<Subject> {
  const subject = await about(input, () =>
    isObject(input.bytes)
      ? fromFile(input, args, host.importModule)
      : fromText(input, args, host.platform, host.importModule),
  )
  const wanted = args.lists.get('function')
  if (wanted === undefined) return subject
  const plain = wanted.map((name) => name.replace(/^%/, ''))
  const functions = subject.functions.filter(({ name, aliases }) =>
    [name, ...aliases].some((each) => plain.includes(each)),
  )
  const missing = plain.filter((name) => !functions.some((fn) => fn.name === name || fn.aliases.includes(name)))
  if (missing.length === 0) return { ...subject, functions }
  const known = subject.functions.map(({ name }) => name).slice(0, 20)
  const message = `no function ${missing.join(', ')}; there are ${known.join(', ')}`
  throw new InputError([{ severity: 'error', file: input.name, line: 0, column: 0, message, code: 'no-function' }])
}

/** What the packages throw on the way is about the input. */
async function about<T>({ name }: Input, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    const diagnostic = diagnosticOf(error, name)
    if (diagnostic === null) throw error
    throw new InputError([diagnostic])
  }
}

type ImportModule = Context['host']['importModule']

async function fromFile(input: Input, { values }: ParsedArguments, importModule: ImportModule): Promise<Subject> {
  const named = values.get('unwind')
  const formats = named === undefined ? builtInFormats : await findFormats(named, 'none', importModule)
  const file = loadFile(input.bytes, formats, named !== undefined)
  const found = formats.filter((format) => file.functions.some((fn) => fn.format === format)).map(({ name }) => name)
  const described = found.length === 0 ? 'no unwind data' : `unwind data: ${listed(found, 'and')}`
  const disassemble = found.includes('win64') ? await loadDisassembler() : null
  return {
    description: `${file.description}, ${described}`,
    functions: file.functions.map((fn): SubjectEntry => {
      const { name, aliases } = fn
      const show = () => ({
        ...(disassemble === null || fn.format?.name !== 'win64' ? fn : asWindowsReads(fn, disassemble)),
        ...{ convention: '', unwind: null },
      })
      return { name, aliases, show }
    }),
    ...{ file, format: file.format, formats },
  }
}

/** Windows reads epilogues in the code, and so do we. */
function asWindowsReads(fn: LoadedFunction, disassemble: Disassembler): LoadedFunction {
  const ranges = fn.ranges as readonly Win64DecodedFunction[]
  const { rows } = fn
  if (rows === null || ranges.length === 0) return fn
  const boundaries = disassemble(fn).instructions.map(({ offset }) => offset)
  const read = ranges.flatMap(({ begin, end, info }) => {
    const from = Number(begin - fn.address)
    const to = Number(end - fn.address)
    const own = boundaries.filter((at) => at >= from && at < to)
    return withEpilogues(rows, fn.code, own, from + info.prologueSize, info.frameRegister)
  })
  if (read.length === 0) return fn
  // What one range ends with the next may begin with.
  const distinct = read.filter((row, index) => index === 0 || !sameState(row, read[index - 1]))
  return { ...fn, rows: distinct }
}

async function fromText(
  input: Input,
  { values, lists }: ParsedArguments,
  platform: string,
  importModule: ImportModule,
): Promise<Subject> {
  const target = values.has('target') ? findTarget(values.get('target') as string) : hostTarget(platform)
  const formats = await findFormats(values.get('unwind'), target.unwindFormat, importModule)
  const format = asOne(formats)
  const text = textOf(input)
  const compiled = compileModule({
    ...{ file: input.name, text, target, format },
    optLevel: values.get('optimize') === '0' ? 0 : 2,
    settings: (lists.get('set') ?? []).map(parseSetting),
  })
  const file = loadObject(moduleObject(compiled, target, format), formats, true)
  const byName = new Map(file.functions.map((fn) => [fn.name, fn]))
  const functions = compiled.map((each): SubjectEntry => {
    const fn = byName.get(each.name) as LoadedFunction
    const show = (): SubjectFunction => ({
      ...fn,
      // What the code generator knows, where the object's own bytes say less: names of our own, and every instruction.
      code: each.code,
      codeSize: each.codeSize,
      isEndGuessed: false,
      relocations: each.relocations,
      rows: each.rows,
      record: each.frame,
      ...{ convention: each.convention, unwind: each.unwind },
      format: formats.find(({ name }) => name === each.unwind?.format) ?? null,
    })
    return { name: each.name, aliases: [], show }
  })
  const described = format === null ? 'no unwind data' : `unwind data: ${format.name}`
  return { description: `${target.triple}, ${described}`, functions, file, format, formats }
}
