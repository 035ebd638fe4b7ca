// Other encoders on the same instructions: iced-x86's own and LLVM's assembler. What iced-x86 decodes from our bytes is
// encoded again, and its text is assembled; the same bytes must come out. Where an instruction can be written in two ways of
// one length, assemblers differ in which they take.
import { execFileSync } from 'node:child_process'
import { requireTool } from '@framewright/testkit'
import { Decoder, DecoderOptions, Encoder, Formatter, FormatterSyntax, MemorySizeOptions } from 'iced-x86'
import { expect, test } from 'vitest'
import { Assembler } from '../src/index.ts'
import { emit, type Form, forms, type Operands } from './forms.ts'

interface Sample {
  readonly name: string
  readonly bytes: Uint8Array
}

const addresses: readonly Partial<Operands>[] = [
  { base: 0, index: -1, scaleLog2: 0, disp: 0 },
  { base: 4, index: -1, scaleLog2: 0, disp: 8 },
  { base: 5, index: -1, scaleLog2: 0, disp: 0 },
  { base: 12, index: 13, scaleLog2: 3, disp: 0x1000 },
  { base: 13, index: 12, scaleLog2: 0, disp: 0 },
  { base: -1, index: 9, scaleLog2: 2, disp: -64 },
  { base: -1, index: -1, scaleLog2: 0, disp: 0x7fff },
]

function samples(): Sample[] {
  const asm = new Assembler()
  const result: Sample[] = []
  const add = (form: Form, memory: boolean, o: Operands): void => {
    asm.reset()
    emit(asm, form, memory, o)
    result.push({ name: `${form.name} ${8 << form.size}`, bytes: asm.bytes.slice(0, asm.length) })
  }
  const zero: Operands = { reg: 0, vvvv: 0, rm: 0, base: 0, index: -1, scaleLog2: 0, disp: 0, imm: 0 }
  for (const form of forms) {
    for (const imm of form.immediate ? [1, 5, -3, 0x1234] : [0]) {
      if (form.takesRegister) {
        for (const [reg, vvvv, rm] of [
          [0, 0, 0],
          [1, 2, 4],
          [6, 9, 5],
          [10, 3, 1],
          [2, 15, 14],
        ] as const) {
          add(form, false, { ...zero, reg, vvvv, rm, imm })
        }
      }
      if (form.takesMemory)
        for (const address of addresses) add(form, true, { ...zero, reg: 7, vvvv: 8, ...address, imm })
      if (!form.hasRm) add(form, false, zero)
    }
  }
  return result
}

const all = samples()

test('iced-x86 encodes what it decodes to the same bytes', () => {
  const wrong: string[] = []
  const encoder = new Encoder(64)
  for (const { name, bytes } of all) {
    const decoder = new Decoder(64, bytes, DecoderOptions.None)
    const instruction = decoder.decode()
    encoder.encode(instruction, 0n)
    const again = encoder.takeBuffer()
    if (Buffer.compare(bytes, again) !== 0) wrong.push(`${name}: ${hex(bytes)}, iced-x86 ${hex(again)}`)
    instruction.free()
    decoder.free()
  }
  encoder.free()
  expect(wrong).toEqual([])
  expect(all.length).toBeGreaterThan(9000)
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Every sample as a line of Intel syntax. */
function lines(): string[] {
  const formatter = new Formatter(FormatterSyntax.Intel)
  formatter.hexPrefix = '0x'
  formatter.hexSuffix = ''
  formatter.smallHexNumbersInDecimal = false
  formatter.memorySizeOptions = MemorySizeOptions.Always
  formatter.usePseudoOps = false
  const result = all.map(({ bytes }) => {
    const decoder = new Decoder(64, bytes, DecoderOptions.None)
    const instruction = decoder.decode()
    const text = formatter.format(instruction)
    instruction.free()
    decoder.free()
    return text
  })
  formatter.free()
  return result
}

/**
 * Rows whose registers can be written in two ways, and rows where LLVM takes another one or an instruction that is a method
 * with us: mov and push of a register, the accumulator's xchg, movq with memory, the VEX moves whose operands change places
 * so that the high register is the one in ModRM.reg.
 */
const twoWays = /^((Add|Or|Adc|Sbb|And|Sub|Xor|Cmp|Mov)_r_rm|V?[Mm]ov(ss|sd|aps|apd|ups|upd|q|dqa|dqu)_xm?_xm?(_x)?)$/
const otherRow = /^(Mov_rm_imm|Push_rm|Pop_rm|Xchg_rm_r|V?[Mm]ovd_(x_rm|rm_x)|Pextrw_rm_x_imm)$/

test('LLVM encodes the same instructions to the same bytes', () => {
  const tool = requireTool('llvm-mc')
  if (tool === null) return
  // `call qword ptr [0x7fff]` is a direct call to LLVM.
  const absolute = /^(call|jmp) qword ptr \[0x/
  const texts = lines()
  const input = texts.map((line) => (absolute.test(line) ? 'nop' : line)).join('\n')
  const output = execFileSync(tool, ['-triple=x86_64', '-show-encoding', '-output-asm-variant=1'], {
    input: `.intel_syntax noprefix\n${input}\n`,
    maxBuffer: 1 << 26,
  }).toString()
  const encodings = [...output.matchAll(/encoding: \[(.*?)\]/g)].map(([, list]) => list!.split(','))
  expect(encodings.length).toBe(all.length)
  const wrong: string[] = []
  for (const [i, { name, bytes }] of all.entries()) {
    const theirs = Uint8Array.from(encodings[i]!, Number)
    const row = name.split(' ')[0]!
    if (otherRow.test(row) || absolute.test(texts[i]!) || Buffer.compare(bytes, theirs) === 0) continue
    // c4 is the long VEX prefix, c5 the short one.
    const high = bytes[0] === 0xc4 && theirs[0] === 0xc5
    if (!twoWays.test(row) || (bytes.length > theirs.length && !high)) {
      wrong.push(`${name}: ${hex(bytes)}, LLVM ${hex(theirs)}`)
    }
  }
  expect(wrong).toEqual([])
})
