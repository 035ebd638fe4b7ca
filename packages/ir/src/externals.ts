// What a function refers to outside itself, and the addresses and slots it declares: cold data, so plain objects.

import type { BlockCall, DynamicType, GlobalValue, SigRef, StackSlot, Value } from './entities.ts'
import type { MemFlags } from './memory-flags.ts'
import type { Type } from './types.ts'

/** Functions that generated code calls on its own account, with the symbols they have by default. */
export const LIBCALL_SYMBOLS = {
  Probestack: '__cranelift_probestack',
  CeilF32: 'ceilf',
  CeilF64: 'ceil',
  FloorF32: 'floorf',
  FloorF64: 'floor',
  TruncF32: 'truncf',
  TruncF64: 'trunc',
  NearestF32: 'nearbyintf',
  NearestF64: 'nearbyint',
  FmaF32: 'fmaf',
  FmaF64: 'fma',
  Memcpy: 'memcpy',
  Memset: 'memset',
  Memmove: 'memmove',
  Memcmp: 'memcmp',
  ElfTlsGetAddr: '__tls_get_addr',
  ElfTlsGetOffset: '__tls_get_offset',
  X86Pshufb: '__cranelift_x86_pshufb',
} as const
/** A routine of the run-time library, by the name that CLIF has for it. */
export type Libcall = keyof typeof LIBCALL_SYMBOLS

/** Symbols that a linker or system defines. */
export const KNOWN_SYMBOLS = {
  ElfGlobalOffsetTable: '_GLOBAL_OFFSET_TABLE_',
  CoffTlsIndex: '_tls_index',
} as const
/** A symbol of {@link KNOWN_SYMBOLS}, by the name that CLIF has for it. */
export type KnownSymbol = keyof typeof KNOWN_SYMBOLS

/** The name of something outside the function, or of the function itself. */
export type ExternalName =
  /** `%name` */
  | { readonly kind: 'testcase'; readonly name: string }
  /** `u0:7` */
  | { readonly kind: 'user'; readonly namespace: number; readonly index: number }
  /** `userextname3`: a user's name by its place in the order of first mention, where no such name was declared. */
  | { readonly kind: 'user-reference'; readonly index: number }
  /** `%CeilF32` */
  | { readonly kind: 'libcall'; readonly libcall: Libcall }
  /** `%CoffTlsIndex` */
  | { readonly kind: 'known-symbol'; readonly symbol: KnownSymbol }

/** A name spelled as in the text. A known symbol is found first, then a libcall, else it is anybody's. */
export function externalName(name: string): ExternalName {
  if (Object.hasOwn(KNOWN_SYMBOLS, name)) return { kind: 'known-symbol', symbol: name as KnownSymbol }
  if (Object.hasOwn(LIBCALL_SYMBOLS, name)) return { kind: 'libcall', libcall: name as Libcall }
  return { kind: 'testcase', name }
}

/** As in the text: `%memcpy`, `u0:7`. */
export function printExternalName(name: ExternalName): string {
  switch (name.kind) {
    case 'testcase':
      return `%${name.name}`
    case 'user':
      return `u${name.namespace}:${name.index}`
    case 'user-reference':
      return `userextname${name.index}`
    case 'libcall':
      return `%${name.libcall}`
    case 'known-symbol':
      return `%${name.symbol}`
  }
}

/** As a linker sees it: `memcpy`, `u0_7`, the libcall's own symbol. */
export function symbolName(name: ExternalName): string {
  switch (name.kind) {
    case 'testcase':
      return name.name
    case 'user':
      return `u${name.namespace}_${name.index}`
    case 'user-reference':
      return `userextname${name.index}`
    case 'libcall':
      return LIBCALL_SYMBOLS[name.libcall]
    case 'known-symbol':
      return KNOWN_SYMBOLS[name.symbol]
  }
}

/** A function that this one calls or takes the address of. */
export interface FuncRefData {
  readonly name: ExternalName
  readonly signature: SigRef
  /** Defined in the same linkage unit: reachable by a relative call. */
  readonly colocated: boolean
  /** The call may be turned off and on in place. */
  readonly patchable: boolean
}

/** A sized area of the frame. */
export interface StackSlotData {
  /** In bytes. */
  readonly size: number
  readonly alignLog2: number
  /** The producer's key for finding the slot at run time, 64 bits; null for none. */
  readonly key: bigint | null
}

/** An area of the frame that holds one dynamic vector. */
export interface DynamicStackSlotData {
  readonly dynamicType: DynamicType
}

/** `dtN = base * gvN`: a vector type times a number known at run time. */
export interface DynamicTypeData {
  readonly base: Type
  readonly scale: GlobalValue
}

/** Memory that accesses of other regions do not touch. */
export interface AliasRegionData {
  /** The producer's number. */
  readonly userId: number
  readonly description: string
}

/** A value that is the same wherever it is computed in the function. */
export type GlobalValueData =
  /** The parameter whose purpose is `vmctx`. */
  | { readonly kind: 'vmctx' }
  /** The value of that type in memory at the base's value plus the offset. */
  | {
      readonly kind: 'load'
      readonly base: GlobalValue
      readonly offset: number
      readonly type: Type
      readonly flags: MemFlags
    }
  | { readonly kind: 'iadd_imm'; readonly base: GlobalValue; readonly offset: bigint; readonly type: Type }
  | {
      readonly kind: 'symbol'
      readonly name: ExternalName
      readonly offset: number
      readonly colocated: boolean
      readonly tls: boolean
    }
  /** How many vectors of that type a vector register holds. */
  | { readonly kind: 'dyn_scale_target_const'; readonly vectorType: Type }

/** Where a `try_call` goes on. */
export interface ExceptionTableData {
  /** The callee's signature. */
  readonly signature: SigRef
  readonly normal: BlockCall
  /** In the order that they are tried. */
  readonly items: readonly ExceptionTableItem[]
}

/** One entry of an exception table; they are asked in order. */
export type ExceptionTableItem =
  | { readonly kind: 'tag'; readonly tag: number; readonly target: BlockCall }
  | { readonly kind: 'default'; readonly target: BlockCall }
  /** Makes the value findable for the handlers after it. */
  | { readonly kind: 'context'; value: Value }

/** One value of interest to a garbage collector while a call runs. */
export interface StackMapEntry {
  readonly type: Type
  readonly slot: StackSlot
  /** Within the slot, in bytes. */
  readonly offset: number
}

/** A mark that survives compilation: a producer's number or a slot. */
export type DebugTag =
  | { readonly kind: 'user'; readonly tag: number }
  | { readonly kind: 'stack-slot'; readonly slot: StackSlot }
