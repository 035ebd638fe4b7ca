// Machine operations: what lowering writes into a record's `op` field and emission reads.
//
// Groups of numbers are meaningful: emission dispatches on the number, and the operations of one group share a record shape.
// Operand order in every record: results, tied input, other inputs, memory base, memory index; then payload.

/** Numbers of machine operations, at most 10 bits. Append inside a group; nothing outside this package sees them. */
export const MachOp = {
  // Control. Block: defs = parameters. Jump: operands = arguments, payload = target, constant words.
  Block: 0,
  Jump: 1,
  Branch: 2, // payload: block if the condition holds, block if not
  Switch: 3, // operands: index, two temporaries; payload: table number
  Return: 4, // operands: fixed inputs
  Call: 5, // operands: fixed defs, fixed inputs; payload: symbol, flags
  CallIndirect: 6, // the callee is the last fixed input
  Trap: 7, // trap code in the header
  TrapIf: 8,
  SourceLocation: 9, // payload: source location
  DebugTrap: 10,
  Fence: 11,

  // Integer, result tied to the first input: op d, b.
  Add: 16,
  Sub: 17,
  And: 18,
  Or: 19,
  Xor: 20,
  Imul: 21,
  Adc: 22,
  Sbb: 23,
  // Unary, tied.
  Neg: 24,
  Not: 25,
  Bswap: 26,
  // Shifts: by immediate (payload), or by rcx (last operand fixed).
  Shl: 28,
  Shr: 29,
  Sar: 30,
  Rol: 31,
  Ror: 32,
  // Shifts of BMI2: d, source, count, untied.
  Shlx: 33,
  Shrx: 34,
  Sarx: 35,
  // d = op(source), untied.
  Mov: 40,
  Movzx8: 41,
  Movzx16: 42,
  Movsx8: 43,
  Movsx16: 44,
  Movsx32: 45,
  Popcnt: 46,
  Lzcnt: 47,
  Tzcnt: 48,
  Bsr: 49,
  Bsf: 50,
  ImulImm: 51, // payload: the immediate, last
  Lea: 52,
  Const: 53, // payload: low, high
  Store: 54,
  Cmp: 55,
  Test: 56,
  Setcc: 57,
  Cmov: 58,
  SbbSelf: 59, // d = carry ? -1 : 0
  // Fixed rax and rdx.
  Div: 60,
  Idiv: 61,
  Mul: 62,
  ImulWide: 63,
  Srem: 64, // idiv that gives 0 for a divisor of -1
  SymbolAddress: 65, // payload: symbol, addend, how
  FrameAddress: 66, // payload: offset in the stack-slot area, alignment mask or 0
  ReadRegister: 67, // payload: register number
  ReadReturnAddress: 68,

  // Floating point, tied.
  Fadd: 80,
  Fsub: 81,
  Fmul: 82,
  Fdiv: 83,
  Fand: 84,
  For: 85,
  Fxor: 86,
  Fandn: 87,
  // Untied.
  Fsqrt: 90,
  Fpromote: 91,
  Fdemote: 92,
  Fmov: 93,
  Fconst: 94,
  Fstore: 95,
  Ucomis: 96,
  IntToFloat: 97,
  MovToXmm: 98,
  MovFromXmm: 99,
  Fround: 100, // payload: rounding mode, last
  Fmin: 101,
  Fmax: 102,
  Fcmov: 103,
  FloatToSint: 104,
  FloatToUint: 105,
  FloatToSintSat: 106,
  FloatToUintSat: 107,
  Uint64ToFloat: 108,
  Fma: 109,

  // memory op= the first operand or an immediate.
  AddMemory: 120,
  SubMemory: 121,
  AndMemory: 122,
  OrMemory: 123,
  XorMemory: 124,
} as const
export type MachOp = (typeof MachOp)[keyof typeof MachOp]

/** Name of each operation, for printing. */
export const machOpNames: readonly string[] = namesOf(MachOp)

function namesOf(table: Readonly<Record<string, number>>): string[] {
  const names: string[] = []
  for (const [name, number] of Object.entries(table)) names[number] = name
  return names
}
