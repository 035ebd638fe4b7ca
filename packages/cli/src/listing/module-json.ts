// `--emit json`: everything that the code generator says of a module, for programs.

import type { ModuleFunction } from '../compile-module.ts'

/** Bytes as lower-case hex; offsets from the first byte of the function. */
export function moduleJson(functions: readonly ModuleFunction[], file: string, target: string): unknown {
  return {
    file,
    target,
    functions: functions.map((fn) => ({
      ...{ name: fn.name, convention: fn.convention, alignment: fn.alignment, codeSize: fn.codeSize },
      code: hexText(fn.code),
      relocations: fn.relocations,
      traps: Array.from(fn.traps.offset, (offset, index) => ({ offset, code: fn.traps.code[index] })),
      callSites: Array.from(fn.callSites),
      frame: fn.frame,
      unwind:
        fn.unwind === null
          ? null
          : { format: fn.unwind.format, bytes: hexText(fn.unwind.bytes), relocations: fn.unwind.relocations },
      sourceMap: Array.from(fn.sourceMap.offset, (offset, index) => ({
        offset,
        location: fn.sourceMap.location[index],
      })),
    })),
  }
}

function hexText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
