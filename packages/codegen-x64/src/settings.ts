// Code generation settings: names, ranges and defaults as CLIF files spell them, as a table.

import { CodegenError } from './errors.ts'

/** Settings that code generation reads. Names are the text form's names in camel case. */
export interface Settings {
  /** Keep rbp as a frame pointer in every function that has a frame. */
  preserveFramePointers: boolean
  /** Touch every page of a large frame on System V. (Windows frames of a page or more always call `__chkstk`.) */
  enableProbestack: boolean
  /** log2 of the page or guard size that probes step by, in bytes. */
  probestackSizeLog2: number
  /** Leaf functions on System V may keep up to 128 bytes below rsp without moving it. */
  enableRedZone: boolean
  /** Position-independent code: external data is reached through the GOT on ELF. */
  isPic: boolean
  /** Prove every register allocation with a checker that knows nothing of the allocator. Slow; a mistake is an internal error. */
  regallocChecker: boolean
  /** Describe every function to the platform's unwinder. */
  unwindInfo: boolean
  hasSse41: boolean
  hasPopcnt: boolean
  hasLzcnt: boolean
  hasBmi1: boolean
  hasBmi2: boolean
  hasFma: boolean
}

interface Row {
  readonly name: string
  readonly field: keyof Settings | null
  readonly type: 'bool' | 'num' | readonly string[]
  readonly fallback: boolean | number | string
  /** For settings that are accepted but change nothing: values that are accepted. Others are refused. */
  readonly only?: readonly (boolean | number | string)[]
}

// One row a setting: text name, field, type, default. `field: null` is accepted because its listed values ask for what is done anyway.
const rows: readonly Row[] = [
  { name: 'preserve_frame_pointers', field: 'preserveFramePointers', type: 'bool', fallback: false },
  { name: 'enable_probestack', field: 'enableProbestack', type: 'bool', fallback: false },
  { name: 'probestack_size_log2', field: 'probestackSizeLog2', type: 'num', fallback: 12 },
  { name: 'probestack_strategy', field: null, type: ['outline', 'inline'], fallback: 'inline' },
  { name: 'enable_red_zone', field: 'enableRedZone', type: 'bool', fallback: true },
  { name: 'is_pic', field: 'isPic', type: 'bool', fallback: true },
  { name: 'unwind_info', field: 'unwindInfo', type: 'bool', fallback: true },
  { name: 'has_sse41', field: 'hasSse41', type: 'bool', fallback: false },
  { name: 'has_popcnt', field: 'hasPopcnt', type: 'bool', fallback: false },
  { name: 'has_lzcnt', field: 'hasLzcnt', type: 'bool', fallback: false },
  { name: 'has_bmi1', field: 'hasBmi1', type: 'bool', fallback: false },
  { name: 'has_bmi2', field: 'hasBmi2', type: 'bool', fallback: false },
  { name: 'has_fma', field: 'hasFma', type: 'bool', fallback: false },
  { name: 'opt_level', field: null, type: ['none', 'speed', 'speed_and_size'], fallback: 'none' },
  { name: 'regalloc_algorithm', field: null, type: ['backtracking', 'single_pass'], fallback: 'backtracking' },
  { name: 'enable_verifier', field: null, type: 'bool', fallback: true },
  { name: 'enable_alias_analysis', field: null, type: 'bool', fallback: true },
  { name: 'regalloc_checker', field: 'regallocChecker', type: 'bool', fallback: false },
  { name: 'regalloc_verbose_logs', field: null, type: 'bool', fallback: false },
  { name: 'machine_code_cfg_info', field: null, type: 'bool', fallback: false },
  { name: 'enable_multi_ret_implicit_sret', field: null, type: 'bool', fallback: true },
  { name: 'enable_llvm_abi_extensions', field: null, type: 'bool', fallback: false },
  { name: 'enable_heap_access_spectre_mitigation', field: null, type: 'bool', fallback: true },
  { name: 'enable_table_access_spectre_mitigation', field: null, type: 'bool', fallback: true },
  { name: 'enable_compact_unwind_abi', field: null, type: 'bool', fallback: false, only: [false] },
  { name: 'enable_incremental_compilation_cache_checks', field: null, type: 'bool', fallback: false },
  { name: 'enable_nan_canonicalization', field: null, type: 'bool', fallback: false, only: [false] },
  { name: 'enable_pinned_reg', field: null, type: 'bool', fallback: false, only: [false] },
  { name: 'use_colocated_libcalls', field: null, type: 'bool', fallback: false, only: [false] },
  { name: 'tls_model', field: null, type: ['none', 'elf_gd', 'macho', 'coff'], fallback: 'none', only: ['none'] },
  {
    name: 'stack_switch_model',
    field: null,
    type: ['none', 'basic', 'update_windows_tib'],
    fallback: 'none',
    only: ['none'],
  },
  { name: 'bb_padding_log2_minus_one', field: null, type: 'num', fallback: 0, only: [0] },
  { name: 'log2_min_function_alignment', field: null, type: 'num', fallback: 0 },
  { name: 'has_sse3', field: null, type: 'bool', fallback: false },
  { name: 'has_ssse3', field: null, type: 'bool', fallback: false },
  { name: 'has_sse42', field: null, type: 'bool', fallback: false },
  { name: 'has_cmpxchg16b', field: null, type: 'bool', fallback: false },
  { name: 'has_avx', field: null, type: 'bool', fallback: false },
  { name: 'has_avx2', field: null, type: 'bool', fallback: false },
  { name: 'has_avx_vnni', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512bitalg', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512dq', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512vl', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512vbmi', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512f', field: null, type: 'bool', fallback: false },
  { name: 'has_avx512vnni', field: null, type: 'bool', fallback: false },
]

const sse41 = ['has_sse3', 'has_ssse3', 'has_sse41']
const nehalem = [...sse41, 'has_sse42', 'has_popcnt', 'has_cmpxchg16b']
const haswell = [...nehalem, 'has_avx', 'has_avx2', 'has_bmi1', 'has_bmi2', 'has_fma', 'has_lzcnt']
/** Presets: names that stand for several settings. */
const presets: Readonly<Record<string, readonly string[]>> = {
  baseline: [],
  'x86-64': [],
  sse3: ['has_sse3'],
  ssse3: ['has_sse3', 'has_ssse3'],
  sse41,
  sse42: [...sse41, 'has_sse42'],
  nehalem,
  corei7: nehalem,
  westmere: nehalem,
  'x86-64-v2': nehalem,
  sandybridge: [...nehalem, 'has_avx'],
  ivybridge: [...nehalem, 'has_avx'],
  haswell,
  broadwell: haswell,
  skylake: haswell,
  'x86-64-v3': haswell,
}

/** The settings' names, and the presets', in the order of the table. */
export const settingNames: readonly string[] = [...rows.map((row) => row.name), ...Object.keys(presets)]

/** Every setting at its default. */
export function defaultSettings(): Settings {
  const settings: Record<string, boolean | number> = {}
  for (const row of rows) if (row.field !== null) settings[row.field] = row.fallback as boolean | number
  return settings as unknown as Settings
}

/**
 * Applies one setting as text writes it.
 *
 * @param settings - changed in place.
 * @param name - a setting or a preset, e.g. `preserve_frame_pointers`, `haswell`.
 * @param value - its text; absent turns a boolean on or applies a preset. Booleans: true/false, on/off, yes/no, 1/0.
 * @throws CodegenError `bad-setting` for an unknown name or value, `unsupported-setting` for a value that is not implemented.
 */
export function applySetting(settings: Settings, name: string, value?: string): void {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (preset !== undefined) {
    if (value !== undefined) throw bad(name, 'is a preset and takes no value')
    for (const member of preset) applySetting(settings, member)
    return
  }
  const row = rows.find((candidate) => candidate.name === name)
  if (row === undefined) throw bad(name, 'is not a setting')
  const parsed = parseValue(row, value)
  if (row.only !== undefined && !row.only.includes(parsed)) {
    throw new CodegenError(
      { code: 'unsupported-setting', setting: name, detail: `the value ${value ?? 'true'} is not implemented` },
      null,
    )
  }
  if (row.field !== null) (settings as unknown as Record<string, unknown>)[row.field] = parsed
  if (row.name === 'probestack_size_log2' && (settings.probestackSizeLog2 < 8 || settings.probestackSizeLog2 > 20)) {
    throw bad(name, 'must lie between 8 and 20')
  }
}

function parseValue(row: Row, value: string | undefined): boolean | number | string {
  if (row.type === 'bool') {
    if (value === undefined || /^(true|on|yes|1)$/.test(value)) return true
    if (/^(false|off|no|0)$/.test(value)) return false
    throw bad(row.name, `'${value}' is not a boolean`)
  }
  if (value === undefined) throw bad(row.name, 'needs a value')
  if (row.type === 'num') {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 255) throw bad(row.name, `'${value}' is not a number from 0 to 255`)
    return Number(value)
  }
  if (!row.type.includes(value)) throw bad(row.name, `'${value}' is not one of ${row.type.join(', ')}`)
  return value
}

function bad(setting: string, detail: string): CodegenError {
  return new CodegenError({ code: 'bad-setting', setting, detail }, null)
}
