import { expect, test } from 'vitest'
import { readmeExamples, testReadme } from '../src/index.ts'

test('examples are found with their line and output', () => {
  const markdown =
    '# A\n\n```ts run\nconst a = 1\n```\n\n```text\none\n```\n\n```ts\nnot this\n```\n\n```ts run\nb()\n```\n'
  expect(readmeExamples(markdown)).toEqual([
    { code: 'const a = 1\n', line: 4, output: 'one\n' },
    { code: 'b()\n', line: 16, output: null },
  ])
})

testReadme(new URL('../README.md', import.meta.url))
