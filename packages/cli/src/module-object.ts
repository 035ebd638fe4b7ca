// Compiled functions and their unwind data to the plain values of an object file.
//
// All functions lie in one section, `.text`, in their order, each at its alignment. Every function is a global symbol;
// what the code names and nobody defines is an undefined one. Unwind data and addresses of functions refer to the
// section and not to the symbol, as LLVM's objects do: then a shared library may let somebody else define the symbol.

import type { FunctionUnwind, UnwindFormat } from '@framewright/frame-layout'
import type { RelocationKind } from '@framewright/object'
import { ObjectError, type ObjectFile, type ObjectSymbol, type Relocation, type Section } from '@framewright/object'
import { largest } from './largest.ts'
import type { Target } from './target.ts'

/** What this needs of a compiled function; the code generator's result has it. */
export interface ObjectFunction {
  /** As a linker sees it. */
  readonly name: string
  /** The instructions, and behind them the constants and tables that they refer to. */
  readonly code: Uint8Array
  /** Bytes of instructions. */
  readonly codeSize: number
  readonly alignment: number
  readonly relocations: readonly CodeRelocation[]
  readonly unwind: FunctionUnwind | null
}

export interface CodeRelocation {
  readonly offset: number
  readonly kind: RelocationKind
  readonly symbol: string
  readonly addend: number
}

/** Between functions, where no control goes: `int3`. */
const PADDING = 0xcc

/**
 * The object of a module.
 *
 * @param format - the one that made the functions' unwind data; null for an object without any.
 * @throws ObjectError when a symbol is defined twice. What the object format cannot express is refused when it is written.
 */
export function moduleObject(
  functions: readonly ObjectFunction[],
  target: Target,
  format: UnwindFormat | null,
): ObjectFile {
  const placed = placeFunctions(functions)
  const symbols = new SymbolList(target)
  const offsets = new Map<string, number>()
  for (const { fn, offset } of placed) {
    if (offsets.has(fn.name)) {
      throw new ObjectError({ code: 'duplicate-symbol', name: fn.name }, { in: 'symbol', symbol: -1, name: fn.name })
    }
    offsets.set(fn.name, offset)
  }
  const unwindSections =
    format === null
      ? []
      : format.assemble(
          placed.map(({ fn, offset }) => ({
            ...{ symbol: fn.name, offset, section: '.text', codeSize: fn.codeSize, unwind: fn.unwind },
          })),
        )
  // Section symbols first: they are local, and ELF wants those first.
  const names = ['.text', ...unwindSections.map((section) => section.name)]
  for (const [index, name] of names.entries()) symbols.section(name, index)
  for (const { fn, offset } of placed) symbols.define(fn, offset)

  const text: Section = {
    name: '.text',
    kind: 'text',
    align: largest(
      functions.map((fn) => fn.alignment),
      16,
    ),
    bytes: joinCode(placed),
    relocations: placed.flatMap(({ fn, offset }) =>
      fn.relocations.map((each): Relocation => {
        const { kind } = each
        const base = { offset: offset + each.offset, kind }
        const defined = offsets.get(each.symbol)
        // A call through the PLT names the symbol; an address of our own function does not need it.
        if (defined !== undefined && kind === 'pc-relative-32') {
          return { ...base, symbol: symbols.index('.text'), addend: each.addend + defined }
        }
        return { ...base, symbol: symbols.reference(each.symbol, kind === 'plt-32'), addend: each.addend }
      }),
    ),
  }
  const sections: Section[] = [text]
  for (const { name, bytes, align, relocations } of unwindSections) {
    sections.push({
      // DWARF reaches a personality routine through a pointer that the loader fills in.
      ...{ name, kind: name.startsWith('.data') ? 'data' : 'unwind', align, bytes },
      relocations: relocations.map(({ offset, kind, symbol, addend }): Relocation => {
        const defined = offsets.get(symbol)
        if (defined !== undefined) return { offset, kind, symbol: symbols.index('.text'), addend: addend + defined }
        const section = symbol.startsWith('.') ? symbols.index(symbol) : -1
        return { offset, kind, symbol: section >= 0 ? section : symbols.reference(symbol, false), addend }
      }),
    })
  }
  return { format: target.objectFormat, sections, symbols: symbols.list }
}

interface Placed {
  readonly fn: ObjectFunction
  readonly offset: number
}

function placeFunctions(functions: readonly ObjectFunction[]): Placed[] {
  let end = 0
  return functions.map((fn) => {
    const align = Math.max(16, fn.alignment)
    const offset = Math.ceil(end / align) * align
    end = offset + fn.code.length
    return { fn, offset }
  })
}

function joinCode(placed: readonly Placed[]): Uint8Array {
  const last = placed.at(-1)
  const bytes = new Uint8Array(last === undefined ? 0 : last.offset + last.fn.code.length).fill(PADDING)
  for (const { fn, offset } of placed) bytes.set(fn.code, offset)
  return bytes
}

class SymbolList {
  readonly list: ObjectSymbol[] = []
  readonly #indices: Map<string, number> = new Map()
  readonly #target: Target

  constructor(target: Target) {
    this.#target = target
  }

  section(name: string, section: number): void {
    this.#add({ name, binding: 'local', type: 'section', section, value: 0, size: 0 }, name)
  }

  define(fn: ObjectFunction, value: number): void {
    // COFF has no field for the size of a function.
    const size = this.#target.objectFormat === 'elf' ? fn.code.length : 0
    this.#add({ name: fn.name, binding: 'global', type: 'function', section: 0, value, size }, fn.name)
  }

  /**
   * The symbol, made undefined if nobody has defined it.
   *
   * @param called - COFF marks functions, also those that are elsewhere ("PE Format", "Type Representation").
   */
  reference(name: string, called: boolean): number {
    const type = called && this.#target.objectFormat === 'coff' ? 'function' : 'none'
    const known = this.#indices.get(name)
    if (known === undefined) {
      return this.#add({ name, binding: 'global', type, section: 'undefined', value: 0, size: 0 }, name)
    }
    if (type === 'function') this.list[known] = { ...this.list[known], type }
    return known
  }

  /** -1 when there is none. */
  index(name: string): number {
    return this.#indices.get(name) ?? -1
  }

  #add(symbol: ObjectSymbol, key: string): number {
    this.#indices.set(key, this.list.length)
    return this.list.push(symbol) - 1
  }
}
