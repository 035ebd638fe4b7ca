// ELF-64, as the System V gABI and the AMD64 psABI print it.

// e_type, e_machine
export const ET_REL = 1
export const ET_EXEC = 2
export const ET_DYN = 3
export const EM_X86_64 = 62

// Sizes of the file's records.
export const EHDR_SIZE = 64
export const PHDR_SIZE = 56
export const SHDR_SIZE = 64
export const SYM_SIZE = 24
export const DYN_SIZE = 16
export const RELA_SIZE = 24

// sh_type
export const SHT_NULL = 0
export const SHT_PROGBITS = 1
export const SHT_SYMTAB = 2
export const SHT_STRTAB = 3
export const SHT_RELA = 4
export const SHT_NOBITS = 8
export const SHT_REL = 9
export const SHT_DYNSYM = 11
export const SHT_GROUP = 17
export const SHT_SYMTAB_SHNDX = 18
/** AMD64 psABI, 4.2.2, "Section Types". */
export const SHT_X86_64_UNWIND = 0x7000_0001

// sh_flags
export const SHF_WRITE = 1
export const SHF_ALLOC = 2
export const SHF_EXECINSTR = 4
export const SHF_INFO_LINK = 0x40
export const SHF_TLS = 0x400
export const SHF_COMPRESSED = 0x800

// st_shndx
export const SHN_UNDEF = 0
export const SHN_LORESERVE = 0xff00
export const SHN_ABS = 0xfff1
export const SHN_COMMON = 0xfff2
export const SHN_XINDEX = 0xffff

// Program headers.
export const PT_LOAD = 1
export const PT_DYNAMIC = 2
/** Linux Standard Base 5.0, "Program Headers". */
export const PT_GNU_EH_FRAME = 0x6474_e550
export const PT_GNU_STACK = 0x6474_e551
export const PF_X = 1
export const PF_W = 2
export const PF_R = 4

// st_info, high and low half; st_other
export const bindings = ['local', 'global', 'weak'] as const
export const symbolTypes = ['none', 'object', 'function', 'section', 'file', 'common', 'tls'] as const
export const STT_GNU_IFUNC = 10
export const visibilities = ['default', 'internal', 'hidden', 'protected'] as const
/** Of GNU: one in the whole process. */
export const STB_GNU_UNIQUE = 10

// d_tag
export const DT_NULL = 0
export const DT_HASH = 4
export const DT_STRTAB = 5
export const DT_SYMTAB = 6
export const DT_STRSZ = 10
export const DT_GNU_HASH = 0x6fff_fef5
export const DT_FLAGS_1 = 0x6fff_fffb
/** Of DT_FLAGS_1: an executable that lies anywhere. */
export const DF_1_PIE = 0x0800_0000
