// The two ways in: one function, or the functions of a module, callees first.

import { type ExternalName, type Function, printExternalName } from '@framewright/ir'
import { type CalleeLookup, PassContext } from './context.ts'
import { passes } from './pipeline.ts'
import { prepare } from './prepare.ts'

/** How much is done, and what is known of others. */
export interface OptimizeOptions {
  /** 0 changes nothing. Default 2. */
  readonly level?: 0 | 2
  /**
   * Finds the body of a function that is called, for inlining; null when it is not known. It is read, never changed, and
   * should have been optimised, as only its own calls of itself are looked into. The function that is optimised is not
   * asked for. Default: nothing is known.
   */
  readonly callees?: CalleeLookup
}

/**
 * Optimises a verified function in place. Aliases of values are forgotten, and comments and spellings of the text with
 * them; ids of instructions that stay stay the same.
 */
export function optimize(func: Function, options: OptimizeOptions = {}): void {
  if ((options.level ?? 2) === 0) return
  runPasses(func, new PassContext(func, options.callees))
}

/**
 * Optimises the functions of a module in place: callees before their callers, so that what is inlined has been optimised.
 * Calls find functions by name; a name that two functions have finds neither.
 */
export function optimizeModule(functions: readonly Function[], options: { readonly level?: 0 | 2 } = {}): void {
  if ((options.level ?? 2) === 0 || functions.length === 0) return
  const byName = new Map<string, Function | null>()
  for (const func of functions) {
    const name = printExternalName(func.name)
    byName.set(name, byName.has(name) ? null : func)
  }
  const find = (name: ExternalName): Function | null => byName.get(printExternalName(name)) ?? null
  const context = new PassContext(functions[0], find)
  for (const func of calleesFirst(functions, find)) {
    context.bind(func, find)
    runPasses(func, context)
  }
}

function runPasses(func: Function, context: PassContext): void {
  if (func.layout.entry < 0) return
  prepare(func)
  for (const { run } of passes) run(func, context)
}

/** Every function after those that it calls; in a circle, from where it is entered first. */
function calleesFirst(functions: readonly Function[], find: CalleeLookup): Function[] {
  const met = new Set<Function>()
  const order: Function[] = []
  for (const root of functions) {
    if (met.has(root)) continue
    met.add(root)
    const stack = [{ func: root, rest: calleesOf(root, find) }]
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const callee = top.rest.pop()
      if (callee === undefined) {
        order.push(top.func)
        stack.pop()
      } else if (!met.has(callee)) {
        met.add(callee)
        stack.push({ func: callee, rest: calleesOf(callee, find) })
      }
    }
  }
  return order
}

function calleesOf(func: Function, find: CalleeLookup): Function[] {
  return func.funcRefs.flatMap(({ name, colocated }) => (colocated ? (find(name) ?? []) : []))
}
