// A golden file holds an input and, below it, one `; ` line for each line of the outcome. It is its own snapshot:
// `vitest run -u` rewrites the part below the input.

import { readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** Runs one golden file; `run` maps the input text to the lines recorded under it. */
export async function checkGolden(path: string, run: (input: string) => readonly string[]): Promise<void> {
  const input = inputOf(readFileSync(path, 'utf8').replaceAll('\r\n', '\n'))
  const recorded = run(input).map((line) => `; ${line}`.trimEnd())
  await expect(`${input}\n${recorded.join('\n')}\n`).toMatchFileSnapshot(path)
}

/** Up to the `}` that closes the last function; where there is none, up to the comment lines that end the file. */
function inputOf(text: string): string {
  const end = text.lastIndexOf('\n}\n')
  if (end >= 0) return text.slice(0, end + 3)
  const lines = text.trimEnd().split('\n')
  while (lines.length > 0 && /^(?:;.*|\s*)$/.test(lines.at(-1) ?? '')) lines.pop()
  return `${lines.join('\n')}\n`
}
