// Entities are dense indices into the tables of one function: plain small integers at run time, told apart by the type
// checker alone. Why ids and not references: rows never move, so a pass's notes are a typed array indexed by id.

declare const entity: unique symbol

/** A dense index into one table of one function. Erased at run time: a plain small integer. */
export type EntityId<Name extends string> = number & { readonly [entity]: Name }

export type Value = EntityId<'value'>
export type Inst = EntityId<'inst'>
export type Block = EntityId<'block'>
/** One use of a block as a branch target, with the arguments passed along. */
export type BlockCall = EntityId<'block-call'>
export type StackSlot = EntityId<'stack-slot'>
export type DynamicStackSlot = EntityId<'dynamic-stack-slot'>
export type DynamicType = EntityId<'dynamic-type'>
export type GlobalValue = EntityId<'global-value'>
export type SigRef = EntityId<'sig-ref'>
export type FuncRef = EntityId<'func-ref'>
export type Constant = EntityId<'constant'>
export type JumpTable = EntityId<'jump-table'>
export type ExceptionTable = EntityId<'exception-table'>
export type AliasRegion = EntityId<'alias-region'>

/** "No value", as stored in Int32Array columns. */
export const NO_VALUE: Value = -1 as Value
/** "No instruction", as stored in Int32Array columns. */
export const NO_INST: Inst = -1 as Inst
/** "No block", as stored in Int32Array columns. */
export const NO_BLOCK: Block = -1 as Block
/** "No block call", as stored in Int32Array columns. */
export const NO_BLOCK_CALL: BlockCall = -1 as BlockCall
/** "No entity" in the `entity` column of an instruction. */
export const NO_ENTITY = -1
/** "No source location" in the `sourceLocation` column; also what upstream means by 0xffffffff. */
export const NO_SOURCE_LOCATION = -1
