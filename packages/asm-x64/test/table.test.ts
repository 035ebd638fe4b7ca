import { expect, test } from 'vitest'
import { printTable } from '../src/encoding/print-table.ts'

test('the packed table is made from the rows', async () => {
  await expect(printTable()).toMatchFileSnapshot('../src/encoding/table.ts')
})
