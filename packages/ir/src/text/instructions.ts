// literals: Format
// One instruction or alias of a block body: results, opcode, suffix, operands by format.

import type { Inst, Value } from '../entities.ts'
import { OPCODE_FORMAT, OPCODE_LIMIT, OPCODE_NAMES, type Opcode } from '../opcode.ts'
import {
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  TYPE_SETS_OF,
} from '../type-constraints.ts'
import { type Type, typeName, vectorToDynamic } from '../types.ts'
import type { ParserContext } from './context.ts'
import { Token } from './lexer.ts'
import {
  readArguments,
  readCallee,
  readConstant,
  readFlags,
  readFloat,
  readRole,
  readSignatureReference,
  readTags,
  readTrapCode,
} from './operands.ts'
import { readRareFormat } from './rare-formats.ts'
import { WORD_FLOAT_CC, WORD_INT_CC } from './words.ts'

/** Reads the items of a block; its scratch serves every instruction. */
export class InstructionReader {
  readonly #context: ParserContext
  /** Numbers of the results that the current instruction names, and where. */
  readonly #numbers: number[] = []
  readonly #offsets: number[] = []

  constructor(context: ParserContext) {
    this.#context = context
  }

  /** Whether an item begins at the current token. */
  static begins(kind: number): boolean {
    return kind === Token.Value || kind === Token.Word || kind === Token.SourceLocation || kind === 60 /* < */
  }

  /**
   * Reads one item.
   *
   * @returns the instruction, which is not in the layout yet; -1 for an alias.
   */
  item(): number {
    const context = this.#context
    const { lexer } = context
    const tags = lexer.is(60) ? readTags(context) : null
    let location = -1
    if (lexer.is(Token.SourceLocation)) {
      location = lexer.number
      lexer.next()
    }
    const offset = lexer.start
    let results = 0
    if (lexer.is(Token.Value)) {
      const numbers = this.#numbers
      const offsets = this.#offsets
      for (;;) {
        if (!lexer.is(Token.Value)) throw lexer.expected('a value')
        numbers[results] = lexer.number >>> 0
        offsets[results++] = lexer.start
        lexer.next()
        if (!lexer.is(44)) break
        lexer.next()
      }
      if (lexer.is(Token.Arrow) && results === 1) {
        lexer.next()
        this.#alias(numbers[0], offsets[0])
        return -1
      }
      if (!lexer.is(61)) throw lexer.expected('`=` or `->`')
      lexer.next()
    }
    const inst = this.#instruction(results)
    const { func } = context
    if (location !== -1) func.insts.setLocation(inst as Inst, location)
    if (tags !== null) func.setDebugTags(inst as Inst, tags)
    if (context.places !== null) context.places.insts.push(offset)
    return inst
  }

  #alias(number: number, offset: number): void {
    const context = this.#context
    const { lexer, func, valueIds } = context
    if (!lexer.is(Token.Value)) throw lexer.expected('a value')
    const targetNumber = lexer.number >>> 0
    if (targetNumber === number) throw lexer.error({ code: 'alias-cycle', entity: `v${number}` }, offset)
    const target = valueIds.get(targetNumber)
    context.declared(target >= 0, `v${targetNumber}`, lexer.start)
    lexer.next()
    const known = valueIds.get(number)
    if (known >= 0) {
      const same = func.values.aliasOf !== null && func.values.aliasOf[known] === target
      if (!same) throw lexer.error({ code: 'duplicate', entity: `v${number}` }, offset)
      return
    }
    const alias = context.define(number, func.values.type[target], -1, offset)
    func.values.setAlias(alias, target as Value)
    context.hasAliases = true
  }

  #instruction(results: number): number {
    const context = this.#context
    const { lexer, func } = context
    const { insts } = func
    const opcode = lexer.is(Token.Word) ? lexer.word : 0
    if (opcode === 0 || opcode >= OPCODE_LIMIT) this.#unknownOpcode()
    const at = lexer.start
    lexer.next()
    const suffix = lexer.is(46) ? this.#suffix() : 0
    const set = CONTROLLING_SET[opcode]
    if (suffix !== 0) this.#checkSuffix(opcode, suffix, at)
    const inst = insts.push(opcode as Opcode, suffix)

    switch (OPCODE_FORMAT[opcode]) {
      case 2 /* Format.Binary */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 29 /* Format.Unary */:
        insts.arg0[inst] = context.value(inst * 8)
        break
      case 35 /* Format.UnaryImm */:
        readConstant(context, inst, suffix)
        break
      case 16 /* Format.Load */:
        insts.immHigh[inst] = readFlags(context)
        insts.arg0[inst] = context.value(inst * 8)
        if (lexer.is(Token.Integer)) insts.imm[inst] = context.optionalOffset()
        break
      case 22 /* Format.Store */:
        insts.immHigh[inst] = readFlags(context)
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        if (lexer.is(Token.Integer)) insts.imm[inst] = context.optionalOffset()
        break
      case 14 /* Format.IntCompare */:
        insts.imm[inst] = readRole(context, WORD_INT_CC, 'an integer condition')
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 11 /* Format.FloatCompare */:
        insts.imm[inst] = readRole(context, WORD_FLOAT_CC, 'a float condition')
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 15 /* Format.Jump */:
        insts.target0[inst] = context.blockCall()
        break
      case 5 /* Format.Brif */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.target0[inst] = context.blockCall()
        context.comma()
        insts.target1[inst] = context.blockCall()
        break
      case 24 /* Format.Ternary */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        context.comma()
        insts.arg2[inst] = context.value(inst * 8 + 2)
        break
      case 18 /* Format.MultiAry */:
        context.valueList(inst)
        break
      case 6 /* Format.Call */:
        readCallee(context, inst)
        readArguments(context, inst)
        break
      case 7 /* Format.CallIndirect */:
        readSignatureReference(context, inst)
        context.comma()
        insts.arg0[inst] = context.value(inst * 8)
        readArguments(context, inst)
        break
      case 21 /* Format.StackAddr */:
        {
          const slot = lexer.start
          const number = context.entity(Token.StackSlot, 'a stack slot')
          context.declared(number < func.stackSlots.length, `ss${number}`, slot)
          insts.entity[inst] = number
          if (lexer.is(Token.Integer)) insts.imm[inst] = context.optionalOffset()
          break
        }
      case 33 /* Format.UnaryIeee32 */:
        readFloat(context, inst, 32)
        break
      case 34 /* Format.UnaryIeee64 */:
        readFloat(context, inst, 64)
        break
      case 13 /* Format.IntAddTrap */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        context.comma()
        insts.imm[inst] = readTrapCode(context)
        break
      case 8 /* Format.CondTrap */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.imm[inst] = readTrapCode(context)
        break
      case 26 /* Format.Trap */:
        insts.imm[inst] = readTrapCode(context)
        break
      case 19 /* Format.NullAry */:
        break
      default:
        readRareFormat(context, inst, opcode as Opcode, suffix)
    }

    if (set >= 0) {
      const operand = CONTROLLING_OPERAND[opcode]
      if (operand >= 0) {
        const value = operand === 0 ? insts.arg0[inst] : operand === 1 ? insts.arg1[inst] : insts.arg2[inst]
        if (value >= 0) insts.ctrlType[inst] = func.values.type[value]
        else if (suffix === 0) {
          const reason = `${OPCODE_NAMES[opcode]} needs a type suffix: its operand is defined further down`
          throw lexer.error({ code: 'type', reason }, at)
        }
      } else if (suffix === 0) {
        throw lexer.error({ code: 'type', reason: `${OPCODE_NAMES[opcode]} needs a type suffix` }, at)
      }
    }
    // A suffix decides the types of results even where the operand disagrees: the verifier then says so.
    const controlling = suffix !== 0 ? suffix : insts.ctrlType[inst]
    const expected = RESULT_COUNT[opcode]
    if (expected === 1 && results === 1) {
      const type = constrainedType(RESULT_CONSTRAINTS[2 * opcode], controlling)
      insts.firstResult[inst] = context.define(this.#numbers[0], type, inst, this.#offsets[0])
      insts.resultCount[inst] = 1
    } else if (expected !== 0 || results !== 0) this.#results(inst, opcode, results, controlling, at)
    return inst
  }

  #results(inst: Inst, opcode: number, results: number, controlling: Type, at: number): void {
    const context = this.#context
    const { lexer, func } = context
    const returns = RESULT_COUNT[opcode] < 0 ? (func.calleeSignature(inst)?.returns ?? []) : null
    const expected = returns === null ? RESULT_COUNT[opcode] : returns.length
    if (expected !== results) {
      throw lexer.error({ code: 'results', opcode: OPCODE_NAMES[opcode], expected, found: results }, at)
    }
    if (expected > 0xffff)
      throw lexer.error({ code: 'too-many', what: 'results of one instruction', limit: 0xffff }, at)
    for (let i = 0; i < results; i++) {
      const type = returns === null ? constrainedType(RESULT_CONSTRAINTS[2 * opcode + i], controlling) : returns[i].type
      const value = context.define(this.#numbers[i], type, inst, this.#offsets[i])
      if (i === 0) func.insts.firstResult[inst] = value
    }
    func.insts.resultCount[inst] = results
  }

  #unknownOpcode(): never {
    const { lexer } = this.#context
    if (!lexer.is(Token.Word)) throw lexer.expected('an instruction')
    throw lexer.error({ code: 'unknown', what: 'opcode', name: lexer.spelling() }, lexer.start)
  }

  #suffix(): Type {
    const { lexer, func } = this.#context
    lexer.next()
    if (lexer.is(Token.Type)) {
      const type = lexer.word
      lexer.next()
      return type
    }
    if (!lexer.is(Token.DynamicType)) {
      if (lexer.is(Token.Word)) {
        throw lexer.error({ code: 'unknown', what: 'type', name: lexer.spelling() }, lexer.start)
      }
      throw lexer.expected('a type')
    }
    const dynamic = func.dynamicTypes[lexer.number >>> 0]
    this.#context.declared(dynamic !== undefined, lexer.spelling(), lexer.start)
    const type = vectorToDynamic(dynamic.base)
    if (type === 0) throw lexer.error({ code: 'type', reason: `${lexer.spelling()} is not a vector type` }, lexer.start)
    lexer.next()
    return type
  }

  #checkSuffix(opcode: number, suffix: Type, at: number): void {
    const set = CONTROLLING_SET[opcode]
    if (set >= 0 && ((TYPE_SETS_OF[suffix] >>> set) & 1) !== 0) return
    const name = OPCODE_NAMES[opcode]
    const reason = set < 0 ? `${name} takes no type suffix` : `${name} cannot have the type ${typeName(suffix)}`
    throw this.#context.lexer.error({ code: 'type', reason }, at)
  }
}
