import { applySetting, CodegenError, defaultSettings, type Settings, settingNames } from '@framewright/codegen-x64'
import { expect, test } from 'vitest'

function changed(...settings: (readonly [name: string, value?: string | undefined])[]): Partial<Settings> {
  const all = defaultSettings()
  for (const [name, value] of settings) applySetting(all, name, value)
  const before = new Map<string, unknown>(Object.entries(defaultSettings()))
  return Object.fromEntries(Object.entries(all).filter(([field, value]) => before.get(field) !== value))
}

function problem(name: string, value?: string): unknown {
  try {
    applySetting(defaultSettings(), name, value)
  } catch (error) {
    expect(error).toBeInstanceOf(CodegenError)
    const { problem, place } = error as CodegenError
    expect(place).toBeNull()
    return problem
  }
  return null
}

test('booleans have the spellings of CLIF', () => {
  for (const value of [undefined, 'true', 'on', 'yes', '1'])
    expect(changed(['preserve_frame_pointers', value]), value).toEqual({ preserveFramePointers: true })
  for (const value of ['false', 'off', 'no', '0'])
    expect(changed(['enable_red_zone', value]), value).toEqual({ enableRedZone: false })
  expect(problem('enable_red_zone', 'maybe')).toEqual({
    code: 'bad-setting',
    setting: 'enable_red_zone',
    detail: "'maybe' is not a boolean",
  })
})

test('the last mention counts', () => {
  expect(changed(['has_fma'], ['has_fma', 'false'])).toEqual({})
  expect(changed(['haswell'], ['has_bmi2', 'off'])).not.toHaveProperty('hasBmi2')
})

test('presets are sets of instructions, each with those of its predecessors', () => {
  expect(changed(['baseline'])).toEqual({})
  expect(changed(['sse41'])).toEqual({ hasSse41: true })
  const second = { hasSse41: true, hasPopcnt: true }
  for (const name of ['nehalem', 'corei7', 'westmere', 'x86-64-v2', 'sandybridge'])
    expect(changed([name]), name).toEqual(second)
  for (const name of ['haswell', 'broadwell', 'skylake', 'x86-64-v3'])
    expect(changed([name]), name).toEqual({ ...second, hasBmi1: true, hasBmi2: true, hasFma: true, hasLzcnt: true })
  expect(problem('haswell', 'true')).toMatchObject({ code: 'bad-setting', setting: 'haswell' })
})

test('numbers have a range', () => {
  expect(changed(['probestack_size_log2', '16'])).toEqual({ probestackSizeLog2: 16 })
  for (const value of [undefined, '', '-1', '1e1', '0x10', '256', '99999999999999999999', 'twelve'])
    expect(problem('probestack_size_log2', value), value).toMatchObject({ code: 'bad-setting' })
  const untouched = defaultSettings()
  expect(() => applySetting(untouched, 'probestack_size_log2', '256')).toThrow(CodegenError)
  expect(untouched).toEqual(defaultSettings())
})

test('names are those of CLIF and no others', () => {
  for (const name of [
    '',
    'nonsense',
    'HAS_FMA',
    'hasFma',
    '__proto__',
    'constructor',
    'toString',
    'preserve_frame_pointers ',
  ])
    expect(problem(name), name).toEqual({ code: 'bad-setting', setting: name, detail: 'is not a setting' })
  expect(new Set(settingNames).size).toBe(settingNames.length)
  for (const name of settingNames) expect(problem(name), name).not.toMatchObject({ detail: 'is not a setting' })
})

test('what would change the meaning of code and is not there yet is refused', () => {
  for (const name of ['enable_pinned_reg', 'enable_nan_canonicalization', 'use_colocated_libcalls'])
    expect(problem(name), name).toMatchObject({ code: 'unsupported-setting', setting: name })
  expect(problem('tls_model', 'elf_gd')).toMatchObject({ code: 'unsupported-setting' })
  expect(problem('stack_switch_model', 'basic')).toMatchObject({ code: 'unsupported-setting' })
  expect(problem('tls_model', 'none')).toBeNull()
  expect(problem('tls_model', 'windows')).toMatchObject({ code: 'bad-setting' })
})

test('what asks for nothing that shows is accepted and changes nothing', () => {
  expect(changed(['has_avx512f'], ['enable_llvm_abi_extensions'])).toEqual({})
})
