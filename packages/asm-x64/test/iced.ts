// iced-x86 as the judge of bytes: registers by our numbers, and a walk over code that allocates nothing per instruction.
import { Decoder, DecoderOptions, Register as IcedRegister, Instruction } from 'iced-x86'
import { generalNames } from '../src/registers.ts'

const icedName = (name: string): string => name.toUpperCase().replace(/^(R\d+)B$/, '$1L')
const named = (name: string): number => IcedRegister[icedName(name) as keyof typeof IcedRegister] as number

/** iced's number of a general register, by size 0 to 3 and encoding. */
export const general: readonly (readonly number[])[] = generalNames.map((names) => names.map(named))
/** iced's number of xmm0 to xmm15. */
export const vector: readonly number[] = Array.from({ length: 16 }, (_, register) => named(`xmm${register}`))

/** Decodes `bytes` from the start; `visit` sees each instruction in turn. */
export function walk(bytes: Uint8Array, visit: (instruction: Instruction, offset: number) => void): number {
  const decoder = new Decoder(64, bytes, DecoderOptions.None)
  const instruction = new Instruction()
  let count = 0
  try {
    decoder.ip = 0n
    while (decoder.canDecode) {
      const offset = decoder.position
      decoder.decodeOut(instruction)
      count++
      visit(instruction, offset)
    }
  } finally {
    instruction.free()
    decoder.free()
  }
  return count
}
