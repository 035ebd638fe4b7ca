// The state of one backward walk, and the operations that every group of opcodes uses: virtual registers on demand, constants made where
// they are used, address matching, and the writing of operand words.
//
// Invariants of the walk:
// - An instruction without effects is lowered only if one of its results has a virtual register when the walk reaches it: somebody asked.
// - What merges into a user (compares, loads, address arithmetic, constants) never asks for a register, so it is skipped by that rule; a
//   load that was merged is marked in `sunk`, as it may trap and would be lowered otherwise.
// - Flags are live only between the records of one CLIF instruction. Constants are materialised at its front (`flushConstants`), so
//   making one may overwrite the flags.
//
// literals: Opcode

import { memFlagsTrapCode, Opcode } from '@framewright/ir'
import * as record from '../machine/record.ts'

import { DEF, LATE, USE, USE_ANY, USE_TIED } from './operand.ts'
import { Values } from './values.ts'

/** What sets the flags, and the condition to ask for; see compare.ts. */
export interface Condition {
  /** Hardware condition, or FLOAT_EQ, FLOAT_NE. */
  code: number
  /** `value`: a is not 0. `integer`, `float`: comparison of a and b. `bits`: a & b against 0. */
  kind: 'value' | 'integer' | 'float' | 'bits'
  a: number
  b: number
}

const SIZE_SHIFT = record.SIZE_SHIFT
const SCALE_SHIFT = record.SCALE_SHIFT

/** The state of one backward walk: the function's values, the address being matched, and the shapes of records that many opcodes share. */
export class Lowering extends Values {
  /** Result of `matchCondition`; the next match overwrites it. */
  readonly condition: Condition = { code: 0, kind: 'value', a: 0, b: 0 }

  // Result of `matchAddress`.
  addressKind = 0
  addressBase = -1
  addressIndex = -1
  addressScale = 0
  addressOffset = 0
  addressSymbol = 0

  // --- Addresses ---------------------------------------------------------------------------------------------------------------------

  /**
   * Finds the addressing mode for value + offset and leaves it in the address fields: base + index * 2^scale + offset, a place in the
   * stack-slot area, or a symbol. Only 64-bit additions are folded: narrower ones wrap, the address would not.
   */
  matchAddress(value: number, offset: number): void {
    this.addressKind = record.ADDRESS_PLAIN
    this.addressBase = value
    this.addressIndex = -1
    this.addressScale = 0
    this.addressOffset = offset
    for (let depth = 0; depth < 8; depth++) {
      const base = this.addressBase
      const inst = this.definition[base]
      if (inst < 0) return
      switch (this.opcode[inst]) {
        case 74 /* Opcode.Iadd */:
          {
            const x = this.arg0[inst]
            const y = this.arg1[inst]
            if (this.matchConstant(y) && this.#foldOffset()) {
              this.addressBase = x
              continue
            }
            if (this.matchConstant(x) && this.#foldOffset()) {
              this.addressBase = y
              continue
            }
            if (this.addressIndex !== -1 || this.mergeable(base) < 0) return
            if (this.#matchIndex(y)) this.addressBase = x
            else if (this.#matchIndex(x)) this.addressBase = y
            else {
              this.addressBase = x
              this.addressIndex = y
            }
            continue
          }
        case 58 /* Opcode.Iconst */:
          if (this.addressIndex !== -1 || depth === 0 || !this.matchConstant(base) || !this.#foldOffset()) return
          this.addressBase = -1
          return
        case 48 /* Opcode.StackAddr */:
          {
            const slot = this.entity[inst]
            if (this.func.stackSlots[slot].alignLog2 > 4) return
            this.addressKind = record.ADDRESS_SLOT
            this.addressBase = -1
            this.addressOffset += this.slotOffsets[slot] + this.imm[inst]
            return
          }
        case 50 /* Opcode.SymbolValue */:
          // rip-relative addresses take no index.
          if (this.addressIndex === -1 && this.symbols.matchLocalData(this.func, this.entity[inst])) {
            this.addressKind = record.ADDRESS_SYMBOL
            this.addressBase = -1
            this.addressSymbol = this.symbols.found
            this.addressOffset += this.symbols.foundOffset
          }
          return
        default:
          return
      }
    }
  }

  /** Adds the constant just matched to the displacement if the sum stays one. */
  #foldOffset(): boolean {
    if (this.high !== this.low >> 31) return false
    const sum = this.addressOffset + this.low
    if (sum !== (sum | 0)) return false
    this.addressOffset = sum
    return true
  }

  /** Takes `value` as a scaled index if it is a shift by 1 to 3 or a product with 2, 4, 8. */
  #matchIndex(value: number): boolean {
    const inst = this.mergeable(value)
    if (inst < 0) return false
    const op = this.opcode[inst]
    if (op === Opcode.Ishl && this.matchConstant(this.arg1[inst])) {
      const amount = this.low & 63
      if (amount < 1 || amount > 3) return false
      this.addressScale = amount
    } else if (
      op === Opcode.Imul &&
      this.matchConstant(this.arg1[inst]) &&
      this.high === 0 &&
      (this.low === 2 || this.low === 4 || this.low === 8)
    ) {
      this.addressScale = 31 - Math.clz32(this.low)
    } else {
      return false
    }
    this.addressIndex = this.arg0[inst]
    return true
  }

  /** Header bits of the address just matched. */
  addressHeader(): number {
    let header = this.addressKind | (this.addressScale << SCALE_SHIFT)
    if (this.addressBase >= 0) header |= record.HAS_BASE
    if (this.addressIndex >= 0) header |= record.HAS_INDEX
    return header
  }

  addressOperands(): number {
    return (this.addressBase >= 0 ? 1 : 0) + (this.addressIndex >= 0 ? 1 : 0)
  }

  addressPayload(): number {
    return this.addressKind === record.ADDRESS_SYMBOL ? 2 : 1
  }

  /** Writes the operand words of the address; `late` when other inputs are copied to fixed registers before it is read. */
  writeAddressOperands(late: number): void {
    const { addressBase, addressIndex } = this
    if (addressBase >= 0) this.buffer.operand(USE | late | this.use(addressBase))
    if (addressIndex >= 0) this.buffer.operand(USE | late | this.use(addressIndex))
  }

  writeAddressPayload(): void {
    if (this.addressKind === record.ADDRESS_SYMBOL) this.buffer.payload(this.addressSymbol)
    this.buffer.payload(this.addressOffset)
  }

  /** Header bits for the trap of a memory access. */
  trapHeader(inst: number): number {
    return memFlagsTrapCode(this.immHigh[inst]) << record.TRAP_SHIFT
  }

  // --- Record shapes that many opcodes share -----------------------------------------------------------------------------------------

  /**
   * Writes `op` with a source that is an immediate, memory, a pool constant or a register, whatever the value `source` allows.
   *
   * @param result - result word with its register, or -1.
   * @param first - word of the other input, or -1.
   * @param source - the value that may be merged.
   * @param constraint - constraint of `source` when it stays a register.
   * @param allowImmediate - integer operations only.
   */
  withSource(
    op: number,
    header: number,
    result: number,
    first: number,
    source: number,
    constraint: number,
    allowImmediate: boolean,
  ): void {
    const fixed = (result === -1 ? 0 : 1) + (first === -1 ? 0 : 1)
    if (this.matchConstant(source)) {
      if (allowImmediate && this.matchImmediate(source)) {
        this.#head(op, fixed, 1, header | record.SOURCE_IMMEDIATE, result, first)
        this.buffer.payload(this.low)
        return
      }
      if (!allowImmediate && this.isFloat(source)) {
        this.#head(op, fixed, 2, header | record.SOURCE_POOL, result, first)
        this.buffer.payload(this.low)
        this.buffer.payload(this.high)
        return
      }
    }
    const load = this.mergeableLoad(source)
    if (load >= 0) {
      this.sunk[load] = 1
      this.matchAddress(this.arg0[load], this.imm[load])
      const all = header | record.SOURCE_MEMORY | this.addressHeader() | this.trapHeader(load)
      this.#head(op, fixed + this.addressOperands(), this.addressPayload(), all, result, first)
      this.writeAddressOperands(constraint & LATE)
      this.writeAddressPayload()
      return
    }
    this.#head(op, fixed + 1, 0, header | record.SOURCE_OPERAND, result, first)
    this.buffer.operand(constraint | this.use(source))
  }

  #head(op: number, operands: number, payload: number, header: number, result: number, first: number): void {
    this.buffer.begin(op, operands, payload, header)
    if (result !== -1) this.buffer.operand(result)
    if (first !== -1) this.buffer.operand(first)
  }

  /** d = op(a) with register or slot operands. */
  unary(op: number, size: number, result: number, operand: number, constraint: number): void {
    this.buffer.begin(op, 2, 0, size << SIZE_SHIFT)
    this.buffer.operand(DEF | result)
    this.buffer.operand(constraint | operand)
  }

  /** d = a op b, tied, with register or slot operands. */
  binary(op: number, size: number, result: number, a: number, b: number): void {
    this.buffer.begin(op, 3, 0, size << SIZE_SHIFT)
    this.buffer.operand(DEF | result)
    this.buffer.operand(USE_TIED | a)
    this.buffer.operand(USE_ANY | LATE | b)
  }

  /** d = a op immediate, tied. Shifts by a constant too. */
  binaryImmediate(op: number, size: number, result: number, a: number, immediate: number): void {
    this.buffer.begin(op, 2, 1, (size << SIZE_SHIFT) | record.SOURCE_IMMEDIATE)
    this.buffer.operand(DEF | result)
    this.buffer.operand(USE_TIED | a)
    this.buffer.payload(immediate)
  }

  /** The virtual register of a result that somebody asked for. */
  result(index: number = 0): number {
    return this.vregs[this.firstResult[this.inst] + index]
  }
}
