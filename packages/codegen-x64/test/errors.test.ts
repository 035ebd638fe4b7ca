// What is refused: always with a typed problem and a place, never with anything half done.
import { CodegenError, Compiler, compileFunction } from '@framewright/codegen-x64'
import { externalName, Function as IrFunction } from '@framewright/ir'
import { parseFunctions } from '@framewright/ir/text'
import { expect, test } from 'vitest'

const parse = (text: string): IrFunction => parseFunctions(text)[0]!

function refusal(text: string): CodegenError {
  let caught: unknown
  try {
    compileFunction(parse(text))
  } catch (error) {
    caught = error
  }
  expect(caught, text).toBeInstanceOf(CodegenError)
  return caught as CodegenError
}

/** A body in a function of two i64 parameters, v0 and v1. */
const body = (...lines: readonly string[]): string =>
  `function %f(i64, i64) {\nblock0(v0: i64, v1: i64):\n${lines.map((line) => `    ${line}\n`).join('')}    return\n}\n`

//   group, lines, opcode, type
const opcodes: readonly (readonly [group: string, lines: readonly string[], opcode: string, type: string | null])[] = [
  ['vectors', ['v2 = splat.i32x4 v9', 'v3 = vall_true v2', 'store v3, v0'], 'vall_true', 'i32x4'],
  ['vector arithmetic', ['v2 = load.i64x2 v0', 'v3 = iadd v2, v2', 'store v3, v0'], 'store', 'i64x2'],
  ['i128', ['v2 = iconcat v0, v1', 'v3 = iadd v2, v2', 'store v3, v0'], 'store', 'i128'],
  ['halves of i128', ['v2 = iconcat v0, v1', 'v3, v4 = isplit v2', 'store v3, v0'], 'isplit', 'i128'],
  ['f16', ['v2 = f16const 0x1.0', 'store v2, v0'], 'store', 'f16'],
  ['f128', ['v2 = load.f128 v0', 'v3 = fadd v2, v2', 'store v3, v0'], 'store', 'f128'],
  ['atomics', ['v2 = atomic_load.i32 v0'], 'atomic_load', 'i32'],
  ['atomic rmw', ['v2 = atomic_rmw.i64 add v0, v1'], 'atomic_rmw', 'i64'],
  ['atomic cas', ['v2 = atomic_cas v0, v1, v1'], 'atomic_cas', 'i64'],
  ['pinned register', ['set_pinned_reg v0'], 'set_pinned_reg', 'i64'],
  ['big-endian accesses', ['v2 = load.i32 big v0', 'store v2, v1'], 'load', 'i32'],
  ['frame pointers', ['v2 = get_frame_pointer.i64', 'store v2, v0'], 'get_frame_pointer', 'i64'],
]

test.each(opcodes)('%s: opcode, type and place', (_, lines, opcode, type) => {
  const text = body('v9 = iconst.i32 1', ...lines)
  const { problem, place, message } = refusal(text)
  expect(problem).toMatchObject({ code: 'unsupported-opcode', opcode, type })
  const func = parse(text)
  expect(place).toMatchObject({ function: '%f' })
  const inst = (place as { inst?: number }).inst
  expect(inst).toBeTypeOf('number')
  const at = func.source!.instOffset(inst!)
  expect(text.slice(at).split('\n')[0]).toContain(opcode)
  expect(message).toMatch(new RegExp(`^${opcode}.*${type ?? ''}.*not supported.* in %f$`))
})

test('calls that are not there yet', () => {
  expect(refusal('function %f() tail {\n    fn0 = %g() tail\nblock0:\n    return_call fn0()\n}').problem).toEqual({
    code: 'unsupported-signature',
    detail: 'the calling convention tail is not supported',
  })
  const trying = `function %f() {
    sig0 = () system_v
    fn0 = %g() system_v
block0:
    try_call fn0(), sig0, block1, [ default: block1 ]
block1:
    return
}`
  expect(refusal(trying).problem).toMatchObject({ code: 'unsupported-opcode', opcode: 'try_call' })
  const patchable = 'function %f() {\n    fn0 = colocated patchable %g()\nblock0:\n    call fn0()\n    return\n}'
  expect(refusal(patchable).problem).toMatchObject({ code: 'unsupported-opcode', opcode: 'call' })
})

test('signatures that cannot be passed yet', () => {
  const detail = (signature: string, params = ''): unknown =>
    refusal(`function %f${signature} {\nblock0${params}:\n    trap user1\n}`).problem
  expect(detail('(i32x4)', '(v0: i32x4)')).toMatchObject({
    code: 'unsupported-signature',
    detail: expect.stringContaining('i32x4'),
  })
  expect(detail('() -> i128')).toMatchObject({ code: 'unsupported-signature', detail: expect.stringContaining('i128') })
  expect(detail('(i64 sarg(64))', '(v0: i64)')).toMatchObject({
    code: 'unsupported-signature',
    detail: expect.stringContaining('sarg'),
  })
  for (const convention of ['tail', 'winch', 'preserve_all', 'apple_aarch64', 'probestack'])
    expect(detail(`() ${convention}`)).toMatchObject({
      code: 'unsupported-signature',
      detail: expect.stringContaining(convention),
    })
  // The signature of a callee counts as well.
  expect(
    refusal(
      'function %f(i64) {\n    sig0 = () -> f128\nblock0(v0: i64):\n    v1 = call_indirect sig0, v0()\n    return\n}',
    ).problem,
  ).toMatchObject({ code: 'unsupported-signature', detail: expect.stringContaining('f128') })
})

test('global values that are not there yet', () => {
  expect(
    refusal('function %f() -> i64 {\n    gv0 = symbol tls %x\nblock0:\n    v0 = symbol_value.i64 gv0\n    return v0\n}')
      .problem,
  ).toMatchObject({ code: 'unsupported-opcode', opcode: 'symbol_value', detail: 'a thread-local symbol' })
})

test('stack limits', () => {
  expect(
    refusal('function %f(i64 vmctx) {\n    gv0 = vmctx\n    stack_limit = gv0\nblock0(v0: i64):\n    return\n}')
      .problem,
  ).toMatchObject({
    code: 'unsupported-setting',
    setting: 'stack_limit',
  })
})

test('a function without blocks', () => {
  const empty = new IrFunction(externalName('empty'))
  expect(() => compileFunction(empty)).toThrow(CodegenError)
  expect(() => compileFunction(empty)).toThrow('the function has no blocks in %empty')
})

test('sizes beyond what 32 bits address', () => {
  const slots = (...sizes: number[]): string =>
    `function %f() -> i64 {\n${sizes.map((size, i) => `    ss${i} = explicit_slot ${size}\n`).join('')}block0:\n    v0 = stack_addr.i64 ss0\n    return v0\n}`
  expect(refusal(slots(0xffff_ffff)).problem).toMatchObject({ code: 'limit' })
  expect(refusal(slots(0x4000_0000, 0x4000_0000)).problem).toMatchObject({ code: 'limit' })
  // The largest that is accepted compiles.
  expect(compileFunction(parse(slots(0x7ffe_0000))).codeSize).toBeGreaterThan(0)
})

test('more block arguments than a record holds', () => {
  const jump = (count: number): string => {
    const params = Array.from({ length: count }, (_, i) => `v${i + 1}: i64`)
    const sum = Array.from(
      { length: count },
      (_, i) => `    v${count + i + 2} = iadd v${i === 0 ? 1 : count + i + 1}, v${i + 1}\n`,
    )
    return `function %f(i64) -> i64 {\nblock0(v0: i64):\n    jump block1(${Array(count).fill('v0').join(', ')})\nblock1(${params.join(', ')}):\n${sum.join('')}    return v${2 * count + 1}\n}`
  }
  expect(compileFunction(parse(jump(1000)), { check: true }).codeSize).toBeGreaterThan(0)
  expect(refusal(jump(1100)).problem).toMatchObject({ code: 'limit', what: 'number of block arguments' })
})

test('more arguments than a record holds', () => {
  const call = (count: number): string =>
    `function %f(i64) {\n    fn0 = %g(${Array(count).fill('i64').join(', ')})\nblock0(v0: i64):\n    call fn0(${Array(count).fill('v0').join(', ')})\n    return\n}`
  // Only the arguments in registers are operands of the call's record.
  expect(compileFunction(parse(call(5000)), { check: true }).codeSize).toBeGreaterThan(5000)
})

test('a compiler that has refused a function compiles the next one as if nothing had been', () => {
  const good = parse(
    'function %g(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n    v2 = imul v0, v1\n    return v2\n}',
  )
  const compiler = new Compiler({ check: true })
  const expected = new Compiler().compile(good).code
  for (const [, lines] of opcodes) {
    expect(() => compiler.compile(parse(body('v9 = iconst.i32 1', ...lines)))).toThrow(CodegenError)
    expect(compiler.compile(good).code).toEqual(expected)
  }
})
