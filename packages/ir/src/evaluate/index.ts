// What opcodes make of constants: the subpath face of `@framewright/ir/evaluate`.

export { Evaluator, NOT_PURE } from './evaluator.ts'
export { shuffle } from './lanes.ts'
export { bigIntToWords, isTrue, wordCount, wordsToBigInt } from './words.ts'
