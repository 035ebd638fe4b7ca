// Checks that a function is well formed. Nothing is changed and nothing is thrown: findings are returned, all of them.
//
// What is checked, in which order and in which words follows CLIF's verifier (CLIF reference, section 4). The numbers
// D1 to D99 in the comments are those of its list of diagnostics.

import { controlFlowGraph } from '../cfg.ts'
import { dominatorTree } from '../dominators.ts'
import type { Diagnostic } from '../errors.ts'
import type { Function as IrFunction } from '../function.ts'
import type { FileHeader, TargetLine } from '../text/index.ts'
import { Type } from '../types.ts'
import { BodyVerifier } from './body.ts'
import { verifyDeclarations } from './declarations.ts'
import { Report } from './report.ts'
import { verifyTables } from './tables.ts'

/** What the verifier may assume of the machine, and how far it goes. */
export interface VerifyOptions {
  /** The type of addresses; without it nothing that depends on the target is checked. */
  readonly pointerType?: Type
  /** Whether get_pinned_reg and set_pinned_reg may be used. Default false. */
  readonly pinnedRegister?: boolean
  /** Whether get_frame_pointer and get_return_address may be used. Default false. */
  readonly framePointers?: boolean
  /**
   * Ends at the findings at which CLIF's own verifier ends. By default only the instruction that such a finding is about
   * is left, and the rest of the function is checked. Default false.
   */
  readonly stopEarly?: boolean
}

/**
 * Checks one function.
 *
 * Findings about declarations, the signature or the entry block end the run before the blocks: what these would report
 * then mostly follows from that.
 *
 * @returns the findings, in the order of the text; none when the function is well formed.
 */
export function verifyFunction(func: IrFunction, options: VerifyOptions = {}): Diagnostic[] {
  const report = new Report(func, options.stopEarly ?? false)
  verifyTables(func, report)
  if (report.diagnostics.length > 0) return report.diagnostics
  verifyDeclarations(func, options.pointerType ?? 0, report)
  if (report.diagnostics.length > 0 || func.layout.entry < 0) return report.diagnostics
  const tree = dominatorTree(func, controlFlowGraph(func))
  new BodyVerifier(func, tree, report, options).run()
  return report.diagnostics
}

/**
 * What the header of a file test says about the machine. Settings that the file does not make have their defaults.
 *
 * @param target - one of the header's targets. By default the only one; several or none say nothing of the machine.
 */
export function headerVerifyOptions(
  header: FileHeader,
  target: TargetLine | null = header.targets.length === 1 ? header.targets[0] : null,
): VerifyOptions {
  const settings = target === null ? header.settings : [...target.settings, ...target.options]
  const narrow = target !== null && /^(?:i[3-6]86|pulley32|armv7|riscv32)/.test(target.triple)
  return {
    ...(target === null ? {} : { pointerType: narrow ? Type.I32 : Type.I64 }),
    pinnedRegister: isOn(settings, 'enable_pinned_reg'),
    framePointers: isOn(settings, 'preserve_frame_pointers'),
  }
}

/** The last mention counts; a bare name turns a setting on. */
function isOn(settings: readonly string[], name: string): boolean {
  const last = settings.findLast((setting) => setting === name || setting.startsWith(`${name}=`))
  return last !== undefined && (last === name || /=(?:true|on|yes|1)$/.test(last))
}
