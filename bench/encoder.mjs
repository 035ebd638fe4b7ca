// What one instruction costs: our assembler, and iced-x86 creating and encoding the same instruction, in one process.
//
//   npm run build && node bench/encoder.mjs [--json]
//
// Both write the same bytes (a checksum is compared). The instructions lie in one Int32Array, so the loop that reads them is
// part of both times, and of the third one, which reads without encoding.

import { createRequire } from 'node:module'
import { Assembler, Inst } from '../packages/asm-x64/dist/index.js'

const require = createRequire(new URL('../packages/asm-x64/package.json', import.meta.url))
const iced = require('iced-x86')
const { Code, Register } = iced

const COUNT = 4096
const ROUNDS = 41

// Shape of operands: 0 rr, 1 rm (load), 2 mr (store), 3 ri, 4 rr of vector registers, 5 load to a vector register, 6 vvv
const mix = [
  // our row, size, iced's code, shape, weight
  [Inst.Mov_rm_r, 3, Code.Mov_rm64_r64, 0, 5],
  [Inst.Mov_rm_r, 2, Code.Mov_rm32_r32, 0, 3],
  [Inst.Mov_r_rm, 3, Code.Mov_r64_rm64, 1, 5],
  [Inst.Mov_r_rm, 2, Code.Mov_r32_rm32, 1, 3],
  [Inst.Mov_rm_r, 3, Code.Mov_rm64_r64, 2, 3],
  [Inst.Mov_rm_r, 0, Code.Mov_rm8_r8, 2, 1],
  [Inst.Add_r_rm, 3, Code.Add_r64_rm64, 0, 2],
  [Inst.Sub_r_rm, 2, Code.Sub_r32_rm32, 0, 2],
  [Inst.Xor_r_rm, 2, Code.Xor_r32_rm32, 0, 1],
  [Inst.Cmp_r_rm, 3, Code.Cmp_r64_rm64, 0, 2],
  [Inst.Add_rm_imm, 3, Code.Add_rm64_imm8, 3, 2],
  [Inst.Cmp_rm_imm, 2, Code.Cmp_rm32_imm8, 3, 2],
  [Inst.Shl_rm_imm, 3, Code.Shl_rm64_imm8, 3, 1],
  [Inst.Lea_r_m, 3, Code.Lea_r64_m, 1, 3],
  [Inst.Imul_r_rm, 3, Code.Imul_r64_rm64, 0, 1],
  [Inst.Movzx8_r_rm, 2, Code.Movzx_r32_rm8, 1, 1],
  [Inst.Movsxd_r_rm, 3, Code.Movsxd_r64_rm32, 1, 1],
  [Inst.Cmove_r_rm, 3, Code.Cmove_r64_rm64, 0, 1],
  [Inst.Addsd_x_xm, 0, Code.Addsd_xmm_xmmm64, 4, 2],
  [Inst.Mulsd_x_xm, 0, Code.Mulsd_xmm_xmmm64, 4, 1],
  [Inst.Movsd_x_xm, 0, Code.Movsd_xmm_xmmm64, 5, 2],
  [Inst.Movaps_x_xm, 0, Code.Movaps_xmm_xmmm128, 4, 1],
  [Inst.Shlx_r_rm_r, 3, Code.VEX_Shlx_r64_rm64_r64, 6, 1],
]

const bag = mix.flatMap((entry) => Array.from({ length: entry[4] }, () => entry))
const disps = [0, 8, -16, 24, 64, 200, -512, 4096]
let seed = 1
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >>> 8) % n
}

// row, size, code, shape, reg, rm or base, index or vvvv, scale, displacement or immediate
const WORDS = 9
const list = new Int32Array(COUNT * WORDS)
for (let i = 0; i < COUNT; i++) {
  const [row, size, code, shape] = bag[random(bag.length)]
  const index = shape === 6 ? random(16) : random(3) === 0 ? [1, 2, 6, 9, 15][random(5)] : -1
  const last = shape === 3 ? 2 + random(60) : disps[random(disps.length)]
  list.set([row, size, code, shape, random(16), random(16), index, index < 0 ? 0 : random(4), last], i * WORDS)
}

const general = [
  ['AL', 'CL', 'DL', 'BL', 'SPL', 'BPL', 'SIL', 'DIL', ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `R${n}L`)],
  [],
  ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI', ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `R${n}D`)],
  ['RAX', 'RCX', 'RDX', 'RBX', 'RSP', 'RBP', 'RSI', 'RDI', ...[8, 9, 10, 11, 12, 13, 14, 15].map((n) => `R${n}`)],
].map((names) => names.map((name) => Register[name]))
const vector = Array.from({ length: 16 }, (_, n) => Register[`XMM${n}`])

const asm = new Assembler()

function ours() {
  asm.reset()
  for (let i = 0; i < COUNT * WORDS; i += WORDS) {
    const row = list[i]
    const size = list[i + 1]
    const reg = list[i + 4]
    const rm = list[i + 5]
    switch (list[i + 3]) {
      case 0:
      case 4:
        asm.rr(row, size, reg, rm)
        break
      case 1:
      case 2:
      case 5:
        asm.rm(row, size, reg, rm, list[i + 6], list[i + 7], list[i + 8])
        break
      case 3:
        asm.ri(row, size, rm, list[i + 8])
        break
      default:
        asm.vvv(row, size, reg, list[i + 6], rm)
    }
  }
  return asm.length
}

let sink = 0
function readOnly() {
  for (let i = 0; i < COUNT * WORDS; i += WORDS) {
    sink = (sink + list[i] + list[i + 1] + list[i + 4] + list[i + 5]) | 0
    if (list[i + 3] !== 0) sink = (sink + list[i + 6] + list[i + 7] + list[i + 8]) | 0
  }
  return sink
}

const encoder = new iced.Encoder(64)

/** Creates one instruction; the caller frees it. */
function create(i) {
  const size = list[i + 1]
  const code = list[i + 2]
  const reg = list[i + 4]
  const rm = list[i + 5]
  const shape = list[i + 3]
  if (shape === 0) {
    // ModRM.reg is the second operand of mov r/m, r and the first of all the others.
    const stored = code === Code.Mov_rm64_r64 || code === Code.Mov_rm32_r32
    const [first, second] = stored ? [rm, reg] : [reg, rm]
    return iced.Instruction.createRegReg(code, general[size][first], general[size][second])
  }
  if (shape === 3) return iced.Instruction.createRegI32(code, general[size][rm], list[i + 8])
  if (shape === 4) return iced.Instruction.createRegReg(code, vector[reg], vector[rm])
  if (shape === 6) {
    return iced.Instruction.createRegRegReg(code, general[size][reg], general[size][rm], general[size][list[i + 6]])
  }
  const index = list[i + 6]
  const disp = list[i + 8]
  const base = general[3][rm]
  const displSize = disp === 0 && (rm & 7) !== 5 ? 0 : 1
  const memory = new iced.MemoryOperand(
    base,
    index < 0 ? Register.None : general[3][index],
    1 << list[i + 7],
    BigInt(disp),
    displSize,
    false,
    Register.None,
  )
  const register = shape === 5 ? vector[reg] : general[size][reg]
  const result =
    shape === 2
      ? iced.Instruction.createMemReg(code, memory, register)
      : iced.Instruction.createRegMem(code, register, memory)
  return result
}

function theirs() {
  let length = 0
  for (let i = 0; i < COUNT * WORDS; i += WORDS) {
    const instruction = create(i)
    length += encoder.encode(instruction, 0n)
    instruction.free()
  }
  return length
}

function checksum(bytes) {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16)
}

/** A branch after every five instructions, most of them near: what `finish` adds. */
const BRANCHES = 2048
const targets = Int32Array.from({ length: BRANCHES }, (_, i) =>
  Math.max(0, Math.min(BRANCHES - 1, i + random(48) - 12)),
)
function branches() {
  asm.reset()
  for (let i = 0; i < BRANCHES; i++) asm.newLabel()
  for (let i = 0; i < BRANCHES; i++) {
    asm.bind(i)
    for (let n = 0; n < 5; n++) asm.rr(Inst.Add_r_rm, 3, n, i & 15)
    asm.jcc(i & 15, targets[i])
  }
}

function time(run) {
  const start = performance.now()
  run()
  return ((performance.now() - start) * 1e6) / COUNT
}

for (let i = 0; i < 400; i++) ours()
for (let i = 0; i < 400; i++) readOnly()
theirs()
encoder.takeBuffer()
const times = { ours: [], theirs: [], readOnly: [] }
for (let round = 0; round < ROUNDS; round++) {
  times.ours.push(time(ours))
  times.theirs.push(time(theirs))
  times.readOnly.push(time(readOnly))
  if (round + 1 < ROUNDS) encoder.takeBuffer()
}
const ourLength = asm.length
const ourSum = checksum(asm.bytes.subarray(0, ourLength))
const finishes = []
for (let round = 0; round < 200 + ROUNDS; round++) {
  branches()
  const start = performance.now()
  asm.finish()
  if (round >= 200) finishes.push(((performance.now() - start) * 1e6) / BRANCHES)
}
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1]
const theirSum = checksum(encoder.takeBuffer())
const result = {
  instructions: COUNT,
  bytes: ourLength,
  oursNs: median(times.ours),
  icedNs: median(times.theirs),
  loopNs: median(times.readOnly),
  ratio: median(times.theirs) / median(times.ours),
  finishNs: median(finishes),
  checksum: ourSum,
}
if (process.argv.includes('--json')) console.log(JSON.stringify(result))
else {
  console.log(`${COUNT} instructions, ${result.bytes} bytes, checksum ${ourSum} (iced-x86 ${theirSum})`)
  console.log(`ours ${result.oursNs.toFixed(1)} ns, of which reading the list ${result.loopNs.toFixed(1)} ns`)
  console.log(`iced-x86 create and encode ${result.icedNs.toFixed(0)} ns: ${result.ratio.toFixed(1)} times ours`)
  console.log(`finish: ${result.finishNs.toFixed(1)} ns for each branch, with the five instructions before it`)
}
if (ourSum !== theirSum) {
  console.error('the bytes differ')
  process.exitCode = 1
}
