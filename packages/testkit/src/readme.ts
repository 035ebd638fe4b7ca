// Examples in Markdown run. A block that opens with "```ts run" is a module; when a "```text" block follows it, that is
// what the module prints. Blocks that open with "```ts more" are the beginning of all modules behind them.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'node:util'
import { expect, test } from 'vitest'

export interface ReadmeExample {
  readonly code: string
  /** The line of the README that the code starts at, from 1. */
  readonly line: number
  /** What the example prints, when the README says so. */
  readonly output: string | null
}

export function readmeExamples(markdown: string): ReadmeExample[] {
  const text = markdown.replaceAll('\r\n', '\n')
  const block = /^```ts (run|more)\n([\s\S]*?)^```$(?:\n+```text\n([\s\S]*?)^```$)?/gm
  const examples: ReadmeExample[] = []
  let beginning = ''
  for (const match of text.matchAll(block)) {
    const [, kind, code = '', output = null] = match
    if (kind === 'more') beginning += code
    else {
      const line = text.slice(0, match.index).split('\n').length + 1
      examples.push({ code: beginning + code, line, output })
    }
  }
  return examples
}

/**
 * Declares one test for each example of a page: `testReadme(new URL('../README.md', import.meta.url))`.
 *
 * The examples run against the sources. They are written to a folder which git ignores: `test/.readme` beside the page.
 *
 * @param home - a file of the package whose imports the examples see, where that is not the page's own.
 */
export function testReadme(readme: URL, home: URL = readme): void {
  const path = fileURLToPath(readme)
  const name = basename(path)
  const examples = readmeExamples(readFileSync(path, 'utf8'))
  if (examples.length === 0) test.todo(`${basename(dirname(path))}/README.md has no example that runs`)
  for (const example of examples) {
    test(`${name}:${example.line} runs`, async () => {
      const folder = join(dirname(fileURLToPath(home)), 'test/.readme')
      mkdirSync(folder, { recursive: true })
      const file = join(folder, `${name.replace(/\.md$/, '')}-line-${example.line}.ts`)
      writeFileSync(file, `${example.code}\nexport {}\n`)
      const printed: string[] = []
      const log = console.log
      console.log = (...values: unknown[]) => void printed.push(`${format(...values)}\n`)
      try {
        await import(/* @vite-ignore */ pathToFileURL(file).href)
      } finally {
        console.log = log
      }
      if (example.output !== null) expect(printed.join('')).toBe(example.output)
    })
  }
}
