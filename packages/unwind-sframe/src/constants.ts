/** Numbers of the SFrame format, spelled as its specification spells them. */

/** The first two bytes, in the byte order of the target. */
export const SFRAME_MAGIC = 0xdee2

/** Descriptions of functions ascend by address. */
export const SFRAME_F_FDE_SORTED = 1
/** All functions keep a frame pointer. Versions 1 and 2. */
export const SFRAME_F_FRAME_POINTER = 2
/** A function's start counts from the field that holds it; otherwise from the begin of the section. Version 2, errata 1. */
export const SFRAME_F_FDE_FUNC_START_PCREL = 4

export const SFRAME_ABI_AARCH64_ENDIAN_BIG = 1
export const SFRAME_ABI_AARCH64_ENDIAN_LITTLE = 2
export const SFRAME_ABI_AMD64_ENDIAN_LITTLE = 3
export const SFRAME_ABI_S390X_ENDIAN_BIG = 4

/** Rows hold at `pc % repeat size` and not at `pc - start`. */
export const SFRAME_FDE_TYPE_PCMASK = 1
export const SFRAME_FDE_TYPE_DEFAULT = 0
/** Version 3: rules as pairs of a control word and an offset. */
export const SFRAME_FDE_TYPE_FLEX = 1

/** Base of the CFA in a row's info byte. */
export const SFRAME_BASE_REG_FP = 0
export const SFRAME_BASE_REG_SP = 1

/** Bytes of the header, without an auxiliary one behind it. All versions. */
export const HEADER_BYTES = 28

/** A function's description in the index, by version. */
export const FDE_BYTES: Readonly<Record<SFrameVersion, number>> = { 1: 17, 2: 20, 3: 16 }

/** Version 3 keeps the rest of the description in front of the function's rows. */
export const FDE_ATTRIBUTE_BYTES = 5

/** Versions of SFrame. */
export type SFrameVersion = 1 | 2 | 3
