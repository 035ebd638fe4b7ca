// Several functions that may call each other, and the data that they refer to, by name.

import { IrBuildError } from './errors.ts'
import { type ExternalName, externalName, printExternalName } from './externals.ts'
import type { Function as IrFunction } from './function.ts'
import { printSignature } from './signature.ts'

/** Bytes with a name, which `symbol` globals refer to. */
export interface DataObject {
  /** As a linker sees it: without `%`. */
  readonly name: string
  readonly bytes: Uint8Array
  /** A power of two. */
  readonly align: number
  readonly writable: boolean
}

/** What is missing or at odds between the functions of a module. */
export interface ModuleDiagnostic {
  /** Printed name of the function with the reference. */
  readonly function: string
  /** Printed name of what it refers to. */
  readonly reference: string
  readonly message: string
}

/** A module in the making, or read from a text. Names are unique among functions and data together. */
export class Module {
  readonly #functions: Map<string, IrFunction> = new Map()
  readonly #data: Map<string, DataObject> = new Map()

  /** In the order in which they were added. */
  get functions(): readonly IrFunction[] {
    return [...this.#functions.values()]
  }

  get data(): readonly DataObject[] {
    return [...this.#data.values()]
  }

  /** @throws IrBuildError when the name is taken. */
  addFunction(func: IrFunction): void {
    const name = printExternalName(func.name)
    this.#claim(name)
    this.#functions.set(name, func)
  }

  /** @throws IrBuildError when the name is taken, or the alignment is no power of two. */
  addData(data: DataObject): void {
    const name = `%${data.name}`
    this.#claim(name)
    const { align } = data
    if (!(align > 0 && Number.isInteger(align) && (align & (align - 1)) === 0)) {
      throw new IrBuildError({ code: 'arguments', reason: `${name} cannot be aligned to ${align}` })
    }
    this.#data.set(name, data)
  }

  /** The function of that name; undefined when there is none. A string is spelled as in the text: `%f`, `u0:3`. */
  function(name: string | ExternalName): IrFunction | undefined {
    return this.#functions.get(printed(name))
  }

  /** The data object of that name, spelled `%name`. */
  dataObject(name: string | ExternalName): DataObject | undefined {
    return this.#data.get(printed(name))
  }

  /**
   * What functions say of each other that is not so: a callee that the module has under another signature or convention, a
   * call of data. What the module does not have may be somebody else's, and is no finding.
   */
  check(): ModuleDiagnostic[] {
    const found: ModuleDiagnostic[] = []
    for (const [name, func] of this.#functions) {
      for (const { name: callee, signature } of func.funcRefs) {
        const reference = printExternalName(callee)
        const say = (message: string): void => void found.push({ function: name, reference, message })
        if (this.#data.has(reference)) say('is data, and no function')
        const target = this.#functions.get(reference)
        const called = func.signatures[signature]
        if (target === undefined || called === undefined) continue
        const own = printSignature(target.signature)
        if (printSignature(called) !== own) say(`is called as ${printSignature(called)}, and is ${own}`)
      }
    }
    return found
  }

  #claim(name: string): void {
    if (!this.#functions.has(name) && !this.#data.has(name)) return
    throw new IrBuildError({ code: 'arguments', reason: `there is a ${name} already` })
  }
}

function printed(name: string | ExternalName): string {
  if (typeof name !== 'string') return printExternalName(name)
  return name.startsWith('%') ? printExternalName(externalName(name.slice(1))) : name
}
