// Every opcode on every type, executed: the instruction stands in a block that is entered, so what the interpreter cannot
// execute shows.

import { expect, test } from 'vitest'
import { Interpreter, InterpreterError } from '../../packages/interpreter/src/index.ts'
import { FORMAT_ROWS, OPCODE_FORMAT, OPCODE_ROWS, parseFunctions, Type, typeBits } from '../../packages/ir/src/index.ts'
import { Random } from '../../packages/ir/src/testing/index.ts'
import { functionsOf } from '../../packages/ir/test/builder/every-opcode.ts'

const [callee, data] = [
  parseFunctions(
    'function %callee(i32) -> f64 tail {\nblock0(v0: i32):\n    v1 = f64const 0x1.0p0\n    return v1\n}\n',
  )[0],
  { name: 'data', bytes: new Uint8Array(512), writable: true },
]

/** How the function ended: `returned`, `trapped with …`, or what was refused. */
function ending(func: typeof callee, opcode: number, random: Random): string {
  const format = FORMAT_ROWS[OPCODE_FORMAT[opcode]][0]
  const interpreter = new Interpreter([func, callee], { data: [data], fuel: 1000 })
  const address = interpreter.addressOf('data') ?? 0n
  // The operand that is an address, or the address of a function.
  const pointer = /^Store/.test(format) ? 1 : /^(?:Load|Atomic)/.test(format) ? 0 : -1
  const called = /Indirect/.test(format) ? 0 : -1
  const args = func.signature.params.map(({ type }, i) => {
    if (i === pointer && OPCODE_ROWS[opcode - 1][0] !== 'bitcast') return address + 64n
    if (i === called && type === Type.I64) return interpreter.addressOf('callee') ?? 0n
    let value = 0n
    for (let at = 0; at < typeBits(type); at += 32) value = (value << 32n) | BigInt(random.bits() >>> 0)
    return BigInt.asUintN(typeBits(type), value)
  })
  try {
    const outcome = interpreter.call('%f', args)
    return outcome.kind === 'trapped' ? `trapped with ${outcome.name}` : outcome.kind
  } catch (error) {
    if (!(error instanceof InterpreterError)) throw error
    return error.problem.code === 'unsupported' ? `unsupported: ${error.problem.what}` : error.message
  }
}

test('every opcode on every type', () => {
  const random = new Random(1)
  const endings = new Map<string, Set<string>>()
  let executed = 0
  for (const [at, [name]] of OPCODE_ROWS.entries()) {
    const found = new Set<string>()
    for (const { func } of functionsOf(at + 1)) {
      for (let round = 0; round < 3; round++) found.add(ending(func, at + 1, random))
      executed++
    }
    endings.set(name, found)
  }
  expect(executed).toBeGreaterThan(1500)
  const others = [...endings].filter(([, found]) => !found.has('returned'))
  expect(Object.fromEntries(others.map(([name, found]) => [name, [...found].sort()]))).toEqual({
    // What they lead to is a trap.
    ...{ jump: ['trapped with user1'], brif: ['trapped with user1'], br_table: ['trapped with user1'] },
    ...{ try_call: ['trapped with user1'], trap: ['trapped with user7'], trapnz: ['trapped with int_ovf'] },
    // An address of 32 bits is none of a function.
    try_call_indirect: ['%f:inst1: a call of an address that is no function', 'trapped with user1'],
    // It has been executed when the call behind it fails.
    get_exception_handler_address: ['%f:inst2: %callee has another signature than the call'],
    dynamic_stack_addr: ['unsupported: a dynamic vector'],
    stack_switch: ['unsupported: stack_switch'],
    // No value of a dynamic type can come from anywhere.
    extract_vector: [],
  })
})
