// Where a signature's parameters and results travel.
//
// System V AMD64 ABI, 3.2.3; Microsoft Learn, "x64 calling convention", "Parameter passing". Results beyond the registers go to memory
// that the caller provides: a hidden first pointer argument, 8 bytes a result, in order.

import { type AbiParam, type Signature, Type } from '@framewright/ir'
import { CodegenError, type CodegenPlace } from '../errors.ts'
import { isFloat, typeName } from '../types.ts'
import type { Convention } from './convention.ts'

/** The places of one signature under one convention. */
export interface Assignment {
  readonly convention: Convention
  /** Per parameter: a register 0..31, or -1 - offset into the stack arguments (bytes above the callee's return address, home area included). */
  readonly parameters: Int32Array
  /** Per result: a register, or -1 - offset into the return area. */
  readonly results: Int32Array
  /** Bytes of stack arguments, home area included. */
  readonly stackBytes: number
  /** Bytes of results in memory; 0 = none. */
  readonly returnAreaBytes: number
  /** Register of the hidden pointer to the return area, -1 if there is none. */
  readonly returnAreaPointer: number
  /** Register that must also return a pointer parameter marked `sret`: index of that parameter, -1 if none. */
  readonly structReturnParameter: number
  /** Mask of registers that carry parameters. */
  readonly parameterMask: number
}

/** @throws CodegenError `unsupported-signature` for types and purposes that cannot be passed yet. */
export function assign(signature: Signature, convention: Convention, place: CodegenPlace): Assignment {
  const results = new Int32Array(signature.returns.length)
  let integers = 0
  let floats = 0
  let returnAreaBytes = 0
  for (const [i, result] of signature.returns.entries()) {
    check(result, place)
    const float = isFloat(result.type)
    const registers = float ? convention.floatResults : convention.integerResults
    const used = float ? floats++ : integers++
    if (used < registers.length) {
      results[i] = registers[used]
    } else {
      results[i] = -1 - returnAreaBytes
      returnAreaBytes += 8
    }
  }

  const parameters = new Int32Array(signature.params.length)
  let stackBytes = convention.homeBytes
  let parameterMask = 0
  let structReturnParameter = -1
  integers = 0
  floats = 0
  let returnAreaPointer = -1
  if (returnAreaBytes > 0) {
    returnAreaPointer = convention.integerArguments[integers++]
    parameterMask |= 1 << returnAreaPointer
    if (convention.positional) floats++
  }
  for (const [i, parameter] of signature.params.entries()) {
    check(parameter, place)
    const float = isFloat(parameter.type)
    const registers = float ? convention.floatArguments : convention.integerArguments
    const used = float ? floats++ : integers++
    if (convention.positional) {
      if (float) integers++
      else floats++
    }
    if (used < registers.length) {
      parameters[i] = registers[used]
      parameterMask |= 1 << registers[used]
    } else {
      parameters[i] = -1 - stackBytes
      stackBytes += 8
    }
    if (parameter.purpose === 'sret' && signature.returns.length === 0) structReturnParameter = i
  }
  return {
    convention,
    parameters,
    results,
    stackBytes,
    returnAreaBytes,
    returnAreaPointer,
    structReturnParameter,
    parameterMask,
  }
}

function check(parameter: AbiParam, place: CodegenPlace): void {
  const { type, purpose } = parameter
  if (type !== Type.I8 && type !== Type.I16 && type !== Type.I32 && type !== Type.I64 && !isFloat(type)) {
    throw new CodegenError(
      { code: 'unsupported-signature', detail: `a parameter or result of type ${typeName(type)} is not supported` },
      place,
    )
  }
  if (purpose === 'sarg') {
    throw new CodegenError(
      { code: 'unsupported-signature', detail: 'a structure passed by value (sarg) is not supported' },
      place,
    )
  }
}
