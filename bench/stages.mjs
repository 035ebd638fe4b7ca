// How long our compiler takes, stage by stage, for each file: JSON on standard output.
//
//   node bench/stages.mjs FILE...
//
// All functions of a file are compiled again and again by one `Compiler`, as in a process that has been running for a
// while. A row holds medians over the rounds, in nanoseconds for the whole file. `total` is timed in rounds of its own,
// without the clocks between the stages; it includes the frame record and the unwind data.

import { Compiler } from '../packages/codegen-x64/dist/index.js'
import { verifyFunction } from '../packages/ir/dist/index.js'
import { parseFile } from '../packages/ir/dist/text/index.js'
import { textOf } from './corpus.mjs'
import { median } from './output.mjs'

const STAGES = ['analyse', 'lower', 'allocate', 'emit', 'unwind']
const quick = process.argv.includes('--quick')
const WARM_MS = quick ? 300 : 1500
const TIMED_MS = quick ? 200 : 700

/** Instructions in the layout, the unit of every figure; the same count as the peer's. */
function countInstructions(func) {
  let count = 0
  const { layout, blocks } = func
  for (let block = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) count++
  }
  return count
}

/** Runs until the time is up, at least 5 times; what `run` returns is kept. */
function repeat(milliseconds, run) {
  const kept = []
  const end = performance.now() + milliseconds
  do kept.push(run())
  while (performance.now() < end || kept.length < 5)
  return kept
}

function timed(run) {
  const start = performance.now()
  run()
  return (performance.now() - start) * 1e6
}

function hash(sum, bytes) {
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}

const compiler = new Compiler({ target: 'x86_64-unknown-linux-gnu' })
const paths = process.argv.slice(2).filter((word) => !word.startsWith('--'))
// All files first, so that the first one is not measured by a process that is just starting.
const everything = paths.flatMap((path) => parseFile(textOf(path)).functions)
repeat(2 * WARM_MS, () => {
  for (const func of everything) compiler.compile(func)
})
const rows = []
for (const path of paths) {
  const text = textOf(path)
  const functions = parseFile(text).functions
  const insts = functions.reduce((sum, func) => sum + countInstructions(func), 0)
  const compileAll = () => {
    for (const func of functions) compiler.compile(func)
  }
  const compileTimed = () => {
    const times = { analyse: 0, lower: 0, allocate: 0, emit: 0, unwind: 0 }
    for (const func of functions) compiler.compile(func, times)
    return times
  }
  const verifyAll = () => {
    for (const func of functions) {
      const found = verifyFunction(func)
      if (found.length > 0) throw new Error(`${path}: ${found[0].message}`)
    }
  }
  repeat(WARM_MS, compileAll)
  const total = median(repeat(TIMED_MS, () => timed(compileAll)))
  const staged = repeat(TIMED_MS, compileTimed)
  repeat(WARM_MS / 5, verifyAll)
  const verify = median(repeat(TIMED_MS / 2, () => timed(verifyAll)))
  repeat(WARM_MS / 5, () => parseFile(text))
  const parse = median(repeat(TIMED_MS / 2, () => timed(() => parseFile(text))))
  let codeBytes = 0
  let checksum = 0x811c9dc5
  for (const func of functions) {
    const { code } = compiler.compile(func)
    codeBytes += code.length
    checksum = hash(checksum, code)
  }
  rows.push({
    ...{ file: path, functions: functions.length, insts, codeBytes, checksum: checksum.toString(16).padStart(8, '0') },
    ...{ parse, verify, total },
    ...Object.fromEntries(STAGES.map((stage) => [stage, median(staged.map((times) => times[stage] * 1e6))])),
  })
}
console.log(JSON.stringify(rows))
