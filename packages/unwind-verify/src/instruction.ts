/** Instructions as far as frames are concerned. */

/** Where control goes behind an instruction. */
export const Flow = {
  next: 0,
  jump: 1,
  indirectJump: 2,
  branch: 3,
  call: 4,
  indirectCall: 5,
  /** `int n`: comes back, if the system wants it to. */
  interrupt: 6,
  /** `syscall`: comes back, unless the thread ends or another context is loaded. */
  system: 8,
  /** A return, or an instruction that always faults. */
  end: 7,
} as const
export type Flow = (typeof Flow)[keyof typeof Flow]

/** What an instruction does with registers and the stack, `a` and `b` being its operands. */
export const Action = {
  /** The registers of `writes` get new values, and memory is written if there is an operand for it. */
  other: 0,
  /** a := b, whole registers. */
  copy: 1,
  /** a := b, from the lower half, or extended from less. */
  extend: 2,
  /** a := number. */
  constant: 3,
  /** a := memory, the whole register. */
  load: 4,
  /** a := memory, extended from less. */
  loadPart: 5,
  /** memory := b, the whole register. */
  store: 6,
  lea: 7,
  addNumber: 8,
  addRegister: 9,
  subtractRegister: 10,
  andNumber: 11,
  push: 12,
  pop: 13,
  /** SP moves by `number` bytes, and what it passes downwards is written. */
  pushOther: 14,
  leave: 15,
  /** push rbp; mov rbp, rsp; sub rsp, number. */
  enter: 20,
  exchange: 16,
  /** a := a or b, as the flags say. */
  choose: 17,
  /** Flags say how a, or memory, compares with b, or number. */
  compare: 18,
  /** Sign extension of eax to rax. */
  widen: 19,
} as const
export type Action = (typeof Action)[keyof typeof Action]

/** No register. */
export const NONE: number = -1

export interface Instruction {
  readonly address: number
  readonly length: number
  readonly flow: Flow
  /** Of a direct jump, branch or call; -1 otherwise. */
  readonly target: number
  readonly action: Action
  readonly a: number
  readonly b: number
  readonly number: number
  /** The operand in memory. */
  readonly memory: Memory | null
  /** It is written. */
  readonly storesMemory: boolean
  /** Masks over general registers (bits 0 to 15) and xmm registers (16 to 31). */
  readonly reads: number
  readonly writes: number
  readonly changesFlags: boolean
  /** Of a conditional jump. */
  readonly condition: Condition
  /** It does nothing: padding, or a place where nobody comes. */
  readonly isFiller: boolean
}

/** The conditions that tell something: of equality, and of size without sign. */
export type Condition = 'equal' | 'not-equal' | 'above' | 'above-or-equal' | 'below' | 'below-or-equal' | null

/** base + index * scale + displacement; the displacement of an rip-relative operand is the address. */
export interface Memory {
  readonly base: number
  readonly index: number
  readonly scale: number
  readonly displacement: number
  readonly ripRelative: boolean
  /** fs: or gs: lies elsewhere. */
  readonly elsewhere: boolean
  /** Bytes; 0 where it is no fixed number. */
  readonly size: number
}
