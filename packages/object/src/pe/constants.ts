// Images, as Microsoft's "PE Format" prints them. What they share with objects is in ../coff/constants.ts.

/** "MZ", of the MS-DOS stub. */
export const DOS_SIGNATURE = 0x5a4d
/** Place of e_lfanew, the offset of the signature. */
export const SIGNATURE_OFFSET_AT = 0x3c
/** "PE\0\0" */
export const PE_SIGNATURE = 0x4550

/** "Optional Header": PE32+. */
export const PE32_PLUS = 0x20b
/** Bytes of the optional header in front of the data directories. */
export const FIXED_OPTIONAL_SIZE = 112
export const DIRECTORY_SIZE = 8

// "Optional Header Data Directories", their index.
export const EXPORT_TABLE = 0
export const EXCEPTION_TABLE = 3

export const EXPORT_DIRECTORY_SIZE = 40

/** "Characteristics" of the file header. */
export const IMAGE_FILE_DLL = 0x2000
