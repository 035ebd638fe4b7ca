// The same function in another calling convention.

import { type Function as IrFunction, type Signature, symbolName } from '../../../packages/ir/src/index.ts'
import type { ConventionName } from './convention.ts'

/**
 * Changes the convention of a function and of what it calls.
 *
 * @param conventionOf - the convention of a function by name; null leaves the one that is written.
 */
export function setConventions(func: IrFunction, conventionOf: (name: string) => ConventionName | null): void {
  const changed = (signature: Signature, name: string): Signature => {
    const convention = conventionOf(name)
    const fixed = !['fast', 'system_v', 'windows_fastcall'].includes(signature.callConv)
    return convention === null || fixed ? signature : { ...signature, callConv: convention }
  }
  func.signature = changed(func.signature, symbolName(func.name))
  // Every fnN with a signature of its own has a sigN of its own.
  const owner = new Map(func.funcRefs.map(({ name, signature }) => [signature as number, symbolName(name)]))
  for (const [i, signature] of func.signatures.entries()) {
    func.signatures[i] = changed(signature, owner.get(i) ?? symbolName(func.name))
  }
}
