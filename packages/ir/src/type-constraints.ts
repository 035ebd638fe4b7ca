// Which types an opcode accepts: the sets that controlling types and free operands range over, and how the types of
// operands and results follow from the controlling type. Compiled once from the rows of opcode.ts into columns.

import { FORMAT_ROWS } from './format.ts'
import { OPCODE_ROWS, type Opcode } from './opcode.ts'
import {
  asTruthy,
  doubleWidth,
  dynamicToVector,
  halfWidth,
  hasFloatLanes,
  isDynamicVector,
  isScalarFloat,
  isScalarInteger,
  isType,
  laneBits,
  laneCount,
  laneType,
  mergeLanes,
  parseType,
  splitLanes,
  TYPE_LIMIT,
  Type,
} from './types.ts'

/** The sets of types that CLIF's opcodes are declared over, by CLIF's numbers. */
export const TypeSet = {
  Integer: 0,
  Address: 1,
  VectorOrDynamic: 2,
  IntegerOrVector: 3,
  IntegerVector: 4,
  Memory: 5,
  Extended8: 6,
  Extended32: 7,
  NarrowInteger: 8,
  Vector: 9,
  Any: 10,
  IntegerAnyShape: 11,
  RoundMultiply: 12,
  WideInteger: 13,
  FloatAnyShape: 14,
  Narrowable: 15,
  Widenable: 16,
  Float: 17,
  FloatOrVector: 18,
  ScalarOrDynamic: 19,
} as const
export type TypeSet = (typeof TypeSet)[keyof typeof TypeSet]

/** One row of {@link TYPE_SET_ROWS}: a type is in the set when its lane and its lane count are. */
export type TypeSetRow = readonly [
  name: keyof typeof TypeSet,
  /** Widths of integer lanes, a sum of 8, 16, 32, 64, 128: the widths are their own bits. */
  integers: number,
  /** Widths of float lanes, likewise. */
  floats: number,
  /** Lane counts, a sum of powers of two; 1 is a scalar. */
  lanes: number,
  /** Minimum lane counts of dynamic vectors, likewise. */
  dynamicLanes: number,
]

/** Row i is the set with the number i. */
// biome-ignore format: a table, one row to a line
export const TYPE_SET_ROWS: readonly TypeSetRow[] = [
  ['Integer', 248, 0, 1, 0],
  ['Address', 96, 0, 1, 0],
  ['VectorOrDynamic', 248, 240, 510, 510],
  ['IntegerOrVector', 248, 0, 511, 0],
  ['IntegerVector', 248, 0, 510, 0],
  ['Memory', 248, 240, 511, 510],
  ['Extended8', 112, 0, 1, 0],
  ['Extended32', 64, 0, 1, 0],
  ['NarrowInteger', 120, 0, 1, 0],
  ['Vector', 248, 240, 510, 0],
  ['Any', 248, 240, 511, 0],
  ['IntegerAnyShape', 248, 0, 511, 510],
  ['RoundMultiply', 48, 0, 12, 0],
  ['WideInteger', 240, 0, 1, 0],
  ['FloatAnyShape', 0, 240, 511, 510],
  ['Narrowable', 112, 0, 14, 14],
  ['Widenable', 56, 0, 30, 30],
  ['Float', 0, 240, 1, 0],
  ['FloatOrVector', 0, 240, 511, 0],
  ['ScalarOrDynamic', 248, 240, 1, 510],
]

/** Bit s of entry t: type t is a member of set s. */
export const TYPE_SETS_OF: Uint32Array = new Uint32Array(TYPE_LIMIT)
for (let type = 0; type < TYPE_LIMIT; type++) {
  if (!isType(type)) continue
  TYPE_SET_ROWS.forEach(([, integers, floats, lanes, dynamicLanes], set) => {
    const widths = hasFloatLanes(type) ? floats : integers
    const counts = isDynamicVector(type) ? dynamicLanes : lanes
    if ((widths & laneBits(type)) !== 0 && (counts & laneCount(type)) !== 0) TYPE_SETS_OF[type] |= 1 << set
  })
}

/** Whether the type is a member of the set. */
export function isInTypeSet(type: Type, set: TypeSet): boolean {
  return ((TYPE_SETS_OF[type] >>> set) & 1) !== 0
}

/** The members of a set in words: `{i32, i64}`, `{f16, f32, f64, f128; scalars, vectors}`. */
export function printTypeSet(set: TypeSet): string {
  const [, integers, floats, lanes, dynamicLanes] = TYPE_SET_ROWS[set]
  const names = (prefix: string, widths: number): string[] =>
    [8, 16, 32, 64, 128].filter((width) => (widths & width) !== 0).map((width) => `${prefix}${width}`)
  const shapes = [
    ...((lanes & 1) !== 0 ? ['scalars'] : []),
    ...(lanes > 1 ? ['vectors'] : []),
    ...(dynamicLanes > 0 ? ['dynamic vectors'] : []),
  ]
  const scalar = shapes.length === 1 && lanes === 1
  return `{${[...names('i', integers), ...names('f', floats)].join(', ')}${scalar ? '' : `; ${shapes.join(', ')}`}}`
}

/** How a type follows from the controlling type: a constraint word below 16. */
export const Derived = {
  Same: 0,
  LaneOf: 1,
  AsTruthy: 2,
  HalfWidth: 3,
  DoubleWidth: 4,
  SplitLanes: 5,
  MergeLanes: 6,
  DynamicToVector: 7,
  Narrower: 8,
  Wider: 9,
} as const
export type Derived = (typeof Derived)[keyof typeof Derived]

const DERIVED_WORDS: Readonly<Record<string, Derived>> = {
  lane_of: Derived.LaneOf,
  as_truthy: Derived.AsTruthy,
  half_width: Derived.HalfWidth,
  double_width: Derived.DoubleWidth,
  split_lanes: Derived.SplitLanes,
  merge_lanes: Derived.MergeLanes,
  dynamic_to_vector: Derived.DynamicToVector,
  narrower: Derived.Narrower,
  wider: Derived.Wider,
}

// A constraint word, 16 bits:
//   | 15 concrete | 14 free | 13..9 - | 8..0 type, set or Derived |
/** The word names a type, in its low nine bits. */
export const CONSTRAINT_CONCRETE = 0x8000
/** The word names a set of types, in its low nine bits. */
export const CONSTRAINT_FREE = 0x4000
/** What a constraint word names: a type, a set or a derivation. */
export const CONSTRAINT_MASK = 0x1ff

/** The set of the controlling type, by opcode; -1 when the opcode has no controlling type. */
export const CONTROLLING_SET: Int8Array = new Int8Array(OPCODE_ROWS.length + 1).fill(-1)
/** Which fixed operand gives the controlling type, by opcode; -1 when only a suffix does, or there is none. */
export const CONTROLLING_OPERAND: Int8Array = new Int8Array(OPCODE_ROWS.length + 1).fill(-1)
/** Constraint words of fixed operand i of opcode o, at 3 * o + i. */
export const OPERAND_CONSTRAINTS: Uint16Array = new Uint16Array(3 * (OPCODE_ROWS.length + 1))
/** Number of results, by opcode; -1 when the callee's signature says. */
export const RESULT_COUNT: Int8Array = new Int8Array(OPCODE_ROWS.length + 1)
/** Constraint words of result i of opcode o, at 2 * o + i. */
export const RESULT_CONSTRAINTS: Uint16Array = new Uint16Array(2 * (OPCODE_ROWS.length + 1))

OPCODE_ROWS.forEach(([, format, controlling, operands, results], i) => {
  const opcode = i + 1
  const fixed = words(operands)
  fixed.forEach((word, at) => {
    OPERAND_CONSTRAINTS[3 * opcode + at] = constraintOf(word)
  })
  if (controlling.startsWith('.')) CONTROLLING_SET[opcode] = setOf(controlling.slice(1))
  else if (controlling !== '') {
    CONTROLLING_SET[opcode] = setOf(controlling.split(' < ')[0])
    CONTROLLING_OPERAND[opcode] = FORMAT_ROWS[format][3]
  }
  if (results.endsWith('...')) RESULT_COUNT[opcode] = -1
  else {
    RESULT_COUNT[opcode] = words(results).length
    words(results).forEach((word, at) => {
      RESULT_CONSTRAINTS[2 * opcode + at] = constraintOf(word)
    })
  }
})

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '' && !word.endsWith('...'))
}

function setOf(name: string): TypeSet {
  return TypeSet[name as keyof typeof TypeSet]
}

function constraintOf(word: string): number {
  const type = word.split(':')[1]
  if (type === undefined) return Derived.Same
  const derived = DERIVED_WORDS[type]
  if (derived !== undefined) return derived
  const concrete = parseType(type)
  return concrete === Type.Invalid ? CONSTRAINT_FREE | setOf(type) : CONSTRAINT_CONCRETE | concrete
}

/**
 * The type that a constraint word names, given the controlling type.
 *
 * @returns 0 when there is no such type, or when the word allows several (a set, narrower, wider).
 */
export function constrainedType(constraint: number, controlling: Type): Type {
  if (constraint === Derived.Same) return controlling
  if ((constraint & CONSTRAINT_CONCRETE) !== 0) return constraint & CONSTRAINT_MASK
  if ((constraint & CONSTRAINT_FREE) !== 0) return Type.Invalid
  return derivedType(constraint as Derived, controlling)
}

/** The type computed from the controlling type; 0 when there is none or it is not a single one. */
export function derivedType(derived: Derived, controlling: Type): Type {
  switch (derived) {
    case Derived.Same:
      return controlling
    case Derived.LaneOf:
      return laneType(controlling)
    case Derived.AsTruthy:
      return asTruthy(controlling)
    case Derived.HalfWidth:
      return halfWidth(controlling)
    case Derived.DoubleWidth:
      return doubleWidth(controlling)
    case Derived.SplitLanes:
      return splitLanes(controlling)
    case Derived.MergeLanes:
      return mergeLanes(controlling)
    case Derived.DynamicToVector:
      return dynamicToVector(controlling)
    default:
      return Type.Invalid
  }
}

/** Whether an operand of that type satisfies the constraint word. */
export function satisfies(constraint: number, type: Type, controlling: Type): boolean {
  if ((constraint & CONSTRAINT_FREE) !== 0) return ((TYPE_SETS_OF[type] >>> (constraint & CONSTRAINT_MASK)) & 1) !== 0
  if (constraint === Derived.Narrower) return sameScalarClass(type, controlling) && type < controlling
  if (constraint === Derived.Wider) return sameScalarClass(type, controlling) && type > controlling
  return type === constrainedType(constraint, controlling)
}

// Scalars of one class are numbered by width.
function sameScalarClass(a: Type, b: Type): boolean {
  return (isScalarInteger(a) && isScalarInteger(b)) || (isScalarFloat(a) && isScalarFloat(b))
}

/** The type of result `index` of an opcode whose results do not depend on a signature. */
export function resultType(opcode: Opcode, index: number, controlling: Type): Type {
  return constrainedType(RESULT_CONSTRAINTS[2 * opcode + index], controlling)
}
