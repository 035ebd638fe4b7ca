// framewright unwind: what the unwind data of a file say: rows, bytes with their meaning, a picture of the frame.

import { type CommandRow, UsageError } from '../arguments.ts'
import { type Context, onlyInput, printJsonList, readInput } from '../context.ts'
import { type EncodedReader, encodedReader } from '../listing/encoded.ts'
import { jsonRow, placeJson } from '../listing/json.ts'
import { framePicture } from '../listing/picture.ts'
import { placeText, rowTable } from '../listing/rows.ts'
import type { Style } from '../style.ts'
import { loadSubject, type Subject, type SubjectFunction, subjectOptions } from '../subject.ts'
import { explainCommand } from './explain.ts'
import { verifyUnwindCommand } from './unwind-verify.ts'

export const unwindRow: CommandRow = {
  name: 'unwind',
  usage: '[OPTIONS] IN.clif|FILE',
  summary: 'show unwind data: rows, bytes, their meaning in words, the frame',
  options: [
    ...subjectOptions,
    { long: 'verify', help: 'hold the unwind data against the instructions, along every path; any number of inputs' },
    {
      long: 'at',
      value: 'PLACE',
      help: 'only what holds at this place, and which bytes say so: OFFSET, or SYMBOL[+OFFSET]',
    },
  ],
  details: [
    'Rows say where the canonical frame address (CFA: the value of rsp in the caller just before the call) and the ' +
      'caller’s registers are, for every range of code offsets. The bytes are those of the object; what a linker ' +
      'fills in is zero in them. The picture shows the stack after the prologue, high addresses at the top.',
    '--verify follows the stack pointer and the saved registers through every path of every function, and reports each ' +
      'instruction at which the unwind data say something else. What cannot be decided is counted apart. The exit code ' +
      'is 1 when there are findings.',
    '--at: an OFFSET counts from the start of .text in an object (SECTION+OFFSET says another section), and is an address ' +
      'in an executable or library; in a DLL or EXE it may be an RVA. Numbers are decimal, or hexadecimal with 0x. Every ' +
      'format that the file carries is asked.',
  ],
  examples: [
    'framewright unwind fib.clif',
    'framewright unwind --target x86_64-pc-windows-msvc fib.clif -f fib',
    'framewright unwind --verify /usr/lib/libexample.so fib.o',
    'framewright unwind libc.so.6 --at malloc+0x15',
  ],
}

export async function unwindCommand(context: Context): Promise<number> {
  const { host, args, json, style } = context
  if (args.switches.has('verify')) return await verifyUnwindCommand(context)
  const input = await readInput(onlyInput(args.inputs, 'unwind'), host)
  const at = args.values.get('at')
  if (at !== undefined && args.lists.has('function')) throw new UsageError('--at names the place; leave out --function')
  const subject = await loadSubject(input, context)
  if (at !== undefined) return await explainCommand(context, input, subject, at)
  const encoded = encodedReader(subject)
  if (json) {
    const head = { ok: true, input: input.name, description: subject.description }
    printJsonList(head, 'functions', functionsJson(subject, encoded), context)
    return 0
  }
  host.stdout.write(`${style('bold', input.name)}: ${subject.description}\n`)
  if (subject.functions.length === 0) host.stdout.write('no functions\n')
  const shown = new Set<string>()
  for (const entry of subject.functions)
    host.stdout.write(`\n${functionLines(subject, entry.show(), encoded, shown, style).join('\n')}\n`)
  return 0
}

function* functionsJson(subject: Subject, encoded: EncodedReader): Generator<unknown> {
  for (const entry of subject.functions) {
    const fn = entry.show()
    yield {
      ...{ name: fn.name, section: fn.section, offset: fn.offset, codeSize: fn.codeSize, ...placeJson(fn) },
      rows: fn.rows?.map(jsonRow) ?? null,
      encoded: encoded(fn).map(({ title, fields, lines }) =>
        fields.length > 0 ? { title, fields } : { title, lines },
      ),
      record: fn.record,
    }
  }
}

/** @param shown - common parts that an earlier function has shown already. */
export function functionLines(
  subject: Subject,
  fn: SubjectFunction,
  encoded: EncodedReader,
  shown: Set<string>,
  style: Style,
): string[] {
  const note = [
    ...(fn.convention === '' ? [] : [fn.convention]),
    ...placeText(fn),
    `${fn.codeSize} bytes of code`,
  ].join(', ')
  const lines = [`${style('bold', `${fn.name}:`)} ${style('dim', note)}`]
  const indented = (text: readonly string[]) => {
    for (const line of text) lines.push(`  ${line}`)
  }
  const parts = encoded(fn, style)
  if (fn.rows === null || parts.length === 0) {
    const leaf = subject.format?.name === 'win64'
    const why = leaf ? 'no entry in the function table: to Windows a leaf, its caller is at [rsp]' : 'no unwind data'
    lines.push(`  ${why}`)
  }
  if (fn.rows === null) return lines
  indented(rowTable(fn.rows, fn.codeSize, style))
  for (const { title, note, key, lines: text } of parts) {
    if (shown.has(key)) continue
    shown.add(key)
    lines.push('', `  ${style('cyan', title)}${note === '' ? '' : style('dim', `  ${note}`)}`)
    indented(text)
  }
  const picture = framePicture(fn)
  if (picture !== null) {
    lines.push('', `  ${style('cyan', 'the frame after the prologue')}`)
    indented(picture)
  }
  return lines
}
