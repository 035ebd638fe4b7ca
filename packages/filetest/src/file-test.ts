// A CLIF file as the tests that its header asks for (CLIF reference, 5.1).
//
// What only prints or verifies is done here; `run` and `interpret` go through the interpreter, whatever the targets. The other
// commands (`compile`, `optimize`, …) compare the listings of another code generator, and are not run.

import { Interpreter, InterpreterError, type Outcome } from '@framewright/interpreter'
import {
  type Block,
  controlFlowGraph,
  dominatorTree,
  headerVerifyOptions,
  type Function as IrFunction,
  printBlock,
  printCfg,
  printDominatorTree,
  printExternalName,
  printFunction,
  type SourceComment,
  verifyFunction,
} from '@framewright/ir'
import { type ParsedFile, parseFile, type TestLine } from '@framewright/ir/text'
import { FileTestError } from './errors.ts'
import { filecheck } from './filecheck.ts'
import { directiveName, printLiterals, type RunDirective, runDirectiveOf } from './run-directive.ts'

/** Something that is not as the file says. */
export interface FileTestFailure {
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** How one `test` line went. */
export interface FileTestResult {
  readonly command: string
  readonly line: number
  readonly status: 'passed' | 'failed' | 'not-run'
  /** Directives that were held against something. */
  readonly checked: number
  readonly failures: readonly FileTestFailure[]
  /** How it was run, or why not; empty where nothing is to be said. */
  readonly note: string
}

/** How files are tested. */
export interface FileTestOptions {
  /** Names the file in errors. */
  readonly file?: string
  /** Instructions that one run directive may execute; 100 million when left out. */
  readonly fuel?: number
}

const FUEL = 100_000_000

/**
 * Runs the tests of a file, in the order of its header.
 *
 * @throws IrSyntaxError for a text that is no CLIF.
 */
export function runFileTests(text: string, options: FileTestOptions = {}): FileTestResult[] {
  const file = parseFile(text, options.file === undefined ? {} : { file: options.file })
  return file.header.tests.map((line) => new FileTest(file, line, options.fuel ?? FUEL).run())
}

class FileTest {
  readonly #file: ParsedFile
  readonly #test: TestLine
  readonly #fuel: number
  readonly #failures: FileTestFailure[] = []
  #checked = 0
  #note = ''

  constructor(file: ParsedFile, test: TestLine, fuel: number) {
    this.#file = file
    this.#test = test
    this.#fuel = fuel
  }

  run(): FileTestResult {
    const { command, line } = this.#test
    const action = this.#action(command)
    if (action === null) {
      const note = 'there is no such test here'
      return { command, line, status: 'not-run', checked: 0, failures: [], note }
    }
    const refusal = command === 'run' ? this.#refusal() : ''
    if (refusal !== '') {
      const failure = { line, column: 1, message: refusal }
      return { command, line, status: 'failed', checked: 0, failures: [failure], note: '' }
    }
    // All commands but those that only look at the text want functions that are well formed.
    const looks = command === 'cat' || command === 'print-cfg' || command === 'verifier'
    if (looks || this.#verified()) {
      for (const func of this.#file.functions) this.#guarded(func.source?.offset ?? 0, () => action(func))
    }
    const status = this.#failures.length === 0 ? 'passed' : 'failed'
    return { command, line, status, checked: this.#checked, failures: this.#failures, note: this.#note }
  }

  #action(command: string): ((func: IrFunction) => void) | null {
    switch (command) {
      case 'cat':
        return (func) => this.#filecheck(func, printFunction(func))
      case 'print-cfg':
        return (func) => this.#filecheck(func, printCfg(func))
      case 'domtree':
        return (func) => {
          this.#dominates(func)
          this.#filecheck(func, printDominatorTree(func))
        }
      case 'verifier':
        return (func) => this.#verifier(func)
      case 'run':
        this.#note = 'through the interpreter'
        return (func) => this.#directives(func)
      case 'interpret':
        return (func) => this.#directives(func, (comment) => this.#named(comment))
      default:
        return null
    }
  }

  /** A directive that cannot be read fails the test. */
  #guarded(offset: number, action: () => void): void {
    try {
      action()
    } catch (error) {
      if (!(error instanceof FileTestError)) throw error
      this.#fail(offset, error.message)
    }
  }

  #fail(offset: number, message: string): void {
    this.#failures.push({ ...this.#file.source.place(offset), message })
  }

  /** What wants a machine is verified for each that the header names. */
  #verified(): boolean {
    const { header, functions } = this.#file
    const targets = this.#test.command === 'run' && header.targets.length > 0 ? header.targets : [undefined]
    for (const target of targets) {
      for (const func of functions) {
        for (const { line, column, entity, message } of verifyFunction(func, headerVerifyOptions(header, target))) {
          this.#failures.push({ line, column, message: `${entity}: ${message}` })
        }
      }
    }
    return this.#failures.length === 0
  }

  #filecheck(func: IrFunction, text: string): void {
    const comments = [...this.#file.preamble, ...(func.source?.comments ?? [])]
    const found = filecheck(
      comments.map((comment) => comment.text),
      text,
    )
    this.#checked++
    for (const { comment, message } of found) this.#fail(comments[comment].offset, `${message} in\n${text.trimEnd()}`)
  }

  /** `; dominates: blockA blockB` on an instruction: its block is their immediate dominator; no pair is left out. */
  #dominates(func: IrFunction): void {
    const tree = dominatorTree(func, controlFlowGraph(func))
    const left = new Set<string>()
    tree.immediate.forEach((up, block) => {
      if (up >= 0) left.add(`${printBlock(func, up as Block)} dominates ${printBlock(func, block as Block)}`)
    })
    for (const { text, kind, index, offset } of func.source?.comments ?? []) {
      const names = /dominates:\s(.*)$/.exec(text)?.[1].trim().split(/\s+/) ?? []
      const block = kind === 'block' ? index : func.layout.instBlock[index]
      for (const name of names) {
        this.#checked++
        const pair = `${printBlock(func, block as Block)} dominates ${name}`
        if (!left.delete(pair)) this.#fail(offset, `it is not so that ${pair} immediately`)
      }
    }
    for (const pair of left) this.#fail(func.source?.offset ?? 0, `nothing says that ${pair}`)
  }

  /** Each `; error: text` is one finding about what the comment is attached to, and no finding is left over. */
  #verifier(func: IrFunction): void {
    const left = [...verifyFunction(func, { ...headerVerifyOptions(this.#file.header), stopEarly: true })]
    for (const comment of func.source?.comments ?? []) {
      const text = /error:\s(.*)$/.exec(comment.text)?.[1].trim()
      if (text === undefined) continue
      this.#checked++
      const entity = entityOf(func, comment)
      const at = left.findIndex((finding) => finding.entity === entity && finding.message.includes(text))
      if (at < 0) this.#fail(comment.offset, `${entity}: the verifier does not say '${text}'`)
      else left.splice(at, 1)
    }
    for (const { line, column, entity, message } of left) {
      this.#failures.push({ line, column, message: `${entity}: ${message}, which no comment expects` })
    }
  }

  /** Why a `run` test is not run; empty when it is. */
  #refusal(): string {
    const { targets, settings } = this.#file.header
    if (targets.length === 0) return 'test run needs a target line'
    const all = [...settings, ...targets.flatMap((target) => [...target.settings, ...target.options])]
    const pinned = all.findLast((setting) => /^enable_pinned_reg\b/.test(setting))
    if (pinned === undefined || /=(?:false|off|no|0)$/.test(pinned)) return ''
    return 'test run cannot be made with enable_pinned_reg: nothing would keep the register for the function'
  }

  /** The function that a directive of `interpret` names; null when it names none. */
  #named(comment: SourceComment): IrFunction | null {
    const name = directiveName(comment)
    if (name === null) return null
    const named = this.#file.functions.find((func) => printExternalName(func.name) === name)
    if (named !== undefined) return named
    throw new FileTestError({ code: 'directive', text: comment.text, why: `the file has no function ${name}` })
  }

  /** Executes what is attached to a function, which is called unless somebody says another one. */
  #directives(func: IrFunction, callee: (comment: SourceComment) => IrFunction | null = () => null): void {
    for (const comment of func.source?.comments ?? []) {
      this.#guarded(comment.offset, () => {
        const called = callee(comment) ?? func
        const directive = runDirectiveOf(comment, called.signature)
        if (directive === null) return
        this.#checked++
        const wrong = runDirective(this.#file.functions, called, directive, this.#fuel)
        if (wrong !== null) this.#fail(comment.offset, wrong)
      })
    }
  }
}

function entityOf(func: IrFunction, { kind, index }: SourceComment): string {
  if (kind === 'function') return 'function'
  return kind === 'block' ? printBlock(func, index as Block) : `${kind}${index}`
}

/**
 * Executes one directive.
 *
 * @param functions - all of the file, which may call each other.
 * @returns what is wrong; null when it is as it says.
 */
export function runDirective(
  functions: readonly IrFunction[],
  func: IrFunction,
  { text, args, expected, unequal }: RunDirective,
  fuel: number = FUEL,
): string | null {
  let outcome: Outcome
  try {
    outcome = new Interpreter(functions, { fuel }).call(printExternalName(func.name), args)
  } catch (error) {
    if (!(error instanceof InterpreterError)) throw error
    return `${text}: ${error.message}`
  }
  switch (outcome.kind) {
    case 'trapped':
      return `${text}: trapped with ${outcome.name} in ${outcome.place}`
    case 'threw':
      return `${text}: an exception with tag ${outcome.tag} was caught by nobody`
    case 'out-of-fuel':
      return `${text}: not done after ${fuel} instructions`
    case 'returned': {
      const { values } = outcome
      if (expected === null || expected.every((value, i) => value === values[i]) !== unequal) return null
      const types = func.signature.returns.map(({ type }) => type)
      return `${text}: it is ${printLiterals(values, types)}`
    }
  }
}
