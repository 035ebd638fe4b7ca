import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawFrame, FrameRecorder, type FrameRequest, planFrame, R12, RBP, RBX, RSI, XMM0 } from '../src/index.ts'

describe('a plan', () => {
  test('of nothing is nothing', () => {
    const plan = planFrame({ pushes: [], alignStack: false })
    expect(plan).toMatchObject({ allocation: 0, cfaAboveSp: 8, areas: [], frameRegister: null })
  })

  test('aligns the stack for calls', () => {
    expect(planFrame({ pushes: [], alignStack: true }).allocation).toBe(8)
    expect(planFrame({ pushes: [RBX], alignStack: true }).allocation).toBe(0)
    expect(planFrame({ pushes: [], outgoingBytes: 32, alignStack: true }).allocation).toBe(40)
  })

  test('puts outgoing arguments at SP, then spills, small slots, saves, large slots', () => {
    const plan = planFrame({
      pushes: [RBX, RSI],
      saves: [
        { register: XMM0 + 6, width: 16 },
        { register: XMM0 + 7, width: 16 },
      ],
      spillBytes: 24,
      stackSlots: [
        { size: 4096, align: 16 },
        { size: 8, align: 8 },
        { size: 4, align: 4 },
      ],
      outgoingBytes: 48,
      alignStack: true,
    })
    expect(plan.spillAboveSp).toBe(48)
    expect(plan.slotAboveSp).toEqual([128, 80, 72])
    expect(plan.saves.map(({ aboveSp }) => aboveSp)).toEqual([96, 112])
    expect(plan.allocation).toBe(4232)
    expect(plan.cfaAboveSp).toBe(4256)
  })

  test('places the frame register where each system can describe it', () => {
    const request = { pushes: [RBX], spillBytes: 1000, alignStack: true }
    const linux = planFrame({ ...request, frameRegister: { register: RBP, set: 'after-push' } })
    expect(linux.pushes).toEqual([RBP, RBX])
    // rbp points at its saved value, right below the return address.
    expect(linux.cfaAboveSp - linux.frameRegister!.aboveSp).toBe(16)
    const windows = planFrame({ ...request, frameRegister: { register: RBP, set: 'after-allocation' } })
    expect(windows.frameRegister!.aboveSp).toBe(240)
    const small = planFrame({
      pushes: [],
      outgoingBytes: 32,
      alignStack: true,
      frameRegister: { register: RBP, set: 'after-allocation' },
    })
    expect(small.frameRegister!.aboveSp).toBe(32)
  })

  test('overlaps nothing and aligns everything', () => {
    const request: fc.Arbitrary<FrameRequest> = fc.record({
      pushes: fc.subarray([RBX, RSI, R12]),
      saves: fc.array(fc.constantFrom({ register: XMM0 + 6, width: 16 }, { register: R12, width: 8 }), {
        maxLength: 4,
      }),
      spillBytes: fc.nat(20).map((n) => n * 8),
      stackSlots: fc.array(fc.record({ size: fc.nat(300), align: fc.constantFrom(1, 2, 4, 8, 16) }), { maxLength: 6 }),
      outgoingBytes: fc.nat(10).map((n) => n * 8),
      alignStack: fc.constant(true),
    })
    fc.assert(
      fc.property(request, (asked) => {
        const plan = planFrame(asked)
        expect(plan.cfaAboveSp % 16).toBe(0)
        plan.slotAboveSp.forEach((aboveSp, i) => {
          expect(aboveSp % asked.stackSlots![i]!.align).toBe(0)
        })
        for (const { aboveSp, width } of plan.saves) expect(aboveSp % width).toBe(0)
        const areas = [...plan.areas].sort((a, b) => a.aboveSp - b.aboveSp)
        let end = 0
        for (const { aboveSp, size } of areas) {
          expect(aboveSp).toBeGreaterThanOrEqual(end)
          end = aboveSp + size
        }
        expect(end).toBeLessThanOrEqual(plan.cfaAboveSp - 8)
      }),
      { numRuns: 200 },
    )
  })

  test.each<[string, Partial<FrameRequest>, RegExp]>([
    ['alignment above the stack', { stackSlots: [{ size: 8, align: 32 }] }, /alignment 32 is more than the stack's 16/],
    ['alignment that is no power of two', { stackSlots: [{ size: 8, align: 12 }] }, /align cannot be 12/],
    [
      'alignment in a stack without',
      { stackSlots: [{ size: 8, align: 16 }], alignStack: false },
      /stack is not aligned/,
    ],
    ['a negative size', { spillBytes: -8 }, /spillBytes cannot be -8/],
    ['4 GiB', { stackSlots: [{ size: 2 ** 32, align: 8 }] }, /too large/],
  ])('refuses %s', (_, request, message) => {
    expect(() => planFrame({ pushes: [], alignStack: true, ...request })).toThrow(message)
  })
})

test('a frame is drawn from its record and the areas of its plan', () => {
  const plan = planFrame({
    pushes: [RBX],
    frameRegister: { register: RBP, set: 'after-allocation' },
    saves: [{ register: XMM0 + 6, width: 16 }],
    spillBytes: 8,
    outgoingBytes: 32,
    alignStack: true,
  })
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.push(2, 1, RBX)
  recorder.adjustSp(6, 4, -plan.allocation)
  recorder.setFrameRegister(11, 5, RBP, plan.frameRegister!.aboveSp)
  recorder.save(16, 5, XMM0 + 6, 'sp', plan.saves[0]!.aboveSp)
  recorder.prologueEnd(16)
  expect(drawFrame(recorder.finish({ codeSize: 30 }), plan.areas)).toEqual([
    '                  +------------------------------+',
    'cfa-8         +88 | return address               |',
    'cfa-16        +80 | saved rbp                    |',
    'cfa-24        +72 | saved rbx                    |',
    'cfa-32        +64 | 8 bytes                      | <- rbp',
    'cfa-48        +48 | saved xmm6, 16 bytes         |',
    'cfa-56        +40 | 8 bytes                      |',
    'cfa-64        +32 | spill slots                  |',
    'cfa-96         +0 | outgoing arguments, 32 bytes | <- sp',
    '                  +------------------------------+',
  ])
})
