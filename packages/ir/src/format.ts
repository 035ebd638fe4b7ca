// Instruction formats: what follows an opcode in the text, and which columns of the instruction table hold it.

/** Formats, numbered by name. */
export const Format = {
  AtomicCas: 0,
  AtomicRmw: 1,
  Binary: 2,
  BinaryImm8: 3,
  BranchTable: 4,
  Brif: 5,
  Call: 6,
  CallIndirect: 7,
  CondTrap: 8,
  DynamicStackAddr: 9,
  ExceptionHandlerAddress: 10,
  FloatCompare: 11,
  FuncAddr: 12,
  IntAddTrap: 13,
  IntCompare: 14,
  Jump: 15,
  Load: 16,
  LoadNoOffset: 17,
  MultiAry: 18,
  NullAry: 19,
  Shuffle: 20,
  StackAddr: 21,
  Store: 22,
  StoreNoOffset: 23,
  Ternary: 24,
  TernaryImm8: 25,
  Trap: 26,
  TryCall: 27,
  TryCallIndirect: 28,
  Unary: 29,
  UnaryConst: 30,
  UnaryGlobalValue: 31,
  UnaryIeee16: 32,
  UnaryIeee32: 33,
  UnaryIeee64: 34,
  UnaryImm: 35,
} as const
export type Format = (typeof Format)[keyof typeof Format]

/** One row of {@link FORMAT_ROWS}. */
export type FormatRow = readonly [
  name: string,
  /** Nonterminals of the grammar in the order of the text. */
  syntax: string,
  /** Number of value operands in arg0, arg1, arg2. */
  fixedValues: number,
  /** Which of them the controlling type is read off when the opcode allows that; -1 for none. */
  controllingOperand: number,
  /**
   * The columns in use beside the opcode, and what they hold. `list` is listStart and listLength; columns that share a
   * word, as inst-table.ts says, are never in one row of this table.
   */
  columns: string,
]

/** Row i is the format with the number i. */
// biome-ignore format: a table, one row to a line
export const FORMAT_ROWS: readonly FormatRow[] = [
  ['AtomicCas', '{memflag} value , value , value', 3, 2, 'arg0 arg1 arg2, immHigh flags'],
  ['AtomicRmw', '{memflag} atomic-op value , value', 2, 0, 'arg0 arg1, imm operation, immHigh flags'],
  ['Binary', 'value , value', 2, 0, 'arg0 arg1'],
  ['BinaryImm8', 'value , uimm8', 1, 0, 'arg0, imm lane'],
  ['BranchTable', 'value , block-call , [ [block-call {, block-call}] ]', 1, 0, 'arg0, target0 default, entity jump table'],
  ['Brif', 'value , block-call , block-call', 1, 0, 'arg0, target0 target1'],
  ['Call', 'func-ref ( [values] ) [, stack-map]', 0, -1, 'entity function, list'],
  ['CallIndirect', 'sig-ref , value ( [values] ) [, stack-map]', 1, 0, 'entity signature, arg0 callee, list'],
  ['CondTrap', 'value , trap-code', 1, 0, 'arg0, imm code'],
  ['DynamicStackAddr', 'dyn-slot-ref', 0, -1, 'entity dynamic slot'],
  ['ExceptionHandlerAddress', 'block-ref , imm64', 0, -1, 'arg1 block, imm immHigh index'],
  ['FloatCompare', 'float-cc value , value', 2, 0, 'arg0 arg1, imm condition'],
  ['FuncAddr', 'func-ref', 0, -1, 'entity function'],
  ['IntAddTrap', 'value , value , trap-code', 2, 0, 'arg0 arg1, imm code'],
  ['IntCompare', 'int-cc value , value', 2, 0, 'arg0 arg1, imm condition'],
  ['Jump', 'block-call', 0, -1, 'target0'],
  ['Load', '{memflag} value [offset32]', 1, 0, 'arg0, imm offset, immHigh flags'],
  ['LoadNoOffset', '{memflag} value', 1, 0, 'arg0, immHigh flags'],
  ['MultiAry', '[values]', 0, -1, 'list'],
  ['NullAry', '', 0, -1, ''],
  ['Shuffle', 'value , value , vector-literal(i8x16)', 2, 0, 'arg0 arg1, entity mask'],
  ['StackAddr', 'slot-ref [offset32]', 0, -1, 'entity slot, imm offset'],
  ['Store', '{memflag} value , value [offset32]', 2, 0, 'arg0 arg1, imm offset, immHigh flags'],
  ['StoreNoOffset', '{memflag} value , value', 2, 0, 'arg0 arg1, immHigh flags'],
  ['Ternary', 'value , value , value', 3, 1, 'arg0 arg1 arg2'],
  ['TernaryImm8', 'value , value , uimm8', 2, 0, 'arg0 arg1, imm lane'],
  ['Trap', 'trap-code', 0, -1, 'imm code'],
  ['TryCall', 'func-ref ( [values] ) , exception-table [, stack-map]', 0, -1, 'entity function, list, imm exception table'],
  ['TryCallIndirect', 'value ( [values] ) , exception-table [, stack-map]', 1, 0, 'arg0 callee, list, imm exception table'],
  ['Unary', 'value', 1, 0, 'arg0'],
  ['UnaryConst', 'const-ref | vector-literal(ctrl) | float(f128)', 0, -1, 'entity constant'],
  ['UnaryGlobalValue', 'global-ref', 0, -1, 'entity global'],
  ['UnaryIeee16', 'float', 0, -1, 'imm bits'],
  ['UnaryIeee32', 'float', 0, -1, 'imm bits'],
  ['UnaryIeee64', 'float', 0, -1, 'imm immHigh bits'],
  ['UnaryImm', 'int(ctrl)', 0, -1, 'imm immHigh, zero-extended to the type'],
]

/** Number of fixed value operands (arg0, arg1, arg2), by format. */
export const FORMAT_VALUES: Uint8Array = Uint8Array.from(FORMAT_ROWS, (row) => row[2])

/** Whether an instruction has variable value operands (listStart, listLength): 1 or 0, by format. */
export const FORMAT_HAS_LIST: Uint8Array = Uint8Array.from(FORMAT_ROWS, (row) => (/\blist\b/.test(row[4]) ? 1 : 0))

/** Operations of `atomic_rmw`, by the number in its `imm` column. */
export const ATOMIC_RMW_OPS = [
  'add',
  'sub',
  'and',
  'nand',
  'or',
  'xor',
  'xchg',
  'umin',
  'umax',
  'smin',
  'smax',
] as const
/** Numbers of the operations of `atomic_rmw`. */
export const AtomicRmwOp = {
  Add: 0,
  Sub: 1,
  And: 2,
  Nand: 3,
  Or: 4,
  Xor: 5,
  Xchg: 6,
  Umin: 7,
  Umax: 8,
  Smin: 9,
  Smax: 10,
} as const
export type AtomicRmwOp = (typeof AtomicRmwOp)[keyof typeof AtomicRmwOp]
