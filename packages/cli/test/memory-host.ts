// A world that is a map.

import { FileError, type Host, type OutputStream } from '../src/host.ts'
import { main } from '../src/main.ts'

export interface World {
  /** What files there are; outputs are added. */
  readonly files: Map<string, Uint8Array>
  readonly stdin?: string
  readonly terminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
  readonly platform?: string
  readonly modules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Uint8Array
}

export function world(
  files: Readonly<Record<string, string | Uint8Array>> = {},
  rest: Omit<World, 'files'> = {},
): World {
  const encoded = Object.entries(files).map(([path, content]): [string, Uint8Array] => [
    path,
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  ])
  return { files: new Map(encoded), ...rest }
}

class Collector implements OutputStream {
  readonly columns = 80
  readonly chunks: Uint8Array[] = []
  readonly isTerminal: boolean

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal
  }

  write(data: string | Uint8Array): void {
    this.chunks.push(typeof data === 'string' ? new TextEncoder().encode(data) : data)
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.chunks.flatMap((chunk) => [...chunk]))
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes)
  }
}

/** Runs the command in a world. */
export async function run(words: string | readonly string[], where: World = world()): Promise<Outcome> {
  const { files, terminal = false, environment = {}, platform = 'linux' } = where
  const stdout = new Collector(terminal)
  const stderr = new Collector(terminal)
  const host: Host = {
    ...{ stdout, stderr, environment, platform, architecture: 'x64', processors: 4, version: '1.2.3' },
    readFile: (path) => {
      const found = files.get(path)
      if (found === undefined) throw new FileError(path, 'ENOENT')
      return found
    },
    readStandardInput: async () => new TextEncoder().encode(where.stdin ?? ''),
    writeFiles: (outputs) => {
      for (const { path } of outputs) if (path.startsWith('read-only/')) throw new FileError(path, 'EACCES')
      for (const { path, bytes } of outputs) files.set(path, bytes)
    },
    isFolder: (path) => [...files.keys()].some((name) => name.startsWith(`${path.replace(/\/+$/, '')}/`)),
    listFolder: (path) => {
      const folder = `${path}/`
      const inside = [...files.keys()].filter((name) => name.startsWith(folder))
      return [...new Set(inside.map((name) => name.slice(folder.length).split('/')[0]))].sort()
    },
    makeFolder: () => {},
    runProgram: () => ({ status: null, stdout: new Uint8Array(0), reason: 'there is no running in here' }),
    samePath: (a, b) => a === b,
    importModule: async (path) => {
      const found = where.modules?.[path]
      if (found === undefined) throw new Error(`no module ${path}`)
      return found
    },
    startWorkers: () => null,
  }
  const argv = typeof words === 'string' ? words.split(' ').filter(Boolean) : words
  const code = await main(argv, host)
  return { code, stdout: stdout.text, stderr: stderr.text, bytes: stdout.bytes }
}

export const fib: string = `function %fib(i64) -> i64 {
    fn0 = colocated %fib(i64) -> i64

block0(v0: i64):
    v1 = iconst.i64 2
    v2 = icmp ult v0, v1
    brif v2, block1, block2

block1:
    return v0

block2:
    v3 = iconst.i64 1
    v4 = isub v0, v3
    v5 = call fn0(v4)
    v6 = isub v0, v1
    v7 = call fn0(v6)
    v8 = iadd v5, v7
    return v8
}
`
