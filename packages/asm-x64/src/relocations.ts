// Places in the code that a linker, or whoever loads the code, must fill in.

/**
 * Kinds of relocation. The value is S + A - P for the pc-relative ones and S + A for the others, with P the address of the
 * field itself, so the addend of a rip-relative operand is what ELF wants: -4, less the bytes of an immediate that follows it.
 */
export const RelocationKind = {
  pc32: 0, // 32 bits, S + A - P
  plt32: 1, // the same, of a procedure linkage table entry if there is one
  gotpcrel: 2, // the same, of the symbol's slot in the global offset table
  abs64: 3, // 64 bits, S + A
  abs32: 4, // 32 bits, zero-extended
  abs32s: 5, // 32 bits, sign-extended
  secrel32: 6, // 32 bits, from the start of the symbol's section
  imagerel32: 7, // 32 bits, from the start of the image
  tlsgd: 8, // 32 bits, pc-relative to the symbol's general-dynamic TLS entry
  gottpoff: 9, // 32 bits, pc-relative to the slot that holds its offset from the thread pointer
  tpoff32: 10, // 32 bits, its offset from the thread pointer
} as const
export type RelocationKind = (typeof RelocationKind)[keyof typeof RelocationKind]

/** Relocations as columns, in the order of their offsets. */
export class Relocations {
  length = 0
  /** Offset of the field in the code, in bytes. */
  offset: Int32Array = new Int32Array(32)
  /** A `RelocationKind`. */
  kind: Uint8Array = new Uint8Array(32)
  /** The caller's number of the symbol. */
  symbol: Int32Array = new Int32Array(32)
  addend: Float64Array = new Float64Array(32)

  push(offset: number, kind: number, symbol: number, addend: number): void {
    const row = this.length++
    if (row === this.offset.length) this.#grow(row * 2)
    this.offset[row] = offset
    this.kind[row] = kind
    this.symbol[row] = symbol
    this.addend[row] = addend
  }

  #grow(rows: number): void {
    const { offset, kind, symbol, addend } = this
    this.offset = new Int32Array(rows)
    this.kind = new Uint8Array(rows)
    this.symbol = new Int32Array(rows)
    this.addend = new Float64Array(rows)
    this.offset.set(offset)
    this.kind.set(kind)
    this.symbol.set(symbol)
    this.addend.set(addend)
  }
}
