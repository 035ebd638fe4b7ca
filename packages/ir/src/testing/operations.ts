// What the generator may emit between branches: one row per operation, with how often.

/** The types that generated code computes with. */
export const GENERATED_TYPES = ['i8', 'i16', 'i32', 'i64', 'f32', 'f64'] as const
/** One of {@link GENERATED_TYPES}. */
export type GeneratedType = (typeof GENERATED_TYPES)[number]

/** How the operands of an operation are made. */
export type OperationShape =
  /** Operands of the result's type. */
  | 'unary'
  | 'binary'
  /** The second operand is an integer of any type. */
  | 'shift'
  /** A truthy integer, then two operands of the result's type. */
  | 'select'
  /** A quotient or remainder: the divisor is made safe unless divides are unguarded. */
  | 'unsigned-divide'
  | 'signed-divide'
  /** `fcopysign`: the second operand must not be NaN, whose sign nobody promises. */
  | 'copysign'

export interface Operation {
  readonly opcode: string
  readonly shape: OperationShape
  readonly weight: number
  /** Only with `GenerateOptions.extended`. */
  readonly extended: boolean
  readonly types: readonly GeneratedType[]
}

const INTEGERS = ['i8', 'i16', 'i32', 'i64'] as const
const WIDE = ['i16', 'i32', 'i64'] as const
const FLOATS = ['f32', 'f64'] as const

type Row = readonly [opcode: string, shape: OperationShape, weight: number, types: readonly GeneratedType[]]

// biome-ignore format: a table, one row to a line
const BASIC: readonly Row[] = [
  ['iadd', 'binary', 14, INTEGERS],
  ['isub', 'binary', 9, INTEGERS],
  ['imul', 'binary', 6, INTEGERS],
  ['band', 'binary', 6, INTEGERS],
  ['bor', 'binary', 4, INTEGERS],
  ['bxor', 'binary', 7, INTEGERS],
  ['ineg', 'unary', 2, INTEGERS],
  ['bnot', 'unary', 2, INTEGERS],
  ['ishl', 'shift', 4, INTEGERS],
  ['ushr', 'shift', 3, INTEGERS],
  ['sshr', 'shift', 3, INTEGERS],
  ['rotl', 'shift', 2, INTEGERS],
  ['rotr', 'shift', 2, INTEGERS],
  ['clz', 'unary', 1, INTEGERS],
  ['ctz', 'unary', 1, INTEGERS],
  ['popcnt', 'unary', 1, INTEGERS],
  ['select', 'select', 4, ['i8', 'i16', 'i32', 'i64', 'f32', 'f64']],
  ['udiv', 'unsigned-divide', 1, INTEGERS],
  ['urem', 'unsigned-divide', 1, INTEGERS],
  ['sdiv', 'signed-divide', 1, INTEGERS],
  ['srem', 'signed-divide', 1, INTEGERS],
  ['fadd', 'binary', 10, FLOATS],
  ['fsub', 'binary', 7, FLOATS],
  ['fmul', 'binary', 8, FLOATS],
  ['fdiv', 'binary', 3, FLOATS],
  ['fmin', 'binary', 2, FLOATS],
  ['fmax', 'binary', 2, FLOATS],
  ['fneg', 'unary', 2, FLOATS],
  ['fabs', 'unary', 2, FLOATS],
  ['sqrt', 'unary', 2, FLOATS],
  ['fcopysign', 'copysign', 1, FLOATS],
]

// biome-ignore format: a table, one row to a line
const EXTENDED: readonly Row[] = [
  ['smin', 'binary', 2, INTEGERS],
  ['smax', 'binary', 2, INTEGERS],
  ['umin', 'binary', 2, INTEGERS],
  ['umax', 'binary', 2, INTEGERS],
  ['umulhi', 'binary', 1, INTEGERS],
  ['smulhi', 'binary', 1, INTEGERS],
  ['iabs', 'unary', 1, INTEGERS],
  ['cls', 'unary', 1, INTEGERS],
  ['bitrev', 'unary', 1, INTEGERS],
  ['bswap', 'unary', 1, WIDE],
  ['select_spectre_guard', 'select', 1, INTEGERS],
  ['ceil', 'unary', 1, FLOATS],
  ['floor', 'unary', 1, FLOATS],
  ['trunc', 'unary', 1, FLOATS],
  ['nearest', 'unary', 1, FLOATS],
]

const rows = (table: readonly Row[], extended: boolean): Operation[] =>
  table.map(([opcode, shape, weight, types]) => ({ opcode, shape, weight, extended, types }))

/** All operations, in the order of the tables. */
export const OPERATIONS: readonly Operation[] = [...rows(BASIC, false), ...rows(EXTENDED, true)]

/** Conditions of `icmp`, evenly often. */
export const INTEGER_CONDITIONS = ['eq', 'ne', 'slt', 'sge', 'sgt', 'sle', 'ult', 'uge', 'ugt', 'ule'] as const
/** Conditions of `fcmp`, evenly often. */
export const FLOAT_CONDITIONS = [
  'ord',
  'uno',
  'eq',
  'ne',
  'one',
  'ueq',
  'lt',
  'le',
  'gt',
  'ge',
  'ult',
  'ule',
  'ugt',
  'uge',
] as const
