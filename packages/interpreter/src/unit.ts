// A function made ready: where each value lies in the words of an activation, and each stack slot in its bytes.

import { type Function as IrFunction, isDynamicVector, printExternalName, typeBits } from '@framewright/ir'
import { wordCount } from '@framewright/ir/evaluate'

/** One function of a module. */
export interface Unit {
  readonly func: IrFunction
  readonly name: string
  /** First word of each value, from the activation's first word. */
  readonly offsets: Int32Array
  /** Words of an activation. */
  readonly words: number
  /** Address of the function. Instruction i returns to that address + 16 (i + 1), so return addresses are told apart. */
  readonly address: number
  /** Bytes that the function's addresses span. */
  readonly codeBytes: number
  /** First byte of each stack slot, from the lowest slot's address. */
  readonly slotOffsets: readonly number[]
  readonly slotBytes: number
  /** Some value has a size that only a machine knows. */
  readonly isDynamic: boolean
}

const STACK_ALIGN = 16

/** @param address - where its code is said to lie. */
export function makeUnit(func: IrFunction, address: number): Unit {
  const { values } = func
  const offsets = new Int32Array(values.length)
  let words = 0
  let isDynamic = false
  for (let value = 0; value < values.length; value++) {
    offsets[value] = words
    isDynamic ||= isDynamicVector(values.type[value])
    words += typeBits(values.type[value]) === 0 ? 0 : wordCount(values.type[value])
  }
  const slotOffsets: number[] = []
  let slotBytes = 0
  for (const { size, alignLog2 } of func.stackSlots) {
    slotBytes = alignUp(slotBytes, Math.max(STACK_ALIGN, 2 ** alignLog2))
    slotOffsets.push(slotBytes)
    slotBytes += size
  }
  return {
    func,
    name: printExternalName(func.name),
    offsets,
    words,
    address,
    codeBytes: 16 * (func.insts.length + 1),
    slotOffsets,
    slotBytes: alignUp(slotBytes, STACK_ALIGN),
    isDynamic,
  }
}

/** The largest alignment that a slot asks for. */
export function slotAlignment(func: IrFunction): number {
  return func.stackSlots.reduce((most, { alignLog2 }) => Math.max(most, 2 ** alignLog2), STACK_ALIGN)
}

export function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align
}
