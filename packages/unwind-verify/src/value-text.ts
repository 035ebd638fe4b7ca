/** Values in words. */

import { x64 } from '@framewright/frame-layout'
import {
  ADDRESS,
  baseOf,
  CFA,
  ENTRY,
  FIRST_SYMBOL,
  FOREIGN,
  MIXED,
  NUMBER,
  offsetOf,
  UNKNOWN,
  type Value,
} from './value.ts'

export function valueText(value: Value): string {
  if (value === UNKNOWN) return 'not known'
  if (value === MIXED) return 'not the same on all paths'
  if (value === FOREIGN) return 'nothing of this frame'
  const base = baseOf(value)
  const offset = offsetOf(value)
  const by = offset === 0 ? '' : offset > 0 ? `+${offset}` : `${offset}`
  switch (base) {
    case NUMBER:
      return `${offset}`
    case ADDRESS:
      return `address 0x${offset.toString(16)}`
    case CFA:
      return `cfa${by}`
  }
  if (base < FIRST_SYMBOL) return `the caller's ${x64.registerNames[base - ENTRY]}${by}`
  return 'an address of the stack that is known at run time only'
}
