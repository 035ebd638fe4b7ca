// literals: Format
// Operands of the formats that few instructions have, kept apart from the loop that reads the many.

import type { Inst, Value } from '../entities.ts'
import type { ExceptionTableItem } from '../externals.ts'
import { MAX_HANDLERS, operandPlace } from '../function.ts'
import { OPCODE_FORMAT, Opcode } from '../opcode.ts'
import { Type } from '../types.ts'
import { vectorLiteral } from './constants.ts'
import type { ParserContext } from './context.ts'
import { bytesOfBits } from './floats.ts'
import { Token } from './lexer.ts'
import { readCallee, readFlags, readRole, readStackMap, readWideFloat } from './operands.ts'
import { WORD_ATOMIC_OP } from './words.ts'

/** Takes the operands of an instruction whose format is one of those here. */
export function readRareFormat(context: ParserContext, inst: Inst, opcode: Opcode, suffix: Type): void {
  const { lexer, func } = context
  const { insts } = func
  switch (OPCODE_FORMAT[opcode]) {
    case 4 /* Format.BranchTable */:
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.target0[inst] = context.blockCall()
      context.comma()
      insts.entity[inst] = readJumpTable(context)
      break
    case 3 /* Format.BinaryImm8 */:
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.imm[inst] = context.unsigned(8, 'a lane number')
      break
    case 25 /* Format.TernaryImm8 */:
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.arg1[inst] = context.value(inst * 8 + 1)
      context.comma()
      insts.imm[inst] = context.unsigned(8, 'a lane number')
      break
    case 17 /* Format.LoadNoOffset */:
      insts.immHigh[inst] = readFlags(context)
      insts.arg0[inst] = context.value(inst * 8)
      break
    case 23 /* Format.StoreNoOffset */:
      insts.immHigh[inst] = readFlags(context)
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.arg1[inst] = context.value(inst * 8 + 1)
      break
    case 1 /* Format.AtomicRmw */:
      insts.immHigh[inst] = readFlags(context)
      insts.imm[inst] = readRole(context, WORD_ATOMIC_OP, 'an atomic operation')
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.arg1[inst] = context.value(inst * 8 + 1)
      break
    case 0 /* Format.AtomicCas */:
      insts.immHigh[inst] = readFlags(context)
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.arg1[inst] = context.value(inst * 8 + 1)
      context.comma()
      insts.arg2[inst] = context.value(inst * 8 + 2)
      break
    case 20 /* Format.Shuffle */:
      insts.arg0[inst] = context.value(inst * 8)
      context.comma()
      insts.arg1[inst] = context.value(inst * 8 + 1)
      context.comma()
      insts.entity[inst] = func.masks.push(vectorLiteral(context, Type.I8X16)) - 1
      break
    case 30 /* Format.UnaryConst */:
      insts.entity[inst] = readConstantOperand(context, opcode, suffix)
      break
    case 32 /* Format.UnaryIeee16 */:
      insts.imm[inst] = Number(readWideFloat(context, 16))
      break
    case 31 /* Format.UnaryGlobalValue */:
      {
        const at = lexer.start
        const number = context.entity(Token.GlobalValue, 'a global value')
        context.declared(number < func.globalValues.length, `gv${number}`, at)
        insts.entity[inst] = number
        break
      }
    case 12 /* Format.FuncAddr */:
      readCallee(context, inst)
      break
    case 9 /* Format.DynamicStackAddr */:
      {
        const at = lexer.start
        const number = context.entity(Token.DynamicStackSlot, 'a dynamic stack slot')
        context.declared(number < func.dynamicStackSlots.length, `dss${number}`, at)
        insts.entity[inst] = number
        break
      }
    case 10 /* Format.ExceptionHandlerAddress */:
      {
        const at = lexer.start
        insts.arg1[inst] = context.block(context.entity(Token.Block, 'a block'), at)
        context.comma()
        context.integer(64, 'a handler index')
        insts.imm[inst] = context.integers.low
        insts.immHigh[inst] = context.integers.high
        break
      }
    case 27 /* Format.TryCall */:
      readCallee(context, inst)
      readTryCall(context, inst)
      break
    case 28 /* Format.TryCallIndirect */:
      insts.arg0[inst] = context.value(inst * 8)
      readTryCall(context, inst)
      break
  }
}

function readJumpTable(context: ParserContext): number {
  const { lexer, func } = context
  context.punctuation(91, '`[`')
  const calls: number[] = []
  if (!lexer.is(93)) {
    calls.push(context.blockCall())
    while (lexer.is(44)) {
      lexer.next()
      calls.push(context.blockCall())
    }
  }
  context.punctuation(93, '`,` or `]`')
  return func.jumpTables.push(Int32Array.from(calls)) - 1
}

function readConstantOperand(context: ParserContext, opcode: Opcode, suffix: Type): number {
  const { lexer, func } = context
  if (lexer.is(Token.Constant)) {
    const at = lexer.start
    const number = context.entity(Token.Constant, 'a constant')
    context.declared((func.constants[number]?.length ?? 0) > 0, `const${number}`, at)
    return number
  }
  if (opcode === Opcode.F128const) return func.internConstant(bytesOfBits(readWideFloat(context, 128), 16))
  if (suffix === 0) throw lexer.error({ code: 'type', reason: 'vconst needs a type suffix' }, lexer.start)
  return func.internConstant(vectorLiteral(context, suffix))
}

/** `(args), sig, block(args), [ handlers ]` */
function readTryCall(context: ParserContext, inst: Inst): void {
  const { lexer, func } = context
  context.punctuation(40, '`(`')
  context.valueList(inst)
  context.punctuation(41, '`,` or `)`')
  context.comma()
  const at = lexer.start
  const signature = context.entity(Token.Signature, 'a signature')
  context.declared(signature < func.signatures.length, `sig${signature}`, at)
  context.comma()
  const normal = context.blockCall()
  context.comma()
  context.punctuation(91, '`[`')
  const table = func.exceptionTables.length
  const items: ExceptionTableItem[] = []
  while (!lexer.is(93)) {
    if (items.length === MAX_HANDLERS) {
      throw lexer.error({ code: 'too-many', what: 'handlers of one call', limit: MAX_HANDLERS }, lexer.start)
    }
    items.push(readHandler(context, operandPlace.context(table, items.length)))
    if (lexer.is(44)) lexer.next()
    else if (!lexer.is(93)) throw lexer.expected('`,` or `]`')
  }
  lexer.next()
  func.exceptionTables.push({ signature: signature as never, normal: normal as never, items })
  func.insts.imm[inst] = table
  if (lexer.is(44)) readStackMap(context, inst)
}

function readHandler(context: ParserContext, place: number): ExceptionTableItem {
  const { lexer } = context
  if (lexer.is(Token.Tag)) {
    const tag = context.entity(Token.Tag, 'a tag')
    context.punctuation(58, '`:`')
    return { kind: 'tag', tag, target: context.blockCall() as never }
  }
  if (lexer.isWord('default')) {
    lexer.next()
    context.punctuation(58, '`:`')
    return { kind: 'default', target: context.blockCall() as never }
  }
  if (!lexer.isWord('context')) throw lexer.expected('`tagN`, `default` or `context`')
  lexer.next()
  return { kind: 'context', value: context.value(place) as Value }
}
