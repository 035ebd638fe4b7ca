// COFF as Microsoft's "PE Format" prints it.

export const IMAGE_FILE_MACHINE_AMD64 = 0x8664

// Sizes of the file's records.
export const FILE_HEADER_SIZE = 20
export const SECTION_HEADER_SIZE = 40
export const SYMBOL_SIZE = 18
export const RELOCATION_SIZE = 10

// "Section Flags"
export const IMAGE_SCN_TYPE_NO_PAD = 0x0000_0008
export const IMAGE_SCN_CNT_CODE = 0x0000_0020
export const IMAGE_SCN_CNT_INITIALIZED_DATA = 0x0000_0040
export const IMAGE_SCN_CNT_UNINITIALIZED_DATA = 0x0000_0080
export const IMAGE_SCN_LNK_COMDAT = 0x0000_1000
export const IMAGE_SCN_ALIGN_MASK = 0x00f0_0000
export const IMAGE_SCN_LNK_NRELOC_OVFL = 0x0100_0000
export const IMAGE_SCN_MEM_DISCARDABLE = 0x0200_0000
export const IMAGE_SCN_MEM_EXECUTE = 0x2000_0000
export const IMAGE_SCN_MEM_READ = 0x4000_0000
export const IMAGE_SCN_MEM_WRITE = 0x8000_0000

// "Section Number Values"
export const IMAGE_SYM_UNDEFINED = 0
export const IMAGE_SYM_ABSOLUTE = -1
export const IMAGE_SYM_DEBUG = -2
/** Numbers above are the special ones, as 16-bit words. */
export const MAX_SECTIONS = 0xfeff

// "Storage Class"
export const IMAGE_SYM_CLASS_EXTERNAL = 2
export const IMAGE_SYM_CLASS_STATIC = 3
export const IMAGE_SYM_CLASS_FILE = 103
export const IMAGE_SYM_CLASS_WEAK_EXTERNAL = 105

/** "Type Representation": IMAGE_SYM_DTYPE_FUNCTION in the high nibble; the base type is not used. */
export const FUNCTION_TYPE = 0x20

/** "Auxiliary Format 3: Weak Externals", IMAGE_WEAK_EXTERN_SEARCH_ALIAS: the fallback serves when nobody defines it. */
export const IMAGE_WEAK_EXTERN_SEARCH_ALIAS = 3

/** "COMDAT Sections", Selection, from 1. */
export const selections = ['one-only', 'any', 'same-size', 'exact-match', 'associative', 'largest'] as const

// REL32_1 to REL32_5: the instruction ends that many bytes after the field.
export const IMAGE_REL_AMD64_REL32 = 4
export const IMAGE_REL_AMD64_REL32_5 = 9
