// Register allocation of functions that could make it slower than linear: ns per machine record at three sizes. A row
// that grows with the size is a bug.
//
//   npx turbo run build --filter=@framewright/regalloc && node bench/regalloc-shapes.mjs
import { Allocator } from '../packages/regalloc/dist/index.js'

const DEF = 1 << 28
const LATE = 1 << 27
const ANY = 1 << 20
const fixed = (register) => (3 << 20) | (register << 22)
const CALL = 0b111111
const environment = { order: [Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7), Int32Array.of(16, 17)], calleeSaved: 0b11000000 }

const record = (operands, clobber = 0) => ({ operands, clobber })
const count = (n, make) => Array.from({ length: n }, (_, k) => make(k))
const definitions = (n) => count(n, (k) => record([k | DEF]))
const reads = (n) => count(n, (k) => record([k | ANY]))

/** Blocks and successors of each shape, with about `n` of what makes it large. */
const shapes = {
  'values across calls': (n) => ({
    blocks: [[...definitions(20), ...count(n, (k) => [record([], CALL), record([k % 20])]).flat()]],
    successors: [[]],
  }),
  'divides, one call behind': (n) => ({
    blocks: [
      [
        ...definitions(30),
        ...count(n, (k) => record([(k % 30) | fixed(0), ((k + 1) % 30) | LATE], 0b101)),
        record([], CALL),
        ...reads(30),
      ],
    ],
    successors: [[]],
  }),
  'all live at once': (n) => ({ blocks: [[...definitions(n), ...reads(n)]], successors: [[]] }),
  'one switch': (n) => ({
    blocks: [
      [...definitions(2), record([0])],
      ...count(n, () => [record([], CALL), record([1 | ANY]), record([])]),
      [record([1, 0])],
    ],
    successors: [count(n, (k) => k + 1), ...count(n, () => [n + 1]), []],
  }),
  'branches that join': (n) => ({
    blocks: [
      [...definitions(30), record([])],
      ...count(n, (k) => [
        [record([k % 30])],
        [record([], CALL), record([])],
        [record([(k + 7) % 30]), record([])],
      ]).flat(),
      reads(30),
    ],
    successors: [[1], ...count(n, (k) => [[3 * k + 2, 3 * k + 3], [3 * k + 4], [3 * k + 4]]).flat(), []],
  }),
  'loops with two entries': (n) => ({
    // Of each: two ways in, two blocks that jump to each other, the edges between them, the way out.
    blocks: [
      [...definitions(1), record([0])],
      ...count(n, () => [
        [record([])],
        [record([])],
        [record([0])],
        [record([0 | ANY])],
        [record([])],
        [record([])],
        [record([0 | ANY])],
        [record([])],
      ]).flat(),
    ],
    successors: [
      [1, 2],
      ...count(n, (k) => {
        const b = 8 * k + 1
        const next = k === n - 1 ? [] : [b + 8, b + 9]
        return [[b + 2], [b + 3], [b + 4, b + 6], [b + 5, b + 7], [b + 3], [b + 2], next, []]
      }).flat(),
    ],
  }),
}

function time({ blocks, successors }) {
  const vregs =
    1 + blocks.flat(2).reduce((top, { operands }) => operands.reduce((a, b) => Math.max(a, b & 0xfffff), top), 0)
  const words = []
  const records = []
  const clobbers = []
  const starts = []
  const ends = []
  for (const block of blocks) {
    starts.push(words.length * 2)
    for (const { operands, clobber } of block) {
      records.push(words.length)
      clobbers.push(clobber)
      words.push((operands.length << 10) | ((operands.length + 2) << 20), 0, ...operands)
    }
    ends.push(words.length * 2)
  }
  const successorStart = [0]
  for (const list of successors) successorStart.push(successorStart.at(-1) + list.length)
  const graph = {
    count: blocks.length,
    successorStart: Int32Array.from(successorStart),
    successors: Int32Array.from(successors.flat()),
  }
  const allocator = new Allocator()
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 7; round++) {
    const code = Int32Array.from(words)
    const start = performance.now()
    allocator.begin(environment, graph, code)
    for (let vreg = 0; vreg < vregs; vreg++) allocator.newVreg(0)
    let at = records.length - 1
    for (let block = blocks.length - 1; block >= 0; block--) {
      allocator.enterBlock(block, ends[block])
      for (; at >= 0 && records[at] * 2 >= starts[block]; at--) {
        const index = records[at]
        if (clobbers[at] !== 0) allocator.clobber(index * 2, clobbers[at])
        const last = index + 2 + ((code[index] >>> 10) & 1023)
        for (let word = index + 2; word < last; word++) allocator.operand(word, code[word], index * 2)
      }
      allocator.leaveBlock(block, starts[block])
    }
    allocator.allocate()
    best = Math.min(best, performance.now() - start)
  }
  return ((best * 1e6) / records.length).toFixed(0)
}

const SIZES = [2000, 8000, 32000]
for (const make of Object.values(shapes)) time(make(2000)) // warm
console.log(`${''.padEnd(26)}${SIZES.map((size) => String(size).padStart(8)).join('')}`)
for (const [name, make] of Object.entries(shapes)) {
  console.log(`${name.padEnd(26)}${SIZES.map((size) => time(make(size)).padStart(8)).join('')}`)
}
