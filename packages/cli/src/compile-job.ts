// One file to one output: what a thread is given, and what it gives back. Plain values, so that they can be sent.

import { printFunction } from '@framewright/ir/text'
import { writeObject } from '@framewright/object'
import { compileModule, type ModuleFunction } from './compile-module.ts'
import { asOne, findFormats } from './formats.ts'
import type { Host } from './host.ts'
import { moduleAssembly } from './listing/assembly.ts'
import { moduleJson } from './listing/module-json.ts'
import { moduleObject } from './module-object.ts'
import { diagnosticOf, InputError } from './problems.ts'
import type { Diagnostic } from './report.ts'
import type { Setting } from './settings.ts'
import { checkText } from './source-file.ts'
import { findTarget } from './target.ts'

export const emits = ['obj', 'asm', 'json', 'clif'] as const
export type Emit = (typeof emits)[number]

export interface CompileJob {
  readonly file: string
  readonly text: string
  readonly triple: string
  readonly emit: Emit
  readonly optLevel: 0 | 2
  readonly settings: readonly Setting[]
  /** Names and paths with commas between, or `none`. */
  readonly unwind: string
}

export type CompileResult =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly functions: readonly FunctionSummary[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] }

export interface FunctionSummary {
  readonly name: string
  /** Bytes of instructions; 0 where none were made. */
  readonly codeSize: number
}

/** What is wrong with the input is in the result. */
export async function runJob(job: CompileJob, importModule: Host['importModule']): Promise<CompileResult> {
  try {
    return await compileFile(job, importModule)
  } catch (error) {
    if (error instanceof InputError) return { ok: false, diagnostics: error.diagnostics }
    const diagnostic = diagnosticOf(error, job.file)
    if (diagnostic === null) throw error
    return { ok: false, diagnostics: [diagnostic] }
  }
}

async function compileFile(job: CompileJob, importModule: Host['importModule']): Promise<CompileResult> {
  const { file, text, emit } = job
  if (emit === 'clif') {
    const { functions, diagnostics } = checkText(text, file)
    if (diagnostics.length > 0) return { ok: false, diagnostics }
    const printed = functions.map((func) => printFunction(func)).join('\n')
    const names = functions.map((func) => ({ name: func.name.kind === 'testcase' ? func.name.name : '', codeSize: 0 }))
    return { ok: true, bytes: new TextEncoder().encode(printed), functions: names }
  }
  const target = findTarget(job.triple)
  const format = asOne(await findFormats(job.unwind, target.unwindFormat, importModule))
  const compiled = compileModule({ ...job, target, format })
  const functions = compiled.map(({ name, codeSize }) => ({ name, codeSize }))
  if (emit === 'obj') return { ok: true, bytes: writeObject(moduleObject(compiled, target, format)), functions }
  const output = emit === 'asm' ? await moduleAssembly(compiled, target, file) : asJson(compiled, job)
  return { ok: true, bytes: new TextEncoder().encode(output), functions }
}

function asJson(compiled: readonly ModuleFunction[], { file, triple }: CompileJob): string {
  return `${JSON.stringify(moduleJson(compiled, file, triple), null, 2)}\n`
}
