// Running compilers, linkers and what they made.

import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, type TestContext } from 'vitest'
import { repositoryRoot, requireTool } from '../../packages/testkit/src/index.ts'

export { repositoryRoot }

export const examplesFolder: string = join(repositoryRoot, 'examples')

/** A folder that is gone after the tests of the file; gives the path of a name in it. */
export function scratch(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}

/** Whether all tools are there; where one is not, `requireTool` has said so. */
export function have(...names: readonly string[]): boolean {
  return names.map((name) => requireTool(name)).every((path) => path !== null)
}

/** Paths of the tools, or the test is skipped. */
export function need(context: TestContext, ...names: readonly string[]): string[] {
  const paths = names.map((name) => requireTool(name))
  if (paths.includes(null)) context.skip()
  return paths as string[]
}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Of every program that is run here. */
export const environment: Readonly<Record<string, string | undefined>> = {
  ...process.env,
  WINEDEBUG: '-all',
  WINEPREFIX: process.env['WINEPREFIX'] ?? join(tmpdir(), 'framewright-wine'),
}

export function run(command: string, args: readonly string[], timeoutSeconds = 120): Outcome {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env: environment,
    timeout: timeoutSeconds * 1000,
    maxBuffer: 2 ** 28,
    killSignal: 'SIGKILL',
  })
  if (error !== undefined && signal === null) throw error
  return { status, stdout, stderr: signal === null ? stderr : `${stderr}\nended by ${signal}` }
}

/**
 * The same for a program under Wine. Its output goes through a file: the services that Wine starts hold the pipe of the
 * first program open for seconds.
 */
export function runWine(wine: string, program: string, args: readonly string[], timeoutSeconds = 120): Outcome {
  const path = `${program}.output`
  const file = openSync(path, 'w')
  try {
    const { status, signal, error } = spawnSync(wine, [program, ...args], {
      env: environment,
      stdio: ['ignore', file, file],
      timeout: timeoutSeconds * 1000,
      killSignal: 'SIGKILL',
    })
    if (error !== undefined && signal === null) throw error
    return { status, stdout: readFileSync(path, 'utf8'), stderr: signal === null ? '' : `ended by ${signal}` }
  } finally {
    closeSync(file)
  }
}

/** Runs a tool that must succeed and have nothing to complain about; returns its standard output. */
export function clean(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = run(command, args)
  if (status !== 0 || stderr.trim() !== '') {
    throw new Error(`${command} ${args.join(' ')}\nexit code ${status}\n${stderr}${stdout.slice(0, 2000)}`)
  }
  return stdout
}
