// Unwind formats by name, and a stranger's by the path of its module.

import type { UnwindFormat } from '@framewright/frame-layout'
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

/**
 * @param named - the value of `--unwind`: `none`, a name, or a path; undefined for the target's own format.
 * @param fallback - name of the target's own format.
 * @returns null for `none`.
 * @throws UsageError
 */
export async function findFormat(
  named: string | undefined,
  fallback: string,
  importModule: Host['importModule'],
): Promise<UnwindFormat | null> {
  const name = named ?? fallback
  if (name === 'none') return null
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
