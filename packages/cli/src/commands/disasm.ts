// framewright disasm: code, and the state of the frame beside every instruction.

import { rowAt } from '@framewright/frame-layout'
import type { CommandRow } from '../arguments.ts'
import { type Context, onlyInput, printJsonList, readInput } from '../context.ts'
import { codeListing } from '../listing/code.ts'
import { type Disassembler, loadDisassembler } from '../listing/disassemble.ts'
import { jsonRow, placeJson } from '../listing/json.ts'
import { placeText } from '../listing/rows.ts'
import { loadSubject, type Subject, subjectOptions } from '../subject.ts'

export const disasmRow: CommandRow = {
  name: 'disasm',
  usage: '[OPTIONS] IN.clif|OBJECT',
  summary: 'show code, and the unwind state beside every instruction',
  options: subjectOptions,
  details: [
    'Beside an instruction stands what is true before it runs. CFA is the value that rsp had in the caller just before the ' +
      'call; rbx-16 says that the caller’s rbx lies at CFA-16, a bar that nothing has changed; where many registers are saved, +rbx-16 and -rbx are what has. OBJECT is an ELF object ' +
      'with .eh_frame or a COFF object with .pdata, or an executable, shared library or DLL, from whatever compiler.',
  ],
  examples: ['framewright disasm fib.clif --target x86_64-pc-windows-msvc', 'framewright disasm fib.o -f fib'],
}

export async function disasmCommand(context: Context): Promise<number> {
  const { host, args, json, style } = context
  const input = await readInput(onlyInput(args.inputs, 'disasm'), host)
  const subject = await loadSubject(input, context)
  const disassemble = await loadDisassembler()
  if (json) {
    const head = { ok: true, input: input.name, description: subject.description }
    printJsonList(head, 'functions', functionsJson(subject, disassemble), context)
    return 0
  }
  host.stdout.write(`${style('bold', input.name)}: ${subject.description}\n`)
  if (subject.functions.length === 0) host.stdout.write('no functions\n')
  for (const entry of subject.functions) {
    const fn = entry.show()
    const lines = codeListing(fn, disassemble(fn), {
      style,
      note: [fn.convention, ...placeText(fn)].filter((word) => word !== '').join(', '),
    })
    host.stdout.write(`\n${lines.join('\n')}\n`)
  }
  return 0
}

function* functionsJson({ functions }: Subject, disassemble: Disassembler): Generator<unknown> {
  for (const entry of functions) {
    const fn = entry.show()
    yield {
      ...{ name: fn.name, aliases: fn.aliases, section: fn.section, offset: fn.offset, codeSize: fn.codeSize },
      ...placeJson(fn),
      instructions: disassemble(fn).instructions.map(({ offset, bytes, text }) => ({
        ...{ offset, bytes, text },
        unwind: fn.rows === null ? null : jsonRow(rowAt(fn.rows, offset)),
      })),
      data: fn.code.subarray(fn.codeSize),
    }
  }
}
