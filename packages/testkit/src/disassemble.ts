// iced-x86 behind one function. Its objects own memory that nothing collects, so none of them leaves this file.

import { Code, Decoder, DecoderOptions, Formatter, FormatterSyntax, Instruction, Mnemonic } from 'iced-x86'

export type Syntax = 'intel' | 'nasm' | 'masm' | 'gas'

export interface DecodedInstruction {
  /** Bytes from the first byte of the input. */
  readonly offset: number
  readonly length: number
  /** For example `mov rax,[rsp+8]`. */
  readonly text: string
  /** In lower case, for example `mov`. */
  readonly mnemonic: string
  /** The exact form, as iced-x86 names it, for example `Mov_r64_rm64`; `INVALID` for bytes that are no instruction. */
  readonly code: string
}

const syntaxes: Readonly<Record<Syntax, FormatterSyntax>> = {
  intel: FormatterSyntax.Intel,
  nasm: FormatterSyntax.Nasm,
  masm: FormatterSyntax.Masm,
  gas: FormatterSyntax.Gas,
}

/**
 * Decodes 64-bit x86 code to its end.
 *
 * @param rip - the address of the first byte; relative branches print their target from it.
 * @returns one entry for each instruction, the invalid ones included.
 */
export function disassemble(bytes: Uint8Array, rip: bigint = 0n, syntax: Syntax = 'intel'): DecodedInstruction[] {
  const decoder = new Decoder(64, bytes, DecoderOptions.None)
  const formatter = new Formatter(syntaxes[syntax])
  const instruction = new Instruction()
  try {
    decoder.ip = rip
    formatter.hexPrefix = '0x'
    formatter.hexSuffix = ''
    formatter.uppercaseHex = false
    formatter.branchLeadingZeros = false
    const result: DecodedInstruction[] = []
    while (decoder.canDecode) {
      const offset = decoder.position
      decoder.decodeOut(instruction)
      result.push({
        offset,
        length: decoder.position - offset,
        text: formatter.format(instruction),
        mnemonic: (Mnemonic[instruction.mnemonic] ?? '').toLowerCase(),
        code: Code[instruction.code] ?? '',
      })
    }
    return result
  } finally {
    instruction.free()
    formatter.free()
    decoder.free()
  }
}
