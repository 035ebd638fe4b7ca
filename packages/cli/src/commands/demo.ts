// framewright demo: the examples compiled for Linux and for Windows, what came out, and on Linux what happens when it runs.

import type { UnwindFormat } from '@framewright/frame-layout'
import { writeObject } from '@framewright/object'
import type { CommandRow } from '../arguments.ts'
import { UsageError } from '../arguments.ts'
import { compileModule, type ModuleFunction } from '../compile-module.ts'
import { type Context, printJson } from '../context.ts'
import { shown } from '../demo/calls.ts'
import { fibText } from '../demo/fib.ts'
import { type Ran, runShown } from '../demo/run.ts'
import { builtInFormats } from '../formats.ts'
import type { OutputFile } from '../host.ts'
import { codeListing } from '../listing/code.ts'
import { loadDisassembler } from '../listing/disassemble.ts'
import { encodedReader } from '../listing/encoded.ts'
import { loadObject } from '../listing/load-object.ts'
import { framePicture } from '../listing/picture.ts'
import { moduleObject } from '../module-object.ts'
import { padTo, type Style, visibleLength } from '../style.ts'
import type { Subject, SubjectFunction } from '../subject.ts'
import { findTarget, type Target } from '../target.ts'

export const demoRow: CommandRow = {
  name: 'demo',
  usage: '[OPTIONS] [FOLDER]',
  summary: 'compile the examples for both systems, show and run what comes out',
  options: [
    { long: 'output', short: 'o', value: 'FOLDER', help: 'where objects and programs go; build/demo by default' },
  ],
  details: [
    'FOLDER holds the examples (examples by default); without it a Fibonacci function is all there is. Running what came ' +
      'out needs Linux on x86-64, and nothing else: the programs are linked here and use system calls alone.',
  ],
}

interface System {
  readonly name: string
  readonly target: Target
  readonly format: UnwindFormat
}

interface Example {
  readonly name: string
  readonly text: string
  /** By system. */
  readonly compiled: readonly (readonly ModuleFunction[])[]
  readonly objects: readonly Uint8Array[]
}

function system(name: string, triple: string): System {
  const target = findTarget(triple)
  const format = builtInFormats.find((candidate) => candidate.name === target.unwindFormat)
  if (format === undefined) throw new Error(`no format ${target.unwindFormat}`)
  return { name, target, format }
}

const systems: readonly System[] = [
  system('Linux', 'x86_64-unknown-linux-gnu'),
  system('Windows', 'x86_64-w64-windows-gnu'),
]

export async function demoCommand(context: Context): Promise<number> {
  const { host, args, style } = context
  if (args.inputs.length > 1) throw new UsageError('demo takes one folder of examples')
  const folder = args.inputs[0] ?? 'examples'
  const output = args.values.get('output') ?? 'build/demo'
  const examples = compileExamples(folder, context)
  host.makeFolder(output)
  host.writeFiles(
    examples.flatMap(({ name, objects }): OutputFile[] =>
      systems.map(({ target }, index) => ({
        path: `${output}/${name}${target.objectExtension}`,
        bytes: objects[index],
      })),
    ),
  )
  if (context.json) {
    printJson(
      {
        ok: true,
        examples: examples.map(({ name, objects }) => ({ name, sizes: objects.map(({ length }) => length) })),
      },
      context,
    )
    return 0
  }
  const print = (lines: readonly string[]) => host.stdout.write(`${lines.join('\n')}\n`)
  const first = examples.find(({ name }) => name === 'fib') ?? examples[0]
  print(await functionPart(first, style))
  if (examples.length > 1) print(['', ...examplesPart(examples, output, style)])
  const { lines, ok } = runPart(examples, output, context)
  print(['', ...lines])
  return ok ? 0 : 1
}

function compileExamples(folder: string, { host }: Context): Example[] {
  const names = host.listFolder(folder).filter((name) => name.endsWith('.clif'))
  const sources = names.map((name) => ({
    name: name.replace(/\.clif$/, ''),
    text: decode(host.readFile(`${folder}/${name}`)),
  }))
  if (sources.length === 0) sources.push({ name: 'fib', text: fibText })
  return sources.map(({ name, text }) => {
    const file = `${folder}/${name}.clif`
    const compiled = systems.map(({ target, format }) =>
      // Not optimised: the frames to be seen are those of the calls as they are written.
      compileModule({ file, text, target, format, optLevel: 0, settings: [] }),
    )
    const objects = compiled.map((functions, index) => {
      const { target, format } = systems[index]
      return writeObject(moduleObject(functions, target, format))
    })
    return { name, text, compiled, objects }
  })
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function heading(text: string, style: Style): string {
  return style('bold', `== ${text} `.padEnd(90, '='))
}

/** The first function of an example: source, code beside its unwind state, encoded unwind data, frames. */
async function functionPart({ name, text, compiled }: Example, style: Style): Promise<string[]> {
  const disassemble = await loadDisassembler()
  const lines = [heading(`One function of ${name}.clif`, style), '', ...sourceOf(text)]
  const pictures: string[][] = []
  const encoded: string[] = []
  for (const [index, { name: system, target, format }] of systems.entries()) {
    const [fn, subject] = subjectOf(compiled[index], target, format)
    lines.push('', heading(`Compiled for ${system}, and the state of the frame before each instruction`, style), '')
    lines.push(...codeListing(fn, disassemble(fn), { style, note: fn.convention }))
    encoded.push('', heading(`What ${system} unwinds it with`, style))
    for (const part of encodedReader(subject)(fn, style)) {
      if (part.title.includes('CIE')) continue
      encoded.push('', style('cyan', part.title), ...part.lines.map((line) => `  ${line}`))
    }
    pictures.push([style('cyan', system), ...(framePicture(fn) ?? [])])
  }
  lines.push(...encoded, '', heading('Its frame after the prologue', style), '', ...sideBySide(pictures))
  return lines
}

/** Without the comments in front of it. */
function sourceOf(text: string): string[] {
  const from = Math.max(0, text.search(/^function /m))
  const end = text.indexOf('\n}', from)
  return text
    .slice(from, end < 0 ? undefined : end + 2)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `  ${line}`)
}

function subjectOf(
  compiled: readonly ModuleFunction[],
  target: Target,
  format: UnwindFormat,
): [SubjectFunction, Subject] {
  const file = loadObject(moduleObject(compiled, target, format), [format])
  const [{ code, codeSize, relocations, rows, frame, convention, unwind }] = compiled
  const fn: SubjectFunction = {
    ...file.functions[0],
    ...{ code, codeSize, relocations, rows, record: frame, convention, unwind },
  }
  return [fn, { description: '', functions: [], file, format, formats: [format] }]
}

function sideBySide(blocks: readonly (readonly string[])[]): string[] {
  const widths = blocks.map((block) => Math.max(...block.map(visibleLength)) + 3)
  const height = Math.max(...blocks.map((block) => block.length))
  return Array.from({ length: height }, (_, row) =>
    blocks
      .map((block, index) => padTo(block[row] ?? '', widths[index]))
      .join('')
      .trimEnd(),
  )
}

/** Every example, and how large its objects are. */
function examplesPart(examples: readonly Example[], output: string, style: Style): string[] {
  const rows = examples.map(({ name, compiled, objects }) => {
    const code = compiled.map((functions) => functions.reduce((sum, fn) => sum + fn.codeSize, 0))
    return [
      name,
      String(compiled[0].length),
      String(code[0]),
      String(objects[0].length),
      String(code[1]),
      String(objects[1].length),
    ]
  })
  const head = ['example', 'functions', 'Linux: code', '.o', 'Windows: code', '.obj']
  return [heading(`All examples, compiled for both into ${output}`, style), '', ...table(head, rows, style)]
}

function table(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => visibleLength(row[column]))))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? padTo(cell, widths[0]) : ' '.repeat(widths[column] - visibleLength(cell)) + cell,
      )
      .join('   ')
  return [style('dim', `  ${line(head)}`), ...rows.map((row) => `  ${line(row)}`)]
}

/** Every call run one instruction at a time, its frames walked after each. */
function runPart(
  examples: readonly Example[],
  output: string,
  { host, style }: Context,
): { lines: string[]; ok: boolean } {
  const lines = [heading('Run, one instruction at a time', style), '']
  if (host.platform !== 'linux' || host.architecture !== 'x64') {
    lines.push(`Left out: it needs Linux on x86-64, and this is ${host.platform} on ${host.architecture}.`)
    return { lines, ok: true }
  }
  let ok = true
  const rows: string[][] = []
  const sums = systems.map(() => ({ instructions: 0, frames: 0, wrong: 0 }))
  for (const call of shown) {
    const example = examples.find(({ name }) => name === call.file)
    if (example === undefined) continue
    const ran = systems.map(({ name, target, format }, index) =>
      runShown(
        call,
        example.compiled[index],
        target,
        format,
        `${output}/step-${call.file}-${name.toLowerCase()}`,
        host,
      ),
    )
    const failed = ran.find((each) => typeof each === 'string')
    if (failed !== undefined) {
      lines.push(`${call.title} could not be run here: ${failed}`)
      continue
    }
    const done = ran as readonly Ran[]
    const expected = call.expected ?? done[0].result
    const right = done.every(({ result }) => result === expected)
    ok &&= right && done.every(({ wrong }) => wrong.length === 0)
    for (const [index, { instructions, frames, wrong }] of done.entries()) {
      sums[index].instructions += instructions
      sums[index].frames += frames
      sums[index].wrong += wrong.length
      for (const problem of wrong.slice(0, 3))
        lines.push(style('red', `${systems[index].name}, ${call.title}: ${problem}`))
    }
    const counts = done.flatMap(({ instructions, frames, wrong }) => [
      ...[String(instructions), String(frames)],
      wrong.length === 0 ? style('green', '0') : style('red', String(wrong.length)),
    ])
    rows.push([
      call.title,
      right ? done[0].result : style('red', done.map(({ result }) => result).join(' / ')),
      ...counts,
    ])
  }
  if (rows.length === 0) return { lines, ok }
  const perSystem = systems.flatMap(({ name }) => [`${name}: steps`, 'frames', 'wrong'])
  lines.push(...table(['call', 'result', ...perSystem], rows, style), '')
  const total = sums.reduce((sum, { frames }) => sum + frames, 0)
  const wrong = sums.reduce((sum, each) => sum + each.wrong, 0)
  lines.push(
    `After every step the stack was walked by the unwind data alone, as each system does it: ${total} frames, ` +
      `${style(wrong === 0 ? 'green' : 'red', `${wrong} wrong`)}.`,
    'Right means: the return address, rsp and every register that the convention preserves (on Windows xmm6 to',
    'xmm15 too) are what the caller had. Windows code runs here because only system calls tell systems apart.',
  )
  return { lines, ok }
}
