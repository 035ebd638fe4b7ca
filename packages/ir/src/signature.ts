// Signatures: the types that go in and come out, and how the callee and its caller agree on their places.

import { isType, type Type, typeName } from './types.ts'

/** Calling conventions, in CLIF's order. */
export const CALL_CONVS = [
  'fast',
  'tail',
  'system_v',
  'windows_fastcall',
  'apple_aarch64',
  'probestack',
  'winch',
  'preserve_all',
] as const
/** A calling convention, one of {@link CALL_CONVS}. */
export type CallConv = (typeof CALL_CONVS)[number]

/** Whether functions of the convention can be callees of `return_call`. */
export function supportsTailCalls(convention: CallConv): boolean {
  return convention === 'tail'
}

/** Whether functions of the convention can be callees of `try_call`. */
export function supportsExceptions(convention: CallConv): boolean {
  return exceptionPayloadWords(convention) > 0 || convention === 'winch'
}

/** How many pointer-sized words an exception carries that passes a callee of the convention. */
export function exceptionPayloadWords(convention: CallConv): number {
  switch (convention) {
    case 'tail':
    case 'system_v':
    case 'preserve_all':
    case 'apple_aarch64':
      return 2
    default:
      return 0
  }
}

/** How an integer narrower than a register fills it. */
export type ArgumentExtension = 'none' | 'uext' | 'sext'

/** What a parameter or result is for. `sarg` is a structure passed by value, `structBytes` long. */
export type ArgumentPurpose = 'normal' | 'sret' | 'vmctx' | 'sarg'

/** A parameter or result of a signature, with what the convention has to know of it. */
export interface AbiParam {
  readonly type: Type
  readonly extension: ArgumentExtension
  readonly purpose: ArgumentPurpose
  /** Size of the structure in bytes, when the purpose is `sarg`; else 0. */
  readonly structBytes: number
}

/** What a function takes and gives back, and by which convention. */
export interface Signature {
  readonly params: readonly AbiParam[]
  readonly returns: readonly AbiParam[]
  readonly callConv: CallConv
}

/** A parameter or result of that type, without extension, purpose normal. */
export function abiParam(type: Type, extension: ArgumentExtension = 'none'): AbiParam {
  if (extension !== 'none') return { type, extension, purpose: 'normal', structBytes: 0 }
  // Most parameters say no more than their type: one object stands for all of a type.
  let plain = PLAIN_PARAMS.get(type)
  if (plain === undefined) {
    plain = Object.freeze<AbiParam>({ type, extension, purpose: 'normal', structBytes: 0 })
    if (isType(type)) PLAIN_PARAMS.set(type, plain)
  }
  return plain
}

const PLAIN_PARAMS = new Map<Type, AbiParam>()

/** A signature of plain parameters and results. */
export function signature(
  params: readonly (Type | AbiParam)[],
  returns: readonly (Type | AbiParam)[],
  callConv: CallConv = 'fast',
): Signature {
  const all = (list: readonly (Type | AbiParam)[]): AbiParam[] =>
    list.map((item) => (typeof item === 'number' ? abiParam(item) : item))
  return { params: all(params), returns: all(returns), callConv }
}

/** Whether two lists have the same types. */
export function equalTypes(a: readonly AbiParam[], b: readonly AbiParam[]): boolean {
  return a.length === b.length && a.every(({ type }, i) => type === b[i].type)
}

/** Whether two signatures say the same. */
export function equalSignatures(a: Signature, b: Signature): boolean {
  return a === b || (a.callConv === b.callConv && equalParams(a.params, b.params) && equalParams(a.returns, b.returns))
}

function equalParams(a: readonly AbiParam[], b: readonly AbiParam[]): boolean {
  return a.length === b.length && a.every((param, i) => equalParam(param, b[i]))
}

function equalParam(a: AbiParam, b: AbiParam): boolean {
  return a.type === b.type && a.extension === b.extension && a.purpose === b.purpose && a.structBytes === b.structBytes
}

/** `(i32 uext, f64) -> i32 system_v` */
export function printSignature({ params, returns, callConv }: Signature): string {
  const results = returns.length === 0 ? '' : ` -> ${printParams(returns)}`
  return `(${printParams(params)})${results} ${callConv}`
}

function printParams(params: readonly AbiParam[]): string {
  return params.map(printParam).join(', ')
}

function printParam({ type, extension, purpose, structBytes }: AbiParam): string {
  let text = typeName(type)
  if (extension !== 'none') text += ` ${extension}`
  if (purpose === 'sarg') text += ` sarg(${structBytes})`
  else if (purpose !== 'normal') text += ` ${purpose}`
  return text
}
