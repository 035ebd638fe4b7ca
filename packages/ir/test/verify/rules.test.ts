// The rules of CLIF's verifier, one by one and by its own numbers (CLIF reference, the list of diagnostics): for each a
// function that breaks it and nothing else. Where no text can break a rule, a pass that wrote a wrong number into a table can.

import { readFileSync } from 'node:fs'
import { sharedPath } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import {
  type Block,
  type Inst,
  type Function as IrFunction,
  Opcode,
  parseFunctions,
  Type,
  type VerifyOptions,
  verifyFunction,
} from '../../src/index.ts'

interface Rule {
  readonly text: string
  /** What a pass would have done to the tables. */
  readonly change?: (func: IrFunction) => void
  readonly options?: VerifyOptions
  /** Each finding: what it is about, where, and what it says. */
  readonly finds: readonly string[]
}

const BOTH = { pointerType: Type.I64 }

/** A function with these lines, `block0` first; it takes an i32 and gives nothing. */
const body = (...lines: readonly string[]): string =>
  `function %f(i32) {\n${lines.map((line) => (line.endsWith(':') ? line : `    ${line}`)).join('\n')}\n}\n`
const inEntry = (...lines: readonly string[]): string => body('block0(v0: i32):', ...lines, 'return')
const declared = (...lines: readonly string[]): string => body(...lines, 'block0(v0: i32):', 'return')

const RULES: Readonly<Record<string, Rule>> = {
  D1: {
    text: declared('gv0 = load.i64 notrap aligned gv1', 'gv1 = load.i64 notrap aligned gv0'),
    finds: ['gv0 2:5 global value cycle: [gv0, gv1]'],
  },
  D2: { text: declared('gv0 = vmctx'), finds: ['gv0 2:5 undeclared vmctx reference gv0'] },
  D3: {
    text: declared('gv0 = symbol %g', 'gv1 = iadd_imm.f32 gv0, 1'),
    finds: ['gv1 3:5 iadd_imm global value with non-int type f32'],
  },
  D4: {
    text: declared('gv0 = symbol %g', 'gv1 = iadd_imm.i32 gv0, 1'),
    options: BOTH,
    finds: ['gv1 3:5 iadd_imm type i32 differs from operand type i64'],
  },
  D5: {
    text: declared('gv0 = dyn_scale_target_const.i32x4', 'gv1 = load.i64 notrap aligned gv0'),
    options: BOTH,
    finds: ['gv1 3:5 base gv0 has type i32, which is not the pointer type i64'],
  },
  D6: {
    text: declared('gv0 = symbol %g', 'gv1 = load.i64 notrap aligned region2 gv0'),
    finds: ['gv1 3:5 undefined alias region region2'],
  },
  D7: {
    text: declared('region0 = 5 "a"', 'region1 = 5 "b"'),
    finds: ['region1 3:5 duplicate alias region user_id 5: region0 and region1'],
  },
  D8: {
    text: inEntry('trap user1'),
    finds: ['inst0 3:5 a terminator instruction was encountered before the end of block0'],
  },
  D9: { text: body('block0(v0: i32):', 'nop'), finds: ['block0 2:1 block does not end in a terminator instruction'] },
  D10: {
    text: body('block0(v0: i32):', 'jump block1', 'block1:', 'nop', 'return'),
    change: ({ layout }) => {
      layout.instBlock[1] = 0
    },
    finds: ['inst1 5:5 should belong to block1 not block0'],
  },
  D11: {
    text: body('block0(v0: i32):', 'jump block1(v0)', 'block1(v1: i32):', 'return'),
    change: ({ values }) => {
      values.definition[1] = values.definition[0]
    },
    finds: ['v1 4:1 does not belong to block1'],
  },
  D12: {
    text: body('block0(v0: i32):', 'v1 = iconst.i32 1', 'jump block1(v0)', 'block1(v2: i32):', 'return'),
    change: ({ values }) => {
      values.definition[2] = 0
    },
    finds: ['v2 5:1 expected an argument, found a result'],
  },
  D13: {
    text: inEntry('nop'),
    change: ({ insts }) => {
      insts.opcode[0] = 255
    },
    finds: ["inst0 3:5 instruction opcode doesn't match instruction format"],
  },
  D14: {
    text: inEntry('v1 = iconst.i32 1', 'v2 = iconst.i32 1'),
    change: ({ insts }) => {
      insts.resultCount[0] = 2
    },
    finds: ['inst0 3:5 expected 1 result values, found 2'],
  },
  D15: {
    text: inEntry('v1 = iconst.i32 1', 'v2 = iadd v1, v1'),
    change: ({ values, insts }) => {
      insts.firstResult[0] = -1
      insts.resultCount[0] = 0
      insts.opcode[0] = Opcode.Nop
      values.definition[1] = -1
    },
    finds: ['inst1 4:5 argument v1 -> v1 is not attached', 'inst1 4:5 argument v1 -> v1 is not attached'],
  },
  D16: {
    text: body('region0 = 1 "a"', 'block0(v0: i32):', 'v1 = load.i32 region1 v0', 'return'),
    finds: ['inst0 4:5 undefined alias region region1'],
  },
  D17: {
    text: inEntry('v1 = get_pinned_reg.i64'),
    options: BOTH,
    finds: ['inst0 3:5 GetPinnedReg/SetPinnedReg cannot be used without enable_pinned_reg'],
  },
  D18: {
    text: inEntry('v1 = get_pinned_reg.i64'),
    options: { pinnedRegister: true },
    finds: ['inst0 3:5 GetPinnedReg/SetPinnedReg need an ISA!'],
  },
  D19: {
    text: inEntry('v1 = get_frame_pointer.i64'),
    options: BOTH,
    finds: [
      'inst0 3:5 `get_frame_pointer`/`get_return_address` cannot be used without enabling `preserve_frame_pointers`',
    ],
  },
  D20: {
    text: inEntry('v1 = get_return_address.i64'),
    options: { framePointers: true },
    finds: ['inst0 3:5 `get_frame_pointer`/`get_return_address` require an ISA!'],
  },
  D21: { text: body('block0(v0: i32):', 'jump block7'), finds: ['inst0 3:5 invalid block reference block7'] },
  D22: {
    text: body('block0(v0: i32):', 'jump block0(v0)'),
    finds: ['inst0 3:5 invalid reference to entry block block0'],
  },
  D23: {
    text: body('sig0 = ()', 'block0(v0: i32):', 'call_indirect sig0, v0()', 'return'),
    change: ({ insts }) => {
      insts.entity[0] = 3
    },
    finds: ['inst0 4:5 invalid signature reference sig3'],
  },
  D24: {
    text: body('fn0 = %g()', 'block0(v0: i32):', 'call fn0()', 'return'),
    change: ({ insts }) => {
      insts.entity[0] = 4
    },
    finds: ['inst0 4:5 invalid function reference fn4'],
  },
  D25: {
    text: body('ss0 = explicit_slot 8', 'block0(v0: i32):', 'v1 = stack_addr.i64 ss0', 'return'),
    change: ({ insts }) => {
      insts.entity[0] = 1
    },
    finds: ['inst0 4:5 invalid stack slot ss1'],
  },
  D26: {
    text: body(
      'gv0 = dyn_scale_target_const.i32x4',
      'dt0 = i32x4*gv0',
      'dss0 = explicit_dynamic_slot dt0',
      'block0(v0: i32):',
      'v1 = dynamic_stack_addr.i64 dss0',
      'return',
    ),
    change: ({ insts }) => {
      insts.entity[0] = 2
    },
    finds: ['inst0 6:5 invalid dynamic stack slot dss2'],
  },
  D27: {
    text: body('gv0 = symbol %g', 'block0(v0: i32):', 'v1 = symbol_value.i64 gv0', 'return'),
    change: ({ insts }) => {
      insts.entity[0] = 2
    },
    finds: ['inst0 4:5 invalid global value gv2'],
  },
  D28: {
    text: inEntry(),
    change: ({ insts }) => {
      insts.listStart[0] = 5
      insts.listLength[0] = 2
    },
    finds: ['inst0 3:5 invalid value list reference 5 and 2 more'],
  },
  D29: {
    text: body('block0(v0: i32):', 'br_table v0, block1, []', 'block1:', 'return'),
    change: ({ insts }) => {
      insts.entity[0] = 6
    },
    finds: ['inst0 3:5 invalid jump table reference jt6'],
  },
  D30: {
    text: body(
      'sig0 = () tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block1, []',
      'block1:',
      'return',
    ),
    change: ({ insts }) => {
      insts.imm[0] = 6
    },
    finds: ['inst0 5:5 invalid exception table reference extable6'],
  },
  D31: {
    text: body(
      'sig0 = () fast',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block1, []',
      'block1:',
      'return',
    ),
    finds: ['inst0 5:5 calling convention `fast` of callee does not support exceptions'],
  },
  D32: {
    text: 'function %f() tail {\n    fn0 = colocated patchable %g() tail\nblock0:\n    return_call fn0()\n}\n',
    finds: ['inst0 4:5 patchable funcref cannot be used in a return_call'],
  },
  D33: {
    text: body('fn0 = patchable %g()', 'block0(v0: i32):', 'call fn0()', 'return'),
    finds: ['inst0 4:5 patchable call to non-colocated function'],
  },
  D34: {
    text: body('fn0 = colocated patchable %g() -> i32', 'block0(v0: i32):', 'v1 = call fn0()', 'return'),
    finds: ['inst0 4:5 patchable call cannot occur to a function with return values'],
  },
  D35: {
    text: inEntry('v1 = ineg v0'),
    change: ({ insts }) => {
      insts.arg0[0] = 99
    },
    finds: ['inst0 3:5 invalid value reference v99'],
  },
  D36: {
    text: inEntry('v1 = iconst.i32 1', 'v2 = ineg v1'),
    change: ({ values, insts }) => {
      insts.firstResult[0] = -1
      insts.resultCount[0] = 0
      insts.opcode[0] = Opcode.Nop
      values.definition[1] = 77
    },
    finds: ['inst1 4:5 v1 is defined by invalid instruction inst77'],
  },
  D37: {
    text: inEntry('v1 = iconst.i32 1', 'v2 = ineg v1'),
    change: ({ layout }) => {
      layout.removeInst(0 as Inst)
    },
    finds: ['inst1 4:5 v1 is defined by inst0 which has no block'],
  },
  D38: {
    text: body(
      'block0(v0: i32):',
      'brif v0, block1, block2',
      'block1:',
      'v1 = iconst.i32 1',
      'jump block2',
      'block2:',
      'v2 = ineg v1',
      'return',
    ),
    finds: ['inst3 8:5 uses value v1 from non-dominating inst1'],
  },
  D39: { text: inEntry('v1 = iadd.i32 v1, v0'), finds: ['inst0 3:5 uses value v1 from itself'] },
  D40: {
    text: body('block0(v0: i32):', 'jump block1(v0)', 'block1(v1: i32):', 'v2 = ineg v1', 'return'),
    change: ({ values, blocks }) => {
      values.definition[1] = -2 - 44
      blocks.paramCount[1] = 0
    },
    finds: [
      'inst0 3:5 mismatched argument count for `jump block1(v0)`: got 1, expected 0',
      'inst1 5:5 v1 is defined by invalid block block44',
    ],
  },
  D41: {
    text: body(
      'block0(v0: i32):',
      'jump block2',
      'block1(v1: i32):',
      'trap user1',
      'block2:',
      'v2 = ineg v1',
      'return',
    ),
    change: ({ layout, blocks }) => {
      layout.removeBlock(
        [...Array(blocks.length).keys()].find((b) => blocks.paramCount[b] === 1 && b !== layout.entry) as Block,
      )
    },
    finds: ['inst2 7:5 v1 is defined by block1 which is not in the layout'],
  },
  D42: {
    text: body(
      'block0(v0: i32):',
      'brif v0, block1(v0), block2',
      'block1(v1: i32):',
      'jump block2',
      'block2:',
      'v2 = ineg v1',
      'return',
    ),
    finds: ['inst2 7:5 uses value arg from non-dominating block1'],
  },
  D43: {
    text: inEntry('v1 = iconst.i32 1', 'v2 = iconst.i32 1'),
    change: ({ values }) => {
      values.definition[2] = 0
    },
    finds: ['inst1 4:5 instruction result v2 is not defined by the instruction'],
  },
  D46: {
    text: inEntry('v1 = bitcast.i64 v0'),
    finds: ["inst0 3:5 The bitcast argument v0 has a type of 32 bits, which doesn't match an expected type of 64 bits"],
  },
  D47: {
    text: inEntry('v1 = bitcast.f32 aligned v0'),
    finds: ['inst0 3:5 The bitcast instruction only accepts the `big` or `little` memory flags'],
  },
  D48: {
    text: inEntry('v1 = bitcast.i16x2 v0'),
    finds: ['inst0 3:5 Byte order specifier required for bitcast instruction changing lane count'],
  },
  D49: {
    text: body('const0 = 0x0102', 'block0(v0: i32):', 'v1 = vconst.i32x4 const0', 'return'),
    finds: ['inst0 4:5 The instruction expects const0 to have a size of 16 bytes but it has 2'],
  },
  D50: {
    text: inEntry('v1 = load.i32 v0'),
    options: BOTH,
    finds: ['inst0 3:5 invalid pointer width (got 32, expected 64) encountered v0'],
  },
  D54: {
    text: body('block0:', 'return'),
    finds: ['block0 2:1 entry block parameters (0) must match function signature (1)'],
  },
  D55: {
    text: body('block0(v0: i64):', 'return'),
    finds: ['block0 2:1 entry block parameter 0 expected to have type i32, got i64'],
  },
  D56: { text: body('block0(v0: i32) cold:', 'return'), finds: ['block0 2:1 entry block cannot be marked as cold'] },
  D57: {
    text: 'function %f(f32) {\nblock0(v0: f32):\n    v1 = iadd v0, v0\n    return\n}\n',
    finds: [
      'inst0 3:5 has an invalid controlling type f32 (allowed set is {i8, i16, i32, i64, i128; scalars, vectors, dynamic vectors})',
    ],
  },
  D58: {
    text: inEntry('v1 = ineg v0'),
    change: ({ values }) => {
      values.type[1] = Type.I64
    },
    finds: ['inst0 3:5 expected result 0 (v1) to have type i32, found i64'],
  },
  D61: {
    text: 'function %f(i32, i64) {\nblock0(v0: i32, v1: i64):\n    v2 = iadd v0, v1\n    return\n}\n',
    finds: ['inst0 3:5 arg 1 (v1) has type i64, expected i32'],
  },
  D62: {
    text: 'function %f(f32) {\nblock0(v0: f32):\n    v1 = load.i32 v0\n    return\n}\n',
    finds: ['inst0 3:5 arg 0 (v0) with type f32 failed to satisfy type set {i32, i64}'],
  },
  D63: {
    text: body(
      'sig0 = () tail',
      'sig1 = (i32) tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(v0), sig1, block1, []',
      'block1:',
      'return',
    ),
    finds: ["inst0 6:5 exception table signature sig1 did not match function fn0's signature sig0"],
  },
  D64: {
    text: body('block0(v0: i32):', 'jump block1(v0, v0)', 'block1(v1: i32):', 'return'),
    finds: ['inst0 3:5 mismatched argument count for `jump block1(v0, v0)`: got 2, expected 1'],
  },
  D65: {
    text: body('block0(v0: i32):', 'jump block1(v0)', 'block1(v1: i64):', 'return'),
    finds: ['inst0 3:5 arg v0 has type i32, expected i64'],
  },
  D66: {
    text: body('block0(v0: i32):', 'jump block1(ret0)', 'block1(v1: i32):', 'return'),
    finds: ['inst0 3:5 `retN` block argument in block-call not on `try_call` instruction'],
  },
  D67: {
    text: body(
      'sig0 = () tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block1(ret0), []',
      'block1(v1: i32):',
      'return',
    ),
    finds: ['inst0 5:5 out-of-bounds `retN` block argument'],
  },
  D68: {
    text: body(
      'sig0 = () -> i32 tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block2, [default: block1(ret0)]',
      'block1(v1: i32):',
      'return',
      'block2:',
      'return',
    ),
    finds: ['inst0 5:5 `retN` block argument used outside normal-return target of `try_call`'],
  },
  D69: {
    text: body(
      'sig0 = () tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block2, [default: block1(exn2)]',
      'block1(v1: i64):',
      'return',
      'block2:',
      'return',
    ),
    options: BOTH,
    finds: ['inst0 5:5 out-of-bounds `exnN` block argument'],
  },
  D70: {
    text: body(
      'sig0 = () tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'try_call fn0(), sig0, block1(exn0), []',
      'block1(v1: i64):',
      'return',
    ),
    options: BOTH,
    finds: ['inst0 5:5 `exnN` block argument used outside normal-return target of `try_call`'],
  },
  D71: {
    text: body('fn0 = %g(i64)', 'block0(v0: i32):', 'call fn0(v0)', 'return'),
    finds: ['inst0 4:5 arg 0 (v0) has type i32, expected i64'],
  },
  D72: {
    text: body('fn0 = %g(i32, i32)', 'block0(v0: i32):', 'call fn0(v0)', 'return'),
    finds: ['inst0 4:5 mismatched argument count for `call fn0(v0)`: got 1, expected 2'],
  },
  D73: {
    text: 'function %f() system_v {\n    fn0 = %g() system_v\nblock0:\n    return_call fn0()\n}\n',
    finds: ['inst0 4:5 calling convention `system_v` does not support tail calls'],
  },
  D74: {
    text: 'function %f() system_v {\n    fn0 = %g() tail\nblock0:\n    return_call fn0()\n}\n',
    finds: ["inst0 4:5 callee's calling convention must match caller"],
  },
  D75: {
    text: 'function %f(i32) -> i64 {\nblock0(v0: i32):\n    return v0\n}\n',
    finds: ['inst0 3:5 result 0 has type i32, must match function signature of i64'],
  },
  D76: {
    text: body('gv0 = symbol %g', 'block0(v0: i32):', 'v1 = symbol_value.i32 gv0', 'return'),
    options: BOTH,
    finds: ['inst0 4:5 global_value instruction with type i32 references global value with type i64'],
  },
  D81: {
    text: inEntry('store readonly v0, v0'),
    finds: ['inst0 3:5 A store instruction cannot have the `readonly` MemFlag'],
  },
  D82: {
    text: 'function %f(i32x4) {\nblock0(v0: i32x4):\n    v1 = extractlane v0, 4\n    return\n}\n',
    finds: ['inst0 3:5 The lane 4 does not index into the type i32x4'],
  },
  D83: {
    text: 'function %f(i8x16) {\nblock0(v0: i8x16):\n    v1 = shuffle v0, v0, 0x00\n    return\n}\n',
    change: ({ masks }) => {
      masks[0] = new Uint8Array(3)
    },
    finds: ["inst0 3:5 the shuffle immediate wasn't 16-bytes long"],
  },
  D84: {
    text: 'function %f(i8x16) {\nblock0(v0: i8x16):\n    v1 = shuffle v0, v0, 0x20\n    return\n}\n',
    finds: ['inst0 3:5 shuffle immediate index 32 is larger than the maximum 31'],
  },
  D85: {
    text: inEntry('v1 = iconst.i8 1'),
    change: ({ insts }) => {
      insts.imm[0] = 256
    },
    finds: ['inst0 3:5 constant immediate is out of bounds'],
  },
  D86: {
    text: inEntry(),
    change: (func) => {
      func.signature = {
        ...func.signature,
        returns: [{ type: 0, extension: 'none', purpose: 'normal', structBytes: 0 }],
      }
    },
    finds: ['function 1:1 Return value at position 0 has an invalid type'],
  },
  D87: {
    text: 'function %f() -> i64 sarg(8) {\nblock0:\n    trap user1\n}\n',
    finds: ["function 1:1 Return value at position 0 can't be an struct argument"],
  },
  D88: {
    text: 'function %f(f32 uext) {\nblock0(v0: f32):\n    return\n}\n',
    finds: ['function 1:1 Parameter at position 0 has invalid extension Uext'],
  },
  D89: {
    text: inEntry('v1 = get_exception_handler_address.i64 block0, -1'),
    finds: ['inst0 3:5 exception handler index -1 cannot be negative'],
  },
  D90: {
    text: body(
      'sig0 = () tail',
      'fn0 = %g sig0',
      'block0(v0: i32):',
      'v1 = get_exception_handler_address.i64 block1, 2',
      'jump block1',
      'block1:',
      'try_call fn0(), sig0, block2, [default: block2]',
      'block2:',
      'return',
    ),
    finds: ['inst0 5:5 exception handler index 2 is out-of-range'],
  },
  D91: {
    text: body('block0(v0: i32):', 'v1 = get_exception_handler_address.i64 block1, 0', 'return', 'block1:'),
    finds: ['inst0 3:5 referenced block block1 does not have a terminator', 'block1 5:1 block1 cannot be empty'],
  },
  D92: {
    text: body('block0(v0: i32):', 'v1 = get_exception_handler_address.i64 block1, 0', 'return', 'block1:', 'return'),
    finds: ['inst0 3:5 referenced block block1 does not end in a try_call'],
  },
  D94: {
    text: inEntry('<7> nop'),
    finds: ['inst0 3:9 debug tags present on non-call, non-sequence point instruction'],
  },
  D95: {
    text: body('sig0 = () -> i32 preserve_all', 'block0(v0: i32):', 'return'),
    finds: ['sig0 2:5 Signature with `preserve_all` ABI cannot have return values'],
  },
  D96: {
    text: body('block0(v0: i32):', 'return', 'block1:'),
    finds: ['block1 4:1 block1 cannot be empty'],
  },
  D97: {
    text: body('block0(v0: i32):', 'return v0'),
    finds: ['inst0 3:5 arguments of return must match function signature'],
  },
  D98: {
    text: 'function %f() -> i32 tail {\n    fn0 = %g() tail\nblock0:\n    return_call fn0()\n}\n',
    finds: ['inst0 4:5 results of callee must match caller'],
  },
}

/** Rules that nothing can break here, and why. */
const NEVER: Readonly<Record<string, string>> = {
  D44: 'results are consecutive, so there is one way for a value to be no result of its instruction: D43',
  D45: 'there are no union nodes',
  D51: 'the verifier computes the dominators itself',
  D52: 'the verifier computes the dominators itself',
  D53: 'the verifier computes the dominators itself',
  D59: 'D14 counts the results first',
  D60: 'D14 counts the results first',
  D77: 'the verifier computes the graph itself',
  D78: 'the verifier computes the graph itself',
  D79: 'the verifier computes the graph itself',
  D80: 'the verifier computes the graph itself',
  D93: 'the same words as D90, for a table whose items are all contexts',
  D99: 'D8 says the same of every terminator',
}

function findings({ text, change, options }: Rule): string[] {
  const func = parseFunctions(text)[0]
  change?.(func)
  return verifyFunction(func, options).map(
    ({ entity, line, column, message }) => `${entity} ${line}:${column} ${message}`,
  )
}

describe('a function that breaks', () => {
  test.each(Object.entries(RULES))('%s', (_, rule) => {
    expect(findings(rule)).toEqual(rule.finds)
  })
})

const list = sharedPath('clif/diagnostics.json')
describe.skipIf(list === null)("CLIF's list of diagnostics", () => {
  const rows: readonly { readonly id: string; readonly at: string; readonly text: string }[] =
    list === null ? [] : JSON.parse(readFileSync(list, 'utf8')).verifier

  test('is here in full', () => {
    expect(Object.keys({ ...RULES, ...NEVER }).sort()).toEqual(rows.map(({ id }) => id).sort())
  })

  test('has the same words', () => {
    for (const { id, text } of rows) {
      if (!(id in RULES)) continue
      const words = text.split(/\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      const pattern = new RegExp(` \\d+:\\d+ ${words.join('.*')}$`)
      expect(
        RULES[id].finds.some((finding) => pattern.test(finding)),
        `${id}: ${text}`,
      ).toBe(true)
    }
  })
})

test('several mistakes are all told, and what follows from one is not told again', () => {
  const text = body(
    'ss0 = explicit_slot 4',
    'block0(v0: i32):',
    'v1 = iadd v0, v9',
    'v2 = uextend.i16 v0',
    'v3 = iadd v2, v0',
    'store readonly v3, v0',
    'jump block1(v0)',
    'block1:',
    'brif v0, block1, block1(v1)',
    'block2(v9: i32):',
    'return v9',
  )
  expect(findings({ text, finds: [] })).toEqual([
    'inst0 4:5 uses value arg from non-dominating block2',
    'inst1 5:5 arg 0 (v0) with type i32 failed to satisfy type set narrower than i16',
    'inst2 6:5 arg 1 (v0) has type i32, expected i16',
    'inst3 7:5 A store instruction cannot have the `readonly` MemFlag',
    'inst4 8:5 mismatched argument count for `jump block1(v0)`: got 1, expected 0',
    'inst5 10:5 mismatched argument count for `brif.i32 v0, block1, block1(v1)`: got 1, expected 0',
    'inst6 12:5 arguments of return must match function signature',
  ])
})
