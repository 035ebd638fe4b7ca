// Running the tools that judge what we make.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '@framewright/testkit'
import { afterAll, type TestContext } from 'vitest'

/** A folder that is gone after the tests of the file. */
export function scratch(): (name: string, content?: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'framewright-cli-'))
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

export function runTool(tool: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 2 ** 28 })
  return { status, stdout, stderr }
}
