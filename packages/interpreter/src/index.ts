/** The interpreter of the Framewright IR. */

export { InterpreterError, type InterpreterProblem } from './errors.ts'
export type { HostFunction } from './library.ts'
export { type DataObject, HostException, Interpreter, type InterpreterOptions, type Outcome } from './machine.ts'
export { Memory, type Region } from './memory.ts'
