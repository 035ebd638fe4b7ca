// What binutils' reader prints, as values.

/** A function as objdump shows it. */
export interface ListedFunction {
  readonly begin: bigint
  readonly size: number
  readonly repeats: boolean
  /** `offset cfa fp ra`, the offset decimal: `0 sp+8 u u`. */
  readonly rows: readonly string[]
}

export function parseObjdump(text: string): ListedFunction[] {
  return text
    .split(/^ +func idx /m)
    .slice(1)
    .map((part) => {
      const [, pc, bytes] = /pc = (0x[\da-f]+), size = (\d+) bytes/.exec(part) ?? []
      const begin = BigInt(pc ?? 0)
      const repeats = part.includes('STARTPC[m]')
      // Columns may touch: sp+1048632c-16.
      const rows = [...part.matchAll(/^ +([\da-f]{16}) +([sf]p[+-]\d+) *(u|c[+-]\d+) *(\S+)/gm)].map(
        ([, at, cfa, fp, ra]) => {
          const offset = BigInt(`0x${at}`) - (repeats ? 0n : begin)
          return `${offset} ${cfa} ${fp} ${ra}`
        },
      )
      return { begin, size: Number(bytes), repeats, rows }
    })
}
