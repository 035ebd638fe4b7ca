// The machinery of the tests beside this one notices what it is there to notice.

import { expect, test } from 'vitest'
import type { CompiledFunction } from '../../packages/codegen-x64/src/index.ts'
import { Opcode, type Signature, signature, Type } from '../../packages/ir/src/index.ts'
import { compare, configurations, Reference } from '../support/machine/differential.ts'
import { Image } from '../support/machine/image.ts'
import { shrink } from '../support/machine/shrink.ts'
import { linux } from '../support/systems.ts'
import { need, scratch } from '../support/tools.ts'

const place = scratch()

function handMade(bytes: readonly number[]): CompiledFunction {
  const none = new Int32Array(0)
  return {
    name: 'f',
    code: Uint8Array.from(bytes),
    codeSize: bytes.length,
    alignment: 16,
    relocations: [],
    traps: { offset: none, code: none },
    callSites: none,
    frame: { version: 1, architecture: 'x86-64', codeSize: bytes.length, kind: 'normal', prologueEnd: 0, events: [] },
    unwind: null,
    sourceMap: { offset: none, location: none },
  }
}

test('registers not kept, a stack pointer that is off, traps that are not listed, results not extended', (context) => {
  need(context, ...linux.tools)
  const image = new Image(linux)
  const plain = signature([], [Type.I32])
  const windows = signature([], [Type.I32], 'windows_fastcall')
  const extended: Signature = { ...plain, returns: [{ ...plain.returns[0], type: Type.I8, extension: 'uext' }] }
  const add = (name: string, own: Signature, ...bytes: number[]): number =>
    image.call(image.add(name, handMade(bytes), own), [])
  add('good', plain, 0xb8, 7, 0, 0, 0, 0xc3) //                    mov eax, 7; ret
  add('rbx', plain, 0xbb, 7, 0, 0, 0, 0xc3) //                     mov ebx, 7; ret
  add('rdi', plain, 0xbf, 7, 0, 0, 0, 0xc3) //                     mov edi, 7; ret
  add('rdi_windows', windows, 0xbf, 7, 0, 0, 0, 0xc3)
  add('xmm6', plain, 0x0f, 0x57, 0xf6, 0xc3) //                    xorps xmm6, xmm6; ret
  add('xmm6_windows', windows, 0x0f, 0x57, 0xf6, 0xc3)
  add('high_half', windows, 0x0f, 0x12, 0xf6, 0xc3) //             movhlps xmm6, xmm6; ret
  add('rsp', plain, 0x59, 0x48, 0x83, 0xec, 8, 0xff, 0xe1) //      pop rcx; sub rsp, 8; jmp rcx
  add('ud2', plain, 0x90, 0x0f, 0x0b) //                           nop; ud2
  add('extension', extended, 0xb8, 7, 1, 0, 0, 0xc3) //            mov eax, 0x107; ret
  add('null', plain, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0xc3) //        mov eax, [0]; ret
  const outcomes = image.run(place, 'controls')
  expect(outcomes[0]).toMatchObject({ trap: null, results: [7n], violations: [] })
  expect(outcomes.map(({ violations }) => violations.join())).toEqual([
    '',
    'did not keep rbx',
    '',
    'did not keep rdi',
    '',
    'did not keep xmm6',
    'did not keep xmm6',
    'rsp is off by -8',
    '',
    'result 0 is not extended: 107',
    '',
  ])
  expect(outcomes.map(({ trap }) => trap).filter((trap) => trap !== null)).toEqual([
    'signal 4 at ud2+1, which is no trap',
    'signal 11 at null+0, which is no trap',
  ])
})

const program = {
  label: 'control',
  text: `function %f(i64, i32, i32) -> i32 {
block0(v0: i64, v1: i32, v2: i32):
    v3 = iadd v1, v2
    v4 = ineg v3
    store v4, v0+8
    v5 = imul v1, v1
    return v5
}
`,
  calls: [{ index: 0, args: [{ arena: 0 }, 3n, 4n] }],
}

test('what differs from C, in memory as well', (context) => {
  need(context, ...linux.tools)
  const reference = new Reference([program], place)
  const [configuration] = configurations
  expect(compare(reference, configuration, place)).toEqual([])
  const turned = (from: number, to: number): string[] =>
    compare(
      reference,
      {
        ...configuration,
        transform: ([func]) => {
          const { opcode } = func.insts
          for (let i = 0; i < func.insts.length; i++) if (opcode[i] === from) opcode[i] = to
        },
      },
      place,
    )
  expect(turned(Opcode.Iadd, Opcode.Isub)[0]).toMatch(/: memory differs\n/)
  expect(turned(Opcode.Imul, Opcode.Isub)[0]).toMatch(/: result 0 is 0, expected 9\n/)
})

test('a failing program becomes smaller', () => {
  const smaller = shrink(program.text, (text) => text.includes('imul'))
  expect(smaller.match(/^ {4}\S.*/gm)).toEqual(['    v5 = imul v1, v1', '    return v5'])
})
