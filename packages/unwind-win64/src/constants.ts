/**
 * The numbers of UNWIND_INFO, spelled as Microsoft prints them.
 *
 * @see Microsoft Learn, "x64 exception handling", "struct UNWIND_INFO" and "Unwind operation code"
 */

export const UWOP_PUSH_NONVOL = 0
export const UWOP_ALLOC_LARGE = 1
export const UWOP_ALLOC_SMALL = 2
export const UWOP_SET_FPREG = 3
export const UWOP_SAVE_NONVOL = 4
export const UWOP_SAVE_NONVOL_FAR = 5
/** Version 2: where epilogues are. In version 1 once a 64-bit xmm save; refused there. */
export const UWOP_EPILOG = 6
/** Reserved; readers step over three slots. */
export const UWOP_SPARE_CODE = 7
export const UWOP_SAVE_XMM128 = 8
export const UWOP_SAVE_XMM128_FAR = 9
export const UWOP_PUSH_MACHFRAME = 10

/** Names by number, without the prefix. */
export const operationNames: readonly string[] = [
  'PUSH_NONVOL',
  'ALLOC_LARGE',
  'ALLOC_SMALL',
  'SET_FPREG',
  'SAVE_NONVOL',
  'SAVE_NONVOL_FAR',
  'EPILOG',
  'SPARE_CODE',
  'SAVE_XMM128',
  'SAVE_XMM128_FAR',
  'PUSH_MACHFRAME',
]

/** The handler is called while an exception looks for somebody to take it. */
export const UNW_FLAG_EHANDLER = 1
/** The handler is called while the stack is unwound. */
export const UNW_FLAG_UHANDLER = 2
/** The record goes on in another one. */
export const UNW_FLAG_CHAININFO = 4
/** Version 3: the prologue is longer than 255 bytes. */
export const UNW_FLAG_LARGE = 8

/** 16-bit units that an operation takes in the array; 0 for operations that the system refuses. */
export function slotsOf(operation: number, info: number): number {
  switch (operation) {
    case UWOP_PUSH_NONVOL:
    case UWOP_ALLOC_SMALL:
    case UWOP_SET_FPREG:
    case UWOP_EPILOG:
    case UWOP_PUSH_MACHFRAME:
      return 1
    case UWOP_SAVE_NONVOL:
    case UWOP_SAVE_XMM128:
      return 2
    case UWOP_ALLOC_LARGE:
      return info === 0 ? 2 : info === 1 ? 3 : 0
    case UWOP_SAVE_NONVOL_FAR:
    case UWOP_SPARE_CODE:
    case UWOP_SAVE_XMM128_FAR:
      return 3
    default:
      return 0
  }
}
