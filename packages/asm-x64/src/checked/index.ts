// A subpath of its own: it loads the tables as written, which the assembler itself does not need.
export { assemble } from './assemble.ts'
export type { Memory, Operand } from './operand.ts'
