/**
 * What frame-layout has to know of a machine: numbers, names and what a call leaves on the stack. A target is described to
 * the package as a value of this type; nothing in the package asks for one by name except the table in `registers-x64.ts`.
 */

/** A register by its number in {@link FrameArchitecture}: the hardware's encoding for general registers. */
export type Register = number

/** One architecture, as far as frames are concerned. */
export interface FrameArchitecture {
  /** As in `FrameRecord.architecture`: `'x86-64'`. */
  readonly name: string
  /** Names by register number. */
  readonly registerNames: readonly string[]
  readonly stackPointer: Register
  /** The register that a frame pointer customarily lives in. */
  readonly framePointer: Register
  /** The pseudo register that stands for the return address. */
  readonly returnAddress: Register
  /** CFA - SP at the first instruction of a function: 8 where a call pushes the return address. */
  readonly entryCfaOffset: number
  /** Where the return address lies on entry, from the CFA. */
  readonly returnAddressOffset: number
  /** Bytes of an ordinary push. */
  readonly pushBytes: number
}
