// Everything the command asks of the world: files, streams, threads. `main` gets it as a value, so it runs in tests with
// files that are a map, and would run in a browser.

/** Where text and bytes go. */
export interface OutputStream {
  readonly isTerminal: boolean
  /** Characters to a line; 80 where unknown. */
  readonly columns: number
  write(data: string | Uint8Array): void
}

/** A file that a command writes. */
export interface OutputFile {
  readonly path: string
  readonly bytes: Uint8Array
  /** A program: everybody who may read it may run it. */
  readonly executable?: boolean
}

/** How a program ended. */
export interface ProgramOutcome {
  /** Null when a signal ended it, or it was not started at all. */
  readonly status: number | null
  readonly stdout: Uint8Array
  /** The signal's name, or why it could not be started; empty otherwise. */
  readonly reason: string
}

/** Runs jobs in threads of its own. */
export interface WorkerPool {
  /** Posts a message to a free thread and gives its answer. */
  run(message: unknown): Promise<unknown>
  close(): void
}

/** All that the command knows of the system it runs on; tests give one that lives in memory. */
export interface Host {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
  /** As Node names it: `linux`, `win32`, `darwin`. */
  readonly platform: string
  /** As Node names it: `x64`, `arm64`. */
  readonly architecture: string
  /** How many threads are worth starting. */
  readonly processors: number
  /** Version of the command. */
  readonly version: string
  /** @throws FileError */
  readFile(path: string): Uint8Array
  readStandardInput(): Promise<Uint8Array>
  /**
   * Writes all files or none: each is whole under its name, or its name is as it was. Folders are not made.
   *
   * @throws FileError
   */
  writeFiles(files: readonly OutputFile[]): void
  /** Whether there is a folder of that name. */
  isFolder(path: string): boolean
  /** Names in a folder, sorted; empty when there is no such folder. */
  listFolder(path: string): readonly string[]
  /** Makes a folder and those above it. @throws FileError */
  makeFolder(path: string): void
  /** Runs a program without arguments or input to its end. */
  runProgram(path: string): ProgramOutcome
  /** Whether the two paths lead to the same file, or would. */
  samePath(a: string, b: string): boolean
  /** Loads a module of the user's. @throws Error as the module system says it. */
  importModule(path: string): Promise<Readonly<Record<string, unknown>>>
  /** Null where there are no threads: the jobs then run here. */
  startWorkers(count: number): WorkerPool | null
}

/** A file that cannot be read or written; the message begins with its name. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly path: string
  /** As the system names it: `ENOENT`. */
  readonly code: string

  constructor(path: string, code: string) {
    super(`${path}: ${reasons[code] ?? code}`)
    this.path = path
    this.code = code
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EISDIR: 'is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOSPC: 'no space left',
  EROFS: 'the file system is read-only',
}
