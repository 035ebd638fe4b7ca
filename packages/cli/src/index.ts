export type { Host, OutputFile, OutputStream, WorkerPool } from './host.ts'
export { FileError } from './host.ts'
export { main } from './main.ts'
export { nodeHost } from './node-host.ts'
