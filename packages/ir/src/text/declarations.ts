// Signatures, and the declarations at the head of a function body.

import type { DynamicType, GlobalValue, SigRef } from '../entities.ts'
import { type ExternalName, externalName, type FuncRefData, type GlobalValueData } from '../externals.ts'
import { MAX_ALIAS_REGION, MemFlags, memFlagsTrapCode } from '../memory-flags.ts'
import {
  type AbiParam,
  type ArgumentExtension,
  type ArgumentPurpose,
  abiParam,
  CALL_CONVS,
  type CallConv,
  type Signature,
  signature,
} from '../signature.ts'
import { isVector, type Type } from '../types.ts'
import { hexBytes, vectorLiteral } from './constants.ts'
import type { ParserContext } from './context.ts'
import { toBigInt } from './integers.ts'
import { Token } from './lexer.ts'
import { readMemFlags } from './operands.ts'

/** Skipped numbers get placeholders: the largest number of a declaration bounds what a few bytes of text can ask for. */
const MAX_DECLARATION = 100_000

const EMPTY_NAME: ExternalName = { kind: 'testcase', name: '' }

/** `(params) [-> returns] [convention]` */
export function readSignature(context: ParserContext): Signature {
  const { lexer } = context
  context.punctuation(40, '`(`')
  const params = lexer.is(41) ? [] : readParams(context)
  context.punctuation(41, '`,` or `)`')
  let returns: AbiParam[] = []
  if (lexer.is(Token.Arrow)) {
    lexer.next()
    returns = readParams(context)
  }
  let callConv = context.defaultCallConv
  if (lexer.is(Token.Word)) {
    const name = lexer.spelling()
    if (!(CALL_CONVS as readonly string[]).includes(name)) {
      throw lexer.error({ code: 'unknown', what: 'calling convention', name }, lexer.start)
    }
    callConv = name as CallConv
    lexer.next()
  }
  return { params, returns, callConv }
}

function readParams(context: ParserContext): AbiParam[] {
  const params = [readParam(context)]
  while (context.lexer.is(44)) {
    context.lexer.next()
    params.push(readParam(context))
  }
  return params
}

function readParam(context: ParserContext): AbiParam {
  const { lexer } = context
  const type = readType(context)
  let extension: ArgumentExtension = 'none'
  let purpose: ArgumentPurpose = 'normal'
  let structBytes = 0
  for (;;) {
    if (lexer.isWord('uext') || lexer.isWord('sext')) extension = lexer.spelling() as ArgumentExtension
    else if (lexer.isWord('normal') || lexer.isWord('sret') || lexer.isWord('vmctx')) {
      purpose = lexer.spelling() as ArgumentPurpose
      structBytes = 0
    } else if (lexer.isWord('sarg')) {
      lexer.next()
      context.punctuation(40, '`(`')
      structBytes = context.unsigned(32, 'a size in bytes')
      purpose = 'sarg'
      if (!lexer.is(41)) throw lexer.expected('`)`')
    } else if (purpose === 'normal') return abiParam(type, extension)
    else return { type, extension, purpose, structBytes }
    lexer.next()
  }
}

function readType(context: ParserContext): Type {
  const { lexer } = context
  if (!lexer.is(Token.Type)) {
    if (lexer.is(Token.Word)) throw lexer.error({ code: 'unknown', what: 'type', name: lexer.spelling() }, lexer.start)
    throw lexer.expected('a type')
  }
  const type = lexer.word
  lexer.next()
  return type
}

/** Whether a declaration begins at the current token. */
export function beginsDeclaration(context: ParserContext): boolean {
  switch (context.lexer.kind) {
    case Token.StackSlot:
    case Token.DynamicStackSlot:
    case Token.DynamicType:
    case Token.GlobalValue:
    case Token.Signature:
    case Token.Function:
    case Token.Constant:
    case Token.Region:
      return true
    default:
      return context.lexer.isWord('stack_limit')
  }
}

/** Reads one declaration into the function. */
export function readDeclaration(context: ParserContext): void {
  const { lexer, func } = context
  const { kind, start } = lexer
  const name = lexer.spelling()
  const number = lexer.number >>> 0
  lexer.next()
  context.punctuation(61, '`=`')
  if (kind === Token.Word) {
    if (func.stackLimit >= 0) throw lexer.error({ code: 'duplicate', entity: name }, start)
    func.stackLimit = globalReference(context)
    context.claimComments('stack_limit', 0)
    return
  }
  if (!context.declare(kind, number)) throw lexer.error({ code: 'duplicate', entity: name }, start)
  if (number >= MAX_DECLARATION) {
    throw lexer.error({ code: 'too-many', what: `declarations before ${name}`, limit: MAX_DECLARATION }, start)
  }
  if (context.places !== null) context.places.declarations.push(start)
  readNamed(context, kind, number, start)
  context.claimComments(name.replace(/\d+$/, ''), number)
}

function readNamed(context: ParserContext, kind: number, number: number, start: number): void {
  const { lexer, func } = context
  switch (kind) {
    case Token.StackSlot:
      readStackSlot(context, number)
      return
    case Token.DynamicStackSlot: {
      if (!lexer.isWord('explicit_dynamic_slot')) throw lexer.expected('`explicit_dynamic_slot`')
      lexer.next()
      const dynamicType = reference<DynamicType>(context, Token.DynamicType, 'a dynamic type', 'dt')
      put(func.dynamicStackSlots, number, { dynamicType }, { dynamicType: -1 as DynamicType })
      return
    }
    case Token.DynamicType: {
      const at = lexer.start
      const base = readType(context)
      if (!isVector(base)) throw lexer.error({ code: 'type', reason: 'a dynamic type is a multiple of a vector' }, at)
      context.punctuation(42, '`*`')
      put(func.dynamicTypes, number, { base, scale: globalReference(context) }, { base: 0, scale: -1 as GlobalValue })
      return
    }
    case Token.GlobalValue:
      put(func.globalValues, number, readGlobal(context), {
        kind: 'symbol',
        name: EMPTY_NAME,
        offset: 0,
        colocated: false,
        tls: false,
      })
      return
    case Token.Signature:
      put(func.signatures, number, readSignature(context), signature([], [], 'fast'))
      return
    case Token.Function:
      put(func.funcRefs, number, readFunctionReference(context), {
        name: EMPTY_NAME,
        signature: -1 as SigRef,
        colocated: false,
        patchable: false,
      })
      return
    case Token.Constant:
      put(func.constants, number, readConstant(context), new Uint8Array(0))
      return
    default: {
      if (number > MAX_ALIAS_REGION) {
        throw lexer.error({ code: 'too-many', what: 'alias regions', limit: MAX_ALIAS_REGION + 1 }, start)
      }
      if (number !== func.aliasRegions.length) {
        const reason = `alias regions are numbered in order: region${func.aliasRegions.length} comes next`
        throw lexer.error({ code: 'type', reason }, start)
      }
      const userId = context.unsigned(32, 'the number of the region')
      if (!lexer.is(Token.String)) throw lexer.expected('a description in quotes')
      func.aliasRegions.push({ userId, description: lexer.spelling().slice(1, -1) })
      lexer.next()
    }
  }
}

/** Puts an entity in its row; rows that were skipped get the placeholder. */
function put<T>(table: T[], number: number, data: T, placeholder: T): void {
  while (table.length < number) table.push(placeholder)
  table[number] = data
}

function readStackSlot(context: ParserContext, number: number): void {
  const { lexer, func } = context
  if (!lexer.isWord('explicit_slot')) throw lexer.expected('`explicit_slot`')
  lexer.next()
  const size = context.unsigned(32, 'a size in bytes')
  let alignLog2 = 0
  let key: bigint | null = null
  while (lexer.is(44)) {
    lexer.next()
    const aligns = lexer.isWord('align')
    if (!aligns && !lexer.isWord('key')) throw lexer.expected('`align` or `key`')
    lexer.next()
    context.punctuation(61, '`=`')
    const at = lexer.start
    const text = lexer.spelling()
    if (aligns) {
      const align = context.unsigned(32, 'an alignment')
      if (align === 0 || (align & (align - 1)) !== 0) {
        throw lexer.error({ code: 'number', text, reason: 'is not a power of two' }, at)
      }
      alignLog2 = 31 - Math.clz32(align)
    } else {
      context.integer(64, 'a key')
      if (text.startsWith('-')) throw lexer.error({ code: 'number', text, reason: 'must not be negative' }, at)
      key = BigInt.asUintN(64, toBigInt(context.integers.low, context.integers.high))
    }
  }
  put(func.stackSlots, number, { size, alignLog2, key }, { size: 0, alignLog2: 0, key: null })
}

function readGlobal(context: ParserContext): GlobalValueData {
  const { lexer } = context
  const word = lexer.is(Token.Word) ? lexer.spelling() : ''
  const start = lexer.start
  if (word !== '') lexer.next()
  switch (word) {
    case 'vmctx':
      return { kind: 'vmctx' }
    case 'load': {
      context.punctuation(46, '`.`')
      const type = readType(context)
      const flags = readMemFlags(context)
      // A global is computed wherever it is used: a load that may fail or be misaligned has no place there.
      if (memFlagsTrapCode(flags) !== 0 || (flags & MemFlags.Aligned) === 0) {
        throw lexer.error({ code: 'type', reason: 'a global load must be notrap aligned' }, start)
      }
      const base = globalReference(context)
      return { kind: 'load', base, offset: context.optionalOffset(), type, flags }
    }
    case 'iadd_imm': {
      context.punctuation(46, '`.`')
      const type = readType(context)
      const base = globalReference(context)
      context.comma()
      context.integer(64, 'an integer')
      return { kind: 'iadd_imm', base, offset: toBigInt(context.integers.low, context.integers.high), type }
    }
    case 'symbol': {
      const colocated = optionalWord(context, 'colocated')
      const tls = optionalWord(context, 'tls')
      const name = readExternalName(context)
      return { kind: 'symbol', name, offset: context.optionalOffset(), colocated, tls }
    }
    case 'dyn_scale_target_const': {
      context.punctuation(46, '`.`')
      const at = lexer.start
      const vectorType = readType(context)
      if (!isVector(vectorType)) throw lexer.error({ code: 'type', reason: 'a scale is of a vector type' }, at)
      return { kind: 'dyn_scale_target_const', vectorType }
    }
    case '':
      throw lexer.expected('a kind of global value')
    default:
      throw lexer.error({ code: 'unknown', what: 'kind of global value', name: word }, start)
  }
}

function readFunctionReference(context: ParserContext): FuncRefData {
  const { lexer, func } = context
  const colocated = optionalWord(context, 'colocated')
  const patchable = optionalWord(context, 'patchable')
  const name = readExternalName(context)
  if (lexer.is(Token.Signature)) {
    const at = lexer.start
    const sig = context.entity(Token.Signature, 'a signature')
    context.declared(sig < func.signatures.length, `sig${sig}`, at)
    return { name, signature: sig as SigRef, colocated, patchable }
  }
  if (!lexer.is(40)) throw lexer.expected('a signature')
  return { name, signature: func.declareSignature(readSignature(context)), colocated, patchable }
}

function readConstant(context: ParserContext): Uint8Array {
  return context.lexer.is(Token.Type) ? vectorLiteral(context, readType(context)) : hexBytes(context)
}

/** `%name`, `u1:2` or `userextname0`. */
export function readExternalName(context: ParserContext): ExternalName {
  const { lexer, userNames } = context
  if (lexer.is(Token.Name)) {
    const name = lexer.spelling().slice(1)
    lexer.next()
    return externalName(name)
  }
  if (lexer.is(Token.UserExternalName)) {
    const index = context.entity(Token.UserExternalName, 'a name')
    return userNames[index] ?? { kind: 'user-reference', index }
  }
  const name = readUserName(context)
  const known = userNames.find((other) => other.kind === 'user' && sameUserName(other, name))
  if (known === undefined) userNames.push(name)
  return name
}

type UserName = Extract<ExternalName, { kind: 'user' }>

function sameUserName(a: UserName, b: UserName): boolean {
  return a.namespace === b.namespace && a.index === b.index
}

/** `u1:2` */
export function readUserName(context: ParserContext): UserName {
  const namespace = context.entity(Token.User, 'a name')
  context.punctuation(58, '`:`')
  return { kind: 'user', namespace, index: context.unsigned(32, 'a number') }
}

function optionalWord(context: ParserContext, word: string): boolean {
  if (!context.lexer.isWord(word)) return false
  context.lexer.next()
  return true
}

/** A reference to a global, which may be declared further down. */
function globalReference(context: ParserContext): GlobalValue {
  return reference<GlobalValue>(context, Token.GlobalValue, 'a global value', 'gv')
}

function reference<Id extends number>(context: ParserContext, kind: number, description: string, prefix: string): Id {
  const { func } = context
  const offset = context.lexer.start
  const number = context.entity(kind, description)
  const table = kind === Token.GlobalValue ? func.globalValues : func.dynamicTypes
  context.pending.push({ name: `${prefix}${number}`, exists: () => number < table.length, offset })
  return number as Id
}
