// Colour, and when there is any.

import type { Host, OutputStream } from './host.ts'

export type ColorChoice = 'auto' | 'always' | 'never'

const codes = {
  bold: ['\x1b[1m', '\x1b[22m'],
  dim: ['\x1b[2m', '\x1b[22m'],
  red: ['\x1b[31m', '\x1b[39m'],
  green: ['\x1b[32m', '\x1b[39m'],
  yellow: ['\x1b[33m', '\x1b[39m'],
  blue: ['\x1b[34m', '\x1b[39m'],
  magenta: ['\x1b[35m', '\x1b[39m'],
  cyan: ['\x1b[36m', '\x1b[39m'],
} as const

export type Ink = keyof typeof codes

/** Puts ink on text, or leaves it as it is. */
export type Style = (ink: Ink, text: string) => string

export const plain: Style = (_, text) => text

const colored: Style = (ink, text) => (text === '' ? '' : `${codes[ink][0]}${text}${codes[ink][1]}`)

/** NO_COLOR (no-color.org) and FORCE_COLOR speak only where no option does. */
export function styleFor(choice: ColorChoice, stream: OutputStream, { environment }: Host): Style {
  if (choice === 'always') return colored
  if (choice === 'never' || (environment.NO_COLOR ?? '') !== '') return plain
  const force = environment.FORCE_COLOR
  if (force !== undefined) return force === '0' || force === 'false' ? plain : colored
  return stream.isTerminal && environment.TERM !== 'dumb' ? colored : plain
}

/** Characters that the text takes on the screen. */
export function visibleLength(text: string): number {
  return text.replace(/\x1b\[\d+m/g, '').length
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - visibleLength(text)))
}
