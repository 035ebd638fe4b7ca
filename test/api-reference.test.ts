// What `npm run docs` would refuse: an exported symbol without a docstring, a link that leads nowhere, a type that a public
// signature names and no entry point exports.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('every public symbol is documented, and every link resolves', () => {
  const script = join(import.meta.dirname, '../scripts/api-reference/generate.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  expect(stdout + stderr).toBe('')
  expect(status).toBe(0)
})
