export {
  argumentNumber,
  BlockCallTable,
  BlockTable,
  exceptionArgument,
  isExceptionArgument,
  returnArgument,
} from './block-table.ts'
export type { ConstantValue } from './builder/constants.ts'
export type { BlockTarget, TryArgument, TryTarget } from './builder/emitter.ts'
export type { Finished } from './builder/finish.ts'
export type { ExceptionHandler, ExceptionHandlers } from './builder/format-emitter.ts'
export type { FunctionBuilderOptions, ImportOptions } from './builder/function-builder.ts'
export { FunctionBuilder } from './builder/function-builder.ts'
export { InstructionBuilder } from './builder/instruction-builder.ts'
export type { Variable } from './builder/ssa-construction.ts'
export type { SwitchCase } from './builder/switch.ts'
export type { ControlFlowGraph } from './cfg.ts'
export { controlFlowGraph, predecessorsOf, successorsOf } from './cfg.ts'
export type { Components } from './components.ts'
export { components } from './components.ts'
export {
  complementFloatCC,
  complementIntCC,
  FLOAT_CC_NAMES,
  FLOAT_EQUAL,
  FLOAT_GREATER,
  FLOAT_LESS,
  FLOAT_UNORDERED,
  FloatCC,
  floatCCOutcomes,
  INT_CC_NAMES,
  IntCC,
  swapFloatCC,
  swapIntCC,
} from './condition-codes.ts'
export { DominatorTree, dominatorsFrom, dominatorTree } from './dominators.ts'
export type {
  AliasRegion,
  Block,
  BlockCall,
  Constant,
  DynamicStackSlot,
  DynamicType,
  EntityId,
  ExceptionTable,
  FuncRef,
  GlobalValue,
  Inst,
  JumpTable,
  SigRef,
  StackSlot,
  Value,
} from './entities.ts'
export { NO_BLOCK, NO_BLOCK_CALL, NO_ENTITY, NO_INST, NO_SOURCE_LOCATION, NO_VALUE } from './entities.ts'
export type { Diagnostic, IrBuildProblem, IrSyntaxProblem } from './errors.ts'
export { IrBuildError, IrSyntaxError } from './errors.ts'
export type {
  AliasRegionData,
  DebugTag,
  DynamicStackSlotData,
  DynamicTypeData,
  ExceptionTableData,
  ExceptionTableItem,
  ExternalName,
  FuncRefData,
  GlobalValueData,
  KnownSymbol,
  Libcall,
  StackMapEntry,
  StackSlotData,
} from './externals.ts'
export { externalName, KNOWN_SYMBOLS, LIBCALL_SYMBOLS, printExternalName, symbolName } from './externals.ts'
export type { FormatRow } from './format.ts'
export { ATOMIC_RMW_OPS, AtomicRmwOp, FORMAT_HAS_LIST, FORMAT_ROWS, FORMAT_VALUES, Format } from './format.ts'
export { Function, operandPlace } from './function.ts'
export { printCfg, printDominatorTree } from './graph-text.ts'
export { InstTable } from './inst-table.ts'
export { Layout } from './layout.ts'
export { Liveness, liveness } from './liveness.ts'
export { LoopForest, loopForest } from './loops.ts'
export {
  DEFAULT_MEM_FLAGS,
  MAX_ALIAS_REGION,
  MemFlags,
  memFlagsRegion,
  memFlagsTrapCode,
  printMemFlags,
  TRUSTED_MEM_FLAGS,
  withRegion,
  withTrapCode,
} from './memory-flags.ts'
export { type DataObject, Module, type ModuleDiagnostic } from './module.ts'
export type { OpcodeRow } from './opcode.ts'
export {
  OPCODE_FLAGS,
  OPCODE_FORMAT,
  OPCODE_LIMIT,
  OPCODE_NAMES,
  OPCODE_ROWS,
  Opcode,
  OpcodeFlag,
  parseOpcode,
} from './opcode.ts'
export { PostDominatorTree, postDominatorTree } from './post-dominators.ts'
export type { AbiParam, ArgumentExtension, ArgumentPurpose, CallConv, Signature } from './signature.ts'
export {
  abiParam,
  CALL_CONVS,
  equalSignatures,
  exceptionPayloadWords,
  printSignature,
  signature,
  supportsExceptions,
  supportsTailCalls,
} from './signature.ts'
export type { FunctionPlaces, Place, SourceComment } from './source.ts'
export { FunctionSource, SourceText } from './source.ts'
export type {
  FeatureLine,
  FileHeader,
  ParsedFile,
  ParseOptions,
  PrintInstOptions,
  PrintOptions,
  TargetLine,
  TestLine,
} from './text/index.ts'
export {
  openFile,
  parseFile,
  parseFunctions,
  parseModule,
  printBlock,
  printBlockHeader,
  printFunction,
  printInst,
  printValue,
} from './text/index.ts'
export { MAX_USER_TRAP_CODE, parseTrapCode, TrapCode, trapCodeName } from './trap-codes.ts'
export type { TypeSetRow } from './type-constraints.ts'
export {
  CONSTRAINT_CONCRETE,
  CONSTRAINT_FREE,
  CONSTRAINT_MASK,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  Derived,
  derivedType,
  isInTypeSet,
  OPERAND_CONSTRAINTS,
  printTypeSet,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  resultType,
  satisfies,
  TYPE_SET_ROWS,
  TYPE_SETS_OF,
  TypeSet,
} from './type-constraints.ts'
export {
  asTruthy,
  doubleWidth,
  dynamicToVector,
  halfWidth,
  hasFloatLanes,
  hasIntegerLanes,
  isDynamicVector,
  isScalarFloat,
  isScalarInteger,
  isType,
  isVector,
  laneBits,
  laneCount,
  laneCountLog2,
  laneType,
  mergeLanes,
  parseType,
  splitLanes,
  TYPE_LIMIT,
  Type,
  typeBits,
  typeBytes,
  typeName,
  vectorOf,
  vectorToDynamic,
} from './types.ts'
export { paramDefinition, UNDEFINED_VALUE, ValueTable } from './value-table.ts'
export type { VerifyOptions } from './verify/index.ts'
export { headerVerifyOptions, verifyFunction } from './verify/index.ts'
