// Random functions in one object, with unwind data of our own, for a linker of the system.

import {
  type FunctionUnwind,
  type PlacedPart,
  partsOf,
  type UnwindFormat,
  type UnwoundFunction,
} from '../../packages/frame-layout/src/index.ts'
import type { GeneratedFunction } from '../../packages/frame-layout/src/testing/index.ts'
import type { ObjectFile, ObjectSymbol, Relocation, Section } from '../../packages/object/src/index.ts'

/** Sections with code: the first parts of functions, and the others. Each has a symbol at its first byte. */
export const codeSections: readonly string[] = ['.text', '.text.cold']
export const codeSymbols = ['walked_text', 'walked_cold'] as const

export interface PlacedFunction {
  readonly made: GeneratedFunction
  /** By part. */
  readonly parts: readonly PlacedPart[]
}

export interface RandomModule {
  readonly object: ObjectFile
  readonly functions: readonly PlacedFunction[]
  /** How many functions the format refused, by the error's code. */
  readonly refused: ReadonlyMap<string, number>
  /** Functions without an entry. */
  readonly leaves: number
}

const ALIGN = 16
const BREAKPOINT = 0xcc

export function randomModule(
  functions: readonly GeneratedFunction[],
  format: UnwindFormat,
  objectFormat: 'elf' | 'coff',
  encode: (made: GeneratedFunction) => FunctionUnwind | null,
): RandomModule {
  const refused = new Map<string, number>()
  const placed: PlacedFunction[] = []
  const unwound: UnwoundFunction[] = []
  const pieces: { readonly section: number; readonly offset: number; readonly code: Uint8Array }[] = []
  // What records call their personality and language data lies in front of everything.
  const sizes = [ALIGN, ALIGN]
  let leaves = 0
  for (const made of functions) {
    let unwind: UnwoundFunction['unwind']
    try {
      unwind = encode(made)
    } catch (error) {
      const code = (error as { problem?: { code?: unknown } }).problem?.code
      if (typeof code !== 'string') throw error
      refused.set(code, (refused.get(code) ?? 0) + 1)
      continue
    }
    if (unwind === null) leaves++
    const parts = partsOf(made.record).map(({ begin, end }, index): PlacedPart => {
      const section = index === 0 ? 0 : 1
      const offset = sizes[section]!
      pieces.push({ section, offset, code: made.code.subarray(begin, end) })
      sizes[section] = Math.ceil((offset + end - begin + 1) / ALIGN) * ALIGN
      return {
        ...{ symbol: `f${placed.length}.${index}`, section: codeSections[section]!, offset, codeSize: end - begin },
      }
    })
    placed.push({ made, parts })
    unwound.push({ ...parts[0]!, ...(parts.length > 1 ? { parts } : undefined), unwind })
  }
  const code = sizes.map((size) => new Uint8Array(size).fill(BREAKPOINT))
  for (const piece of pieces) code[piece.section]!.set(piece.code, piece.offset)
  return { object: objectOf(code, unwound, format, objectFormat), functions: placed, refused, leaves }
}

function objectOf(
  code: readonly Uint8Array[],
  functions: readonly UnwoundFunction[],
  format: UnwindFormat,
  objectFormat: 'elf' | 'coff',
): ObjectFile {
  const unwindSections = format.assemble(functions)
  const names = [...codeSections, ...unwindSections.map(({ name }) => name)]
  const symbols: ObjectSymbol[] = names.map((name, section) => {
    return { name, binding: 'local', type: 'section', section, value: 0, size: 0 }
  })
  const define = (name: string, section: number, value: number): void => {
    symbols.push({ name, binding: 'global', type: 'none', section, value, size: 0 })
  }
  for (const [section, name] of codeSymbols.entries()) define(name, section, 0)
  define('personality', 0, 0)
  define('languageData', 0, 8)
  const byName = new Map(symbols.map(({ name }, index) => [name, { symbol: index, addend: 0 }]))
  // Functions and their parts by the sections that they lie in: nobody else wants their names.
  for (const { parts = [], symbol, section, offset } of functions) {
    for (const part of [{ symbol, section, offset }, ...parts]) {
      byName.set(part.symbol, { symbol: names.indexOf(part.section), addend: part.offset })
    }
  }
  const text = codeSections.map((name, section): Section => {
    return { name, kind: 'text', align: ALIGN, bytes: code[section]!, relocations: [] }
  })
  const unwind = unwindSections.map(({ name, bytes, align, relocations }): Section => {
    const kind = name.startsWith('.data') ? 'data' : 'unwind'
    return { name, kind, align, bytes, relocations: relocations.map(resolve) }
  })
  return { format: objectFormat, sections: [...text, ...unwind], symbols }

  function resolve({ offset, kind, symbol, addend }: UnwoundRelocation): Relocation {
    const found = byName.get(symbol)
    if (found === undefined) throw new Error(`no symbol ${symbol}`)
    return { offset, kind, symbol: found.symbol, addend: found.addend + addend }
  }
}

type UnwoundRelocation = ReturnType<UnwindFormat['assemble']>[number]['relocations'][number]
