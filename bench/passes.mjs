// What the optimiser costs, pass by pass: nanoseconds per instruction of the function as it came, warm, on generated
// functions of five sizes, each parsed anew for every round as passes work in place. A row holds medians over the rounds.
// `graph` and `order` are the analyses that the passes share.
//
//   node bench/passes.mjs [--quick]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseFile } from '../packages/ir/dist/text/index.js'
import { PassContext, passes } from '../packages/opt/dist/index.js'
import { generatedFiles, textOf } from './corpus.mjs'

const rounds = process.argv.includes('--quick') ? 8 : 30
const folder = mkdtempSync(join(tmpdir(), 'framewright-passes-'))

/** One round: nanoseconds per instruction, by pass. */
function round(text) {
  const { functions } = parseFile(text)
  const context = new PassContext(functions[0])
  const times = new Map()
  const timed = (name, run) => {
    const start = performance.now()
    run()
    times.set(name, (times.get(name) ?? 0) + performance.now() - start)
  }
  let insts = 0
  for (const func of functions) {
    insts += func.insts.length
    context.bind(func, () => null)
    timed('graph', () => context.graph())
    timed('order', () => context.order())
    for (const { name, run } of passes) timed(name, () => run(func, context))
  }
  for (const [name, milliseconds] of times) times.set(name, (milliseconds * 1e6) / insts)
  return times
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]

try {
  for (const { name: size, path } of generatedFiles(folder)) {
    const text = textOf(path)
    const all = Array.from({ length: rounds }, () => round(text)).slice(rounds >> 1)
    const row = [...all[0].keys()].map((name) => [name, median(all.map((times) => times.get(name)))])
    const total = row.reduce((sum, [, ns]) => sum + ns, 0)
    console.log(`${size} instructions a function: ${total.toFixed(0)} ns an instruction`)
    console.log(`  ${row.map(([name, ns]) => `${name} ${ns.toFixed(0)}`).join(', ')}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
