// Value types packed in 16 bits, numbered as CLIF numbers them:
//
//   0x74 + lane                          scalars: i8 i16 i32 i64 i128 f16 f32 f64 f128
//   0x74 + lane + 0x10 * log2(lanes)     vectors of 2 to 256 lanes
//   the same + 0x80                      dynamic vectors: a multiple of that vector, known at run time only
//
// so the low four bits (from 4 to 12) name the lane, and every derived type is arithmetic.

/** A value type: a number, 0 for "none". The named members are the scalars. */
export const Type = {
  Invalid: 0,
  I8: 116,
  I16: 117,
  I32: 118,
  I64: 119,
  I128: 120,
  F16: 121,
  F32: 122,
  F64: 123,
  F128: 124,
  I8X16: 180,
  I16X8: 165,
  I32X4: 150,
  I64X2: 135,
  F32X4: 154,
  F64X2: 139,
} as const
export type Type = number

const LANE_BASE = 0x70
const FIRST_VECTOR = 0x80
const FIRST_DYNAMIC = 0x100
/** One more than the largest type number: the size of a table indexed by type. */
export const TYPE_LIMIT = 0x180
const MAX_LANES_LOG2 = 8

const LANE_NAMES = ['', '', '', '', 'i8', 'i16', 'i32', 'i64', 'i128', 'f16', 'f32', 'f64', 'f128', '', '', '']
const LANE_BITS = [0, 0, 0, 0, 8, 16, 32, 64, 128, 16, 32, 64, 128, 0, 0, 0]
const FIRST_FLOAT_LANE = 9

/** Whether the number is a type at all: not {@link Type.Invalid} and not one of the unused numbers. */
export function isType(type: number): boolean {
  const lane = type & 15
  return type > LANE_BASE && type < TYPE_LIMIT && lane >= 4 && lane <= 12
}

/** The number of lanes: 1 for a scalar, the minimum for a dynamic vector. */
export function laneCount(type: Type): number {
  return 1 << laneCountLog2(type)
}

/** Base-2 logarithm of {@link laneCount}. */
export function laneCountLog2(type: Type): number {
  return type >= FIRST_DYNAMIC ? (type - LANE_BASE - 0x80) >> 4 : (type - LANE_BASE) >> 4
}

/** The type of one lane; a scalar is its own lane. */
export function laneType(type: Type): Type {
  return type < FIRST_VECTOR ? type : LANE_BASE + (type & 15)
}

/** The bits of one lane. */
export function laneBits(type: Type): number {
  return LANE_BITS[type & 15]
}

/** The bits of the whole value; of the minimum for a dynamic vector. */
export function typeBits(type: Type): number {
  return type === 0 ? 0 : LANE_BITS[type & 15] << laneCountLog2(type)
}

/** The bytes of the whole value; of the minimum for a dynamic vector. */
export function typeBytes(type: Type): number {
  return typeBits(type) >>> 3
}

/** Whether the lanes are integers. */
export function hasIntegerLanes(type: Type): boolean {
  return type !== 0 && (type & 15) < FIRST_FLOAT_LANE
}

/** Whether the lanes are floats. */
export function hasFloatLanes(type: Type): boolean {
  return (type & 15) >= FIRST_FLOAT_LANE
}

/** i8, i16, i32, i64 or i128. */
export function isScalarInteger(type: Type): boolean {
  return type >= Type.I8 && type <= Type.I128
}

/** f16, f32, f64 or f128. */
export function isScalarFloat(type: Type): boolean {
  return type >= Type.F16 && type <= Type.F128
}

/** A vector of a fixed number of lanes. */
export function isVector(type: Type): boolean {
  return type >= FIRST_VECTOR && type < FIRST_DYNAMIC
}

/** A vector whose length is known at run time only. */
export function isDynamicVector(type: Type): boolean {
  return type >= FIRST_DYNAMIC
}

/** The vector of `1 << lanesLog2` lanes of that scalar; 0 when there is none. */
export function vectorOf(lane: Type, lanesLog2: number): Type {
  if (lane < Type.I8 || lane > Type.F128 || lanesLog2 < 0 || lanesLog2 > MAX_LANES_LOG2) return Type.Invalid
  return lane + (lanesLog2 << 4)
}

/** The dynamic vector that is a multiple of a vector; 0 when there is none. */
export function vectorToDynamic(type: Type): Type {
  return isVector(type) ? type + 0x80 : Type.Invalid
}

/** The vector that a dynamic vector is a multiple of; 0 for other types. */
export function dynamicToVector(type: Type): Type {
  return type >= FIRST_DYNAMIC ? type - 0x80 : Type.Invalid
}

/** i8 for a scalar; for a vector the same lane count with integer lanes of the same width. What comparisons give. */
export function asTruthy(type: Type): Type {
  if (type < FIRST_VECTOR) return Type.I8
  const lane = type & 15
  // f16 f32 f64 f128 (9..12) lie beside i16 i32 i64 i128 (5..8).
  return lane < FIRST_FLOAT_LANE ? type : type - 4
}

/** Same lane count, lanes half as wide; 0 when there is none. */
export function halfWidth(type: Type): Type {
  const lane = type & 15
  return lane === 4 || lane === FIRST_FLOAT_LANE || lane < 4 ? Type.Invalid : type - 1
}

/** Same lane count, lanes twice as wide; 0 when there is none. */
export function doubleWidth(type: Type): Type {
  const lane = type & 15
  return lane === 8 || lane === 12 || lane < 4 ? Type.Invalid : type + 1
}

/** Lanes half as wide and twice as many; 0 when there is none. */
export function splitLanes(type: Type): Type {
  const half = halfWidth(type)
  return half === 0 || laneCountLog2(type) === MAX_LANES_LOG2 ? Type.Invalid : half + 0x10
}

/** Lanes twice as wide and half as many; 0 when there is none. */
export function mergeLanes(type: Type): Type {
  const double = doubleWidth(type)
  return double === 0 || type < FIRST_VECTOR || laneCountLog2(type) === 0 ? Type.Invalid : double - 0x10
}

const NAMES: string[] = new Array(TYPE_LIMIT).fill('')
const NUMBERS = new Map<string, Type>()
for (let lane = 4; lane <= 12; lane++) {
  const name = LANE_NAMES[lane]
  NAMES[LANE_BASE + lane] = name
  NUMBERS.set(name, LANE_BASE + lane)
  NUMBERS.set(`${name}x1`, LANE_BASE + lane) // the reader takes a vector of one lane for the scalar
  for (let log2 = 1; log2 <= MAX_LANES_LOG2; log2++) {
    const type = LANE_BASE + lane + (log2 << 4)
    NAMES[type] = `${name}x${1 << log2}`
    NUMBERS.set(NAMES[type], type)
    NAMES[type + 0x80] = `${NAMES[type]}xN`
  }
}

/** The printed name: `i32`, `f64x2`, `i32x4xN` (dynamic, which has no readable spelling); `invalid` for 0. */
export function typeName(type: Type): string {
  return NAMES[type] || 'invalid'
}

/** The type of that name; 0 when there is none. Dynamic vectors have no name in the text. */
export function parseType(name: string): Type {
  return NUMBERS.get(name) ?? Type.Invalid
}
