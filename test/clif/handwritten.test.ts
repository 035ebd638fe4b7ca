// What random functions seldom or never contain, against C: global values, many results, extended and sret parameters,
// calls through pointers between conventions, frames of all sizes, aligned slots, large tables.

import { describe, expect, test } from 'vitest'
import { Random } from '../../packages/ir/src/testing/index.ts'
import { parseFunctions } from '../../packages/ir/src/text/index.ts'
import {
  type Configuration,
  compare,
  configurations,
  type Program,
  Reference,
} from '../support/machine/differential.ts'
import { type Argument, randomValue } from '../support/machine/values.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()

/** Functions by what they show. Names are made unique by a suffix: write %f_, %g_. */
const texts: Record<string, string> = {
  'global values': `
function %f_(i64 vmctx, i64) -> i64, i64 {
    gv0 = vmctx
    gv1 = load.i64 notrap aligned gv0+16
    gv2 = iadd_imm.i64 gv0, 1000
    gv3 = iadd_imm.i64 gv1, -0x1234_5678_9abc
    gv4 = load.i32 notrap aligned gv0+8
block0(v0: i64, v1: i64):
    v2 = symbol_value.i64 gv1
    v3 = symbol_value.i64 gv3
    v4 = symbol_value.i32 gv4
    v5 = uextend.i64 v4
    v6 = symbol_value.i64 gv2
    v7 = load.i64 v6-8
    v8 = iadd v2, v1
    v9 = bxor v3, v5
    v10 = iadd v9, v7
    return v8, v10
}`,
  'twelve results, of which most come back in memory': `
function %g_(i64, f64) -> i8, f32, i64, f64, i16, f64, i32, f32, i64, i64, f64, i8 {
block0(v0: i64, v1: f64):
    v2 = ireduce.i8 v0
    v3 = fdemote.f32 v1
    v4 = ineg v0
    v5 = fneg v1
    v6 = ireduce.i16 v4
    v7 = ireduce.i32 v0
    v8 = iadd v0, v4
    v9 = fadd v1, v1
    return v2, v3, v4, v5, v6, v9, v7, v3, v8, v0, v5, v2
}

function %f_(i64, f64) -> i64, f64 {
    fn0 = %g_(i64, f64) -> i8, f32, i64, f64, i16, f64, i32, f32, i64, i64, f64, i8
block0(v0: i64, v1: f64):
    v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13 = call fn0(v0, v1)
    v14, v15, v16, v17, v18, v19, v20, v21, v22, v23, v24, v25 = call fn0(v4, v5)
    v26 = sextend.i64 v2
    v27 = uextend.i64 v6
    v28 = sextend.i64 v8
    v29 = iadd v26, v27
    v30 = iadd v29, v28
    v31 = bxor v30, v10
    v32 = bxor v31, v11
    v33 = uextend.i64 v25
    v34 = iadd v32, v33
    v35 = fpromote.f64 v9
    v36 = fadd v35, v7
    v37 = fadd v36, v12
    v38 = fadd v37, v19
    v39 = fadd v38, v24
    v40 = isub v34, v22
    return v40, v39
}`,
  'parameters and results that are extended': `
function %g_(i8 sext, i16 uext, i32 sext, i8 uext, i64, i16 sext, i8 sext, i32 uext, i8 uext) -> i16 sext {
block0(v0: i8, v1: i16, v2: i32, v3: i8, v4: i64, v5: i16, v6: i8, v7: i32, v8: i8):
    v9 = sextend.i16 v0
    v10 = iadd v9, v1
    v11 = ireduce.i16 v2
    v12 = iadd v10, v11
    v13 = uextend.i16 v3
    v14 = iadd v12, v13
    v15 = iadd v14, v5
    v16 = sextend.i16 v6
    v17 = iadd v15, v16
    v18 = ireduce.i16 v7
    v19 = iadd v17, v18
    v20 = uextend.i16 v8
    v21 = isub v19, v20
    return v21
}

function %f_(i8, i16, i32, i64) -> i8 uext, i32 sext {
    fn0 = %g_(i8 sext, i16 uext, i32 sext, i8 uext, i64, i16 sext, i8 sext, i32 uext, i8 uext) -> i16 sext
block0(v0: i8, v1: i16, v2: i32, v3: i64):
    v4 = call fn0(v0, v1, v2, v0, v3, v1, v0, v2, v0)
    v5 = iadd v4, v4
    v6 = ireduce.i8 v5
    v7 = sextend.i32 v5
    return v6, v7
}`,
  'a structure returned by address': `
function %g_(i64 sret, i64, f64) {
block0(v0: i64, v1: i64, v2: f64):
    store notrap v1, v0
    store notrap v2, v0+8
    v3 = ireduce.i8 v1
    store notrap v3, v0+16
    return
}

function %f_(i64 sret, i64) {
    ss0 = explicit_slot 24
    fn0 = %g_(i64 sret, i64, f64)
block0(v0: i64, v1: i64):
    v2 = stack_addr.i64 ss0
    v3 = f64const 0x1.8
    call fn0(v2, v1, v3)
    v4 = load.i64 v2
    v5 = load.f64 v2+8
    v6 = iadd v4, v1
    store notrap v6, v0+40
    store notrap v5, v0+48
    return
}`,
  'pointers to functions, called in the convention of each': `
function %g_(i64, i64, f64, i32) -> i64 {
block0(v0: i64, v1: i64, v2: f64, v3: i32):
    v4 = fcvt_to_sint_sat.i64 v2
    v5 = iadd v0, v4
    v6 = isub v5, v1
    v7 = sextend.i64 v3
    v8 = bxor v6, v7
    return v8
}

function %h_(i64, i64, f64, i32) -> i64 {
    fn0 = %g_(i64, i64, f64, i32) -> i64
block0(v0: i64, v1: i64, v2: f64, v3: i32):
    v4 = func_addr.i64 fn0
    v5 = call_indirect sig0, v4(v1, v0, v2, v3)
    v6 = call fn0(v0, v5, v2, v3)
    v7 = iadd v6, v1
    return v7
}

function %f_(i64, i64, f64, i32, i8) -> i64 {
    fn0 = %g_(i64, i64, f64, i32) -> i64
    fn1 = colocated %h_(i64, i64, f64, i32) -> i64
block0(v0: i64, v1: i64, v2: f64, v3: i32, v4: i8):
    v5 = func_addr.i64 fn0
    v6 = func_addr.i64 fn1
    v7 = call_indirect sig0, v5(v0, v1, v2, v3)
    v8 = call_indirect sig1, v6(v7, v0, v2, v3)
    v9 = fneg v2
    v10 = call fn1(v8, v7, v9, v3)
    v11 = bxor v10, v8
    return v11
}`,
  recursion: `
function %f_(i32, i64) -> i64 {
    fn0 = %f_(i32, i64) -> i64
block0(v0: i32, v1: i64):
    v2 = iconst.i32 31
    v3 = band v0, v2
    brif v3, block1, block2
block1:
    v4 = iconst.i32 1
    v5 = ushr v3, v4
    v6 = call fn0(v5, v1)
    v7 = isub v3, v4
    v8 = iconst.i32 14
    v9 = band v7, v8
    v10 = call fn0(v9, v6)
    v11 = imul v10, v1
    v12 = iadd v11, v6
    return v12
block2:
    return v1
}`,
  'slots that are aligned': `
function %f_(i64) -> i64, i64, i64 {
    ss0 = explicit_slot 5
    ss1 = explicit_slot 8, align = 16
    ss2 = explicit_slot 64, align = 64
    ss3 = explicit_slot 1, align = 1024
    fn0 = %c_byte_s(i64) -> i8 system_v
block0(v0: i64):
    v1 = stack_addr.i64 ss1
    v2 = stack_addr.i64 ss2
    v3 = stack_addr.i64 ss3
    v4 = stack_addr.i64 ss0
    v5 = ireduce.i8 v0
    store v5, v4+4
    store v0, v1
    store v0, v2+56
    store v5, v3
    v6 = call fn0(v0)
    v7 = load.i8 v4+4
    v8 = load.i64 v1
    v9 = load.i64 v2+56
    v10 = load.i8 v3
    v11 = iadd v8, v9
    v12 = iadd v7, v10
    v13 = uextend.i64 v12
    v14 = iadd v11, v13
    v15 = iconst.i64 15
    v16 = band v1, v15
    v17 = iconst.i64 63
    v18 = band v2, v17
    v19 = iconst.i64 1023
    v20 = band v3, v19
    v21 = bor v16, v18
    v22 = bor v21, v20
    v23 = sextend.i64 v6
    return v14, v22, v23
}`,
  'more floats and integers than registers, across a call': `
function %f_(i64, f64) -> i64, f64 {
    fn0 = %c_add_w(i32, i32) -> i32 windows_fastcall
    fn1 = %c_scale_s(f64, f32, i32) -> f64 system_v
block0(v0: i64, v1: f64):
${Array.from({ length: 20 }, (_, i) => `    v${10 + i} = imul v${i === 0 ? 0 : 9 + i}, v0\n    v${40 + i} = fadd v${i === 0 ? 1 : 39 + i}, v1`).join('\n')}
    v70 = ireduce.i32 v12
    v71 = call fn0(v70, v70)
    v72 = fdemote.f32 v41
    v73 = call fn1(v42, v72, v71)
${Array.from({ length: 20 }, (_, i) => `    v${80 + i} = bxor v${i === 0 ? 0 : 79 + i}, v${10 + i}\n    v${110 + i} = fsub v${i === 0 ? 73 : 109 + i}, v${40 + i}`).join('\n')}
    v140 = sextend.i64 v71
    v141 = iadd v99, v140
    return v141, v129
}`,
  'a table of many entries': `
function %f_(i32, i64) -> i64 {
block0(v0: i32, v1: i64):
    v2 = iconst.i32 127
    v3 = band v0, v2
    br_table v3, block1, [${Array.from({ length: 100 }, (_, i) => (i % 5 === 0 ? 'block1' : i % 5 === 1 ? 'block5(v1)' : i % 5 === 2 ? 'block5(v1)' : `block${(i % 3) + 2}`)).join(', ')}]
block1:
    v10 = iconst.i64 1
    return v10
block2:
    v11 = iconst.i64 22
    jump block5(v11)
block3:
    v12 = iconst.i64 333
    jump block5(v12)
block4:
    v13 = ineg v1
    jump block5(v13)
block5(v14: i64):
    v15 = iadd v14, v1
    return v15
}`,
  'values that change places around a loop': `
function %f_(i32, i64, f64, i64, f64, i64, f64) -> i64, f64 {
block0(v0: i32, v1: i64, v2: f64, v3: i64, v4: f64, v5: i64, v6: f64):
    v7 = iconst.i32 31
    v8 = band v0, v7
    jump block1(v8, v1, v2, v3, v4, v5, v6)
block1(v10: i32, v11: i64, v12: f64, v13: i64, v14: f64, v15: i64, v16: f64):
    brif v10, block2, block3
block2:
    v17 = iconst.i32 1
    v18 = isub v10, v17
    v19 = band v10, v17
    brif v19, block1(v18, v13, v14, v15, v16, v11, v12), block1(v18, v13, v14, v11, v12, v15, v16)
block3:
    v20 = isub v11, v13
    v21 = imul v20, v15
    v22 = fsub v12, v14
    v23 = fmul v22, v16
    return v21, v23
}`,
}

// Frames around every border: of the red zone, of one-byte displacements, of pages, of 64 KiB, of 512 KiB.
for (const bytes of [8, 16, 112, 120, 128, 136, 4088, 4096, 4104, 20_480, 65_528, 70_000, 524_280, 600_000]) {
  for (const calls of [false, true]) {
    texts[`a frame of ${bytes} bytes${calls ? ' and a call' : ''}`] = `
function %f_(i64, f64) -> i64, f64 {
    ss0 = explicit_slot ${bytes}
    fn0 = %c_byte_w(i64) -> i8 windows_fastcall
block0(v0: i64, v1: f64):
    v2 = stack_addr.i64 ss0
    store v0, v2
    store v1, v2+${bytes - 8}
    ${calls ? 'v3 = call fn0(v0)' : 'v3 = ireduce.i8 v0'}
    v4 = load.f64 v2+${bytes - 8}
    v5 = fadd v4, v1
    v6 = sextend.i64 v3
    v7 = load.i64 v2
    v8 = iadd v6, v7
    return v8, v5
}`
  }
}

function programs(): Program[] {
  return Object.entries(texts).map(([label, text], i) => {
    const random = new Random(i)
    const unique = text.replaceAll(/%([fgh])_/g, `%$1_${i}`)
    const functions = parseFunctions(unique)
    const { params } = functions.at(-1)!.signature
    const calls = Array.from({ length: 10 }, () => ({
      index: functions.length - 1,
      args: params.map(
        ({ type, purpose }): Argument => (purpose === 'normal' ? randomValue(random, type) : { arena: 0 }),
      ),
    }))
    return { label, text: unique, calls }
  })
}

const probed: readonly Configuration[] = configurations.map((configuration) => ({
  ...configuration,
  settings: [...configuration.settings, 'enable_probestack=true'],
}))

describe('functions written by hand', () => {
  let reference: Reference | undefined

  test.for(probed)('$name', { timeout: 120_000 }, (configuration, context) => {
    need(context, ...configuration.system.tools, 'gcc')
    reference ??= new Reference(programs(), place)
    expect(compare(reference, configuration, place).slice(0, 3)).toEqual([])
    expect(reference.outcomes.filter(({ trap }) => trap !== null)).toEqual([])
  })
})
