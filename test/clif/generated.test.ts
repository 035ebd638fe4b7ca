// Random functions with all of the language in them, executed: whatever they do, it is an outcome or a typed refusal.
// Then the same with something changed, as far as the verifier accepts it.

import { expect, test } from 'vitest'
import { Interpreter, InterpreterError } from '../../packages/interpreter/src/index.ts'
import {
  type Function as IrFunction,
  IrSyntaxError,
  parseFunctions,
  Type,
  typeBits,
  verifyFunction,
} from '../../packages/ir/src/index.ts'
import { generateAnyModule, Random } from '../../packages/ir/src/testing/index.ts'
import { mutateText } from '../../packages/ir/test/mutate-text.ts'

const MACHINE = { pointerType: Type.I64, pinnedRegister: true, framePointers: true }
/** What ends an execution, by kind or code of refusal. */
type Endings = Map<string, number>

function execute(functions: readonly IrFunction[], seed: number, endings: Endings): void {
  const random = new Random(seed)
  const note = (ending: string): void => {
    endings.set(ending, (endings.get(ending) ?? 0) + 1)
  }
  const interpreter = new Interpreter(functions, { fuel: 400, stackBytes: 1 << 20 })
  for (const name of interpreter.names) {
    const args = interpreter.signatureOf(name).params.map(({ type }) => {
      const bits = typeBits(type)
      let value = 0n
      for (let at = 0; at < bits; at += 32) value = (value << 32n) | BigInt(random.bits() >>> 0)
      return BigInt.asUintN(bits, random.oneIn(4) ? BigInt(random.below(3)) : value)
    })
    try {
      note(interpreter.call(name, args).kind)
    } catch (error) {
      if (!(error instanceof InterpreterError)) throw new Error(`seed ${seed}, ${name}`, { cause: error })
      note(error.problem.code === 'unsupported' ? `unsupported: ${error.problem.what}` : error.problem.code)
    }
  }
}

test('functions with all of the language end in an outcome', () => {
  const endings: Endings = new Map()
  for (let seed = 0; seed < 10_000; seed += 5) {
    const text = generateAnyModule({ seed, outside: false, instructions: 24 }, 5)
    const functions = parseFunctions(text.map((func) => func.text).join('\n'))
    execute(functions, seed, endings)
  }
  // Nothing is missing that they call, and all they ask for is there but the switching of stacks.
  expect([...endings.keys()].sort()).toEqual(['out-of-fuel', 'returned', 'trapped', 'unsupported: stack_switch'])
  expect(endings.get('returned')).toBeGreaterThan(1500)
  expect(endings.get('trapped')).toBeGreaterThan(1000)
}, 120_000)

test('functions with something changed are refused or end in an outcome', () => {
  const endings: Endings = new Map()
  for (let seed = 0; seed < 4000; seed++) {
    const text = generateAnyModule({ seed: 2 * seed, outside: false, instructions: 16 }, 2)
    let functions: readonly IrFunction[]
    try {
      functions = parseFunctions(mutateText(text.map((func) => func.text).join('\n'), seed))
    } catch (error) {
      if (!(error instanceof IrSyntaxError)) throw error
      continue
    }
    if (functions.some((func) => verifyFunction(func, MACHINE).length > 0)) continue
    execute(functions, seed, endings)
  }
  expect(endings.get('returned')).toBeGreaterThan(300)
}, 120_000)
