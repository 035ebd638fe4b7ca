// The command as it is installed: a process of its own, with threads. `npm test` builds it first; without a build, or with
// one older than the sources, these tests are skipped.

import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { fib } from './memory-host.ts'
import { scratch } from './tools.ts'

const file = scratch()
const bin = join(import.meta.dirname, '../bin/framewright.js')

/** Time of the newest, or oldest, file below. */
function times(folder: string): number[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|js)$/.test(entry.name))
    .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs)
}

function isBuilt(): boolean {
  const packages = [
    'cli',
    'ir',
    'codegen-x64',
    'object',
    'unwind-dwarf',
    'unwind-win64',
    'frame-layout',
    'asm-x64',
    'regalloc',
  ]
  return packages.every((name) => {
    const root = join(repositoryRoot, 'packages', name)
    try {
      return Math.max(...times(join(root, 'dist'))) >= Math.max(...times(join(root, 'src')))
    } catch {
      return false
    }
  })
}

function framewright(args: readonly string[], input = ''): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { input, timeout: 60_000 })
  return { status, stdout, stderr: stderr.toString() }
}

describe.runIf(isBuilt())('the built command', () => {
  test('compiles several files in threads, the same as one by one', () => {
    const folder = file('threads')
    mkdirSync(folder)
    const inputs = Array.from({ length: 7 }, (_, index) => join(folder, `f${index}.clif`))
    for (const [index, path] of inputs.entries()) writeFileSync(path, fib.replaceAll('%fib', `%fib${index}`))
    expect(framewright(['compile', '-j', '3', ...inputs])).toMatchObject({ status: 0, stderr: '' })
    expect(readdirSync(folder).filter((name) => name.endsWith('.o'))).toHaveLength(7)
    for (const path of inputs) {
      const { stdout } = framewright(['compile', path, '-o', '-'])
      expect(readFileSync(path.replace('.clif', '.o')).equals(stdout)).toBe(true)
    }
  })

  test('with a mistake in one file of several writes none', () => {
    const folder = file('mistake')
    mkdirSync(folder)
    const inputs = Array.from({ length: 4 }, (_, index) => join(folder, `f${index}.clif`))
    for (const [index, path] of inputs.entries()) writeFileSync(path, index === 2 ? 'functoin' : fib)
    const { status, stderr } = framewright(['compile', ...inputs])
    expect(status).toBe(1)
    expect(stderr).toContain('f2.clif:1:1: error: ')
    expect(readdirSync(folder).every((name) => name.endsWith('.clif'))).toBe(true)
  })

  test('reads standard input to its end and writes bytes to a pipe', () => {
    const many = Array.from({ length: 300 }, (_, index) => fib.replaceAll('%fib', `%fib${index}`)).join('\n')
    const { status, stdout } = framewright(['compile', '-', '--target', 'x86_64-unknown-linux-gnu'], many)
    expect(status).toBe(0)
    expect(stdout.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    expect(stdout.length).toBeGreaterThan(30_000)
  })

  test('gives its exit codes to the shell', () => {
    expect(framewright(['--version'])).toMatchObject({ status: 0, stderr: '' })
    expect(framewright(['verify', file('nothing.clif')]).status).toBe(1)
    expect(framewright(['complie']).status).toBe(2)
  })

  test.skipIf(process.platform === 'win32')('does not mind a reader that stops early', () => {
    const many = file(
      'many.clif',
      Array.from({ length: 300 }, (_, index) => fib.replaceAll('%fib', `%fib${index}`)).join('\n'),
    )
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', `"${process.execPath}" "${bin}" disasm "${many}" | head -1`])
    expect(stdout.toString()).toMatch(/many\.clif: /)
    expect(stderr.toString()).toBe('')
  })
})

if (!isBuilt())
  test.skip('the built command is not up to date: its tests are skipped (npm run build)', () => {
    expect(isBuilt()).toBe(false)
  })
