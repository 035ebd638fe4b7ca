// The words of the language and what each may mean, found by a hash that the lexer computes while it scans: looking a
// word up neither makes a string of it nor touches a Map.

import { FLOAT_CC_NAMES, INT_CC_NAMES } from '../condition-codes.ts'
import { ATOMIC_RMW_OPS } from '../format.ts'
import { OPCODE_LIMIT, OPCODE_NAMES } from '../opcode.ts'
import { TrapCode, trapCodeName } from '../trap-codes.ts'
import { isType, parseType, TYPE_LIMIT, typeName } from '../types.ts'

/** Words that no table holds but the parser wants a number for. */
const OTHER_WORDS = ['notrap', 'aligned', 'readonly', 'can_move', 'little', 'big', 'cold', 'NaN', 'Inf'] as const

// An opcode's word number is the opcode, so that the parser needs no step between the two.
const words: string[] = [...OPCODE_NAMES]
const numbers = new Map<string, number>()
for (let opcode = 1; opcode < OPCODE_LIMIT; opcode++) numbers.set(OPCODE_NAMES[opcode], opcode)

function wordNumber(word: string): number {
  const known = numbers.get(word)
  if (known !== undefined) return known
  numbers.set(word, words.length)
  return words.push(word) - 1
}

const typeWords: [word: number, type: number][] = []
for (let type = 0; type < TYPE_LIMIT; type++) {
  const name = typeName(type)
  // Dynamic types have no spelling in the text.
  if (!isType(type) || parseType(name) !== type) continue
  typeWords.push([wordNumber(name), type])
  if (!name.includes('x')) typeWords.push([wordNumber(`${name}x1`), type])
}
const roles = (names: readonly string[]): number[] => names.map(wordNumber)
const intConditionWords = roles(INT_CC_NAMES)
const floatConditionWords = roles(FLOAT_CC_NAMES)
const atomicWords = roles(ATOMIC_RMW_OPS)
const trapWords = Object.values(TrapCode).map((code) => [wordNumber(trapCodeName(code)), code] as const)
for (const word of OTHER_WORDS) wordNumber(word)

const WORD_COUNT = words.length

/** The number of each of the words that the parser asks for by name. */
export const WORD_NOTRAP: number = wordNumber('notrap')
export const WORD_ALIGNED: number = wordNumber('aligned')
export const WORD_READONLY: number = wordNumber('readonly')
export const WORD_CAN_MOVE: number = wordNumber('can_move')
export const WORD_LITTLE: number = wordNumber('little')
export const WORD_BIG: number = wordNumber('big')
export const WORD_COLD: number = wordNumber('cold')
export const WORD_NAN: number = wordNumber('NaN')
export const WORD_INF: number = wordNumber('Inf')

/** The type that a word spells, by word number; 0 for none. */
export const WORD_TYPE: Uint16Array = new Uint16Array(WORD_COUNT)
/** The integer condition, by word number; -1 for none. */
export const WORD_INT_CC: Int8Array = roleColumn(intConditionWords)
/** The float condition, by word number; -1 for none. */
export const WORD_FLOAT_CC: Int8Array = roleColumn(floatConditionWords)
/** The atomic operation, by word number; -1 for none. */
export const WORD_ATOMIC_OP: Int8Array = roleColumn(atomicWords)
/** The reserved trap code, by word number; 0 for none. */
export const WORD_TRAP_CODE: Uint8Array = new Uint8Array(WORD_COUNT)
for (const [word, type] of typeWords) WORD_TYPE[word] = type
for (const [word, code] of trapWords) WORD_TRAP_CODE[word] = code

function roleColumn(role: readonly number[]): Int8Array {
  const column = new Int8Array(words.length).fill(-1)
  role.forEach((word, i) => {
    column[word] = i
  })
  return column
}

/** Hash of a word: start with the first character, then `Math.imul(hash, HASH_FACTOR) + c` for each that follows. */
export const HASH_FACTOR = 31
const TABLE_SIZE = 1024 // three times the words
const TABLE_MASK = TABLE_SIZE - 1
const table = new Int16Array(TABLE_SIZE)

for (let word = 1; word < WORD_COUNT; word++) {
  let slot = fold(hashOf(words[word]))
  while (table[slot] !== 0) slot = (slot + 1) & TABLE_MASK
  table[slot] = word
}

function hashOf(word: string): number {
  let hash = word.charCodeAt(0)
  for (let i = 1; i < word.length; i++) hash = (Math.imul(hash, HASH_FACTOR) + word.charCodeAt(i)) | 0
  return hash
}

function fold(hash: number): number {
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & TABLE_MASK
}

/** The number of the word at text[start .. end), whose hash is given; 0 when it is none of ours. */
export function findWord(text: string, start: number, end: number, hash: number): number {
  for (let slot = fold(hash); ; slot = (slot + 1) & TABLE_MASK) {
    const word = table[slot]
    if (word === 0) return 0
    const spelling = words[word]
    if (spelling.length === end - start && text.startsWith(spelling, start)) return word
  }
}
