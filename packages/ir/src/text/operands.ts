// Operands that instructions of several formats share.

import { type Inst, NO_ENTITY } from '../entities.ts'
import type { DebugTag, StackMapEntry } from '../externals.ts'
import {
  DEFAULT_MEM_FLAGS,
  MAX_ALIAS_REGION,
  MemFlags,
  memFlagsRegion,
  withRegion,
  withTrapCode,
} from '../memory-flags.ts'
import { OPCODE_FLAGS, OpcodeFlag } from '../opcode.ts'
import { parseTrapCode } from '../trap-codes.ts'
import { type Type, typeBits } from '../types.ts'
import type { ParserContext } from './context.ts'
import { parseFloatBits } from './floats.ts'
import { Token } from './lexer.ts'
import {
  WORD_ALIGNED,
  WORD_BIG,
  WORD_CAN_MOVE,
  WORD_LITTLE,
  WORD_NOTRAP,
  WORD_READONLY,
  WORD_TRAP_CODE,
} from './words.ts'

/** Takes a word that has a role: a condition, an operation. `column` gives the role by word number, -1 for none. */
export function readRole(context: ParserContext, column: Int8Array, description: string): number {
  const { lexer } = context
  if (!lexer.is(Token.Word) || column[lexer.word] < 0) throw lexer.expected(description)
  const role = column[lexer.word]
  lexer.next()
  return role
}

/** Takes the integer of an `iconst`. */
export function readConstant(context: ParserContext, inst: Inst, type: Type): void {
  const { integers, func } = context
  const bits = type === 0 ? 64 : typeBits(type)
  context.integer(bits, 'an integer')
  // Kept zero-extended from the width of the type.
  func.insts.imm[inst] = bits < 32 ? integers.low & ((1 << bits) - 1) : integers.low
  func.insts.immHigh[inst] = bits > 32 ? integers.high : 0
}

/** Takes the bits of an `f32const` or `f64const`. */
export function readFloat(context: ParserContext, inst: Inst, width: 32 | 64): void {
  const { lexer, floats, func } = context
  // `0` and the like lex as integers; the float reader says what is wrong with them.
  if (!lexer.is(Token.Float) && !lexer.is(Token.Integer)) throw lexer.expected('a float')
  const fault = floats.read(lexer.text, lexer.start, lexer.end, width)
  if (fault !== null) throw lexer.error({ code: 'number', text: lexer.spelling(), reason: fault }, lexer.start)
  func.insts.imm[inst] = floats.low
  func.insts.immHigh[inst] = width === 64 ? floats.high : 0
  lexer.next()
}

/** Takes a float literal of a format that the host has not. */
export function readWideFloat(context: ParserContext, width: 16 | 128): bigint {
  const { lexer } = context
  if (!lexer.is(Token.Float) && !lexer.is(Token.Integer)) throw lexer.expected('a float')
  const bits = parseFloatBits(lexer.spelling(), width)
  if (typeof bits === 'string') throw lexer.error({ code: 'number', text: lexer.spelling(), reason: bits }, lexer.start)
  lexer.next()
  return bits
}

/** Takes memory flags; usually there are none. */
export function readFlags(context: ParserContext): MemFlags {
  const { lexer } = context
  return lexer.is(Token.Value) ? DEFAULT_MEM_FLAGS : readMemFlags(context)
}

/** Takes a trap code. */
export function readTrapCode(context: ParserContext): number {
  const { lexer } = context
  const code = lexer.is(Token.Word) ? parseTrapCode(lexer.spelling()) : 0
  if (code === 0) throw lexer.expected('a trap code')
  lexer.next()
  return code
}

/** Takes a function reference. */
export function readCallee(context: ParserContext, inst: Inst): void {
  const { func } = context
  const at = context.lexer.start
  const number = context.entity(Token.Function, 'a function reference')
  const data = func.funcRefs[number]
  context.declared(data !== undefined && data.signature >= 0, `fn${number}`, at)
  func.insts.entity[inst] = number
}

/** Takes a signature reference. */
export function readSignatureReference(context: ParserContext, inst: Inst): void {
  const at = context.lexer.start
  const number = context.entity(Token.Signature, 'a signature')
  context.declared(number < context.func.signatures.length, `sig${number}`, at)
  context.func.insts.entity[inst] = number
}

/** `(args)`, and the stack map that may follow. */
export function readArguments(context: ParserContext, inst: Inst): void {
  context.punctuation(40, '`(`')
  context.valueList(inst)
  context.punctuation(41, '`,` or `)`')
  if (context.lexer.is(44)) readStackMap(context, inst)
}

/** `, stack_map=[ type @ ssN+offset, … ]` */
export function readStackMap(context: ParserContext, inst: Inst): void {
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
  func.setStackMap(inst, entries)
}

export function readTags(context: ParserContext): DebugTag[] {
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
