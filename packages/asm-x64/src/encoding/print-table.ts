// Writes `table.ts`. Only the tests import this file (`vitest run -u` rewrites the table).
import { rows } from '../insts/index.ts'
import { packRow } from './row.ts'

/** The text of `encoding/table.ts`. */
export function printTable(): string {
  const names = rows.map(([name], row) => `  ${name}: ${row},`)
  const words = rows.map((row) => `  ${packRow(row).map(hex).join(', ')}, // ${row[0]}`)
  return `// Made from the tables in insts/ by \`vitest run --project asm-x64 -u\`; a test compares. Names: encoding/row.ts.

/** The number of every row: the \`row\` argument of the assembler's methods. */
export const Inst = {
${names.join('\n')}
} as const
export type Inst = (typeof Inst)[keyof typeof Inst]

/** Four packed words a row, one for each size; the layout is \`EncodingWord\`. */
// biome-ignore format: one row to a line
export const words: Int32Array = /* @__PURE__ */ Int32Array.of(
${words.join('\n')}
)
`
}

const hex = (word: number): string => `0x${word.toString(16)}`
