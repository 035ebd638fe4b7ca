// Each golden file shows one thing; the line above its function says which line of the outcome matters.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkGolden } from '@framewright/testkit'
import { test } from 'vitest'
import { listFile } from './listing.ts'

const folder = join(import.meta.dirname, 'golden')

test.each(readdirSync(folder).filter((name) => name.endsWith('.clif')))('%s', async (name) => {
  await checkGolden(join(folder, name), listFile)
})
