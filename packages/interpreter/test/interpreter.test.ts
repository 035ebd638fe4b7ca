import { parseFunctions } from '@framewright/ir/text'
import { describe, expect, test } from 'vitest'
import { HostException, Interpreter, type InterpreterOptions, type Outcome } from '../src/index.ts'

function machine(text: string, options: InterpreterOptions = {}): Interpreter {
  return new Interpreter(parseFunctions(text, { file: 'test.clif' }), options)
}

/** One function `%f` of `i64` parameters: its body, and what it gives. */
function run(signature: string, body: string, args: readonly bigint[] = [], options: InterpreterOptions = {}): Outcome {
  return machine(`function %f${signature} {\n${body}\n}`, options).call('%f', args)
}

const returned = (...values: bigint[]): Outcome => ({ kind: 'returned', values })

describe('control', () => {
  const sum = `function %sum(i64) -> i64 {
block0(v0: i64):
  v1 = iconst.i64 0
  jump block1(v0, v1)
block1(v2: i64, v3: i64):
  v4 = iadd v3, v2
  v6 = iconst.i64 1
  v5 = isub v2, v6
  brif v2, block2, block3
block2:
  jump block1(v5, v4)
block3:
  return v3
}`

  test('loops, with arguments that change places', () => {
    expect(machine(sum).call('%sum', [100n])).toEqual(returned(5050n))
    const swap = `block0(v0: i64, v1: i64):
  v9 = iconst.i8 3
  jump block1(v0, v1, v9)
block1(v2: i64, v3: i64, v4: i8):
  v5 = iconst.i8 1
  v6 = isub v4, v5
  brif v6, block1(v3, v2, v6), block2
block2:
  return v2, v3`
    expect(run('(i64, i64) -> i64, i64', swap, [1n, 2n])).toEqual(returned(1n, 2n))
  })

  test('ends when the fuel is used up', () => {
    const body = 'block0:\n  jump block1\nblock1:\n  jump block1'
    expect(run('()', body, [], { fuel: 1000 })).toEqual({ kind: 'out-of-fuel' })
  })

  test('br_table takes the default for what lies outside', () => {
    const body = `block0(v0: i32):
  br_table v0, block3, [block1, block2]
block1:
  v1 = iconst.i32 10
  return v1
block2:
  v2 = iconst.i32 20
  return v2
block3:
  v3 = iconst.i32 30
  return v3`
    for (const [index, expected] of [
      [0n, 10n],
      [1n, 20n],
      [2n, 30n],
      [0xffff_ffffn, 30n],
    ] as const) {
      expect(run('(i32) -> i32', body, [index])).toEqual(returned(expected))
    }
  })

  test('a tail call takes no stack, any other does', () => {
    const tail = `function %f(i64) -> i64 tail {
  fn0 = %f(i64) -> i64 tail
block0(v0: i64):
  brif v0, block1, block2
block1:
  v1 = iconst.i64 1
  v2 = isub v0, v1
  return_call fn0(v2)
block2:
  return v0
}`
    expect(machine(tail, { stackBytes: 4096 }).call('%f', [100_000n])).toEqual(returned(0n))
    const deep = tail.replace('return_call fn0(v2)', 'v3 = call fn0(v2)\n  return v3')
    expect(machine(deep, { stackBytes: 4096 }).call('%f', [100n])).toEqual(returned(0n))
    expect(machine(deep, { stackBytes: 4096 }).call('%f', [100_000n])).toMatchObject({
      kind: 'trapped',
      name: 'stk_ovf',
      place: '%f:inst3 (test.clif:8:3)',
    })
  })
})

describe('traps say why and where', () => {
  test.each([
    ['user7', 'block0(v0: i64):\n  trap user7', 0n],
    ['int_divz', 'block0(v0: i64):\n  v1 = udiv v0, v0\n  return', 0n],
    ['user1', 'block0(v0: i64):\n  trapz v0, user1\n  return', 0n],
    ['user2', 'block0(v0: i64):\n  trapnz v0, user2\n  return', 5n],
    ['user3', 'block0(v0: i64):\n  v1 = uadd_overflow_trap v0, v0, user3\n  return', 1n << 63n],
    ['heap_oob', 'block0(v0: i64):\n  v1 = load.i32 v0\n  return', 8n],
    ['user4', 'block0(v0: i64):\n  v1 = load.i32 user4 v0+4\n  return', 8n],
    ['heap_oob', 'block0(v0: i64):\n  store v0, v0\n  return', 0xffff_ffff_ffff_fff8n],
  ])('%s', (name, body, argument) => {
    expect(run('(i64)', body, [argument])).toMatchObject({ kind: 'trapped', name, place: '%f:inst0 (test.clif:3:3)' })
  })
})

describe('memory', () => {
  test('slots begin as zeros, keep what is stored, and end where they end', () => {
    const body = `  ss0 = explicit_slot 8
  ss1 = explicit_slot 32, align = 32
block0(v0: i64):
  v1 = stack_addr.i64 ss0
  v2 = stack_addr.i64 ss1
  store v0, v1
  istore8 v0, v2+31
  v3 = uload8.i64 v2+31
  v4 = sload16.i64 v1+6
  v5 = load.i64 v2
  v6 = uload32 v1
  return v3, v4, v5, v6`
    expect(run('(i64) -> i64, i64, i64, i64', body, [0x8102_0304_0506_0708n])).toEqual(
      returned(0x08n, 0xffff_ffff_ffff_8102n, 0n, 0x0506_0708n),
    )
  })

  test('a caller does not see the slots of those it called', () => {
    const text = `function %f() -> i64 {
  fn0 = %g() -> i64
block0:
  v0 = call fn0()
  v1 = load.i64 v0
  return v1
}
function %g() -> i64 {
  ss0 = explicit_slot 64
block0:
  v0 = stack_addr.i64 ss0
  return v0
}`
    expect(machine(text).call('%f', [])).toMatchObject({ kind: 'trapped', name: 'heap_oob' })
  })

  test('big-endian accesses, lane by lane', () => {
    const body = `  ss0 = explicit_slot 16
block0(v0: i32, v1: i16x8):
  v2 = stack_addr.i64 ss0
  store big v0, v2
  v3 = load.i32 v2
  store big v1, v2
  v4 = load.i64 v2
  v5 = load.i16x8 big v2
  return v3, v4, v5`
    const lanes = 0x0008_0007_0006_0005_0004_0003_0002_0001n
    expect(run('(i32, i16x8) -> i32, i64, i16x8', body, [0x1122_3344n, lanes])).toEqual(
      returned(0x4433_2211n, 0x0400_0300_0200_0100n, lanes),
    )
  })

  test('data objects are found by name, and keep what is written to them', () => {
    const text = `function %f(i64) -> i64 {
  gv0 = symbol %counter
  gv1 = load.i64 notrap aligned gv0
  gv2 = iadd_imm.i64 gv1, 100
block0(v0: i64):
  v1 = symbol_value.i64 gv0
  v2 = load.i64 v1
  v3 = iadd v2, v0
  store v3, v1
  v4 = symbol_value.i64 gv2
  return v4
}
function %g() {
  gv0 = symbol %fixed
block0:
  v0 = symbol_value.i64 gv0
  store v0, v0
  return
}`
    const bytes = new Uint8Array(8)
    const data = [
      { name: 'counter', bytes, writable: true },
      { name: 'fixed', bytes: new Uint8Array(8), writable: false },
    ]
    const interpreter = machine(text, { data })
    expect(interpreter.call('%f', [5n])).toEqual(returned(105n))
    expect(interpreter.call('%f', [2n])).toEqual(returned(107n))
    expect(bytes[0]).toBe(7)
    expect(interpreter.call('%g', [])).toMatchObject({ kind: 'trapped', name: 'heap_oob' })
  })

  test('atomics give the old value, whether they store or not', () => {
    const body = `  ss0 = explicit_slot 16
block0(v0: i64, v1: i64):
  v2 = stack_addr.i64 ss0
  atomic_store v0, v2
  v3 = atomic_rmw.i64 nand v2, v1
  v4 = atomic_load.i64 v2
  v5 = atomic_cas v2, v0, v1
  v6 = atomic_cas v2, v4, v1
  v7 = atomic_load.i64 v2
  return v3, v4, v5, v6, v7`
    const nand = 0xffff_ffff_ffff_fff7n
    expect(run('(i64, i64) -> i64, i64, i64, i64, i64', body, [12n, 10n])).toEqual(returned(12n, nand, nand, nand, 10n))
  })

  test('every atomic operation', () => {
    const m = (1n << 16n) - 1n
    const expected: Record<string, bigint> = {
      add: (0x8001n + 3n) & m,
      sub: (0x8001n - 3n) & m,
      and: 1n,
      nand: m ^ 1n,
      or: 0x8003n,
      xor: 0x8002n,
      xchg: 3n,
      umin: 3n,
      umax: 0x8001n,
      smin: 0x8001n,
      smax: 3n,
    }
    for (const [name, value] of Object.entries(expected)) {
      const body = `  ss0 = explicit_slot 2
block0(v0: i16, v1: i16):
  v2 = stack_addr.i64 ss0
  store v0, v2
  v3 = atomic_rmw.i16 ${name} v2, v1
  v4 = load.i16 v2
  return v3, v4`
      expect(run('(i16, i16) -> i16, i16', body, [0x8001n, 3n]), name).toEqual(returned(0x8001n, value))
    }
  })
})

describe('calls', () => {
  const indirect = `function %f(i64, i64) -> i64 {
  sig0 = (i64) -> i64
  sig1 = (i32) -> i64
  fn0 = %double(i64) -> i64
block0(v0: i64, v1: i64):
  v2 = func_addr.i64 fn0
  v3 = iadd v2, v1
  v4 = call_indirect sig0, v3(v0)
  return v4
}
function %g() -> i64 {
  sig1 = (i32) -> i64
  fn0 = %double(i64) -> i64
block0:
  v2 = func_addr.i64 fn0
  v3 = iconst.i32 1
  v4 = call_indirect sig1, v2(v3)
  return v4
}
function %double(i64) -> i64 {
block0(v0: i64):
  v1 = iadd v0, v0
  return v1
}`

  test('through addresses', () => {
    expect(machine(indirect).call('%f', [21n, 0n])).toEqual(returned(42n))
  })

  test('of what is no function, or by another signature, are told with their place', () => {
    expect(() => machine(indirect).call('%f', [21n, 8n])).toThrow(
      '%f:inst2 (test.clif:8:3): a call of an address that is',
    )
    expect(() => machine(indirect).call('%g', [])).toThrow('%double has another signature than the call')
    expect(() =>
      machine(indirect.replace('%double(i64) -> i64 {', '%other(i64) -> i64 {')).call('%f', [1n, 0n]),
    ).toThrow('there is no function %double')
  })

  test('of the host, and of what CLIF knows by name', () => {
    const body = `  fn0 = %ask(i32) -> i64
  fn1 = %FloorF64(f64) -> f64
  fn2 = %Memset(i64, i32, i64) -> i64
  ss0 = explicit_slot 16
block0(v0: i32, v1: f64):
  v2 = call fn0(v0)
  v3 = call fn1(v1)
  v4 = stack_addr.i64 ss0
  v5 = iconst.i64 3
  v6 = call fn2(v4, v0, v5)
  v7 = load.i32 v4
  return v2, v3, v7`
    const host = new Map([['%ask', ([n]: readonly bigint[]) => [n! * n!]]])
    expect(run('(i32, f64) -> i64, f64, i32', body, [9n, 0x400c_0000_0000_0000n], { host })).toEqual(
      returned(81n, 0x4008_0000_0000_0000n, 0x0009_0909n),
    )
  })

  test('of the library that run out of memory trap', () => {
    const body = `  fn0 = %Memcpy(i64, i64, i64) -> i64
block0(v0: i64):
  v1 = call fn0(v0, v0, v0)
  return`
    expect(run('(i64)', body, [8n])).toMatchObject({ kind: 'trapped', name: 'heap_oob' })
  })
})

describe('exceptions', () => {
  const text = `function %f(i64) -> i64 tail {
  sig0 = (i64) -> i64 tail
  fn0 = %middle(i64) -> i64 tail
block0(v0: i64):
  try_call fn0(v0), sig0, block1(ret0), [ tag3: block2(exn0, exn1), default: block3(exn1) ]
block1(v1: i64):
  return v1
block2(v2: i64, v3: i64):
  v4 = isub v2, v3
  return v4
block3(v5: i64):
  return v5
}
function %middle(i64) -> i64 tail {
  fn0 = %host(i64) -> i64
block0(v0: i64):
  v1 = call fn0(v0)
  return v1
}`
  const host = new Map([
    [
      '%host',
      ([tag]: readonly bigint[]) => {
        if (tag === 0n) return [7n]
        throw new HostException(Number(tag), [50n, 8n])
      },
    ],
  ])

  test('go to the first handler that takes them', () => {
    const interpreter = machine(text, { host })
    expect(interpreter.call('%f', [0n])).toEqual(returned(7n))
    expect(interpreter.call('%f', [3n])).toEqual(returned(42n))
    expect(interpreter.call('%f', [4n])).toEqual(returned(8n))
  })

  test('that nobody takes are an outcome', () => {
    expect(machine(text, { host }).call('%middle', [4n])).toEqual({ kind: 'threw', tag: 4, payload: [50n, 8n] })
  })
})

describe('what cannot begin', () => {
  const id = 'function %f(i8) -> i8 {\nblock0(v0: i8):\n  return v0\n}'

  test.each([
    ['an unknown name', () => machine(id).call('%g', []), 'there is no function %g'],
    ['too few arguments', () => machine(id).call('%f', []), '1 arguments are wanted, 0 were given'],
    ['an argument that is no i8', () => machine(id).call('%f', [256n]), 'argument 0 is not a value of type i8'],
    ['a negative one', () => machine(id).call('%f', [-1n]), 'argument 0 is not a value of type i8'],
    ['two of one name', () => machine(`${id}\n${id}`), 'there are two functions %f'],
  ])('%s', (_, action, message) => {
    expect(action).toThrow(expect.objectContaining({ name: 'InterpreterError', message }))
  })

  test('dynamic vectors and stack switches are refused with their place', () => {
    const body = `block0(v0: i64):
  v1 = stack_switch v0, v0, v0
  return`
    expect(() => run('(i64)', body, [0n])).toThrow('%f:inst0 (test.clif:3:3): stack_switch cannot be interpreted')
  })
})

test('one interpreter serves many calls, and nothing of one is seen by the next', () => {
  const body = `  ss0 = explicit_slot 8
block0(v0: i64):
  v1 = stack_addr.i64 ss0
  v2 = load.i64 v1
  store v0, v1
  trapz v0, user1
  return v2`
  const interpreter = machine(`function %f(i64) -> i64 {\n${body}\n}`)
  for (const argument of [1n, 0n, 5n, 0n, 7n]) {
    const outcome = interpreter.call('%f', [argument])
    if (argument === 0n) expect(outcome).toMatchObject({ kind: 'trapped', name: 'user1' })
    else expect(outcome).toEqual(returned(0n))
  }
})
