// What is wrong fails at the call that is wrong, in words, and leaves the function as it was.

import { describe, expect, test } from 'vitest'
import {
  type Block,
  FunctionBuilder,
  type IntCC,
  IrBuildError,
  MemFlags,
  parseType,
  printFunction,
  signature,
  Type,
  type Value,
  withRegion,
} from '../../src/index.ts'

function open(): { b: FunctionBuilder; x: Value; y: Value; f: Value } {
  const b = new FunctionBuilder('f', signature([Type.I32, Type.I8, Type.F64], [Type.I32]))
  const [x, y, f] = b.createEntry()
  return { b, x, y, f }
}

type Call = (context: ReturnType<typeof open>) => unknown

const WRONG: Readonly<Record<string, Call>> = {
  'iadd: operand y has type i8, expected i32': ({ b, x, y }) => b.iadd(x, y),
  'iadd: operand x has type f64, which is not in {i8, i16, i32, i64, i128; scalars, vectors, dynamic vectors}': ({
    b,
    f,
  }) => b.iadd(f, f),
  'value 99, given to iadd, does not exist in this function': ({ b, x }) => b.iadd(x, 99 as Value),
  'ineg: operand x is missing': ({ b }) => b.ineg(undefined as unknown as Value),
  'uextend: operand x has type i32, expected narrower than i16': ({ b, x }) => b.uextend(Type.I16, x),
  'ireduce: operand x has type i8, expected wider than i16': ({ b, y }) => b.ireduce(Type.I16, y),
  'iconst: 300 is not an integer of i8': ({ b }) => b.iconst(Type.I8, 300),
  'iconst: 1.5 is not an integer of i32': ({ b }) => b.iconst(Type.I32, 1.5),
  'iconst: there is no constant of i128; build i128 with iconcat, vectors with vconst': ({ b }) =>
    b.iconst(Type.I128, 1),
  'icmp: the condition 10 is not an integer from 0 to 9': ({ b, x }) => b.icmp(10 as IntCC, x, x),
  'load: operand p has type f64, expected one of {i32, i64}': ({ b, f }) => b.load(Type.I32, 0, f),
  'load: the offset 2147483648 is not an integer from -2147483648 to 2147483647': ({ b, x }) =>
    b.load(Type.I32, 0, x, 2 ** 31),
  'trap: the trap code 0 is not an integer from 1 to 255': ({ b }) => b.trap(0),
  'stack slot 3 does not exist in this function': ({ b }) => b.stackAddr(Type.I64, 3 as never),
  'function 0 does not exist in this function': ({ b }) => b.call(0 as never, []),
  'call takes 1 arguments here, 0 are given': ({ b }) => b.call(b.importFunction('g', signature([Type.I32], []))),
  'call: argument 0 has type i8, expected i32': ({ b, y }) =>
    b.call(b.importFunction('g', signature([Type.I32], [])), [y]),
  'return takes 1 arguments here, 0 are given': ({ b }) => b.return(),
  'return: argument 0 has type f64, expected i32': ({ b, f }) => b.return([f]),
  'block0 is sealed: nothing more can branch to it': ({ b }) => b.jump(0 as Block),
  'block 7 does not exist in this function': ({ b }) => b.jump(7 as Block),
  'jump to block1 takes 1 arguments here, 0 are given': ({ b }) => {
    const block = b.createBlock()
    b.appendParam(block, Type.I32)
    b.jump(block)
  },
  'block1 must get its parameters before it is filled or branched to': ({ b }) => {
    const block = b.createBlock()
    b.jump(block)
    b.appendParam(block, Type.I32)
  },
  'iadd: block0 already ends in trap': ({ b, x }) => {
    b.trap(1)
    b.iadd(x, x)
  },
  'block0 has no terminator yet': ({ b }) => b.finish(),
  'block1 was never sealed': ({ b }) => {
    const block = b.createBlock()
    b.jump(block)
    b.switchTo(block)
    b.trap(1)
    b.finish()
  },
  'block1 is branched to but was never filled': ({ b }) => {
    const block = b.createBlock()
    b.jump(block)
    b.seal(block)
    b.finish()
  },
  'block0 is sealed already': ({ b }) => b.seal(0 as Block),
  'the function has an entry block already': ({ b }) => b.createEntry(),
  'variable 0 has type f64, the value has type i32': ({ b, x }) => b.define(b.declareVariable(Type.F64), x),
  'variable 5 was never declared': ({ b }) => b.use(5 as never),
  'variable 0 is read before it is defined on every way from the entry': ({ b }) => b.use(b.declareVariable(Type.I32)),
  'the alignment 3 is not a power of two': ({ b }) => b.declareStackSlot(8, 3),
  'the case 5 is there twice': ({ b, x }) => {
    const block = b.createBlock()
    b.switch(
      x,
      [
        [5, block],
        [5n, block],
      ],
      block,
    )
  },
  'the case 256 is no i8': ({ b, y }) => b.switch(y, [[256, b.createBlock()]], b.createBlock()),
  'vconst: 3 bytes are given, i32x4 has 16': ({ b }) => b.vconst(Type.I32X4, new Uint8Array(3)),
  'result 1 of the callee cannot be argument 0 of block1': ({ b }) => {
    const block = b.createBlock()
    b.appendParam(block, Type.I32)
    b.tryCall(b.importFunction('g', signature([], [Type.I32], 'tail')), [], { block, args: [{ result: 1 }] }, [])
  },
  'v4, given to iadd, is not defined on every way to block2: block1 does not dominate it': ({ b, x }) => {
    const [then, join] = [b.createBlock(), b.createBlock()]
    b.brif(x, then, join)
    b.switchTo(then)
    b.iconst(Type.I32, 0)
    const inThen = b.iconst(Type.I32, 1)
    b.jump(join)
    b.switchTo(join)
    b.iadd(x, inThen)
  },
  'v3, given to jump, is not defined on every way to block2: block1 does not dominate it': ({ b, x }) => {
    const [other, then] = [b.createBlock(), b.createBlock()]
    const param = b.appendParam(other, Type.I32)
    b.jump(then)
    b.switchTo(then)
    b.seal(then)
    b.jump(other, [param])
    b.iadd(x, x)
  },
  // The branch that takes the dominator away comes last: it shows at the end.
  'v3, given to iadd, is not defined on every way to block2: block1 does not dominate it': ({ b, x }) => {
    const [first, second] = [b.createBlock(), b.createBlock()]
    const third = b.createBlock()
    b.brif(x, first, third)
    b.switchTo(first)
    const inFirst = b.iconst(Type.I32, 1)
    b.jump(second)
    b.switchTo(second)
    b.return([b.iadd(inFirst, inFirst)])
    b.switchTo(third)
    b.jump(second)
    b.sealAll()
    b.finish()
  },
  'block0 is the entry: it cannot be cold': ({ b }) => b.setCold(b.currentBlock),
  'store: memory that is readonly cannot be written': ({ b, x }) => b.store(MemFlags.Readonly, x, x),
  'load: the alias region region2 was not declared': ({ b, x }) => b.load(Type.I32, withRegion(0, 2), x),
  'load: memory cannot be of both byte orders, little and big': ({ b, x }) =>
    b.load(Type.I32, MemFlags.Little | MemFlags.Big, x),
  'bitcast: i32 has 32 bits and f64 has 64': ({ b, x }) => b.bitcast(Type.F64, x),
  'bitcast: between i32 and i8x4 a byte order must be given: little or big': ({ b, x }) =>
    b.bitcast(parseType('i8x4'), x),
  'a function of the convention preserve_all has no results': ({ b }) =>
    b.declareSignature(signature([], [Type.I32], 'preserve_all')),
  'a global value vmctx needs a parameter of the function whose purpose is vmctx': ({ b }) =>
    b.declareGlobalValue({ kind: 'vmctx' }),
  'return_call: the convention fast does not support tail calls': ({ b }) =>
    b.returnCall(b.importFunction('g', signature([], [Type.I32]))),
  'try_call: the convention fast does not support exceptions': ({ b }) =>
    b.tryCall(b.importFunction('g', signature([], [])), [], { block: b.createBlock() }, []),
  'call: a patchable function must be colocated to be called': ({ b }) =>
    b.call(b.importFunction('g', signature([], []), { patchable: true })),
  'get_exception_handler_address: block1 does not end in a try_call': ({ b }) => {
    const block = b.createBlock()
    b.getExceptionHandlerAddress(Type.I64, block, 0)
    b.jump(block)
    b.switchTo(block)
    b.trap(1)
    b.sealAll()
    b.finish()
  },
  'extract_vector: operand x has type i8, of which there is no such result': ({ b, y }) => b.extractVector(y, 0),
  'the function is finished': ({ b }) => {
    b.trap(1)
    b.finish()
    b.createBlock()
  },
}

describe('a wrong call', () => {
  test.each(Object.entries(WRONG))('%s', (message, call) => {
    const context = open()
    let error: unknown
    try {
      call(context)
    } catch (caught) {
      error = caught
    }
    expect(error).toBeInstanceOf(IrBuildError)
    expect((error as IrBuildError).message).toBe(message)
    expect((error as IrBuildError).problem.code).not.toBe('')
  })

  test('adds nothing', () => {
    const { b, x, y } = open()
    for (const call of [
      () => b.iadd(x, y),
      () => b.return([y]),
      () => b.iconst(Type.I8, 300),
      () => b.jump(9 as Block),
    ]) {
      expect(call).toThrow(IrBuildError)
    }
    b.return([b.iadd(x, x)])
    expect(printFunction(b.finish())).toBe(`function %f(i32, i8, f64) -> i32 fast {
block0(v0: i32, v1: i8, v2: f64):
    v3 = iadd v0, v0
    return v3
}
`)
  })

  test('with an address of another width is one when the width is known', () => {
    const b = new FunctionBuilder('f', signature([Type.I32, Type.I64], []), { pointerType: Type.I64 })
    const [narrow, wide] = b.createEntry()
    b.load(Type.I8, 0, wide)
    expect(() => b.load(Type.I8, 0, narrow)).toThrow('load: operand p has type i32, addresses are i64')
    expect(() => b.store(0, narrow, narrow)).toThrow('store: operand p has type i32, addresses are i64')
    const global = b.declareGlobalValue({ kind: 'dyn_scale_target_const', vectorType: Type.I32X4 })
    expect(() => b.symbolValue(Type.I64, global)).toThrow('symbol_value: gv0 is i32, not i64')
  })

  test('on a finished builder says so, whatever it is', () => {
    const { b, x } = open()
    b.return([x])
    b.finish()
    const calls = [
      ...[() => b.iadd(x, x), () => b.typeOf(x), () => b.createBlock(), () => b.return(), () => b.jump(0 as Block)],
      ...[() => b.declareVariable(Type.I32), () => b.declareStackSlot(8), () => b.declareConstant(new Uint8Array(4))],
      ...[
        () => b.declareAliasRegion(1, 'a'),
        () => b.importFunction('g', signature([], [])),
        () => b.setCold(0 as Block),
      ],
      ...[() => b.vconst(Type.I32X4, new Uint8Array(16)), () => b.constant(Type.I128, 1), () => b.finish()],
      ...[() => b.declareSignature(signature([], [])), () => b.use(0 as never), () => b.setStackLimit(0 as never)],
    ]
    for (const call of calls) expect(call).toThrow('the function is finished')
  })

  test('of one builder is nothing to another beside it', () => {
    const [one, two] = [open(), open()]
    const slot = one.b.declareStackSlot(8)
    expect(() => two.b.stackAddr(Type.I64, slot)).toThrow('stack slot 0 does not exist in this function')
    const [a, c] = [one.b.iadd(one.x, one.x), two.b.imul(two.x, two.x)]
    one.b.return([a])
    const first = printFunction(one.b.finish())
    // The first is finished: what it worked in may be used again, but not by the second.
    const third = open()
    third.b.return([third.b.ineg(third.x)])
    two.b.return([two.b.isub(c, two.x)])
    expect(first).toContain('v3 = iadd v0, v0\n    return v3')
    expect(printFunction(third.b.finish())).toContain('v3 = ineg v0\n    return v3')
    expect(printFunction(two.b.finish())).toContain('v3 = imul v0, v0\n    v4 = isub v3, v0\n    return v4')
  })

  test('without a block says so', () => {
    const b = new FunctionBuilder('f')
    expect(() => b.nop()).toThrow('nop: no block to add to; call switchTo first')
  })
})
