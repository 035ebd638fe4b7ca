/**
 * What the system makes of an exit, why it does not recognise one, and what to change. The judge is the matcher that walks
 * use (`recognise.ts`); what is in here only finds words for where it stopped.
 *
 * In front of an epilogue any instructions may stand that leave SP alone: to the system they are body, which they are. What
 * counts is that from the first move of SP on every instruction is one of the forms.
 */

import { RBP, RSP, type UnwindImage, x64 } from '@framewright/frame-layout'
import { type ExitInstruction, exitInstruction } from './exit-instructions.ts'
import { ImageReader } from './image.ts'
import { isEpilogue, type RecognisedEpilogue, recogniseEpilogue } from './recognise.ts'
import { recogniseWineEpilogue } from './wine.ts'

/** What is known of the function around an exit. */
export interface ExplainOptions {
  /** The record's frame register; 0 (none) when left out. */
  readonly frameRegister?: number
  /** The range of the table entry that the exit lies in, as offsets in `code`; all of it when left out. */
  readonly range?: { readonly begin: number; readonly end: number }
  /** Bytes of the prologue at the begin of the range, where Wine 8 looks for no epilogue; 0 when left out. */
  readonly prologueSize?: number
  /**
   * Whether a jump to an offset outside the range stays in the function, in another of its ranges. When left out, it leaves.
   */
  readonly staysInFunction?: (target: number) => boolean
}

/** What one system says. */
export interface WineVerdict {
  readonly recognised: boolean
  /** Where it differs from Windows: why, in words; null: it does not. */
  readonly difference: string | null
}

/** The outcome. Offsets are offsets in `code`. */
export type EpilogueExplanation =
  | {
      readonly recognised: true
      /** The first instruction of the epilogue; those between the offset asked for and it are body. */
      readonly from: number
      /** The exit instruction, and the byte behind it. */
      readonly exit: number
      readonly end: number
      readonly epilogue: RecognisedEpilogue
      readonly wine8: WineVerdict
    }
  | {
      readonly recognised: false
      /** The instruction that is no form. */
      readonly at: number
      /** Its length and what it is, if that is known. */
      readonly length: number | null
      readonly instruction: string | null
      readonly why: string
      /**
       * `'wrong'`: unwinding from here on gives a wrong caller. `'handler'`: it gives the right one, but a handler may be
       * called here, and the frame counts as body. `'none'`: there is no exit here to be recognised.
       */
      readonly consequence: 'wrong' | 'handler' | 'none'
      readonly cure: string
      /** Bytes to put in place of the instruction, where that is the whole cure. */
      readonly replacement: Uint8Array | null
      readonly wine8: WineVerdict
    }

/** A run of body instructions in front of an exit is not longer. */
const MAX_STEPS = 64

/**
 * Explains the exit at `offset`.
 *
 * @param code - of the function, or more.
 * @param offset - of any instruction of the exit, or of the restoring loads in front of it.
 */
export function explainEpilogue(code: Uint8Array, offset: number, options: ExplainOptions = {}): EpilogueExplanation {
  const { frameRegister = 0, staysInFunction } = options
  const range = options.range ?? { begin: 0, end: code.length }
  const readAt = (at: number) => (relative: number) => code[at + relative]
  let at = offset
  for (let steps = 0; ; steps++) {
    const from = at
    const found = recogniseEpilogue(readAt(from), frameRegister, (target) => {
      const place = from + target
      if (place >= range.begin && place < range.end) return place === range.begin
      return staysInFunction === undefined || !staysInFunction(place)
    })
    const inPrologue = from >= range.begin && from < range.begin + (options.prologueSize ?? 0)
    const wine8 = inPrologue
      ? { recognised: false, difference: isEpilogue(found) ? 'Wine 8 looks for no epilogue inside the prologue' : null }
      : wineVerdict(code, from, range, isEpilogue(found) ? found : null)
    const first = exitInstruction((relative) => code[relative], from)
    if (first?.kind === 'lea-sp' && first.register === frameRegister && (frameRegister & 7) === RSP) {
      // The system takes the SIB byte for the displacement, and the displacement for the next instruction, which may even
      // look like an exit.
      const consequence = isEpilogue(found) ? 'wrong' : 'handler'
      const { length, text } = first
      const fault = { ...leaFault(first, frameRegister), consequence } as const
      return { recognised: false, at: from, length, instruction: text, ...fault, wine8 }
    }
    if (isEpilogue(found)) {
      const exit = from + found.exit
      return { recognised: true, from, exit, end: from + found.length, epilogue: found, wine8 }
    }
    const place = from + found.offset
    const instruction = exitInstruction((relative) => code[relative], place)
    if (found.offset === 0 && instruction?.kind === 'other' && steps < MAX_STEPS) {
      at += instruction.length
      continue
    }
    const fault = faultOf(instruction, found.offset > 0, frameRegister)
    const { length, text } = instruction ?? { length: null, text: null }
    return { recognised: false, at: place, length, instruction: text, ...fault, wine8 }
  }
}

/**
 * Explains the exit at an address of an image, with what its function table says of the function.
 *
 * @returns null where there is no code, no entry (in a leaf every instruction is a place to unwind from), or a record of
 *   version 2, whose epilogues are where it says.
 * @throws Win64UnwindError for a malformed record.
 */
export function explainExit(image: UnwindImage, address: bigint): EpilogueExplanation | null {
  const reader = new ImageReader(image)
  const entry = reader.find(address)
  const section = image.sections.find(
    ({ address: begin, bytes }) => address >= begin && address < begin + BigInt(bytes.length),
  )
  if (entry === null || section === undefined) return null
  // Offsets in `code` are distances from the begin of the section.
  const origin = Number(section.address - image.base)
  const { info } = reader.info(entry.unwindInfo)
  if (info.version !== 1) return null
  const primary = reader.primary(entry).begin
  return explainEpilogue(section.bytes, Number(address - section.address), {
    frameRegister: info.frameRegister,
    prologueSize: info.prologueSize,
    range: { begin: entry.begin - origin, end: entry.end - origin },
    staysInFunction(target) {
      const other = reader.find(image.base + BigInt((target + origin) >>> 0))
      return other !== null && reader.primary(other).begin === primary && target + origin !== primary
    },
  })
}

interface Fault {
  readonly why: string
  readonly consequence: 'wrong' | 'handler' | 'none'
  readonly cure: string
  readonly replacement: Uint8Array | null
}

/** @param moved - whether SP has moved in front of the instruction. */
function faultOf(instruction: ExitInstruction | null, moved: boolean, frameRegister: number): Fault {
  const consequence = moved ? 'wrong' : 'handler'
  const framed = frameRegister === 0 ? null : x64.registerNames[frameRegister]!
  if (instruction === null) {
    return {
      why: 'the instruction is none that an epilogue may have',
      consequence: moved ? 'wrong' : 'none',
      cure: moved
        ? 'move it in front of the first instruction that moves rsp'
        : 'ask at the instruction that moves rsp first',
      replacement: null,
    }
  }
  switch (instruction.kind) {
    case 'add-sp':
      return {
        why: 'rsp may be adjusted once, in front of the pops',
        consequence: 'wrong',
        cure: 'adjust rsp by the whole amount at once, or pop into volatile registers',
        replacement: null,
      }
    case 'add-sp-otherwise': {
      const replacement = instruction.bytes > 0 && !moved ? addSp(instruction.bytes) : null
      return {
        why: 'rsp may be adjusted by add with an immediate number alone',
        consequence: 'wrong',
        cure: moved
          ? 'adjust rsp by the whole amount at once, in front of the pops'
          : `write add rsp, ${instruction.bytes}; the flags are volatile`,
        replacement,
      }
    }
    case 'add-register':
      return {
        why: 'the system does not know the number',
        consequence: 'wrong',
        cure: 'write add rsp with an immediate number; it may have 32 bits',
        replacement: null,
      }
    case 'lea-sp':
      if (!moved) return leaFault(instruction, frameRegister)
      return {
        why: 'rsp is restored once, in front of the pops',
        consequence: 'wrong',
        cure: 'restore rsp from the frame register first',
        replacement: null,
      }
    case 'move-sp':
      return {
        why: 'rsp may be restored from the frame register by lea with a displacement alone',
        consequence: instruction.register === frameRegister && !moved ? 'handler' : 'wrong',
        cure: moved
          ? 'restore rsp first'
          : instruction.register === frameRegister
            ? `write lea rsp, [${framed} + 0] with a displacement of one byte`
            : `make ${x64.registerNames[instruction.register]} the frame register of the record, and write lea`,
        replacement: instruction.register === frameRegister && !moved ? leaSp(frameRegister, 0) : null,
      }
    case 'leave': {
      const right = frameRegister === RBP && !moved
      const lea = leaSp(RBP, 0)
      return {
        why: 'leave is no form of the system',
        consequence: right ? 'handler' : 'wrong',
        cure: right ? 'write lea rsp, [rbp + 0]; pop rbp' : 'make rbp the frame register of the record',
        replacement: right && lea !== null ? Uint8Array.of(...lea, 0x5d) : null,
      }
    }
    case 'pop-flags':
      return {
        why: 'popfq is no form of the system',
        consequence: 'wrong',
        cure: 'restore the flags by a push and popfq in front of the first instruction that moves rsp, and add 8 to it',
        replacement: null,
      }
    case 'other':
      return {
        why: 'between the first move of rsp and the exit only pops may stand',
        consequence: 'wrong',
        cure: 'move it in front of the first instruction that moves rsp',
        replacement: null,
      }
    case 'jump':
      return {
        why: 'the jump stays in the function, so the system takes all of this for body',
        consequence: moved ? 'wrong' : 'none',
        cure: moved ? 'leave the function here, or restore rsp and registers behind the jump' : 'ask at its target',
        replacement: null,
      }
    case 'conditional-jump':
      return {
        why: 'a conditional jump does not count as leaving the function',
        consequence: moved ? 'wrong' : 'none',
        cure: 'jump around an epilogue with an unconditional exit, before rsp moves',
        replacement: null,
      }
    case 'indirect-jump':
      return {
        why: 'an indirect jump counts as leaving the function with REX.W alone, or as jmp [rip + n]',
        consequence,
        cure: 'give it the prefix REX.W, which changes nothing else',
        replacement: withRexW(instruction.bytes),
      }
    case 'interrupt-return':
      return {
        why: 'iretq is no exit that the system knows',
        consequence,
        cure: 'leave rsp at the machine frame until then: in front of it the frame unwinds as body',
        replacement: null,
      }
    case 'call':
      return {
        why: 'a call does not leave the function',
        consequence: moved ? 'wrong' : 'none',
        cure: moved ? 'call before rsp moves, or jump' : 'put an instruction behind it if the function ends here',
        replacement: null,
      }
    case 'trap':
      return {
        why: 'the function does not go on here',
        consequence: moved ? 'wrong' : 'none',
        cure: moved ? 'do not move rsp in front of it' : 'nothing: it unwinds as body',
        replacement: null,
      }
    case 'pop':
    case 'return':
      // Both are forms, so the matcher stopped at a prefix in front of them.
      return {
        why: 'it has a prefix that no form has',
        consequence,
        cure: 'write it without the prefix',
        replacement: instruction.kind === 'return' ? Uint8Array.of(0xc3) : pop(instruction.register),
      }
  }
}

function leaFault(
  { register, offset, displacement }: ExitInstruction & { kind: 'lea-sp' },
  frameRegister: number,
): Fault {
  const name = x64.registerNames[register]!
  if (register !== frameRegister) {
    return {
      why:
        frameRegister === 0
          ? 'the record names no frame register'
          : `the record's frame register is ${x64.registerNames[frameRegister]}`,
      consequence: 'wrong',
      cure: `make ${name} the frame register of the record`,
      replacement: null,
    }
  }
  if ((register & 7) === 4) {
    return {
      why: `an address from ${name} has a byte more (SIB), which the system does not know`,
      consequence: 'handler',
      cure: 'choose another frame register, such as rbp',
      replacement: null,
    }
  }
  return {
    why: `a displacement of ${displacement} bytes is not known to the system`,
    consequence: 'handler',
    cure: 'write it with a displacement of one or four bytes, even for 0',
    replacement: leaSp(register, offset),
  }
}

/** `add rsp, n`. */
function addSp(bytes: number): Uint8Array {
  return bytes <= 127 ? Uint8Array.of(0x48, 0x83, 0xc4, bytes) : Uint8Array.of(0x48, 0x81, 0xc4, ...word(bytes))
}

/** `lea rsp, [register + n]`; null for r12 and rsp, which have no such form. */
function leaSp(register: number, offset: number): Uint8Array | null {
  if ((register & 7) === RSP) return null
  const rex = register < 8 ? 0x48 : 0x49
  return offset >= -128 && offset <= 127
    ? Uint8Array.of(rex, 0x8d, 0x60 | (register & 7), offset)
    : Uint8Array.of(rex, 0x8d, 0xa0 | (register & 7), ...word(offset))
}

function pop(register: number): Uint8Array {
  return register < 8 ? Uint8Array.of(0x58 + register) : Uint8Array.of(0x41, 0x58 + (register & 7))
}

/** The same jump with REX.W; prefixes in front of it fall away (none of them changes where it goes). */
function withRexW(bytes: readonly number[]): Uint8Array {
  const opcode = bytes.indexOf(0xff)
  const before = bytes[opcode - 1]
  const rex = before !== undefined && (before & 0xf0) === 0x40 ? before : 0x40
  return Uint8Array.of(rex | 8, ...bytes.slice(opcode))
}

function word(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255]
}

function wineVerdict(
  code: Uint8Array,
  from: number,
  range: { readonly begin: number; readonly end: number },
  windows: RecognisedEpilogue | null,
): WineVerdict {
  const actions = recogniseWineEpilogue(
    (relative) => code[from + relative],
    (target) => from + target >= range.begin && from + target < range.end,
  )
  const recognised = actions !== null
  if (windows === null) {
    return { recognised, difference: recognised ? 'Wine 8 takes any register in lea rsp and follows jumps' : null }
  }
  if (!recognised) {
    return {
      recognised,
      difference:
        'Wine 8 knows returns alone as exits: not jumps out of the function, nor jumps through memory or registers',
    }
  }
  const difference =
    windows.retBytes === 0 ? null : `Wine 8 adds the ${windows.retBytes} bytes of ret n to rsp, Windows does not`
  return { recognised, difference }
}
