// Functions as compilers for System V make them, as records and as text for an assembler.

import { type FrameRecord, FrameRecorder, R12, R13, R14, R15, RBP, RBX, type Register } from '@framewright/frame-layout'
import type { Random } from '@framewright/testkit'

export interface FrameChoices {
  readonly framePointer: boolean
  /** In the order of the pushes; behind that of rbp where there is a frame pointer. */
  readonly pushes: readonly Register[]
  /** A push of rax that only moves rsp. */
  readonly padding: boolean
  readonly allocation: number
  /** A register that is stored so many words below the last push, with a frame pointer. */
  readonly stored?: { readonly register: Register; readonly gap: number }
  readonly vector?: boolean
  readonly personality?: boolean
  readonly languageData?: boolean
}

export interface CompiledFrame {
  readonly choices: FrameChoices
  readonly record: FrameRecord
  /** Lines for LLVM's assembler, with directives for the prologue alone. */
  readonly lines: readonly string[]
}

const names = new Map([
  [RBX, 'rbx'],
  [RBP, 'rbp'],
  [R12, 'r12'],
  [R13, 'r13'],
  [R14, 'r14'],
  [R15, 'r15'],
])

export const calleeSaved: readonly Register[] = [RBX, R12, R13, R14, R15]

/** Sizes around what one byte of words can say. */
const allocations = [
  8, 16, 24, 72, 120, 128, 136, 1000, 1984, 1992, 2000, 2008, 2016, 2024, 2032, 2040, 2048, 5000, 70_000,
]

export function randomChoices(random: Random): FrameChoices {
  const framePointer = random.chance(0.5)
  const registers = framePointer ? calleeSaved : [...calleeSaved, RBP]
  const all = random.shuffled(registers)
  const pushes = all.slice(0, random.below(all.length + 1))
  const unused = calleeSaved.find((register) => !pushes.includes(register))
  const stored =
    framePointer && unused !== undefined && random.chance(0.15)
      ? { stored: { register: unused, gap: random.below(3) } }
      : {}
  const handled = random.below(6)
  const allocation = random.chance(0.7) ? random.pick(allocations) : 0
  return {
    framePointer,
    pushes,
    // In front of an allocation LLVM would forget it, but compilers push for want of one.
    padding: allocation === 0 && random.chance(0.5),
    allocation,
    ...stored,
    ...(random.chance(0.05) ? { vector: true } : {}),
    ...(handled < 2 ? { personality: true } : {}),
    ...(handled < 1 ? { languageData: true } : {}),
  }
}

/** One function: what it does to its frame, in our words and in the assembler's. */
export function compiledFrame(name: string, choices: FrameChoices): CompiledFrame {
  const { framePointer, pushes, padding, allocation, stored, vector } = choices
  const recorder = new FrameRecorder()
  const lines = [`.globl ${name}`, '.p2align 4, 0x90', `${name}:`, '.cfi_startproc']
  if (choices.personality) lines.push('.cfi_personality 155, _personality')
  if (choices.languageData) lines.push('.cfi_lsda 16, Ldata')
  let at = 0
  let depth = 8
  const step = (length: number, line: string): number => {
    lines.push(line)
    at += length
    return at
  }
  const lengthOf = (register: Register): number => (register < 8 ? 1 : 2)
  const offsets: { register: Register; offset: number }[] = []
  const defineOffset = (): void => {
    depth += 8
    if (!framePointer) lines.push(`.cfi_def_cfa_offset ${depth}`)
  }
  if (framePointer) {
    recorder.push(step(1, 'pushq %rbp'), 1, RBP)
    depth += 8
    lines.push(`.cfi_def_cfa_offset ${depth}`, `.cfi_offset %rbp, ${-depth}`)
    recorder.setFrameRegister(step(3, 'movq %rsp, %rbp'), 3, RBP)
    lines.push('.cfi_def_cfa_register %rbp')
  }
  for (const register of pushes) {
    recorder.push(step(lengthOf(register), `pushq %${names.get(register)!}`), lengthOf(register), register)
    defineOffset()
    offsets.push({ register, offset: -depth })
  }
  if (padding) {
    recorder.push(step(1, 'pushq %rax'), 1, 0, false)
    defineOffset()
  }
  if (allocation > 0) {
    const length = allocation < 128 ? 4 : 7
    recorder.adjustSp(step(length, `subq $${allocation}, %rsp`), length, -allocation)
    depth += allocation
    if (!framePointer) lines.push(`.cfi_def_cfa_offset ${depth}`)
  }
  if (stored !== undefined) {
    const offset = -(16 + 8 * (pushes.length + 1 + stored.gap))
    const length = 4
    const register = names.get(stored.register)!
    recorder.save(
      step(length, `movq %${register}, ${offset + 16}(%rbp)`),
      length,
      stored.register,
      'frame',
      offset + 16,
    )
    offsets.push({ register: stored.register, offset })
  }
  if (vector) {
    recorder.save(step(5, 'movaps %xmm6, -128(%rsp)'), 5, 16 + 6, 'sp', -128)
    lines.push(`.cfi_offset %xmm6, ${-128 - depth}`)
  }
  // Lowest address first, as the compiler has them.
  for (const { register, offset } of offsets.sort((a, b) => a.offset - b.offset)) {
    lines.push(`.cfi_offset %${names.get(register)!}, ${offset}`)
  }
  recorder.prologueEnd(at)
  step(5, 'callq _callee')
  recorder.epilogueBegin(at)
  if (allocation > 0) {
    const length = allocation < 128 ? 4 : 7
    recorder.adjustSp(step(length, `addq $${allocation}, %rsp`), length, allocation)
  }
  if (padding) recorder.pop(step(1, 'popq %rax'), 1, 0, false)
  for (const register of [...pushes].reverse()) {
    recorder.pop(step(lengthOf(register), `popq %${names.get(register)!}`), lengthOf(register), register)
  }
  if (framePointer) recorder.pop(step(1, 'popq %rbp'), 1, RBP)
  recorder.epilogueEnd(step(1, 'retq'))
  lines.push('.cfi_endproc')
  const record = recorder.finish({
    codeSize: at,
    ...(choices.personality ? { personality: { symbol: '_personality' } } : {}),
    ...(choices.languageData ? { languageData: { symbol: 'Ldata' } } : {}),
  })
  return { choices, record, lines }
}

/** A module for the assembler. */
export function assemblyOf(frames: readonly CompiledFrame[]): string {
  const lines = [
    '.section __TEXT,__text,regular,pure_instructions',
    ...frames.flatMap((frame) => frame.lines),
    '.globl _callee',
    '_callee:',
    'retq',
    '.section __TEXT,__gcc_except_tab',
    'Ldata: .long 0',
    '.subsections_via_symbols',
  ]
  return `${lines.join('\n')}\n`
}
