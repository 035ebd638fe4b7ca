// The framewright command, run inside the test: nothing has to be built, and nothing is written but what it is told to.

import { type Host, main, nodeHost } from '../../packages/cli/src/index.ts'
import type { Outcome } from './tools.ts'

const real = nodeHost()

/**
 * @param files - what the command shall find under these names; everything else is on the disk. With it, what the command
 *   writes goes into `written` and not to the disk.
 */
export async function framewright(
  args: readonly string[],
  files?: ReadonlyMap<string, Uint8Array | string>,
): Promise<Outcome & { readonly written: ReadonlyMap<string, Uint8Array> }> {
  const collected = { stdout: '', stderr: '' }
  const written = new Map<string, Uint8Array>()
  const stream = (name: 'stdout' | 'stderr') => ({
    isTerminal: false,
    columns: 80,
    write: (data: string | Uint8Array) => {
      collected[name] += typeof data === 'string' ? data : new TextDecoder().decode(data)
    },
  })
  const host: Host = {
    ...real,
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    environment: {},
    processors: 1,
    readFile: (path) => {
      const content = files?.get(path)
      if (content === undefined) return real.readFile(path)
      return typeof content === 'string' ? new TextEncoder().encode(content) : content
    },
    writeFiles: (outputs) => {
      if (files === undefined) real.writeFiles(outputs)
      else for (const { path, bytes } of outputs) written.set(path, bytes)
    },
    startWorkers: () => null,
  }
  const status = await main(args, host)
  return { status, ...collected, written }
}

/** Compiles a CLIF file to an object; throws what the command says when it fails. */
export async function compileClif(input: string, out: string, triple: string, ...options: string[]): Promise<string> {
  const args = ['compile', input, '-o', out, '--target', triple, '--set', 'regalloc_checker', ...options]
  const { status, stdout, stderr } = await framewright(args)
  if (status !== 0 || stderr !== '')
    throw new Error(`framewright ${args.join(' ')}\nexit code ${status}\n${stderr}${stdout}`)
  return out
}
