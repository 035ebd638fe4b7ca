// literals: Format
// One instruction or alias of a block body: results, opcode, suffix, operands by format.

import { type Inst, NO_ENTITY, type Value } from '../entities.ts'
import type { DebugTag, ExceptionTableItem, StackMapEntry } from '../externals.ts'
import { MAX_HANDLERS, operandPlace } from '../function.ts'
import {
  DEFAULT_MEM_FLAGS,
  MAX_ALIAS_REGION,
  MemFlags,
  memFlagsRegion,
  withRegion,
  withTrapCode,
} from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_LIMIT, OPCODE_NAMES, Opcode, OpcodeFlag } from '../opcode.ts'
import { parseTrapCode } from '../trap-codes.ts'
import {
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  TYPE_SETS_OF,
} from '../type-constraints.ts'
import { Type, typeBits, typeName, vectorToDynamic } from '../types.ts'
import { vectorLiteral } from './constants.ts'
import type { ParserContext } from './context.ts'
import { bytesOfBits, parseFloatBits } from './floats.ts'
import { Token } from './lexer.ts'
import {
  WORD_ALIGNED,
  WORD_ATOMIC_OP,
  WORD_BIG,
  WORD_CAN_MOVE,
  WORD_FLOAT_CC,
  WORD_INT_CC,
  WORD_LITTLE,
  WORD_NOTRAP,
  WORD_READONLY,
  WORD_TRAP_CODE,
} from './words.ts'

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
    const tags = lexer.is(60) ? this.#tags() : null
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
    const { func, place } = context
    if (location !== -1) func.insts.sourceLocation[inst] = location
    if (tags !== null) func.debugTags.set(inst as Inst, tags)
    if (inst >= place.instOffset.length) {
      const grown = new Int32Array(Math.max(func.insts.capacity, 32))
      grown.set(place.instOffset)
      place.instOffset = grown
    }
    place.instOffset[inst] = offset
    place.instCount = inst + 1
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
        this.#constant(inst, suffix)
        break
      case 16 /* Format.Load */:
        insts.immHigh[inst] = this.#flags()
        insts.arg0[inst] = context.value(inst * 8)
        if (lexer.is(Token.Integer)) insts.imm[inst] = context.optionalOffset()
        break
      case 22 /* Format.Store */:
        insts.immHigh[inst] = this.#flags()
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        if (lexer.is(Token.Integer)) insts.imm[inst] = context.optionalOffset()
        break
      case 14 /* Format.IntCompare */:
        insts.imm[inst] = this.#role(WORD_INT_CC, 'an integer condition')
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 11 /* Format.FloatCompare */:
        insts.imm[inst] = this.#role(WORD_FLOAT_CC, 'a float condition')
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
        this.#callee(inst)
        this.#arguments(inst)
        break
      case 7 /* Format.CallIndirect */:
        this.#signature(inst)
        context.comma()
        insts.arg0[inst] = context.value(inst * 8)
        this.#arguments(inst)
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
        this.#float(inst, 32)
        break
      case 34 /* Format.UnaryIeee64 */:
        this.#float(inst, 64)
        break
      case 13 /* Format.IntAddTrap */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        context.comma()
        insts.imm[inst] = this.#trapCode()
        break
      case 8 /* Format.CondTrap */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.imm[inst] = this.#trapCode()
        break
      case 26 /* Format.Trap */:
        insts.imm[inst] = this.#trapCode()
        break
      case 19 /* Format.NullAry */:
        break
      default:
        this.#rareFormat(inst, opcode as Opcode, suffix)
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

  #role(column: Int8Array, description: string): number {
    const { lexer } = this.#context
    if (!lexer.is(Token.Word) || column[lexer.word] < 0) throw lexer.expected(description)
    const role = column[lexer.word]
    lexer.next()
    return role
  }

  #constant(inst: Inst, type: Type): void {
    const context = this.#context
    const { integers, func } = context
    const bits = type === 0 ? 64 : typeBits(type)
    context.integer(bits, 'an integer')
    // Kept zero-extended from the width of the type.
    func.insts.imm[inst] = bits < 32 ? integers.low & ((1 << bits) - 1) : integers.low
    func.insts.immHigh[inst] = bits > 32 ? integers.high : 0
  }

  #float(inst: Inst, width: 32 | 64): void {
    const { lexer, floats, func } = this.#context
    // `0` and the like lex as integers; the float reader says what is wrong with them.
    if (!lexer.is(Token.Float) && !lexer.is(Token.Integer)) throw lexer.expected('a float')
    const fault = floats.read(lexer.text, lexer.start, lexer.end, width)
    if (fault !== null) throw lexer.error({ code: 'number', text: lexer.spelling(), reason: fault }, lexer.start)
    func.insts.imm[inst] = floats.low
    func.insts.immHigh[inst] = width === 64 ? floats.high : 0
    lexer.next()
  }

  #wideFloat(width: 16 | 128): bigint {
    const { lexer } = this.#context
    if (!lexer.is(Token.Float) && !lexer.is(Token.Integer)) throw lexer.expected('a float')
    const bits = parseFloatBits(lexer.spelling(), width)
    if (typeof bits === 'string')
      throw lexer.error({ code: 'number', text: lexer.spelling(), reason: bits }, lexer.start)
    lexer.next()
    return bits
  }

  /** Any number of memory flags. */
  #flags(): MemFlags {
    const { lexer } = this.#context
    return lexer.is(Token.Value) ? DEFAULT_MEM_FLAGS : readMemFlags(this.#context)
  }

  #trapCode(): number {
    const { lexer } = this.#context
    const code = lexer.is(Token.Word) ? parseTrapCode(lexer.spelling()) : 0
    if (code === 0) throw lexer.expected('a trap code')
    lexer.next()
    return code
  }

  #callee(inst: Inst): void {
    const context = this.#context
    const { func } = context
    const at = context.lexer.start
    const number = context.entity(Token.Function, 'a function reference')
    const data = func.funcRefs[number]
    context.declared(data !== undefined && data.signature >= 0, `fn${number}`, at)
    func.insts.entity[inst] = number
  }

  #signature(inst: Inst): void {
    const context = this.#context
    const at = context.lexer.start
    const number = context.entity(Token.Signature, 'a signature')
    context.declared(number < context.func.signatures.length, `sig${number}`, at)
    context.func.insts.entity[inst] = number
  }

  /** `(args)`, and the stack map that may follow. */
  #arguments(inst: Inst): void {
    const context = this.#context
    context.punctuation(40, '`(`')
    context.valueList(inst)
    context.punctuation(41, '`,` or `)`')
    if (context.lexer.is(44)) this.#stackMap(inst)
  }

  #rareFormat(inst: Inst, opcode: Opcode, suffix: Type): void {
    const context = this.#context
    const { lexer, func } = context
    const { insts } = func
    switch (OPCODE_FORMAT[opcode]) {
      case 4 /* Format.BranchTable */:
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.target0[inst] = context.blockCall()
        context.comma()
        insts.entity[inst] = this.#jumpTable()
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
        insts.immHigh[inst] = this.#flags()
        insts.arg0[inst] = context.value(inst * 8)
        break
      case 23 /* Format.StoreNoOffset */:
        insts.immHigh[inst] = this.#flags()
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 1 /* Format.AtomicRmw */:
        insts.immHigh[inst] = this.#flags()
        insts.imm[inst] = this.#role(WORD_ATOMIC_OP, 'an atomic operation')
        insts.arg0[inst] = context.value(inst * 8)
        context.comma()
        insts.arg1[inst] = context.value(inst * 8 + 1)
        break
      case 0 /* Format.AtomicCas */:
        insts.immHigh[inst] = this.#flags()
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
        insts.entity[inst] = this.#constantOperand(opcode, suffix)
        break
      case 32 /* Format.UnaryIeee16 */:
        insts.imm[inst] = Number(this.#wideFloat(16))
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
        this.#callee(inst)
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
          insts.entity[inst] = context.block(context.entity(Token.Block, 'a block'), at)
          context.comma()
          context.integer(64, 'a handler index')
          insts.imm[inst] = context.integers.low
          insts.immHigh[inst] = context.integers.high
          break
        }
      case 27 /* Format.TryCall */:
        this.#callee(inst)
        this.#tryCall(inst)
        break
      case 28 /* Format.TryCallIndirect */:
        insts.arg0[inst] = context.value(inst * 8)
        this.#tryCall(inst)
        break
    }
  }

  #jumpTable(): number {
    const context = this.#context
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

  #constantOperand(opcode: Opcode, suffix: Type): number {
    const context = this.#context
    const { lexer, func } = context
    if (lexer.is(Token.Constant)) {
      const at = lexer.start
      const number = context.entity(Token.Constant, 'a constant')
      context.declared((func.constants[number]?.length ?? 0) > 0, `const${number}`, at)
      return number
    }
    if (opcode === Opcode.F128const) return func.internConstant(bytesOfBits(this.#wideFloat(128), 16))
    if (suffix === 0) throw lexer.error({ code: 'type', reason: 'vconst needs a type suffix' }, lexer.start)
    return func.internConstant(vectorLiteral(context, suffix))
  }

  /** `(args), sig, block(args), [ handlers ]` */
  #tryCall(inst: Inst): void {
    const context = this.#context
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
      items.push(this.#handler(operandPlace.context(table, items.length)))
      if (lexer.is(44)) lexer.next()
      else if (!lexer.is(93)) throw lexer.expected('`,` or `]`')
    }
    lexer.next()
    func.exceptionTables.push({ signature: signature as never, normal: normal as never, items })
    func.insts.target0[inst] = normal
    func.insts.imm[inst] = table
    if (lexer.is(44)) this.#stackMap(inst)
  }

  #handler(place: number): ExceptionTableItem {
    const context = this.#context
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

  /** `, stack_map=[ type @ ssN+offset, … ]` */
  #stackMap(inst: Inst): void {
    const context = this.#context
    const { lexer, func } = context
    lexer.next()
    if (!lexer.isWord('stack_map')) throw lexer.expected('`stack_map`')
    if ((OPCODE_FLAGS[func.insts.opcode[inst]] & OpcodeFlag.Return) !== 0) {
      throw lexer.error({ code: 'type', reason: 'a tail call has no stack map' }, lexer.start)
    }
    lexer.next()
    context.punctuation(61, '`=`')
    context.punctuation(91, '`[`')
    const entries: StackMapEntry[] = []
    while (!lexer.is(93)) {
      if (!lexer.is(Token.Type)) throw lexer.expected('a type')
      const type = lexer.word
      lexer.next()
      context.punctuation(64, '`@`')
      const at = lexer.start
      const slot = context.entity(Token.StackSlot, 'a stack slot')
      context.declared(slot < func.stackSlots.length, `ss${slot}`, at)
      const offset = lexer.start
      const text = lexer.is(Token.Integer) ? lexer.spelling() : ''
      if (!text.startsWith('+')) throw lexer.expected('`+` and an offset')
      context.integer(32, 'an offset')
      if (context.integers.high !== 0) {
        throw lexer.error({ code: 'number', text, reason: 'does not fit in 32 bits' }, offset)
      }
      entries.push({ type, slot: slot as never, offset: context.integers.low >>> 0 })
      if (lexer.is(44)) lexer.next()
      else if (!lexer.is(93)) throw lexer.expected('`,` or `]`')
    }
    lexer.next()
    func.stackMaps.set(inst, entries)
  }

  #tags(): DebugTag[] {
    const context = this.#context
    const { lexer, func } = context
    lexer.next()
    const tags: DebugTag[] = []
    while (!lexer.is(62) /* > */) {
      if (lexer.is(Token.StackSlot)) {
        const at = lexer.start
        const slot = context.entity(Token.StackSlot, 'a stack slot')
        context.declared(slot < func.stackSlots.length, `ss${slot}`, at)
        tags.push({ kind: 'stack-slot', slot: slot as never })
      } else tags.push({ kind: 'user', tag: context.unsigned(32, 'a tag: a number or a stack slot') })
      if (lexer.is(44)) lexer.next()
      else if (!lexer.is(62)) throw lexer.expected('`,` or `>`')
    }
    lexer.next()
    return tags
  }
}

/** Reads any number of memory flags, in any order. */
export function readMemFlags(context: ParserContext): MemFlags {
  const { lexer } = context
  let flags = DEFAULT_MEM_FLAGS
  for (;;) {
    if (lexer.is(Token.Region)) {
      if (memFlagsRegion(flags) !== NO_ENTITY) {
        throw lexer.error({ code: 'type', reason: 'an access is in one alias region' }, lexer.start)
      }
      flags = withRegion(flags, context.region(lexer.number >>> 0, lexer.start, MAX_ALIAS_REGION))
    } else if (!lexer.is(Token.Word)) return flags
    else {
      const { word } = lexer
      if (word === WORD_NOTRAP) flags = withTrapCode(flags, 0)
      else if (word === WORD_ALIGNED) flags |= MemFlags.Aligned
      else if (word === WORD_READONLY) flags |= MemFlags.Readonly
      else if (word === WORD_CAN_MOVE) flags |= MemFlags.CanMove
      else if (word === WORD_LITTLE || word === WORD_BIG) {
        const other = word === WORD_LITTLE ? MemFlags.Big : MemFlags.Little
        if ((flags & other) !== 0) {
          throw lexer.error({ code: 'type', reason: 'an access is either little- or big-endian' }, lexer.start)
        }
        flags |= word === WORD_LITTLE ? MemFlags.Little : MemFlags.Big
      } else if (WORD_TRAP_CODE[word] !== 0) flags = withTrapCode(flags, WORD_TRAP_CODE[word])
      else {
        const code = word === 0 ? parseTrapCode(lexer.spelling()) : 0
        if (code === 0) return flags
        flags = withTrapCode(flags, code)
      }
    }
    lexer.next()
  }
}
