// Relocation kinds, and the number of each in each format. P is the place, S the symbol, A the addend, G the offset of
// the symbol's entry in the global offset table.

/** A kind with a name here, or a number of one format for the rest: `elf-19`, `coff-13`. */
export type RelocationKind = NamedRelocationKind | `elf-${number}` | `coff-${number}`

/** Kinds of relocation that have a name here, whatever number the format has for them. */
export type NamedRelocationKind =
  | 'absolute-64'
  | 'absolute-32'
  | 'absolute-32-signed'
  | 'pc-relative-32'
  | 'pc-relative-64'
  | 'plt-32'
  | 'got-pc-relative-32'
  | 'got-pc-relative-32-relaxable'
  | 'got-pc-relative-32-relaxable-rex'
  | 'tls-global-32'
  | 'tls-got-offset-32'
  | 'tls-offset-32'
  | 'image-relative-32'
  | 'section-relative-32'
  | 'section-index-16'

interface KindRow {
  readonly kind: NamedRelocationKind
  /** Bytes of the field. */
  readonly width: 2 | 4 | 8
  readonly elf?: number
  readonly coff?: number
}

// ELF: System V AMD64 ABI, 4.4.1, "Relocation Types". COFF: Microsoft "PE Format", "Type Indicators", x64 processors.
const rows: readonly KindRow[] = [
  { kind: 'absolute-64', width: 8, elf: 1, coff: 1 }, //                 S + A
  { kind: 'absolute-32', width: 4, elf: 10, coff: 2 }, //                S + A, must fit unsigned
  { kind: 'absolute-32-signed', width: 4, elf: 11 }, //                  S + A, must fit signed
  { kind: 'pc-relative-32', width: 4, elf: 2, coff: 4 }, //              S + A - P
  { kind: 'pc-relative-64', width: 8, elf: 24 }, //                      S + A - P
  { kind: 'plt-32', width: 4, elf: 4, coff: 4 }, //                      L + A - P; no table in COFF: S + A - P
  { kind: 'got-pc-relative-32', width: 4, elf: 9 }, //                   G + GOT + A - P
  { kind: 'got-pc-relative-32-relaxable', width: 4, elf: 41 }, //        the same, and the linker may rewrite the code
  { kind: 'got-pc-relative-32-relaxable-rex', width: 4, elf: 42 }, //    the same, REX prefix before the opcode
  { kind: 'tls-global-32', width: 4, elf: 19 }, //                       general dynamic model
  { kind: 'tls-got-offset-32', width: 4, elf: 22 }, //                   initial exec model
  { kind: 'tls-offset-32', width: 4, elf: 23 }, //                       local exec model
  { kind: 'image-relative-32', width: 4, coff: 3 }, //                   S + A - image base (ADDR32NB)
  { kind: 'section-relative-32', width: 4, coff: 11 }, //                S + A - start of S's section (SECREL)
  { kind: 'section-index-16', width: 2, coff: 10 }, //                   number of S's section (SECTION)
]

const byKind: ReadonlyMap<string, KindRow> = new Map(rows.map((row) => [row.kind, row]))
const byElfType: ReadonlyMap<number, KindRow> = new Map(
  rows.flatMap((row) => (row.elf === undefined ? [] : [[row.elf, row] as const])),
)
// 'pc-relative-32' stands before 'plt-32' and is what IMAGE_REL_AMD64_REL32 reads back as.
const byCoffType: ReadonlyMap<number, KindRow> = new Map(
  [...rows].reverse().flatMap((row) => (row.coff === undefined ? [] : [[row.coff, row] as const])),
)

/** Bytes of the field that a relocation fills; 0 where this table does not say. */
export function relocationWidth(kind: RelocationKind): number {
  return byKind.get(kind)?.width ?? 0
}

/** The number of a kind in ELF or COFF; -1 where the format has none. */
export function relocationType(kind: RelocationKind, format: 'elf' | 'coff'): number {
  const named = byKind.get(kind)
  if (named !== undefined) return named[format] ?? -1
  const [prefix, digits] = kind.split('-')
  const limit = format === 'elf' ? 0xffff_ffff : 0xffff
  return prefix === format && /^\d{1,10}$/.test(digits ?? '') && Number(digits) <= limit ? Number(digits) : -1
}

export function elfRelocationKind(type: number): RelocationKind {
  return byElfType.get(type)?.kind ?? `elf-${type}`
}

export function coffRelocationKind(type: number): RelocationKind {
  return byCoffType.get(type)?.kind ?? `coff-${type}`
}
