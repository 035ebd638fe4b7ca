// What the parser knows of the function that it is reading, beside the function: which number is which value or block,
// and which operands were used above their definition.

import { returnArgument } from '../block-table.ts'
import type { AliasRegion, Block, Inst, Value } from '../entities.ts'
import type { ExternalName } from '../externals.ts'
import type { Function as IrFunction } from '../function.ts'
import { operandPlace } from '../function.ts'
import type { CallConv } from '../signature.ts'
import type { FunctionSource } from '../source.ts'
import { CONTROLLING_OPERAND } from '../type-constraints.ts'
import type { Type } from '../types.ts'
import { FloatReader } from './floats.ts'
import { IntegerReader } from './integers.ts'
import { type Lexer, Token } from './lexer.ts'
import { NumberMap } from './number-map.ts'

/** Upstream's MAX_BLOCKS_IN_A_FUNCTION; block numbers stay below it. */
const MAX_BLOCK_NUMBER = 100_000

/** Reads the functions of one text, one after another. */
export class ParserContext {
  readonly lexer: Lexer
  readonly defaultCallConv: CallConv
  readonly integers: IntegerReader = new IntegerReader()
  readonly floats: FloatReader = new FloatReader()
  readonly valueIds: NumberMap = new NumberMap()
  readonly blockIds: NumberMap = new NumberMap()

  // The function being read; `begin` sets them.
  func: IrFunction
  place: FunctionSource
  /** Names `u1:2` in the order of first mention: what `userextname0` counts. */
  userNames: ExternalName[] = []
  /** Whether the function has aliases: operands then need resolving. */
  hasAliases = false
  /** By block: the offset of its header; -1 for one that is only mentioned so far. */
  readonly blockOffset: number[] = []
  /** References to globals and slots of the declarations, checked when all are known. */
  pending: { readonly name: string; readonly exists: () => boolean; readonly offset: number }[] = []
  /** Offsets of instructions and declarations; null when nobody asked for them. */
  places: { readonly insts: number[]; readonly declarations: number[] } | null = null
  /** The declarations so far: kind and number in one. */
  readonly #declared: Set<number> = new Set()
  // Operands used above their definition: where the value goes, its number, where it was written.
  readonly #forward: number[] = []

  constructor(lexer: Lexer, defaultCallConv: CallConv, func: IrFunction, place: FunctionSource) {
    this.lexer = lexer
    this.defaultCallConv = defaultCallConv
    this.func = func
    this.place = place
  }

  /** Starts another function. */
  begin(func: IrFunction, place: FunctionSource): void {
    this.func = func
    this.place = place
    this.userNames = []
    this.hasAliases = false
    this.blockOffset.length = 0
    this.pending = []
    this.#forward.length = 0
    this.#declared.clear()
    this.valueIds.clear()
    this.blockIds.clear()
  }

  /** Takes note of a declaration, told by the kind of its token and its number. @returns false when it was there already. */
  declare(kind: number, number: number): boolean {
    const key = kind * 0x1_0000_0000 + number
    if (this.#declared.has(key)) return false
    this.#declared.add(key)
    return true
  }

  /** Attaches the comments met since the last call. */
  claimComments(kind: string, index: number): void {
    const { comments } = this.lexer
    if (comments.length === 0) return
    for (let i = 0; i < comments.length; i += 2) {
      const text = this.lexer.text.slice(comments[i], comments[i + 1]).replace(/\r$/, '')
      this.place.comments.push({ text, offset: comments[i], kind, index })
    }
    comments.length = 0
  }

  /** Takes a punctuation character. */
  punctuation(character: number, description: string): void {
    if (this.lexer.kind !== character) throw this.lexer.expected(description)
    this.lexer.next()
  }

  comma(): void {
    if (!this.lexer.is(44)) throw this.lexer.expected('`,`')
    this.lexer.next()
  }

  /** Takes an entity of that kind. @returns its number. */
  entity(kind: number, description: string): number {
    const { lexer } = this
    if (lexer.kind !== kind) throw lexer.expected(description)
    const number = lexer.number >>> 0
    lexer.next()
    return number
  }

  /** Takes an integer of at most that many bits into `integers`. */
  integer(bits: number, description: string): void {
    const { lexer, integers } = this
    if (!lexer.is(Token.Integer)) throw lexer.expected(description)
    if (lexer.short && bits >= 32) {
      integers.low = lexer.number
      integers.high = lexer.number >> 31
    } else {
      const fault = integers.read(lexer.text, lexer.start, lexer.end, bits)
      if (fault !== null) {
        const reason = fault === 'is out of range' ? `does not fit in ${bits} bits` : fault
        throw lexer.error({ code: 'number', text: lexer.spelling(), reason }, lexer.start)
      }
    }
    lexer.next()
  }

  /** Takes an integer from 0 to 2^bits - 1, bits at most 32. */
  unsigned(bits: number, description: string): number {
    const { lexer } = this
    const at = lexer.start
    const text = lexer.is(Token.Integer) ? lexer.spelling() : ''
    this.integer(bits, description)
    if (text.startsWith('-')) throw lexer.error({ code: 'number', text, reason: 'must not be negative' }, at)
    return this.integers.low >>> 0
  }

  /** Takes an offset when one is there: a signed 32-bit integer that starts with its sign. */
  optionalOffset(): number {
    const { lexer } = this
    if (!lexer.is(Token.Integer)) return 0
    const sign = lexer.text.charCodeAt(lexer.start)
    if (sign !== 43 && sign !== 45) throw lexer.expected('an offset with its sign')
    const at = lexer.start
    const text = lexer.spelling()
    this.integer(32, 'an offset')
    if (sign === 43 && this.integers.low < 0) {
      throw lexer.error({ code: 'number', text, reason: 'does not fit in a signed offset of 32 bits' }, at)
    }
    return this.integers.low
  }

  /** The block of a number, made at its first mention. */
  block(number: number, offset: number): Block {
    let id = this.blockIds.get(number)
    if (id < 0) {
      if (number >= MAX_BLOCK_NUMBER) {
        throw this.lexer.error({ code: 'too-many', what: 'blocks', limit: MAX_BLOCK_NUMBER }, offset)
      }
      id = this.func.blocks.pushNumbered(number)
      this.blockIds.set(number, id)
      this.blockOffset[id] = -1
    }
    return id as Block
  }

  /** Defines a value under its number. */
  define(number: number, type: Type, definition: number, offset: number): Value {
    if (this.valueIds.get(number) >= 0) throw this.lexer.error({ code: 'duplicate', entity: `v${number}` }, offset)
    const id = this.func.values.pushNumbered(type, definition, number)
    this.valueIds.set(number, id)
    return id
  }

  /**
   * Takes a value operand that belongs at a place (see `operandPlace`).
   *
   * @returns the value, aliases resolved; -1 when it is not defined yet: `finishForward` writes it later.
   */
  value(place: number): number {
    const { lexer } = this
    if (!lexer.is(Token.Value)) throw lexer.expected('a value')
    const number = lexer.number >>> 0
    const id = this.valueIds.get(number)
    if (id < 0) this.#forward.push(place, number, lexer.start)
    lexer.next()
    return this.hasAliases && id >= 0 ? this.#resolve(place, id) : id
  }

  #resolve(place: number, id: number): number {
    const { func } = this
    const target = func.resolve(id as Value)
    if (target !== id) func.setAliasSpelling(place, id as Value)
    return target
  }

  /** Takes an argument of a block call into the pool. `retN` and `exnN` have the entries of block-table.ts. */
  blockArgument(): void {
    const { lexer, func } = this
    if (func.blockArgsLength === func.blockArgs.length) func.reserveBlockArgs(func.blockArgsLength + 1)
    const at = func.blockArgsLength++
    if (lexer.is(Token.Value)) {
      func.blockArgs[at] = this.value(operandPlace.blockArg(at))
      return
    }
    if (!lexer.is(Token.Return) && !lexer.is(Token.Exception)) throw lexer.expected('a block argument')
    const number = lexer.number >>> 0
    if (number > 0xffff)
      throw lexer.error({ code: 'number', text: lexer.spelling(), reason: 'is too large' }, lexer.start)
    func.blockArgs[at] = returnArgument(number) - (lexer.is(Token.Exception) ? 1 : 0)
    lexer.next()
  }

  /** Takes a block with its arguments. @returns a block call. */
  blockCall(): number {
    const { lexer, func } = this
    if (!lexer.is(Token.Block)) throw lexer.expected('a block')
    const block = this.block(lexer.number >>> 0, lexer.start)
    lexer.next()
    const start = func.blockArgsLength
    if (lexer.is(40)) {
      lexer.next()
      while (!lexer.is(41)) {
        this.blockArgument()
        // A comma before the closing parenthesis is tolerated.
        if (lexer.is(44)) lexer.next()
        else if (!lexer.is(41)) throw lexer.expected('`,` or `)`')
      }
      lexer.next()
    }
    return func.blockCalls.push(block, start, func.blockArgsLength - start)
  }

  /** Takes values separated by commas, none or more, into the pool as the variable operands of an instruction. */
  valueList(inst: Inst): void {
    const { lexer, func } = this
    const start = func.valueListsLength
    if (lexer.is(Token.Value)) {
      for (;;) {
        if (func.valueListsLength === func.valueLists.length) func.reserveValueLists(func.valueListsLength + 1)
        const at = func.valueListsLength++
        func.valueLists[at] = this.value(operandPlace.list(at))
        if (!lexer.is(44)) break
        lexer.next()
        if (!lexer.is(Token.Value)) throw lexer.expected('a value')
      }
    }
    func.insts.listStart[inst] = start
    func.insts.listLength[inst] = func.valueListsLength - start
  }

  /** Alias region of a memory flag; that it exists is the verifier's matter. */
  region(number: number, offset: number, limit: number): AliasRegion {
    if (number > limit) throw this.lexer.error({ code: 'too-many', what: 'alias regions', limit }, offset)
    return number as AliasRegion
  }

  /** Checks that an entity that is used has been declared above. */
  declared(exists: boolean, name: string, offset: number): void {
    if (!exists) throw this.lexer.error({ code: 'undefined', entity: name }, offset)
  }

  /** Writes the operands that were used above their definition. */
  finishForward(): void {
    const forward = this.#forward
    for (let i = 0; i < forward.length; i += 3) {
      const place = forward[i]
      const id = this.valueIds.get(forward[i + 1])
      if (id < 0) throw this.lexer.error({ code: 'undefined', entity: `v${forward[i + 1]}` }, forward[i + 2])
      this.#write(place, this.hasAliases ? this.#resolve(place, id) : id)
    }
  }

  #write(place: number, value: number): void {
    const { func } = this
    const { insts } = func
    const row = Math.floor(place / 8)
    const slot = place % 8
    if (slot < 3) {
      const column = slot === 0 ? insts.arg0 : slot === 1 ? insts.arg1 : insts.arg2
      column[row] = value
      // The suffix stood in for the type of the operand until this was known.
      if (CONTROLLING_OPERAND[insts.opcode[row]] === slot) insts.ctrlType[row] = func.values.type[value]
    } else if (slot === 3) func.valueLists[row] = value
    else if (slot === 4) func.blockArgs[row] = value
    else operandPlace.setContext(func, row, value as Value)
  }
}
