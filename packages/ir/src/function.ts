// One function: all its tables, and the few operations that touch more than one of them.

import type { BlockCallTable, BlockTable } from './block-table.ts'
import { Columns } from './columns.ts'
import type { AliasRegion, Block, BlockCall, Constant, FuncRef, GlobalValue, Inst, SigRef, Value } from './entities.ts'
import { NO_ENTITY } from './entities.ts'
import type {
  AliasRegionData,
  DebugTag,
  DynamicStackSlotData,
  DynamicTypeData,
  ExceptionTableData,
  ExternalName,
  FuncRefData,
  GlobalValueData,
  StackMapEntry,
  StackSlotData,
} from './externals.ts'
import { compactBytes, compactPool, FunctionTables, poolBytes } from './function-tables.ts'
import type { InstTable } from './inst-table.ts'
import { Layout } from './layout.ts'
import { Opcode } from './opcode.ts'
import { type Signature, signature } from './signature.ts'
import type { FunctionSource } from './source.ts'
import type { Type } from './types.ts'
import { paramDefinition, type ValueTable } from './value-table.ts'

/** One function: its declarations, and its blocks, instructions and values as tables of numbers. */
export class Function {
  name: ExternalName
  signature: Signature

  // Replaced by `settle` only.
  insts: InstTable
  values: ValueTable
  blocks: BlockTable
  blockCalls: BlockCallTable
  layout: Layout

  /** Variable operands of instructions; see {@link InstTable.listStart}. Replaced when it grows. */
  valueLists: Int32Array
  valueListsLength = 0
  /** Arguments of block calls; see block-table.ts for entries below 0. Replaced when it grows. */
  blockArgs: Int32Array
  blockArgsLength = 0

  /** Block call ids of a `br_table`, without the default. */
  readonly jumpTables: Int32Array[] = []
  readonly exceptionTables: ExceptionTableData[] = []
  readonly stackSlots: StackSlotData[] = []
  readonly dynamicStackSlots: DynamicStackSlotData[] = []
  readonly dynamicTypes: DynamicTypeData[] = []
  readonly aliasRegions: AliasRegionData[] = []
  readonly globalValues: GlobalValueData[] = []
  readonly signatures: Signature[] = []
  /** A number that the text skipped has a placeholder whose signature is -1. */
  readonly funcRefs: FuncRefData[] = []
  /** Little-endian bytes; a number that the text skipped is empty. */
  readonly constants: Uint8Array[] = []
  /** Constants by their bytes, for the first so many. */
  #constantIds: Map<string, number> | null = null
  #interned = 0
  /** Masks of `shuffle`, 16 bytes each. */
  readonly masks: Uint8Array[] = []
  /** The global whose value is the lowest address the stack may reach; -1 for none. */
  stackLimit: GlobalValue = NO_ENTITY as GlobalValue
  /** The stack maps of calls that have one. */
  stackMaps: ReadonlyMap<Inst, readonly StackMapEntry[]> = NO_ENTRIES
  /** The debug tags of instructions that have any. */
  debugTags: ReadonlyMap<Inst, readonly DebugTag[]> = NO_ENTRIES
  /** Operands that the text spelled as an alias; the columns hold what it stands for. See {@link operandPlace}. */
  aliasSpellings: ReadonlyMap<number, Value> = NO_ENTRIES
  /** Where the function was written; null for one that was built. */
  source: FunctionSource | null = null

  /**
   * @param room - how many instructions to make room for, the tables grow as needed; or tables to write to, which are
   *   cleared and lent until {@link settle}.
   */
  constructor(name: ExternalName, sig: Signature = signature([], []), room: number | FunctionTables = 32) {
    this.name = name
    this.signature = sig
    const tables = typeof room === 'number' ? new FunctionTables(room) : room
    if (tables === room) tables.clear()
    this.insts = tables.insts
    this.values = tables.values
    this.blocks = tables.blocks
    this.blockCalls = tables.blockCalls
    this.valueLists = tables.valueLists
    this.blockArgs = tables.blockArgs
    this.layout = new Layout(this.blocks, this.insts)
  }

  /** Gives lent tables back: the function gets copies, exactly as large as what they hold, in one piece of memory. */
  settle(lent: FunctionTables): void {
    lent.valueLists = this.valueLists
    lent.blockArgs = this.blockArgs
    const pools = poolBytes(this.valueListsLength) + poolBytes(this.blockArgsLength)
    const columns = new Columns(compactBytes(this) + pools)
    // The narrow columns of a table end at a multiple of 4 bytes, so the order is free.
    this.insts = this.insts.compact(columns)
    this.values = this.values.compact(columns)
    this.blocks = this.blocks.compact(columns)
    this.blockCalls = this.blockCalls.compact(columns)
    this.valueLists = compactPool(columns, this.valueLists, this.valueListsLength)
    this.blockArgs = compactPool(columns, this.blockArgs, this.blockArgsLength)
    this.layout = this.layout.over(this.blocks, this.insts)
  }

  /** Gives a call a stack map. */
  setStackMap(inst: Inst, entries: readonly StackMapEntry[]): void {
    this.stackMaps = withEntry(this.stackMaps, inst, entries)
  }

  /** Gives an instruction debug tags. */
  setDebugTags(inst: Inst, tags: readonly DebugTag[]): void {
    this.debugTags = withEntry(this.debugTags, inst, tags)
  }

  /** Says that the text spelled the operand at a place as an alias. */
  setAliasSpelling(place: number, alias: Value): void {
    this.aliasSpellings = withEntry(this.aliasSpellings, place, alias)
  }

  /** Says that no operand is spelled as an alias any more. */
  forgetAliasSpellings(): void {
    this.aliasSpellings = NO_ENTRIES
  }

  /** What a value stands for: itself unless it is an alias. */
  resolve(value: Value): Value {
    const aliasOf = this.values.aliasOf
    return aliasOf === null ? value : followAliases(aliasOf, value)
  }

  /** The type of a value. */
  typeOf(value: Value): Type {
    return this.values.type[value]
  }

  /** Gives an instruction its results: consecutive new values of these types. */
  addResults(inst: Inst, types: readonly Type[]): void {
    this.insts.firstResult[inst] = types.length === 0 ? -1 : this.values.length
    this.insts.resultCount[inst] = types.length
    for (const type of types) this.values.push(type, inst)
  }

  /** Result `index` of an instruction. */
  result(inst: Inst, index = 0): Value {
    return (this.insts.firstResult[inst] + index) as Value
  }

  /**
   * Adds a parameter at the end of a block. Parameters have consecutive ids, so this may give the earlier ones new ids;
   * the old ones become aliases of these.
   */
  appendBlockParam(block: Block, type: Type): Value {
    const { blocks, values } = this
    const count = blocks.paramCount[block]
    const first = blocks.firstParam[block]
    if (count === 0 || first + count !== values.length) {
      blocks.firstParam[block] = values.length
      for (let i = 0; i < count; i++) {
        const old = (first + i) as Value
        values.setAlias(old, values.push(values.type[old], paramDefinition(block)))
      }
    }
    blocks.paramCount[block] = count + 1
    return values.push(type, paramDefinition(block))
  }

  /** Makes room in the value pool, which is replaced: read it afresh. */
  reserveValueLists(length: number): void {
    if (length > this.valueLists.length) this.valueLists = grown(this.valueLists, length)
  }

  /** Makes room in the pool of block arguments, which is replaced: read it afresh. */
  reserveBlockArgs(length: number): void {
    if (length > this.blockArgs.length) this.blockArgs = grown(this.blockArgs, length)
  }

  /** Stores operands in the value pool. @returns where they start. */
  addValueList(list: ArrayLike<number>): number {
    const start = this.valueListsLength
    this.reserveValueLists(start + list.length)
    for (let i = 0; i < list.length; i++) this.valueLists[start + i] = list[i]
    this.valueListsLength = start + list.length
    return start
  }

  /** Adds a branch target with its arguments: values, or entries of block-table.ts. */
  addBlockCall(block: Block, args: ArrayLike<number>): BlockCall {
    const start = this.blockArgsLength
    this.reserveBlockArgs(start + args.length)
    for (let i = 0; i < args.length; i++) this.blockArgs[start + i] = args[i]
    this.blockArgsLength = start + args.length
    return this.blockCalls.push(block, start, args.length)
  }

  /** The constant of these bytes, which are little-endian; the same bytes give the same constant. */
  internConstant(bytes: Uint8Array): Constant {
    this.#constantIds ??= new Map()
    for (; this.#interned < this.constants.length; this.#interned++) {
      const key = keyOf(this.constants[this.#interned])
      if (key !== '' && !this.#constantIds.has(key)) this.#constantIds.set(key, this.#interned)
    }
    const key = keyOf(bytes)
    const known = this.#constantIds.get(key)
    if (known !== undefined) return known as Constant
    this.#constantIds.set(key, this.constants.length)
    this.#interned++
    return (this.constants.push(bytes) - 1) as Constant
  }

  /** The signature that a call's arguments and results follow; null when the reference is to none. */
  calleeSignature(inst: Inst): Signature | null {
    const entity = this.insts.entity[inst]
    switch (this.insts.opcode[inst]) {
      case Opcode.Call:
      case Opcode.ReturnCall:
        return this.signatures[this.funcRefs[entity]?.signature ?? NO_ENTITY] ?? null
      case Opcode.CallIndirect:
      case Opcode.ReturnCallIndirect:
        return this.signatures[entity] ?? null
      case Opcode.TryCall:
      case Opcode.TryCallIndirect:
        return this.signatures[this.exceptionTables[this.insts.imm[inst]]?.signature ?? NO_ENTITY] ?? null
      default:
        return null
    }
  }

  declareSignature(sig: Signature): SigRef {
    return (this.signatures.push(sig) - 1) as SigRef
  }

  declareFunction(data: FuncRefData): FuncRef {
    return (this.funcRefs.push(data) - 1) as FuncRef
  }

  declareGlobalValue(data: GlobalValueData): GlobalValue {
    return (this.globalValues.push(data) - 1) as GlobalValue
  }

  declareAliasRegion(data: AliasRegionData): AliasRegion {
    return (this.aliasRegions.push(data) - 1) as AliasRegion
  }
}

/** Stands for every map that is still empty: few functions ever have an entry, and a map is as large as ten instructions. */
const NO_ENTRIES: ReadonlyMap<never, never> = new Map<never, never>()

function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  const own = (map === NO_ENTRIES ? new Map<K, V>() : map) as Map<K, V>
  return own.set(key, value)
}

/** The most items that one exception table may have. */
export const MAX_HANDLERS = 0x10000

/** Keys of {@link Function.aliasSpellings}: where an operand is written down. */
export const operandPlace = {
  /** Fixed operand `index` of an instruction. */
  fixed: (inst: Inst, index: number): number => inst * 8 + index,
  /** Entry of the value pool. */
  list: (at: number): number => at * 8 + 3,
  /** Entry of the pool of block arguments. */
  blockArg: (at: number): number => at * 8 + 4,
  /** Item of an exception table. */
  context: (table: number, item: number): number => (table * MAX_HANDLERS + item) * 8 + 5,
  /** Writes the value of a `context` item, given its place without the last three bits. */
  setContext(func: Function, place: number, value: Value): void {
    const item = func.exceptionTables[Math.floor(place / MAX_HANDLERS)].items[place % MAX_HANDLERS]
    if (item.kind === 'context') item.value = value
  },
} as const

function followAliases(aliasOf: Int32Array, value: Value): Value {
  let v: number = value
  // The parser and setAlias keep chains free of cycles; should a pass have made one, the bound ends the walk.
  for (let steps = aliasOf.length; steps > 0 && aliasOf[v] >= 0; steps--) v = aliasOf[v]
  return v as Value
}

function grown(pool: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(Math.max(32, 2 * pool.length, length))
  larger.set(pool)
  return larger
}

function keyOf(bytes: Uint8Array): string {
  let key = ''
  for (const byte of bytes) key += String.fromCharCode(byte)
  return key
}
