// What the benchmarks compile: the examples, and generated functions of five sizes, as CLIF files that every compiler reads.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateFunction } from '../packages/ir/dist/testing/index.js'

const examples = new URL('../examples/', import.meta.url).pathname

/** Instructions in a function of the language's benchmark, and how many loops of 13 the function that is built has. */
export const FUNCTION_INSTRUCTIONS = 250
export const LOOPS_BUILT = Math.floor(FUNCTION_INSTRUCTIONS / 13)

/** Examples that every compiler takes; `results` asks for more results than Cranelift returns without a setting. */
export const exampleNames = [
  ...['fib', 'quicksort', 'sieve', 'matmul', 'nbody', 'hash', 'pressure', 'calls', 'frames', 'returns', 'switch'],
  ...['floats', 'bits', 'traps', 'memory', 'callback'],
]

/** Instructions in a function, and how many functions: about 40 000 instructions to a file. */
export const generatedSizes = [
  [90, 440],
  [250, 160],
  [1100, 36],
  [5400, 8],
  [20_000, 2],
]

export const exampleFiles = () => exampleNames.map((name) => ({ name, path: join(examples, `${name}.clif`) }))

/** Writes the generated files into `folder`. The same seed gives the same functions, on every machine. */
export function generatedFiles(folder) {
  mkdirSync(folder, { recursive: true })
  return generatedSizes.map(([size, count]) => {
    const path = join(folder, `generated-${size}.clif`)
    writeFileSync(path, functions(size, count))
    return { name: `${size}`, path }
  })
}

/** One file of many small functions, for the cold curve. */
export function coldFile(folder, count = 1000) {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'cold.clif')
  writeFileSync(path, functions(90, count))
  return path
}

function functions(size, count) {
  const options = { instructions: size, types: ['i32', 'i64', 'f64'], params: ['i64', 'i32', 'f64'], returns: ['i64'] }
  const make = (_, index) => generateFunction({ ...options, seed: size * 1000 + index }).text
  return Array.from({ length: count }, make).join('\n')
}

export const textOf = (path) => readFileSync(path, 'utf8')
