// Conditions of icmp and fcmp, numbered in the order that CLIF declares them.

/** Conditions of `icmp`; s is signed, u unsigned. */
export const IntCC = {
  Eq: 0,
  Ne: 1,
  Sge: 2,
  Sgt: 3,
  Sle: 4,
  Slt: 5,
  Uge: 6,
  Ugt: 7,
  Ule: 8,
  Ult: 9,
} as const
export type IntCC = (typeof IntCC)[keyof typeof IntCC]

/** Conditions of `fcmp`: sets of the four outcomes unordered, equal, less, greater. */
export const FloatCC = {
  Ord: 0,
  Uno: 1,
  Eq: 2,
  Ne: 3,
  One: 4,
  Ueq: 5,
  Lt: 6,
  Le: 7,
  Gt: 8,
  Ge: 9,
  Ult: 10,
  Ule: 11,
  Ugt: 12,
  Uge: 13,
} as const
export type FloatCC = (typeof FloatCC)[keyof typeof FloatCC]

//   name, complement, swapped (of the operands)
const INT: readonly (readonly [name: string, complement: IntCC, swapped: IntCC])[] = [
  ['eq', IntCC.Ne, IntCC.Eq],
  ['ne', IntCC.Eq, IntCC.Ne],
  ['sge', IntCC.Slt, IntCC.Sle],
  ['sgt', IntCC.Sle, IntCC.Slt],
  ['sle', IntCC.Sgt, IntCC.Sge],
  ['slt', IntCC.Sge, IntCC.Sgt],
  ['uge', IntCC.Ult, IntCC.Ule],
  ['ugt', IntCC.Ule, IntCC.Ult],
  ['ule', IntCC.Ugt, IntCC.Uge],
  ['ult', IntCC.Uge, IntCC.Ugt],
]

/** Outcomes of a float comparison, as bits. */
export const FLOAT_UNORDERED = 1
/** Both are the same number. */
export const FLOAT_EQUAL = 2
/** The left one is the smaller. */
export const FLOAT_LESS = 4
/** The left one is the greater. */
export const FLOAT_GREATER = 8

//   name, outcomes it is true for, complement, swapped
const FLOAT: readonly (readonly [name: string, trueFor: number, complement: FloatCC, swapped: FloatCC])[] = [
  ['ord', FLOAT_EQUAL | FLOAT_LESS | FLOAT_GREATER, FloatCC.Uno, FloatCC.Ord],
  ['uno', FLOAT_UNORDERED, FloatCC.Ord, FloatCC.Uno],
  ['eq', FLOAT_EQUAL, FloatCC.Ne, FloatCC.Eq],
  ['ne', FLOAT_UNORDERED | FLOAT_LESS | FLOAT_GREATER, FloatCC.Eq, FloatCC.Ne],
  ['one', FLOAT_LESS | FLOAT_GREATER, FloatCC.Ueq, FloatCC.One],
  ['ueq', FLOAT_UNORDERED | FLOAT_EQUAL, FloatCC.One, FloatCC.Ueq],
  ['lt', FLOAT_LESS, FloatCC.Uge, FloatCC.Gt],
  ['le', FLOAT_LESS | FLOAT_EQUAL, FloatCC.Ugt, FloatCC.Ge],
  ['gt', FLOAT_GREATER, FloatCC.Ule, FloatCC.Lt],
  ['ge', FLOAT_GREATER | FLOAT_EQUAL, FloatCC.Ult, FloatCC.Le],
  ['ult', FLOAT_UNORDERED | FLOAT_LESS, FloatCC.Ge, FloatCC.Ugt],
  ['ule', FLOAT_UNORDERED | FLOAT_LESS | FLOAT_EQUAL, FloatCC.Gt, FloatCC.Uge],
  ['ugt', FLOAT_UNORDERED | FLOAT_GREATER, FloatCC.Le, FloatCC.Ult],
  ['uge', FLOAT_UNORDERED | FLOAT_GREATER | FLOAT_EQUAL, FloatCC.Lt, FloatCC.Ule],
]

/** Printed names, by number. */
export const INT_CC_NAMES: readonly string[] = INT.map((row) => row[0])
/** Printed names, by number. */
export const FLOAT_CC_NAMES: readonly string[] = FLOAT.map((row) => row[0])

/** The condition that is true exactly when this one is false. */
export function complementIntCC(condition: IntCC): IntCC {
  return INT[condition][1]
}

/** The condition that is true of (b, a) exactly when this one is true of (a, b). */
export function swapIntCC(condition: IntCC): IntCC {
  return INT[condition][2]
}

/** The outcomes that the condition is true for: a set of FLOAT_UNORDERED, FLOAT_EQUAL, FLOAT_LESS, FLOAT_GREATER. */
export function floatCCOutcomes(condition: FloatCC): number {
  return FLOAT[condition][1]
}

/** The condition that is true exactly when this one is false, NaN included. */
export function complementFloatCC(condition: FloatCC): FloatCC {
  return FLOAT[condition][2]
}

/** The condition that is true of (b, a) exactly when this one is true of (a, b). */
export function swapFloatCC(condition: FloatCC): FloatCC {
  return FLOAT[condition][3]
}
