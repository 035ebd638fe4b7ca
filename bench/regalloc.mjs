// Time of register allocation per machine record, by size of the function: the figures should not grow.
//
//   npx turbo run build --filter=@framewright/regalloc && node bench/regalloc.mjs [milliseconds per figure]
//
// The functions look like compiled ones: nested loops with parameters, branches that join, two-address arithmetic,
// loads, stores, calls, divides, shifts by a count. All sizes are warmed up before any is timed. "ranges" is the
// backward walk, the caller's loop over the words included; "allocate" is the rest. The checksum is over all locations
// and moves: a time without the same checksum is the time of something else.
import { Allocator } from '../packages/regalloc/dist/index.js'

const ANY = 1 << 20
const TIED = 2 << 20
const FIXED = 3 << 20
const LATE = 1 << 27
const DEF = 1 << 28
const fixed = (register) => FIXED | (register << 22)

// System V, as an x64 code generator would give it: r11 and xmm15 are kept for moves, rsp is not allocatable.
const integers = [0, 1, 2, 6, 7, 8, 9, 10, 3, 12, 13, 14, 15, 5]
const floats = Array.from({ length: 15 }, (_, k) => 16 + k)
const calleeSaved = [3, 5, 12, 13, 14, 15].reduce((mask, register) => mask | (1 << register), 0)
const callerSaved = [...integers, ...floats].reduce((mask, register) => mask | (1 << register), 0) & ~calleeSaved
const environment = { order: [Int32Array.from(integers), Int32Array.from(floats)], calleeSaved }
const ARGUMENTS = [7, 6, 2, 1, 8, 9]

function makeFunction(size, seed) {
  let state = seed * 2654435761 + 1
  const below = (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * limit)
  }
  const classes = []
  const blocks = []
  const hints = []
  const vreg = (cls) => classes.push(cls) - 1
  const openBlock = () => blocks.push({ records: [], successors: [] }) - 1
  let block = openBlock()
  let made = 0
  const record = (operands, clobber = 0, payload = 1) => {
    made++
    blocks[block].records.push({ operands, clobber, payload })
  }
  const go = (to) => blocks[block].successors.push(to)

  /** Values in reach, newest last. Most reads are of new ones, some of parameters: the variables of the source. */
  let values = [[], []]
  let variables = []
  const pick = (cls) => {
    if (cls === 0 && below(7) === 0) return variables[Math.max(0, variables.length - 1 - below(3))]
    const list = values[cls]
    return list[Math.max(0, list.length - 1 - below(below(8) === 0 ? 6 : 3))]
  }
  const define = (cls) => {
    const value = vreg(cls)
    values[cls].push(value)
    return value
  }
  const arithmetic = () => {
    const cls = below(5) === 0 ? 1 : 0
    const a = pick(cls)
    const b = pick(cls)
    record([define(cls) | DEF, a | TIED, b | (below(2) ? ANY : 0) | LATE])
  }
  const statement = () => {
    const kind = below(40)
    if (kind < 20) arithmetic()
    else if (kind < 25) {
      const operands = [pick(0), pick(0)]
      record([define(below(6) === 0 ? 1 : 0) | DEF, ...operands], 0, 2)
    } else if (kind < 28) record([pick(0) | ANY, pick(0)], 0, 2)
    else if (kind < 32) record([define(0) | DEF], 0, 2)
    else if (kind < 33) {
      const count = below(4) + 1
      const operands = Array.from({ length: count }, (_, k) => pick(0) | fixed(ARGUMENTS[k]))
      record([define(0) | DEF | fixed(0), ...operands], callerSaved, 2)
    } else if (kind < 34) {
      const a = pick(0)
      const b = pick(0)
      record([define(0) | DEF | fixed(0), a | fixed(0), b | LATE], (1 << 0) | (1 << 2))
    } else if (kind < 36) {
      const a = pick(0)
      const count = pick(0)
      record([define(0) | DEF, a | TIED, count | fixed(1)], 1 << 1)
    } else arithmetic()
  }
  const straight = (count) => {
    for (let k = 0; k < count; k++) statement()
  }
  const jump = (to, values, parameters) => {
    record(values.map((value) => value | ANY))
    for (const [k, value] of values.entries()) hints.push([value, parameters[k]])
    go(to)
  }
  const save = () => [values.map((list) => list.slice()), variables.slice()]
  const body = (budget, depth) => {
    const end = made + budget
    while (made < end) {
      straight(2 + below(6))
      const left = end - made
      const kind = below(5)
      if (left < 12) continue
      if (kind < 2 && depth < 4) {
        const header = blocks.length
        const parameters = [vreg(0), vreg(0)]
        jump(header, [pick(0), pick(0)], parameters)
        block = openBlock()
        record(parameters.map((parameter) => parameter | DEF | ANY))
        values[0].push(...parameters)
        variables.push(...parameters)
        record([pick(0), pick(0) | ANY])
        const from = block
        const saved = save()
        block = openBlock()
        blocks[from].successors.push(block)
        body(Math.min(left >> 1, 20 + below(60)), depth + 1)
        jump(header, [pick(0), pick(0)], parameters)
        block = openBlock()
        blocks[from].successors.push(block)
        ;[values, variables] = saved
      } else if (kind < 4) {
        record([pick(0), pick(0) | ANY])
        const from = block
        const saved = save()
        const parameter = vreg(0)
        const ends = []
        for (let arm = 0; arm < 2; arm++) {
          block = openBlock()
          blocks[from].successors.push(block)
          values = saved[0].map((list) => list.slice())
          variables = saved[1].slice()
          body(Math.min(left >> 2, 4 + below(12)), depth)
          ends.push([block, pick(0)])
        }
        const join = blocks.length
        for (const [at, value] of ends) {
          block = at
          jump(join, [value], [parameter])
        }
        block = openBlock()
        record([parameter | DEF | ANY])
        ;[values, variables] = saved
        values[0].push(parameter)
        variables.push(parameter)
      }
    }
  }
  record([0, 1, 2, 3].map((k) => define(0) | DEF | fixed(ARGUMENTS[k])).concat(define(1) | DEF | fixed(16)))
  variables = values[0].slice()
  body(size - 2, 0)
  record([pick(0) | fixed(0)], 1 << 0)
  return layOut(blocks, classes, hints)
}

function layOut(blocks, classes, hints) {
  const words = blocks.flatMap((block) => block.records).reduce((sum, r) => sum + 2 + r.operands.length + r.payload, 8)
  const code = new Int32Array(words)
  const successorStart = [0]
  const successors = []
  const starts = []
  const ends = []
  const records = []
  const clobbers = []
  let at = 4
  for (const block of blocks) {
    starts.push(at * 2)
    for (const { operands, clobber, payload } of block.records) {
      const length = 2 + operands.length + payload
      code[at] = (operands.length << 10) | (length << 20)
      code.set(operands, at + 2)
      records.push(at)
      clobbers.push(clobber)
      at += length
    }
    ends.push(at * 2)
    successors.push(...block.successors)
    successorStart.push(successors.length)
  }
  return {
    code,
    work: code.slice(),
    graph: {
      count: blocks.length,
      successorStart: Int32Array.from(successorStart),
      successors: Int32Array.from(successors),
    },
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    records: Int32Array.from(records),
    clobbers: Int32Array.from(clobbers),
    classes: Uint8Array.from(classes),
    hints: Int32Array.from(hints.flat()),
  }
}

function walk(allocator, func) {
  const { work, graph, starts, ends, records, clobbers, classes, hints } = func
  work.set(func.code)
  allocator.begin(environment, graph, work)
  for (let vreg = 0; vreg < classes.length; vreg++) allocator.newVreg(classes[vreg])
  for (let k = 0; k < hints.length; k += 2) allocator.hint(hints[k], hints[k + 1])
  let at = records.length - 1
  for (let block = graph.count - 1; block >= 0; block--) {
    allocator.enterBlock(block, ends[block])
    for (; at >= 0 && records[at] * 2 >= starts[block]; at--) {
      const record = records[at]
      const point = record * 2
      if (clobbers[at] !== 0) allocator.clobber(point, clobbers[at])
      const last = record + 2 + ((work[record] >>> 10) & 1023)
      for (let word = record + 2; word < last; word++) allocator.operand(word, work[word], point)
    }
    allocator.leaveBlock(block, starts[block])
  }
}

function checksumOf(allocator, func, sum) {
  for (const word of func.work) sum = (Math.imul(sum, 31) + word) | 0
  for (let k = 0; k < allocator.moveCount; k++) {
    sum = (Math.imul(sum, 31) + allocator.movePoint[k] * 4 + allocator.moveGroup[k]) | 0
    sum = (Math.imul(sum, 31) + allocator.moveFrom[k] * 1000 + allocator.moveTo[k]) | 0
  }
  return sum
}

const budget = Number(process.argv[2] ?? 400)
const ROUNDS = 7
const allocator = new Allocator()
const sizes = [90, 250, 1100, 5400, 20000].map((size) => {
  const count = Math.max(2, Math.floor(6000 / size))
  const functions = Array.from({ length: count }, (_, k) => makeFunction(size, size + k))
  return { size, functions, total: functions.reduce((sum, func) => sum + func.records.length, 0) }
})

function run(functions) {
  let ranges = 0
  let allocate = 0
  for (const func of functions) {
    const start = performance.now()
    walk(allocator, func)
    const middle = performance.now()
    allocator.allocate()
    ranges += middle - start
    allocate += performance.now() - middle
  }
  return [ranges, allocate]
}

for (let round = 0; round < 12; round++) for (const { functions } of sizes) run(functions)

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]
console.log('records  ranges  allocate  total ns/record   stores  loads  moves /record  slots  checksum')
for (const { functions, total } of sizes) {
  const samples = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    let times = 0
    const sum = [0, 0]
    const end = performance.now() + budget / ROUNDS
    do {
      const [ranges, allocate] = run(functions)
      sum[0] += ranges
      sum[1] += allocate
      times++
    } while (performance.now() < end)
    samples[0].push((sum[0] * 1e6) / times / total)
    samples[1].push((sum[1] * 1e6) / times / total)
  }
  let checksum = 0
  let slots = 0
  const kinds = [0, 0, 0]
  for (const func of functions) {
    walk(allocator, func)
    allocator.allocate()
    checksum = checksumOf(allocator, func, checksum)
    slots += allocator.slotCount
    for (let k = 0; k < allocator.moveCount; k++) {
      kinds[allocator.moveTo[k] >= 64 ? 0 : allocator.moveFrom[k] >= 64 ? 1 : 2]++
    }
  }
  const [ranges, allocate] = samples.map(median)
  const columns = [
    (total / functions.length).toFixed(0).padStart(7),
    ranges.toFixed(0).padStart(7),
    allocate.toFixed(0).padStart(9),
    (ranges + allocate).toFixed(0).padStart(16),
    ...kinds.map((count) => (count / total).toFixed(3).padStart(8)),
    String(slots).padStart(13),
    (checksum >>> 0).toString(16).padStart(9),
  ]
  console.log(columns.join(' '))
}
