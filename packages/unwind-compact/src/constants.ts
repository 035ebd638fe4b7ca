/**
 * The bits of a compact encoding for x86-64, and the sizes of the tables that hold encodings. Names are those of
 * <mach-o/compact_unwind_encoding.h>.
 *
 *      31       30      29 28      27 26 25 24    23 ... 0
 *     +--------+-------+----------+-------------+---------------------------------+
 *     | inside | LSDA  | persona- |    mode     | what the mode says              |
 *     | a func |       | lity 1-3 |             |                                 |
 *     +--------+-------+----------+-------------+---------------------------------+
 *     mode 1 (rbp frame)  23-16 (rbp - lowest save) / 8     14-0 five registers, three bits each, lowest address first
 *     mode 2 (immediate)  23-16 (CFA - rsp) / 8             12-10 number of registers    9-0 their permutation
 *     mode 3 (indirect)   23-16 where the imm32 stands      15-13 words to add to it     12-0 as in mode 2
 *     mode 4 (DWARF)      23-0 where the FDE lies in __eh_frame; zero in objects
 */

export const UNWIND_IS_NOT_FUNCTION_START = 0x8000_0000
export const UNWIND_HAS_LSDA = 0x4000_0000
export const UNWIND_PERSONALITY_SHIFT = 28

export const UNWIND_X86_64_MODE_SHIFT = 24
export const UNWIND_X86_64_MODE_RBP_FRAME = 1
export const UNWIND_X86_64_MODE_STACK_IMMD = 2
export const UNWIND_X86_64_MODE_STACK_IND = 3
export const UNWIND_X86_64_MODE_DWARF = 4

/** Words that five bits of 3 each, or a permutation, can be told of. */
export const RBP_FRAME_SLOTS = 5
export const FRAMELESS_REGISTERS = 6
/** Eight bits of words. */
export const MAXIMUM_WORDS = 255
/** Three bits of words beside the immediate. */
export const MAXIMUM_ADJUSTMENT = 7
/** 24 bits. */
export const MAXIMUM_FDE_OFFSET = 0xff_ffff
/** Two bits, and 0 means none. */
export const MAXIMUM_PERSONALITIES = 3

/** A row of `__compact_unwind`: start 8, length 4, encoding 4, personality 8, LSDA 8. */
export const ROW_BYTES = 32

export const UNWIND_SECTION_VERSION = 1
export const UNWIND_SECOND_LEVEL_REGULAR = 2
export const UNWIND_SECOND_LEVEL_COMPRESSED = 3
export const HEADER_BYTES = 28
export const INDEX_ENTRY_BYTES = 12
export const LSDA_ENTRY_BYTES = 8
export const PAGE_BYTES = 4096
export const REGULAR_HEADER_BYTES = 8
export const COMPRESSED_HEADER_BYTES = 12
/** A compressed entry has eight bits for the encoding's index and 24 for the distance from the page's first function. */
export const MAXIMUM_COMMON_ENCODINGS = 127
export const MAXIMUM_ENCODING_INDEX = 255
export const MAXIMUM_PAGE_DISTANCE = 0xff_ffff
