// Golden files: each holds its input and, below it, what came out; `vitest run -u` rewrites that part.

import { join } from 'node:path'
import { checkGolden } from '@framewright/testkit'
import { expect, test } from 'vitest'
import {
  headerVerifyOptions,
  parseFile,
  parseFunctions,
  printCfg,
  printDominatorTree,
  printExternalName,
  printFunction,
  verifyFunction,
} from '../src/index.ts'
import { dumpFunction } from './dump.ts'

const golden = (name: string): string => join(import.meta.dirname, 'golden', name)

test('canonical text', async () => {
  await checkGolden(golden('print.clif'), (input) =>
    parseFile(input).functions.flatMap((func) => {
      const printed = printFunction(func)
      const [again] = parseFunctions(printed)
      expect(dumpFunction(again)).toEqual(dumpFunction(func))
      return printed.trimEnd().split('\n')
    }),
  )
})

test('findings of the verifier', async () => {
  await checkGolden(golden('verify.clif'), (input) => {
    const { functions, header } = parseFile(input, { file: 'verify.clif' })
    return functions.flatMap((func) => [
      printExternalName(func.name),
      ...verifyFunction(func, headerVerifyOptions(header)).map(
        ({ line, column, entity, text, message }) =>
          `  ${line}:${column} ${entity}${text === '' ? '' : ` (${text})`}: ${message}`,
      ),
    ])
  })
})

test('graphs', async () => {
  await checkGolden(golden('graph.clif'), (input) =>
    parseFile(input).functions.flatMap((func) => `${printCfg(func)}${printDominatorTree(func)}`.trimEnd().split('\n')),
  )
})
