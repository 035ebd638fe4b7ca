// Unwind formats by name, a stranger's by the path of its module, and chains of them.

import { firstFitting, type UnwindFormat } from '@framewright/frame-layout'
import { createCompactFormat } from '@framewright/unwind-compact'
import { dwarf } from '@framewright/unwind-dwarf'
import { sframe, sframeV1 } from '@framewright/unwind-sframe'
import { win64Format } from '@framewright/unwind-win64'
import { listed, UsageError } from './arguments.ts'
import type { Host } from './host.ts'
import { suggest } from './suggest.ts'

export const builtInFormats: readonly UnwindFormat[] = [
  dwarf,
  win64Format,
  sframe,
  sframeV1,
  createCompactFormat({ fallback: dwarf }),
]

/** What `none` behind other formats does: a function that none of them can describe has no entry. */
const none: UnwindFormat = {
  name: 'none',
  architectures: ['x86-64'],
  encode: () => null,
  assemble: () => [],
  decode: () => [],
  unwind: () => {
    throw new Error('no format has been asked for')
  },
  print: () => [],
}

/**
 * @param named - the value of `--unwind`: `none`, a name, a path, or several of them with commas between; undefined for the
 *   target's own format.
 * @param fallback - name of the target's own format.
 * @returns in the order in which they are tried; empty for `none`.
 * @throws UsageError
 */
export async function findFormats(
  named: string | undefined,
  fallback: string,
  importModule: Host['importModule'],
): Promise<readonly UnwindFormat[]> {
  const words = (named ?? fallback).split(',')
  const formats: UnwindFormat[] = []
  for (const [index, word] of words.entries()) {
    if (word !== 'none') formats.push(await findFormat(word, importModule))
    else if (index < words.length - 1)
      throw new UsageError(`--unwind ${named}: what stands behind 'none' is never asked`)
    else if (index > 0) formats.push(none)
  }
  return formats
}

/** A chain of fallbacks as one format; null for none at all. */
export function asOne(formats: readonly UnwindFormat[]): UnwindFormat | null {
  return formats.length > 1 ? firstFitting(formats) : (formats[0] ?? null)
}

async function findFormat(name: string, importModule: Host['importModule']): Promise<UnwindFormat> {
  const builtIn = builtInFormats.find((format) => format.name === name)
  if (builtIn !== undefined) return builtIn
  if (/[./\\]/.test(name)) return await loadFormat(name, importModule)
  const known = [...builtInFormats.map((format) => format.name), 'none']
  const meant = suggest(name, known)
  const did = meant === undefined ? '' : `; did you mean '${meant}'?`
  throw new UsageError(`unknown unwind format '${name}'${did}\nknown: ${listed(known)}, or the path of a module`)
}

async function loadFormat(path: string, importModule: Host['importModule']): Promise<UnwindFormat> {
  let module: Readonly<Record<string, unknown>>
  try {
    module = await importModule(path)
  } catch (error) {
    throw new UsageError(`cannot load the unwind format ${path}: ${error instanceof Error ? error.message : error}`)
  }
  const found = [module.default, module.format, ...Object.values(module)].find(isFormat)
  if (found === undefined)
    throw new UsageError(`${path} exports no UnwindFormat (name, encode, assemble, decode, unwind, print)`)
  if (found.architectures.includes('x86-64')) return found
  throw new UsageError(`the unwind format of ${path} is for ${listed(found.architectures, 'and')}, not for x86-64`)
}

function isFormat(value: unknown): value is UnwindFormat {
  if (typeof value !== 'object' || value === null) return false
  const format = value as Partial<Record<keyof UnwindFormat, unknown>>
  const methods = [format.encode, format.assemble, format.decode, format.unwind, format.print]
  return (
    typeof format.name === 'string' &&
    Array.isArray(format.architectures) &&
    methods.every((method) => typeof method === 'function')
  )
}
