/**
 * The numbers of the DWARF call-frame and pointer-encoding specifications, spelled as printed there.
 *
 * `DW_CFA_*`: DWARF 5, 7.24, table 7.29; vendor extensions: Linux Standard Base 5.0, "DWARF Extensions".
 * `DW_EH_PE_*`: Linux Standard Base 5.0, "DWARF Exception Header Encoding". `DW_OP_*`: DWARF 5, 7.7.1, table 7.9.
 */

export const DW_CFA_advance_loc = 0x40
export const DW_CFA_offset = 0x80
export const DW_CFA_restore = 0xc0
export const DW_CFA_nop = 0x00
export const DW_CFA_set_loc = 0x01
export const DW_CFA_advance_loc1 = 0x02
export const DW_CFA_advance_loc2 = 0x03
export const DW_CFA_advance_loc4 = 0x04
export const DW_CFA_offset_extended = 0x05
export const DW_CFA_restore_extended = 0x06
export const DW_CFA_undefined = 0x07
export const DW_CFA_same_value = 0x08
export const DW_CFA_register = 0x09
export const DW_CFA_remember_state = 0x0a
export const DW_CFA_restore_state = 0x0b
export const DW_CFA_def_cfa = 0x0c
export const DW_CFA_def_cfa_register = 0x0d
export const DW_CFA_def_cfa_offset = 0x0e
export const DW_CFA_def_cfa_expression = 0x0f
export const DW_CFA_expression = 0x10
export const DW_CFA_offset_extended_sf = 0x11
export const DW_CFA_def_cfa_sf = 0x12
export const DW_CFA_def_cfa_offset_sf = 0x13
export const DW_CFA_val_offset = 0x14
export const DW_CFA_val_offset_sf = 0x15
export const DW_CFA_val_expression = 0x16
export const DW_CFA_MIPS_advance_loc8 = 0x1d
export const DW_CFA_AARCH64_negate_ra_state_with_pc = 0x2c
/** SPARC's register windows, in the number of AArch64's DW_CFA_AARCH64_negate_ra_state. */
export const DW_CFA_GNU_window_save = 0x2d
export const DW_CFA_AARCH64_negate_ra_state = 0x2d
export const DW_CFA_GNU_args_size = 0x2e
export const DW_CFA_GNU_negative_offset_extended = 0x2f
export const DW_CFA_LLVM_def_aspace_cfa = 0x30
export const DW_CFA_LLVM_def_aspace_cfa_sf = 0x31

/** The three opcodes that hold their operand in the low six bits. */
export const DW_CFA_high_mask = 0xc0

export const DW_EH_PE_absptr = 0x00
export const DW_EH_PE_uleb128 = 0x01
export const DW_EH_PE_udata2 = 0x02
export const DW_EH_PE_udata4 = 0x03
export const DW_EH_PE_udata8 = 0x04
export const DW_EH_PE_signed = 0x08
export const DW_EH_PE_sleb128 = 0x09
export const DW_EH_PE_sdata2 = 0x0a
export const DW_EH_PE_sdata4 = 0x0b
export const DW_EH_PE_sdata8 = 0x0c
export const DW_EH_PE_pcrel = 0x10
export const DW_EH_PE_textrel = 0x20
export const DW_EH_PE_datarel = 0x30
export const DW_EH_PE_funcrel = 0x40
export const DW_EH_PE_aligned = 0x50
export const DW_EH_PE_indirect = 0x80
export const DW_EH_PE_omit = 0xff

export const DW_OP_deref = 0x06
export const DW_OP_consts = 0x11
export const DW_OP_minus = 0x1c
export const DW_OP_plus = 0x22
export const DW_OP_plus_uconst = 0x23
export const DW_OP_bra = 0x28
export const DW_OP_skip = 0x2f
export const DW_OP_lit0 = 0x30
export const DW_OP_reg0 = 0x50
export const DW_OP_breg0 = 0x70
export const DW_OP_bregx = 0x92
