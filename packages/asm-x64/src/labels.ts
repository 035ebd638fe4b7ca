// Labels, and what must be adjusted once the code is complete: branches, which may become short, alignments, and
// rip-relative references. All are columns, filled in the order of the code.
//
// Shortening. A branch to a label further on is written in its long form, an alignment as its most padding; every later
// decision only takes bytes away. A distance therefore never grows, and a branch whose distance as written fits in eight bits
// may be short whatever becomes of the code in between. One pass in the order of the code decides all of them:
//   back    the target's final place is known, as all that lies before the branch is decided; the test is exact
//   ahead   by the distance as written, so a few that would just fit stay long
// `removed[i]` is the number of bytes taken away before adjustable item i; a label remembers how many items came before it.

import { AsmError } from './errors.ts'

/** Set in `itemLength` of a branch that keeps the form it was given. */
const FIXED = 0x100000
/** Set in `itemLength` of an alignment. */
const PADDING = 0x200000

/** Labels, branches, alignments and rip-relative references of one piece of code. */
export class Fixups {
  labelCount = 0
  /** Offset as written, or -1 while unbound. */
  labelOffset: Int32Array = new Int32Array(64)
  /** Items before the label. */
  labelItems: Int32Array = new Int32Array(64)

  itemCount = 0
  /** Offset as written of a branch or an alignment. */
  itemAt: Int32Array = new Int32Array(64)
  /** Bytes as written, with FIXED or PADDING or neither. */
  itemLength: Int32Array = new Int32Array(64)
  /** Label that a branch goes to; what an alignment aligns to, in bytes. */
  itemTarget: Int32Array = new Int32Array(64)
  /** After `decide`: bytes taken away before the item. */
  removed: Int32Array = new Int32Array(65)

  referenceCount = 0
  /** Offset as written of the four bytes of displacement. */
  referenceAt: Int32Array = new Int32Array(64)
  /** A label times two, or an entry of the pool times two plus one. */
  referenceTarget: Int32Array = new Int32Array(64)
  /** Displacement from the target, less the bytes of the instruction that follow the displacement, less 4. */
  referenceAddend: Float64Array = new Float64Array(64)

  reset(): void {
    this.labelCount = 0
    this.itemCount = 0
    this.referenceCount = 0
  }

  newLabel(): number {
    const label = this.labelCount++
    if (label === this.labelOffset.length) this.#growLabels(label * 2)
    this.labelOffset[label] = -1
    return label
  }

  bind(label: number, at: number): void {
    if (!(label >= 0 && label < this.labelCount)) throw new AsmError({ code: 'label-unknown', label }, at)
    if (this.labelOffset[label]! >= 0) throw new AsmError({ code: 'label-bound-twice', label }, at)
    this.labelOffset[label] = at
    this.labelItems[label] = this.itemCount
  }

  branch(at: number, length: number, fixed: boolean, label: number): void {
    this.#item(at, fixed ? length | FIXED : length, label)
  }

  /** `alignment - 1` bytes have been written. */
  padding(at: number, alignment: number): void {
    this.#item(at, (alignment - 1) | PADDING, alignment)
  }

  labelReference(at: number, label: number, addend: number): void {
    this.#reference(at, label << 1, addend)
  }

  poolReference(at: number, entry: number, addend: number): void {
    this.#reference(at, (entry << 1) | 1, addend)
  }

  /** Bytes an item had when written. */
  writtenLength(item: number): number {
    return this.itemLength[item]! & ~(FIXED | PADDING)
  }

  isPadding(item: number): boolean {
    return this.itemLength[item]! >= PADDING
  }

  /** @throws AsmError for the first branch or reference to a label that does not exist or has no place. */
  checkLabels(): void {
    const { itemCount, itemAt, itemTarget, referenceCount, referenceAt, referenceTarget } = this
    for (let item = 0; item < itemCount; item++) {
      if (!this.isPadding(item)) this.checkLabel(itemTarget[item]!, itemAt[item]!)
    }
    for (let row = 0; row < referenceCount; row++) {
      const target = referenceTarget[row]!
      if ((target & 1) === 0) this.checkLabel(target >> 1, referenceAt[row]!)
    }
  }

  /** Chooses the form of every item. Labels must be bound. */
  decide(): void {
    const { itemCount, itemAt, itemLength, itemTarget, labelOffset, labelItems, removed } = this
    let gone = 0
    removed[0] = 0
    for (let item = 0; item < itemCount; item++) {
      const length = itemLength[item]!
      const target = itemTarget[item]!
      const at = itemAt[item]!
      if (length >= PADDING) gone += (length & ~PADDING) - ((gone - at) & (target - 1))
      else if (length > 2 && length < FIXED) {
        const before = labelItems[target]!
        const short =
          before <= item
            ? labelOffset[target]! - removed[before]! - (at - gone + 2) >= -128
            : labelOffset[target]! - (at + length) <= 127
        if (short) gone += length - 2
      }
      removed[item + 1] = gone
    }
  }

  /** After `decide`: where a label lies. */
  finalOffset(label: number): number {
    return this.labelOffset[label]! - this.removed[this.labelItems[label]!]!
  }

  /** After `decide`: offsets as written, ascending, become final ones. One inside an item is moved to its nearer end. */
  remap(offsets: Int32Array, count: number): void {
    const { itemCount, itemAt, removed } = this
    let item = 0
    for (let i = 0; i < count; i++) {
      const offset = offsets[i]!
      while (item < itemCount && itemAt[item]! + this.writtenLength(item) <= offset) item++
      let result = offset - removed[item]!
      if (item < itemCount && offset > itemAt[item]!) {
        result = Math.min(result, itemAt[item]! + this.writtenLength(item) - removed[item + 1]!)
      }
      offsets[i] = result
    }
  }

  /** @throws AsmError if a label that something at an offset refers to has no place. */
  checkLabel(label: number, at: number): void {
    if (!(label >= 0 && label < this.labelCount)) throw new AsmError({ code: 'label-unknown', label }, at)
    if (this.labelOffset[label]! < 0) throw new AsmError({ code: 'label-unbound', label }, at)
  }

  #item(at: number, length: number, target: number): void {
    const row = this.itemCount++
    if (row === this.itemAt.length) this.#growItems(row * 2)
    this.itemAt[row] = at
    this.itemLength[row] = length
    this.itemTarget[row] = target
  }

  #reference(at: number, target: number, addend: number): void {
    const row = this.referenceCount++
    if (row === this.referenceAt.length) this.#growReferences(row * 2)
    this.referenceAt[row] = at
    this.referenceTarget[row] = target
    this.referenceAddend[row] = addend
  }

  #growLabels(rows: number): void {
    const { labelOffset, labelItems } = this
    this.labelOffset = new Int32Array(rows)
    this.labelItems = new Int32Array(rows)
    this.labelOffset.set(labelOffset)
    this.labelItems.set(labelItems)
  }

  #growItems(rows: number): void {
    const { itemAt, itemLength, itemTarget } = this
    this.itemAt = new Int32Array(rows)
    this.itemLength = new Int32Array(rows)
    this.itemTarget = new Int32Array(rows)
    this.removed = new Int32Array(rows + 1)
    this.itemAt.set(itemAt)
    this.itemLength.set(itemLength)
    this.itemTarget.set(itemTarget)
  }

  #growReferences(rows: number): void {
    const { referenceAt, referenceTarget, referenceAddend } = this
    this.referenceAt = new Int32Array(rows)
    this.referenceTarget = new Int32Array(rows)
    this.referenceAddend = new Float64Array(rows)
    this.referenceAt.set(referenceAt)
    this.referenceTarget.set(referenceTarget)
    this.referenceAddend.set(referenceAddend)
  }
}
