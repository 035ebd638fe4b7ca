// The notation of the tables in `insts/`, and what it packs into.
//
// A row is [name, syntax, encoding, sizes, shorter forms].
//
// Name: the mnemonic, then the operands in the manual's order, `_` between them:
//   r  general register    rm  general register or memory    m  memory alone    imm  immediate    cl  the register cl
//   x  vector register     xm  vector register or memory     xmm0  that register, implied
// A narrower source has its width after the mnemonic: Movzx8_r_rm.
//
// Syntax: the same in Intel's order, more exactly:
//   r, rm     of the row's size; with a number of that width (rm8)
//   rm8-32    memory of 8 bits or a register of 32
//   v         general register in VEX.vvvv; x is in ModRM.reg, vx in VEX.vvvv, sx in ModRM.rm (register alone)
//   xm64      vector register or memory of 64 bits
//   imm8      immediate of 8 bits; imm: 8 bits at size 8, 16 at size 16, else 32, sign-extended to 64
//
// Encoding: the manual's opcode column ("Interpreting the Instruction Reference Pages", Intel SDM vol. 2, 3.1.1.1), but
//   80|81     the opcode at size 8, the opcode at the other sizes
//   iz        the immediate called `imm` above
//   NP        no 66, F2 or F3
//   66 and REX.W of the sizes are left out, and VEX….W stands for W0 at size 32 and W1 at size 64
//
// Sizes: those the row has; empty when size means nothing to it. Of one alone the caller's `size` is ignored.
//
// Shorter forms, taken by themselves: `83` is the opcode with a sign-extended imm8; `accumulator` the forms without ModRM for
// al, ax, eax and rax; `one` the opcode that shifts by one.

import { EncodingWord } from './word.ts'

/** Name, syntax, encoding, sizes and shorter forms, in the notation at the head of this file. */
export type EncodingRow = readonly [name: string, syntax: string, encoding: string, sizes: string, shorter?: string]

const PREFIX: Readonly<Record<string, number>> = { NP: 0, '66': 1, F3: 2, F2: 3 }
const VEX_MAP: Readonly<Record<string, number>> = { '0F': 1, '0F38': 2, '0F3A': 3 }

/** The sizes of a row, as numbers 0 to 3; empty when it has none. */
export function rowSizes(row: EncodingRow): number[] {
  return row[3] === '' ? [] : row[3].split(' ').map((bits) => Math.log2(Number(bits) / 8))
}

/** The operands of a row's syntax. */
export function rowOperands(row: EncodingRow): string[] {
  const operands = row[1].indexOf(' ') < 0 ? '' : row[1].slice(row[1].indexOf(' ') + 1)
  return operands === '' ? [] : operands.split(', ')
}

/** The four words of a row, one for each size, in the layout of `EncodingWord`. A size the row does not have is read as its widest. */
export function packRow(row: EncodingRow): number[] {
  const sizes = rowSizes(row)
  return [0, 1, 2, 3].map((size) =>
    packSize(row, sizes.length === 0 ? undefined : sizes.includes(size) ? size : sizes.at(-1)!),
  )
}

function packSize(row: EncodingRow, size: number | undefined): number {
  const [, , encoding, , shorter = ''] = row
  const operands = rowOperands(row)
  const tokens = encoding.split(' ')
  let word = 0
  let map = 0
  let opcode = -1
  for (const [at, token] of tokens.entries()) {
    if (token.startsWith('VEX.')) {
      const parts = token.split('.').slice(1)
      word |= EncodingWord.vex
      for (const part of parts) {
        if (part in VEX_MAP) map = VEX_MAP[part]!
        else if (part in PREFIX) word |= PREFIX[part]! << EncodingWord.prefixShift
        else if (part === 'W1' || (part === 'W' && size === 3)) word |= EncodingWord.wide
      }
    } else if (/^\/\d$/.test(token)) word |= EncodingWord.digit | (Number(token[1]) << EncodingWord.digitShift)
    else if (token === '/r') continue
    else if (token === 'ib') word |= 1 << EncodingWord.immediateShift
    else if (token === 'iz') word |= (size === 0 ? 1 : size === 1 ? 2 : 3) << EncodingWord.immediateShift
    else if (opcode < 0 && at === 0 && token in PREFIX) word |= PREFIX[token]! << EncodingWord.prefixShift
    else if (opcode < 0 && map === 0 && token === '0F' && !(word & EncodingWord.vex)) map = 1
    else if (opcode < 0 && map === 1 && !(word & EncodingWord.vex) && (token === '38' || token === '3A'))
      map = token === '38' ? 2 : 3
    else if (opcode < 0) {
      const [narrow, wide = narrow] = token.split('|')
      opcode = Number.parseInt(size === 0 ? narrow! : wide!, 16)
    } else {
      // A ModRM byte printed as part of the opcode: 0F AE F0.
      word |= EncodingWord.digit | (((Number.parseInt(token, 16) >> 3) & 7) << EncodingWord.digitShift)
    }
  }
  word |= opcode | (map << EncodingWord.mapShift)
  if (!(word & EncodingWord.vex)) {
    if (size === 1) word |= EncodingWord.operandSize
    if (size === 3) word |= EncodingWord.wide
  } else if (operands.length > 0 && (word & EncodingWord.digit) !== 0) word |= EncodingWord.vvvv
  if (size === 0) {
    if (operands.includes('r')) word |= EncodingWord.byteReg
    if (operands.some((operand) => operand === 'rm' || operand === 'rm8')) word |= EncodingWord.byteRm
  } else if (operands.includes('rm8')) word |= EncodingWord.byteRm
  if (shorter.includes('accumulator')) word |= EncodingWord.accumulator
  if (shorter.includes('one') || (size !== 0 && /\b83\b|\b6B\b/.test(shorter))) word |= EncodingWord.short
  return word
}
