// Entities are dense indices into the tables of one function: plain small integers at run time, told apart by the type
// checker alone. Why ids and not references: rows never move, so a pass's notes are a typed array indexed by id.

declare const entity: unique symbol

/** A dense index into one table of one function. Erased at run time: a plain small integer. */
export type EntityId<Name extends string> = number & { readonly [entity]: Name }

/** An SSA value: a result of an instruction, a parameter of a block, or another name of one of these. */
export type Value = EntityId<'value'>
/** An instruction. */
export type Inst = EntityId<'inst'>
/** A basic block. */
export type Block = EntityId<'block'>
/** One use of a block as a branch target, with the arguments passed along. */
export type BlockCall = EntityId<'block-call'>
/** A piece of the frame, of a size that is known. */
export type StackSlot = EntityId<'stack-slot'>
/** A piece of the frame, of the size of a dynamic type. */
export type DynamicStackSlot = EntityId<'dynamic-stack-slot'>
/** A vector type whose number of lanes a global value scales. */
export type DynamicType = EntityId<'dynamic-type'>
/** An address or number that is the same all over the function. */
export type GlobalValue = EntityId<'global-value'>
/** A signature that calls refer to. */
export type SigRef = EntityId<'sig-ref'>
/** A function that can be called by name. */
export type FuncRef = EntityId<'func-ref'>
/** Bytes of the constant pool. */
export type Constant = EntityId<'constant'>
/** The targets of a `br_table`. */
export type JumpTable = EntityId<'jump-table'>
/** Where a `try_call` goes on, and its handlers. */
export type ExceptionTable = EntityId<'exception-table'>
/** A region of memory; accesses to different ones do not overlap. */
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
