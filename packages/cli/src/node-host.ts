// The host that Node is.

import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  FileError,
  type Host,
  type OutputFile,
  type OutputStream,
  type ProgramOutcome,
  type WorkerPool,
} from './host.ts'

/** The world as this process sees it. */
export function nodeHost(): Host {
  // A reader that has seen enough (`| head`) is no error of ours.
  process.stdout.on('error', quietly)
  process.stderr.on('error', quietly)
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return {
    stdout: stream(process.stdout),
    stderr: stream(process.stderr),
    environment: process.env,
    platform: process.platform,
    architecture: process.arch,
    processors: availableParallelism(),
    version,
    readFile: (path) => guarded(path, () => new Uint8Array(readFileSync(path))),
    readStandardInput,
    writeFiles,
    isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    listFolder: (path) => (existsSync(path) ? readdirSync(path).sort() : []),
    makeFolder: (path) => guarded(path, () => void mkdirSync(path, { recursive: true })),
    runProgram,
    samePath,
    importModule: (path) => import(pathToFileURL(resolve(path)).href),
    startWorkers: (count) => new NodeWorkers(count),
  }
}

function quietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

function stream(target: NodeJS.WriteStream): OutputStream {
  return {
    isTerminal: target.isTTY === true,
    columns: target.columns || 80,
    write: (data) => void target.write(data),
  }
}

function guarded<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new FileError(path, code)
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}

/** All under other names first, in the same folders, so that what remains to be done is renaming. */
function writeFiles(files: readonly OutputFile[]): void {
  const waiting: { readonly from: string; readonly to: string }[] = []
  try {
    for (const { path, bytes, executable = false } of files) {
      if (isDevice(path)) {
        // A pipe or /dev/null keeps its name.
        guarded(path, () => writeWhole(path, bytes, 'w', 0o666))
        continue
      }
      const target = followed(path)
      const from = join(dirname(target), `.${basename(target)}.${process.pid}.${waiting.length}.tmp`)
      guarded(path, () => {
        if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) throw new FileError(path, 'EISDIR')
        waiting.push({ from, to: target })
        writeWhole(from, bytes, 'wx', executable ? 0o777 : 0o666)
      })
    }
    for (const { from, to } of waiting) guarded(to, () => renameSync(from, to))
  } catch (error) {
    for (const { from } of waiting) rmSync(from, { force: true })
    throw error
  }
}

function writeWhole(path: string, bytes: Uint8Array, flags: string, mode: number): void {
  const file = openSync(path, flags, mode)
  try {
    let at = 0
    while (at < bytes.length) at += writeSync(file, bytes, at)
    if (flags === 'wx') fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function isDevice(path: string): boolean {
  const found = lstatSync(followed(path), { throwIfNoEntry: false })
  return found !== undefined && !found.isFile() && !found.isDirectory()
}

/** Where a link leads: the link stays, the file behind it is replaced. */
function followed(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/** A step program writes some hundred bytes for every instruction. */
const MOST_OUTPUT = 2 ** 29

function runProgram(path: string): ProgramOutcome {
  const { status, stdout, signal, error } = spawnSync(resolve(path), { maxBuffer: MOST_OUTPUT, timeout: 60_000 })
  return { status, stdout: new Uint8Array(stdout ?? []), reason: error?.message ?? signal ?? '' }
}

function samePath(a: string, b: string): boolean {
  return followed(a) === followed(b)
}

/** Threads that take a message at a time. */
class NodeWorkers implements WorkerPool {
  readonly #idle: Worker[] = []
  readonly #all: Worker[] = []
  readonly #waiting: ((worker: Worker) => void)[] = []

  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      const worker = new Worker(new URL('./worker.js', import.meta.url))
      this.#all.push(worker)
      this.#idle.push(worker)
    }
  }

  async run(message: unknown): Promise<unknown> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((free) => this.#waiting.push(free)))
    try {
      return await new Promise((answer, fail) => {
        worker.once('message', (value: unknown) => {
          worker.off('error', fail)
          answer(value)
        })
        worker.once('error', fail)
        worker.postMessage(message)
      })
    } finally {
      worker.removeAllListeners('message')
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(worker)
      else next(worker)
    }
  }

  close(): void {
    for (const worker of this.#all) void worker.terminate()
  }
}
