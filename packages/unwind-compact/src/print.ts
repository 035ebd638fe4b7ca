/** Words in words. */

import { type Register, x64 } from '@framewright/frame-layout'
import type { CompactRange } from './encode.ts'
import { type CompactEncoding, type CompactFrame, decodeEncoding } from './encoding.ts'

/** Ranges and their words, a line each. @throws CompactUnwindError for words that say nothing. */
export function printRanges(ranges: readonly CompactRange[]): string[] {
  const place = (offset: number): string => `0x${offset.toString(16).padStart(4, '0')}`
  return ranges.map(({ begin, end, encoding }) => `${place(begin)}..${place(end)}  ${printEncoding(encoding)}`)
}

/** A word and its meaning. @throws CompactUnwindError for words that say nothing. */
export function printEncoding(word: number): string {
  return [`0x${word.toString(16).padStart(8, '0')}`, ...describe(decodeEncoding(word))].join('  ')
}

function describe({ frame, isNotFunctionStart, hasLanguageData, personality }: CompactEncoding): string[] {
  const notes = [
    ...(isNotFunctionStart ? ['not the start of a function'] : []),
    ...(personality > 0 ? [`personality ${personality}`] : []),
    ...(hasLanguageData ? ['LSDA'] : []),
  ]
  return [[describeFrame(frame), ...notes].join(', ')]
}

function describeFrame(frame: CompactFrame): string {
  switch (frame.mode) {
    case 'none':
      return 'no unwind information'
    case 'dwarf':
      return frame.fdeOffset === 0 ? 'see DWARF' : `see DWARF, FDE at 0x${frame.fdeOffset.toString(16)}`
    case 'rbp-frame': {
      const saved: string[] = []
      for (let i = 0; i < frame.slots.length; i++) {
        const register = frame.slots[i]!
        if (register !== null) saved.push(`${nameOf(register)} at rbp-${frame.distance - 8 * i}`)
      }
      return ['CFA = rbp+16', ...saved].join(', ')
    }
    case 'frameless':
    case 'frameless-indirect': {
      const { registers } = frame
      const saved = registers.map((register, i) => `${nameOf(register)} at CFA-${8 * (registers.length - i) + 8}`)
      const size =
        frame.mode === 'frameless'
          ? `${frame.stackSize}`
          : `(imm32 at 0x${frame.immediateAt.toString(16)} of the range)+${frame.adjustment}`
      return [`CFA = rsp+${size}`, ...saved].join(', ')
    }
  }
}

function nameOf(register: Register): string {
  return x64.registerNames[register]!
}
