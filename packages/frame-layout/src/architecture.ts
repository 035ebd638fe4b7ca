/**
 * What frame-layout has to know of a machine: numbers, names and what a call leaves on the stack. A target is described to
 * the package as a value of this type; nothing in the package asks for one by name except the table in `known-architectures.ts`.
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
  /** Bytes by register number: how much of one a save has to keep. */
  readonly registerBytes: readonly number[]
  /**
   * Whose value in the caller is the address that the function returns to: the link register, or, where a call pushes the
   * address, the pseudo register that stands for it.
   */
  readonly returnAddress: Register
  /** Where a `MachineState` holds the pc: `returnAddress` on x86-64, another pseudo register beside a link register. */
  readonly programCounter: Register
  /** CFA - SP at the first instruction of a function: 8 where a call pushes the return address. */
  readonly entryCfaOffset: number
  /** Where the return address lies on entry, from the CFA; null: in its register. */
  readonly returnAddressOffset: number | null
  /** Bytes of an ordinary push, and of an address. */
  readonly pushBytes: number
  /** What an interrupt pushes; absent where it pushes nothing. */
  readonly interruptFrame?: InterruptFrame
}

/** What the processor had pushed when an interrupt handler is entered. */
export interface InterruptFrame {
  /** Bytes from the CFA down to SP, without an error code. */
  readonly bytes: number
  readonly errorCodeBytes: number
  /** Where the interrupted pc and SP lie, from the CFA. */
  readonly returnAddressOffset: number
  readonly stackPointerOffset: number
}
