// What reading, printing, verifying and building cost an instruction, and what it occupies: JSON on standard output.
//
//   node bench/language.mjs COUNT FILE   one file of about so many instructions, which is left there for the peer to read
//
// The file has functions of 250 instructions. Times are medians of rounds in a process that is warm. Bytes are what the
// functions of the file occupy once read, the text itself left out, after garbage has been collected.

import { writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  FunctionBuilder,
  IntCC,
  parseFile,
  printFunction,
  signature,
  TRUSTED_MEM_FLAGS,
  Type,
  verifyFunction,
} from '../packages/ir/dist/index.js'
import { generateFunction } from '../packages/ir/dist/testing/index.js'
import { FUNCTION_INSTRUCTIONS as FUNCTION, LOOPS_BUILT } from './corpus.mjs'
import { median } from './output.mjs'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const quick = process.argv.includes('--quick')
const TIMED_MS = quick ? 600 : 1500
const [wanted, path] = [Number(process.argv[2]), process.argv[3]]

/** Runs for a while until it is warm, then until the time is up, at least three times. @returns nanoseconds of a round. */
function medianTime(work) {
  const warm = performance.now() + TIMED_MS / 2
  do work()
  while (performance.now() < warm)
  const times = []
  const end = performance.now() + TIMED_MS
  do {
    const start = performance.now()
    work()
    times.push((performance.now() - start) * 1e6)
  } while (performance.now() < end || times.length < 3)
  return median(times)
}

/** One function by hand: loops over variables, memory, calls and branches. @returns how many instructions it has. */
function build(rounds) {
  const b = new FunctionBuilder('built', signature([Type.I64, Type.I32], [Type.I32], 'system_v'))
  const [pointer, count] = b.createEntry()
  const left = b.declareVariable(Type.I32)
  const sum = b.declareVariable(Type.I32)
  b.define(left, count)
  b.define(sum, b.iconst(Type.I32, 0))
  for (let i = 0; i < rounds; i++) {
    const [head, body, after] = [b.createBlock(), b.createBlock(), b.createBlock()]
    b.jump(head)
    b.switchTo(head)
    b.brif(b.icmp(IntCC.Sgt, b.use(left), b.use(sum)), body, after)
    b.switchTo(body)
    b.seal(body)
    const x = b.load(Type.I32, TRUSTED_MEM_FLAGS, pointer, 8 * i)
    const y = b.iadd(b.imul(x, b.use(sum)), b.bxor(x, b.use(left)))
    b.store(TRUSTED_MEM_FLAGS, y, pointer, 8 * i + 4)
    b.define(sum, b.select(y, b.iadd(y, x), b.use(sum)))
    b.define(left, b.iadd(b.use(left), b.iconst(Type.I32, -1)))
    b.jump(head)
    b.seal(head)
    b.switchTo(after)
    b.seal(after)
  }
  b.return([b.use(sum)])
  return b.finish().insts.length
}

const texts = []
for (let i = 0; i * FUNCTION < wanted; i++) texts.push(generateFunction({ seed: i, instructions: FUNCTION }).text)
const text = texts.join('\n')
if (path !== undefined) writeFileSync(path, text)
texts.length = 0
const read = () => parseFile(text, { file: 'bench.clif' }).functions

let functions = read()
const insts = functions.reduce((total, func) => total + func.insts.length, 0)
const parse = medianTime(read)
const verify = medianTime(() => {
  for (const func of functions) if (verifyFunction(func).length > 0) throw new Error('the file does not verify')
})
let characters = 0
const print = medianTime(() => {
  characters = 0
  for (const func of functions) characters += printFunction(func).length
})

/** Bytes in use. The memory behind typed arrays is given back a while after they have been collected. */
async function used() {
  for (let i = 0; i < 5; i++) {
    collect()
    await setTimeout(20)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
functions = null
const before = await used()
// Small files several times over, so that what the process itself takes and gives back does not count.
const copies = Array.from({ length: Math.ceil(200_000 / insts) }, read)
const bytes = ((await used()) - before) / copies.length

let built = 0
const building = medianTime(() => {
  built = 0
  while (built < insts) built += build(LOOPS_BUILT)
})
console.log(
  JSON.stringify({
    insts,
    functions: copies[0].length,
    textBytes: text.length / insts,
    parse: parse / insts,
    print: print / insts,
    verify: verify / insts,
    build: building / built,
    bytes: bytes / insts,
    characters,
  }),
)
