// Functions of unusual shape: the time must grow with the size, not with its square. A quadratic pass takes minutes here.

import { parseFunctions, verifyFunction } from '@framewright/ir'
import { expect, test } from 'vitest'
import { optimizeModule } from '../src/index.ts'

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')
const N = 8000

const shapes: Readonly<Record<string, string>> = {
  'a line of blocks, backwards': `function %f(i32) -> i32 {
block0(v0: i32):
    jump block1
${lines(N, (k) => `block${N - k}:\n    v${N - k} = iadd.i32 v0, v0\n    ${k === 0 ? `return v${N}` : `jump block${N - k + 1}`}`)}
}`,
  'loops in loops': `function %f(i64, i64) {
block0(v0: i64, v1: i64):
    jump block1(v0)
${lines(N, (k) => `block${k + 1}(v${10 + k}: i64):\n    ${k < N - 1 ? `jump block${k + 2}(v0)` : `jump block${N + 1}`}`)}
${lines(N, (k) => {
  const i = N - 1 - k
  return `block${N + 1 + k}:
    v${100000 + i} = imul.i64 v0, v1
    store.i64 v${100000 + i}, v1
    brif.i64 v${10 + i}, block${i + 1}(v1), block${N + 2 + k}`
})}
block${2 * N + 1}:
    return
}`,
  'loops in a row, each with a pointer': `function %f(i64, i64) {
block0(v0: i64, v1: i64):
    v3 = iconst.i64 0
    v4 = iconst.i64 24
    v5 = iconst.i64 1
    jump block1
${lines(N, (k) => {
  const v = 10 * k + 16
  return `block${2 * k + 1}:
    jump block${2 * k + 2}(v3)
block${2 * k + 2}(v${v}: i64):
    v${v + 1} = imul.i64 v${v}, v4
    v${v + 2} = iadd.i64 v0, v${v + 1}
    store.i64 v1, v${v + 2}
    v${v + 3} = iadd.i64 v${v}, v5
    v${v + 4} = icmp ult v${v + 3}, v1
    brif v${v + 4}, block${2 * k + 2}(v${v + 3}), block${2 * k + 3}`
})}
block${2 * N + 1}:
    return
}`,
  'additions of constants': `function %f(i64) -> i64 {
block0(v0: i64):
    v1 = iconst.i64 3
    v2 = iadd v0, v1
${lines(N, (i) => `    v${i + 3} = iadd v${i + 2}, v1`)}
    return v${N + 2}
}`,
  'calls of a small function': `function %g(i32) -> i32 {
block0(v0: i32):
    v1 = imul v0, v0
    return v1
}
function %f(i32) -> i32 {
    fn0 = colocated %g(i32) -> i32

block0(v0: i32):
${lines(N, (i) => `    v${i + 1} = call fn0(v${i})`)}
    return v${N}
}`,
  'a table whose entries all pass something on': `function %f(i32) -> i32 {
block0(v0: i32):
    br_table v0, block1(v0), [${Array(N).fill('block1(v0)').join(', ')}]
block1(v1: i32):
    return v1
}`,
}

test.each(Object.entries(shapes))('%s', (_, text) => {
  const functions = parseFunctions(text)
  const start = performance.now()
  optimizeModule(functions)
  expect(performance.now() - start).toBeLessThan(2000)
  for (const func of functions) expect(verifyFunction(func)).toEqual([])
})
