// CLIF types as the code generator sees them.

import { typeName as printed, Type } from '@framewright/ir'

/** log2 of the size in bytes of i8..i64, f32, f64; -1 for every other type. */
export const SIZE_OF_TYPE: Int8Array = new Int8Array(512).fill(-1)
SIZE_OF_TYPE[Type.I8] = 0
SIZE_OF_TYPE[Type.I16] = 1
SIZE_OF_TYPE[Type.I32] = 2
SIZE_OF_TYPE[Type.I64] = 3
SIZE_OF_TYPE[Type.F32] = 2
SIZE_OF_TYPE[Type.F64] = 3

/** A scalar that lives in an xmm register: f32 or f64. */
export function isFloat(type: number): boolean {
  return type === Type.F32 || type === Type.F64
}

/** i8, i16, i32 or i64. */
export function isInteger(type: number): boolean {
  return type >= Type.I8 && type <= Type.I64
}

/** The type's name in the text form. */
export function typeName(type: number): string {
  return printed(type)
}
