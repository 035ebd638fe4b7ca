// What each pass makes of a file of its own name; `all-…` goes through all of them. Every result is verified.

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import {
  type ExternalName,
  type Function,
  parseFunctions,
  printExternalName,
  printFunction,
  verifyFunction,
} from '@framewright/ir'
import { checkGolden } from '@framewright/testkit'
import { expect, test } from 'vitest'
import { optimizeModule, PassContext, passes } from '../src/index.ts'
import { prepare } from '../src/prepare.ts'

const folder = join(import.meta.dirname, 'golden')
const files = readdirSync(folder).map((name) => basename(name, '.clif'))

function runPass(name: string, functions: readonly Function[]): void {
  const pass = passes.find((candidate) => candidate.name === name)
  if (pass === undefined) throw new Error(`no pass ${name}`)
  const find = (wanted: ExternalName): Function | null =>
    functions.find((func) => printExternalName(func.name) === printExternalName(wanted)) ?? null
  for (const func of functions) {
    prepare(func)
    pass.run(func, new PassContext(func, find))
  }
}

test.each(files)('%s', async (name) => {
  await checkGolden(join(folder, `${name}.clif`), (input) => {
    const functions = parseFunctions(input)
    expect(functions.flatMap((func) => verifyFunction(func))).toEqual([])
    if (name.startsWith('all-')) optimizeModule(functions)
    else runPass(name, functions)
    expect(functions.flatMap((func) => verifyFunction(func))).toEqual([])
    return functions
      .map((func) => printFunction(func))
      .join('\n')
      .trimEnd()
      .split('\n')
  })
})

test('every pass has a file', () => {
  expect(files).toEqual(expect.arrayContaining(passes.map(({ name }) => name)))
})
