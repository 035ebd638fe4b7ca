// CLIF text to functions.
//
// Ids are given in the order of the text: instructions as they stand, values as they are defined (so results and
// parameters have consecutive ids), blocks as they are first mentioned. The numbers of the text are kept beside the ids
// and printed again. Operands that stand above the definition of their value are written when the body has been read.

import { NO_BLOCK } from '../entities.ts'
import type { ExternalName } from '../externals.ts'
import { Function as IrFunction } from '../function.ts'
import { sharedTables } from '../function-tables.ts'
import { Module } from '../module.ts'
import type { CallConv } from '../signature.ts'
import { type FunctionPlaces, FunctionSource, type SourceComment, SourceText } from '../source.ts'
import { paramDefinition } from '../value-table.ts'
import { ParserContext } from './context.ts'
import { beginsDeclaration, readDeclaration, readSignature, readUserName } from './declarations.ts'
import { type FileHeader, readHeader } from './header.ts'
import { InstructionReader } from './instructions.ts'
import { Lexer, Token } from './lexer.ts'

/** How a text is read. */
export interface ParseOptions {
  /** Names the text in errors and diagnostics. */
  readonly file?: string
  /** The convention of signatures that name none; by default `fast`, and `system_v` in a file with `test run`. */
  readonly defaultCallConv?: CallConv
}

/** A file of functions, with the lines of a file test above them when there are any. */
export interface ParsedFile {
  readonly header: FileHeader
  readonly functions: readonly IrFunction[]
  /** Comments above the first function: they are about every function. */
  readonly preamble: readonly SourceComment[]
  readonly source: SourceText
}

/**
 * Reads a whole file.
 *
 * @throws IrSyntaxError for anything that is not CLIF, with its place.
 */
export function parseFile(text: string, options: ParseOptions = {}): ParsedFile {
  const { header, preamble, source, functions } = openFile(text, options)
  return { header, functions: [...functions], preamble, source }
}

/** A file whose functions are read one by one, as they are asked for. */
export interface OpenFile {
  readonly header: FileHeader
  readonly preamble: readonly SourceComment[]
  readonly source: SourceText
  /** Begins at the first function each time it is iterated; throws IrSyntaxError at the one that is no CLIF. */
  readonly functions: Iterable<IrFunction>
}

/**
 * Reads what stands above the functions of a file, and leaves the functions to be read one by one: for files too large to have all
 * of them at once.
 *
 * @throws IrSyntaxError for a header that is none.
 */
export function openFile(text: string, options: ParseOptions = {}): OpenFile {
  const source = new SourceText(text, options.file ?? '<text>')
  const begin = () => {
    const lexer = new Lexer(source)
    const header = readHeader(lexer)
    const runs = header.tests.some((line) => line.command === 'run')
    const reader = new FunctionReader(lexer, options.defaultCallConv ?? (runs ? 'system_v' : 'fast'))
    return { lexer, header, reader, preamble: reader.preamble() }
  }
  function* functions(): Generator<IrFunction> {
    const { lexer, reader } = begin()
    while (!lexer.is(Token.End)) yield reader.read()
  }
  const { header, preamble } = begin()
  return { header, preamble, source, functions: { [Symbol.iterator]: functions } }
}

/**
 * Reads a file as a module.
 *
 * @throws IrSyntaxError for anything that is not CLIF, IrBuildError for two functions of one name.
 */
export function parseModule(text: string, options: ParseOptions = {}): Module {
  const module = new Module()
  for (const func of openFile(text, options).functions) module.addFunction(func)
  return module
}

/**
 * Reads the functions of a text.
 *
 * @throws IrSyntaxError for anything that is not CLIF, with its place.
 */
export function parseFunctions(text: string, options: ParseOptions = {}): readonly IrFunction[] {
  return parseFile(text, options).functions
}

/** Stands in the context until the first function begins; nothing is ever written to it. */
const NOTHING = new IrFunction({ kind: 'testcase', name: '' }, undefined, 0)

/** Reads one function after another. */
class FunctionReader {
  readonly #lexer: Lexer
  readonly #context: ParserContext
  readonly #instructions: InstructionReader
  readonly #readPlaces: (offset: number) => FunctionPlaces

  constructor(lexer: Lexer, defaultCallConv: CallConv) {
    this.#lexer = lexer
    this.#context = new ParserContext(lexer, defaultCallConv, NOTHING, new FunctionSource(lexer.source, 0))
    this.#instructions = new InstructionReader(this.#context)
    let again: FunctionReader | null = null
    this.#readPlaces = (offset) => {
      again ??= new FunctionReader(new Lexer(lexer.source), defaultCallConv)
      return again.#places(offset)
    }
  }

  /** Reads the function at an offset for the places of what is in it. */
  #places(offset: number): FunctionPlaces {
    const places = { insts: [], declarations: [] }
    this.#context.places = places
    this.#lexer.pos = offset
    this.#lexer.next()
    this.read()
    return { ...places, blocks: this.#context.blockOffset.slice() }
  }

  /** The comments above the first function. */
  preamble(): readonly SourceComment[] {
    this.#context.claimComments('file', 0)
    return this.#context.place.comments
  }

  read(): IrFunction {
    const lexer = this.#lexer
    const context = this.#context
    if (!lexer.isWord('function')) throw lexer.expected('`function`')
    const place = new FunctionSource(lexer.source, lexer.start, this.#readPlaces)
    lexer.next()
    const name = this.#name()
    const signature = readSignature(context)
    // The function is read into tables that are there, and then gets its own.
    const tables = sharedTables()
    const func = new IrFunction(name, signature, tables)
    func.source = place
    context.begin(func, place)
    context.punctuation(123, '`{`')
    context.claimComments('function', 0)
    while (beginsDeclaration(context)) readDeclaration(context)
    while (lexer.is(Token.Block)) this.#block()
    if (!lexer.is(125)) {
      throw lexer.expected(
        func.layout.entry === NO_BLOCK ? 'a declaration, a block or `}`' : 'an instruction, a block or `}`',
      )
    }
    context.finishForward()
    for (const { name: entity, exists, offset } of context.pending) context.declared(exists(), entity, offset)
    lexer.next()
    context.claimComments('function', 0)
    func.settle(tables)
    return func
  }

  #name(): ExternalName {
    const lexer = this.#lexer
    if (lexer.is(Token.Name)) {
      const name = lexer.spelling().slice(1)
      lexer.next()
      return { kind: 'testcase', name }
    }
    if (!lexer.is(Token.User)) throw lexer.expected('the name of the function')
    return readUserName(this.#context)
  }

  #block(): void {
    const lexer = this.#lexer
    const context = this.#context
    const { func } = context
    const { start } = lexer
    const block = context.block(lexer.number >>> 0, start)
    if (context.blockOffset[block] >= 0) throw lexer.error({ code: 'duplicate', entity: lexer.spelling() }, start)
    context.blockOffset[block] = start
    func.layout.appendBlock(block)
    lexer.next()
    if (lexer.is(40)) {
      lexer.next()
      const first = func.values.length
      if (!lexer.is(41)) {
        this.#param(paramDefinition(block))
        while (lexer.is(44)) {
          lexer.next()
          this.#param(paramDefinition(block))
        }
      }
      context.punctuation(41, '`,` or `)`')
      const count = func.values.length - first
      if (count > 0) func.blocks.firstParam[block] = first
      func.blocks.paramCount[block] = count
    }
    if (lexer.is(Token.Cold)) {
      func.blocks.cold[block] = 1
      lexer.next()
    }
    context.punctuation(58, '`:`')
    context.claimComments('block', block)

    const first = func.insts.length
    while (InstructionReader.begins(lexer.kind)) {
      const inst = this.#instructions.item()
      if (lexer.comments.length > 0) context.claimComments('inst', inst >= 0 ? inst : func.insts.length - 1)
    }
    func.layout.appendRun(block, first, func.insts.length)
  }

  #param(definition: number): void {
    const lexer = this.#lexer
    const context = this.#context
    const at = lexer.start
    const number = context.entity(Token.Value, 'a value')
    context.punctuation(58, '`:`')
    if (!lexer.is(Token.Type)) throw lexer.expected('a type')
    context.define(number, lexer.word, definition, at)
    lexer.next()
  }
}
