import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { repositoryRoot, requireTool, sharedPath } from '../src/index.ts'

afterEach(() => void vi.unstubAllEnvs())

test('the repository is found', () => {
  expect(existsSync(join(repositoryRoot, 'pnpm-workspace.yaml'))).toBe(true)
})

test('a tool is found on PATH', () => {
  expect(existsSync(requireTool('node') ?? '')).toBe(true)
})

test('what is absent is null, or an error that names the package where oracles are required', () => {
  vi.stubEnv('FRAMEWRIGHT_SHARED', join(repositoryRoot, 'no-such-folder'))
  vi.stubEnv('FRAMEWRIGHT_REQUIRE_ORACLES', '')
  expect(requireTool('no-such-tool')).toBeNull()
  expect(sharedPath('clif')).toBeNull()
  vi.stubEnv('FRAMEWRIGHT_REQUIRE_ORACLES', '1')
  expect(() => requireTool('no-such-tool')).toThrow(/Debian package no-such-tool/)
  expect(() => sharedPath('clif')).toThrow(/clif/)
})
