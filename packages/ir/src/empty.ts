// Columns without rows, shared by every table that is still empty: making a typed array costs as much as parsing an
// instruction, and a function has two dozen columns.

export const NO_ROWS: Int32Array = new Int32Array(0)
export const NO_TYPES: Uint16Array = new Uint16Array(0)
export const NO_BYTES: Uint8Array = new Uint8Array(0)
