// Running the tools that judge objects.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '@framewright/testkit'
import { afterAll, type TestContext } from 'vitest'

/** A folder that is gone after the tests of the file. */
export function scratch(): (name: string, content?: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-object-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return (name, content) => {
    const path = join(folder, name)
    if (content !== undefined) writeFileSync(path, content)
    return path
  }
}

/** Paths of the tools, or the test is skipped. */
export function tools(context: TestContext, ...names: string[]): string[] {
  const paths = names.map((name) => requireTool(name))
  if (paths.includes(null)) context.skip()
  return paths as string[]
}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export function run(tool: string, ...args: string[]): Outcome {
  const env = {
    ...process.env,
    WINEDEBUG: '-all',
    WINEPREFIX: process.env.WINEPREFIX ?? join(tmpdir(), 'framewright-wine'),
  }
  const { status, stdout, stderr } = spawnSync(tool, args, {
    encoding: 'utf8',
    env,
    timeout: 60_000,
    maxBuffer: 2 ** 30,
  })
  return { status, stdout, stderr }
}
