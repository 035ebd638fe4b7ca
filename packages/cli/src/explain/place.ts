// `--at OFFSET|SYMBOL[+OFFSET]`: from what the user types to an address in the file, and back to words.

import type { FileSection, LoadedFile, LoadedFunction } from '../listing/loaded-file.ts'

export interface Place {
  readonly address: bigint
  readonly section: FileSection
  /** The function that holds it; null where none is known. */
  readonly fn: LoadedFunction | null
}

/** Why there is no such place, in words. */
export interface NoPlace {
  readonly why: string
}

export function findPlace(file: LoadedFile, text: string): Place | NoPlace {
  const address = addressOf(file, text)
  if (typeof address !== 'bigint') return address
  const section = file.sections.find(
    (each) => each.isCode && address >= each.address && address < each.address + BigInt(each.bytes.length),
  )
  if (section === undefined) return { why: `${text}: no code is at ${inImage(file, address)}` }
  const fn = file.functions.find(
    (each) => address >= each.address && address < each.address + BigInt(Math.max(each.code.length, each.codeSize)),
  )
  return { address, section, fn: fn ?? null }
}

function inImage({ kind }: LoadedFile, address: bigint): string {
  return kind === 'image' ? `0x${address.toString(16)}` : 'that offset'
}

function addressOf(file: LoadedFile, text: string): bigint | NoPlace {
  const plain = text.replace(/^%/, '')
  // A name may have a plus in it, and be a number: functions without a name are called by their place.
  const whole = named(file, plain)
  if (whole !== null) return whole
  const number = parseNumber(plain)
  if (number !== null) return numbered(file, number)
  const [, name, beyond] = /^(.+)\+(\w+)$/.exec(plain) ?? []
  const offset = beyond === undefined ? null : parseNumber(beyond)
  const base = name === undefined ? null : named(file, name)
  if (base !== null && offset !== null) return base + offset
  const known = file.functions.slice(0, 20).map((fn) => fn.name)
  return { why: `no function or section ${name ?? plain}; there are ${known.join(', ')}` }
}

function named({ functions, sections }: LoadedFile, name: string): bigint | null {
  const fn = functions.find((each) => each.name === name) ?? functions.find(({ aliases }) => aliases.includes(name))
  return fn?.address ?? sections.find((each) => each.isCode && each.name === name)?.address ?? null
}

/** `0x1f`, `31`. */
function parseNumber(text: string): bigint | null {
  return /^(?:0x[\da-f]+|\d+)$/i.test(text) ? BigInt(text) : null
}

/** Of an image an address (of PE also an rva: no image lies below its own size); of an object an offset in its code. */
function numbered(file: LoadedFile, number: bigint): bigint | NoPlace {
  if (file.kind === 'image') {
    return file.container === 'pe' && number < file.image.base ? file.image.base + number : number
  }
  const code = file.sections.filter(({ isCode, bytes }) => isCode && bytes.length > 0)
  const section = code.length === 1 ? code[0] : code.find(({ name }) => name === '.text')
  if (section !== undefined) return section.address + number
  const sections = code.slice(0, 10).map(({ name }) => `${name}+${number}`)
  return { why: `${number}: there is more than one section of code; say which, as in ${sections.join(' or ')}` }
}

/** An address as the user knows it: that of an image, or a place in a section of an object. */
export function addressWords(file: LoadedFile): (address: bigint) => string {
  if (file.kind === 'image') return (address) => `0x${address.toString(16)}`
  return (address) => {
    // The end of a section belongs to it as well.
    const section = file.sections.find(
      (each) => each.isCode && address >= each.address && address <= each.address + BigInt(each.bytes.length),
    )
    return section === undefined ? 'nowhere' : `${section.name}+0x${(address - section.address).toString(16)}`
  }
}
