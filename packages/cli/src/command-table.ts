// The commands there are.

import type { CommandRow } from './arguments.ts'
import { compileCommand, compileRow } from './commands/compile.ts'
import { demoCommand, demoRow } from './commands/demo.ts'
import { disasmCommand, disasmRow } from './commands/disasm.ts'
import { runCommand, runRow } from './commands/run.ts'
import { testCommand, testRow } from './commands/test.ts'
import { unwindCommand, unwindRow } from './commands/unwind.ts'
import { verifyCommand, verifyRow } from './commands/verify.ts'
import type { Context } from './context.ts'

export interface Command {
  readonly row: CommandRow
  /** @returns the exit code. */
  run(context: Context): Promise<number>
}

export const commands: readonly Command[] = [
  { row: compileRow, run: compileCommand },
  { row: disasmRow, run: disasmCommand },
  { row: unwindRow, run: unwindCommand },
  { row: verifyRow, run: verifyCommand },
  { row: runRow, run: runCommand },
  { row: testRow, run: testCommand },
  { row: demoRow, run: demoCommand },
]

export function generalHelp(): string {
  const shown = commands.filter(({ row }) => row.hidden !== true)
  const width = Math.max(...shown.map(({ row }) => row.name.length)) + 2
  return `${[
    'Usage: framewright COMMAND [OPTIONS] INPUT...',
    '',
    'Compiles CLIF, the text form of the Cranelift IR, to x86-64 objects for Linux',
    'and Windows whose stack frames every unwinder can walk, at every instruction.',
    '',
    'Commands:',
    ...shown.map(({ row }) => `  ${row.name.padEnd(width)}${row.summary}`),
    '',
    "'framewright COMMAND --help' tells about one of them.",
    '',
    'Exit codes: 0 done, 1 the input is wrong, 2 the call is wrong, 70 our mistake.',
  ].join('\n')}\n`
}
