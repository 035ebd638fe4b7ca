import type { CommandRow } from '../arguments.ts'
import type { Context } from '../context.ts'

export const demoRow: CommandRow = { name: 'demo', usage: '[FOLDER]', summary: 'show what there is', options: [] }

export async function demoCommand(context: Context): Promise<number> {
  context.host.stdout.write('demo\n')
  return 0
}
