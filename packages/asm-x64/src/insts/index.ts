// All rows. The number of a row is its place in this list; `encoding/table.ts` is made from it.
import type { EncodingRow } from '../encoding/row.ts'
import { alu } from './alu.ts'
import { atomic } from './atomic.ts'
import { bits } from './bits.ts'
import { control } from './control.ts'
import { convert } from './convert.ts'
import { float } from './float.ts'
import { move } from './move.ts'
import { multiply } from './multiply.ts'
import { shift } from './shift.ts'
import { shuffle } from './shuffle.ts'
import { vectorFloat } from './vector-float.ts'
import { vectorInteger } from './vector-integer.ts'

export const rows: readonly EncodingRow[] = [
  ...alu,
  ...move,
  ...shift,
  ...multiply,
  ...bits,
  ...atomic,
  ...control,
  ...float,
  ...convert,
  ...vectorFloat,
  ...shuffle,
  ...vectorInteger,
]
