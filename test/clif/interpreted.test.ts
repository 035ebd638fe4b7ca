// Cranelift's own run tests (../shared/clif/runtests), interpreted: all of them.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Interpreter } from '../../packages/interpreter/src/index.ts'
import { printExternalName } from '../../packages/ir/src/index.ts'
import { parseFile } from '../../packages/ir/src/text/index.ts'
import { sharedPath } from '../../packages/testkit/src/index.ts'
import { runDirectives } from '../support/machine/directives.ts'

const folder = sharedPath('clif/runtests')

/** The run lines that the reference counts (CLIF reference, 6). */
const RUN_LINES = 6596

test.skipIf(folder === null)('every run line of every file', () => {
  const wrong: string[] = []
  let lines = 0
  for (const name of readdirSync(folder!, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!name.endsWith('.clif')) continue
    const file = parseFile(readFileSync(`${folder}/${name}`, 'utf8'), { file: name })
    for (const func of file.functions) {
      for (const { text, args, expected, unequal } of runDirectives(func)) {
        lines++
        const outcome = new Interpreter(file.functions, { fuel: 10_000_000 }).call(printExternalName(func.name), args)
        const values = outcome.kind === 'returned' ? outcome.values : []
        const equal = values.length >= expected.length && expected.every((value, i) => values[i] === value)
        if (outcome.kind !== 'returned' || equal === unequal) {
          wrong.push(`${name}: ${text}: ${outcome.kind} ${values.map((value) => `0x${value.toString(16)}`)}`)
        }
      }
    }
  }
  expect(wrong).toEqual([])
  expect(lines).toBe(RUN_LINES)
})
