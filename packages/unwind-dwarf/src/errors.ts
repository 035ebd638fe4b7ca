/** What can be wrong with call-frame information, given or read. */

/** A discriminated description; numbers are bytes unless the name says otherwise. */
export type DwarfUnwindProblem =
  // A frame, or operations, that the format cannot express.
  | { readonly code: 'architecture'; readonly architecture: string }
  | { readonly code: 'register'; readonly register: number }
  | { readonly code: 'number-range'; readonly field: string; readonly value: number }
  /** A save offset, or a negative CFA offset, that the data alignment factor does not divide. */
  | { readonly code: 'offset-unaligned'; readonly offset: number; readonly factor: number }
  /** An operation that lies before the one it follows. */
  | { readonly code: 'order'; readonly at: number; readonly previous: number }
  /** restore_state with nothing remembered. */
  | { readonly code: 'nothing-remembered' }
  /** def_cfa_register or def_cfa_offset while the CFA is not register + offset. */
  | { readonly code: 'cfa-not-register' }
  | { readonly code: 'return-column'; readonly register: number; readonly version: number }
  /** An address that a 4-byte field cannot say, or that is missing. */
  | { readonly code: 'out-of-reach'; readonly symbol: string; readonly distance: bigint }
  | { readonly code: 'no-address'; readonly symbol: string }
  | { readonly code: 'pointer-encoding'; readonly encoding: number; readonly use: string }
  // Bytes that are no call-frame information.
  | { readonly code: 'truncated'; readonly what: string; readonly bytes: number; readonly available: number }
  | { readonly code: 'version'; readonly version: number }
  | { readonly code: 'augmentation'; readonly augmentation: string }
  | { readonly code: 'cie-pointer'; readonly target: number }
  | { readonly code: 'opcode'; readonly opcode: number }
  | { readonly code: 'malformed'; readonly why: string }
  /** More than the stated limit of something that small input could make endless. */
  | { readonly code: 'too-large'; readonly what: string; readonly limit: number }
  /** What was read is legal, but a frame record's row has no words for it. */
  | { readonly code: 'row'; readonly what: string }
  // A walk that cannot go on.
  | { readonly code: 'no-entry'; readonly pc: bigint }
  | { readonly code: 'no-caller' }
  | { readonly code: 'unknown-register'; readonly register: number }
  | { readonly code: 'unreadable'; readonly address: bigint; readonly bytes: number }
  /** What the rule asks for is legal, but the unwinder named does not do it. */
  | { readonly code: 'reader-limit'; readonly reader: string; readonly why: string }
  | { readonly code: 'section'; readonly name: string }

/** Where it is wrong. */
export type DwarfUnwindPlace =
  | { readonly in: 'record'; readonly event: number }
  | { readonly in: 'function'; readonly name: string; readonly operation: number }
  | { readonly in: 'section'; readonly offset: number }
  | { readonly in: 'expression'; readonly offset: number }
  | { readonly in: 'frame'; readonly pc: bigint }

/** Call-frame information that cannot be written, read or followed. */
export class DwarfUnwindError extends Error {
  override readonly name = 'DwarfUnwindError'
  readonly problem: DwarfUnwindProblem
  readonly place: DwarfUnwindPlace | null
  /** Index of the event in the frame record; -1 where the problem is in none. */
  readonly event: number

  constructor(problem: DwarfUnwindProblem, place: DwarfUnwindPlace | null = null) {
    super(place === null ? describe(problem) : `${describe(problem)} (${describePlace(place)})`)
    this.problem = problem
    this.place = place
    this.event = place?.in === 'record' ? place.event : -1
  }
}

function describePlace(place: DwarfUnwindPlace): string {
  switch (place.in) {
    case 'record':
      return `frame event ${place.event}`
    case 'function':
      return place.operation < 0 ? `function ${place.name}` : `function ${place.name}, operation ${place.operation}`
    case 'section':
      return `at 0x${place.offset.toString(16)} of the section`
    case 'expression':
      return `at ${place.offset} of the expression`
    case 'frame':
      return `at pc 0x${place.pc.toString(16)}`
  }
}

function describe(problem: DwarfUnwindProblem): string {
  switch (problem.code) {
    case 'architecture':
      return `architecture '${problem.architecture}' is another one, or its addresses have the wrong size`
    case 'register':
      return `register ${problem.register} has no DWARF number`
    case 'number-range':
      return `${problem.field} cannot be ${problem.value}`
    case 'offset-unaligned':
      return `offset ${problem.offset} is not a multiple of ${Math.abs(problem.factor)}`
    case 'order':
      return `operation at ${problem.at} stands behind one at ${problem.previous}`
    case 'nothing-remembered':
      return 'restore_state with no state remembered'
    case 'cfa-not-register':
      return 'the CFA is no register + offset that could be changed in part'
    case 'return-column':
      return `return address column ${problem.register} does not fit a CIE of version ${problem.version}`
    case 'pointer-encoding':
      return `pointer encoding 0x${problem.encoding.toString(16)} cannot be used for ${problem.use}`
    case 'out-of-reach':
      return `${problem.symbol} is ${problem.distance} bytes away, too far for its field`
    case 'no-address':
      return `nobody said where ${problem.symbol} lies`
    case 'truncated':
      return `${problem.what} takes ${problem.bytes} bytes, ${problem.available} are left`
    case 'version':
      return `there is no CIE version ${problem.version}`
    case 'augmentation':
      return `augmentation ${JSON.stringify(problem.augmentation)} is not known and cannot be skipped`
    case 'cie-pointer':
      return `no CIE at 0x${problem.target.toString(16)}`
    case 'opcode':
      return `unknown call-frame operation 0x${problem.opcode.toString(16).padStart(2, '0')}`
    case 'malformed':
      return problem.why
    case 'too-large':
      return `${problem.what}: more than ${problem.limit}`
    case 'row':
      return `${problem.what} cannot be said in the rows of a frame record`
    case 'no-entry':
      return `no entry covers 0x${problem.pc.toString(16)}`
    case 'no-caller':
      return 'the return address is undefined: this is the outermost frame'
    case 'unknown-register':
      return `the value of DWARF register ${problem.register} is not known`
    case 'unreadable':
      return `${problem.bytes} bytes at 0x${problem.address.toString(16)} cannot be read`
    case 'reader-limit':
      return `${problem.reader} ${problem.why}`
    case 'section':
      return `the image has no section ${problem.name}`
  }
}
