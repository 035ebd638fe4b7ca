// Rows against what assemblers and debuggers print for the same prologues, and against a machine that runs the events.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  FrameRecorder,
  printRows,
  R12,
  RBP,
  RBX,
  RETURN_ADDRESS,
  RSP,
  rowAt,
  type UnwindRow,
  unwindRows,
  XMM0,
  x64,
} from '../src/index.ts'
import { evaluateRow, generatedFunctions, realignedFunctions, simulate } from '../src/testing/index.ts'

/** As `readelf -wF` prints rows: offset, CFA, then register=c-offset, `u` for undefined. */
function shown(rows: readonly UnwindRow[]): string[] {
  return rows.map(({ at, cfa, registers, argumentBytes }) => {
    const rules = [...registers].map(([register, rule]) => {
      const name = register === RETURN_ADDRESS ? 'ra' : x64.registerNames[register]
      if (rule.rule === 'cfa-offset') return `${name}=c${rule.offset}`
      return rule.rule === 'register' ? `${name}=${x64.registerNames[rule.register]}` : `${name}=${rule.rule[0]}`
    })
    const pushed = argumentBytes === 0 ? '' : ` args=${argumentBytes}`
    if (cfa.rule !== 'register') throw new Error(cfa.rule)
    return `${at} ${x64.registerNames[cfa.register]}+${cfa.offset} ${rules.join(' ')}${pushed}`
  })
}

describe('rows', () => {
  test('of a function without events: as on entry', () => {
    expect(shown(unwindRows(new FrameRecorder().finish({ codeSize: 1 })))).toEqual(['0 rsp+8 ra=c-8'])
  })

  // gcc 12.2 -O2 -fno-shrink-wrap, and what readelf -wF prints of its table: push rbx, one exit in the middle, one at the
  // end. (Its table keeps the rule of rbx after the pop; the slot is below SP then, ours lets it go.)
  test('of a push and two exits agree with gcc', () => {
    const recorder = new FrameRecorder()
    recorder.push(0x1, 1, RBX)
    recorder.prologueEnd(0x1)
    recorder.epilogueBegin(0x21)
    recorder.pop(0x22, 1, RBX)
    recorder.epilogueEnd(0x23)
    recorder.epilogueBegin(0x34)
    recorder.pop(0x35, 1, RBX)
    recorder.epilogueEnd(0x36)
    const rows = unwindRows(recorder.finish({ codeSize: 0x36 }))
    expect(shown(rows)).toEqual([
      '0 rsp+8 ra=c-8',
      '1 rsp+16 rbx=c-16 ra=c-8',
      '34 rsp+8 ra=c-8',
      '35 rsp+16 rbx=c-16 ra=c-8',
      '53 rsp+8 ra=c-8',
    ])
    const gcc: [number, number][] = [
      [0, 8],
      [1, 16],
      [0x21, 16],
      [0x22, 8],
      [0x28, 16],
      [0x34, 16],
      [0x35, 8],
    ]
    for (const [offset, cfa] of gcc)
      expect(rowAt(rows, offset).cfa).toEqual({ rule: 'register', register: RSP, offset: cfa })
  })

  // gcc 12.2 -O2 -fno-omit-frame-pointer: push rbp; mov rbp, rsp; push rbx; mov; sub rsp, 40; ...; mov rbx, [rbp-8]; leave; ret.
  test('of the classic frame with leave agree with gcc', () => {
    const recorder = new FrameRecorder()
    recorder.push(0x1, 1, RBP)
    recorder.setFrameRegister(0x4, 3, RBP)
    recorder.push(0x5, 1, RBX)
    recorder.adjustSp(0xb, 4, -40)
    recorder.prologueEnd(0xb)
    recorder.epilogueBegin(0x26)
    recorder.restore(0x2a, 4, RBX, 'frame', -8)
    recorder.leave(0x2b, 1, RBP)
    recorder.epilogueEnd(0x2c)
    expect(shown(unwindRows(recorder.finish({ codeSize: 0x2c })))).toEqual([
      '0 rsp+8 ra=c-8',
      '1 rsp+16 rbp=c-16 ra=c-8',
      '4 rbp+16 rbp=c-16 ra=c-8',
      '5 rbp+16 rbx=c-24 rbp=c-16 ra=c-8',
      '42 rbp+16 rbp=c-16 ra=c-8', // gcc keeps rbx's rule here as well
      '43 rsp+8 ra=c-8',
    ])
  })

  test('of a Windows frame: the register in the middle of the allocation, pops that bring it back', () => {
    const recorder = new FrameRecorder()
    recorder.push(1, 1, RBP)
    recorder.adjustSp(5, 4, -64)
    recorder.setFrameRegister(10, 5, RBP, 32)
    recorder.save(14, 4, XMM0 + 6, 'frame', 0)
    recorder.prologueEnd(14)
    recorder.epilogueBegin(20)
    recorder.adjustSp(24, 4, 64)
    recorder.pop(25, 1, RBP)
    recorder.epilogueEnd(26)
    expect(shown(unwindRows(recorder.finish({ codeSize: 30 })))).toEqual([
      '0 rsp+8 ra=c-8',
      '1 rsp+16 rbp=c-16 ra=c-8',
      '5 rsp+80 rbp=c-16 ra=c-8',
      '10 rbp+48 rbp=c-16 ra=c-8',
      '14 rbp+48 rbp=c-16 xmm6=c-48 ra=c-8',
      '25 rsp+8 xmm6=c-48 ra=c-8',
      '26 rbp+48 rbp=c-16 xmm6=c-48 ra=c-8',
    ])
  })

  test('of an interrupt: RIP, CS, RFLAGS, RSP, SS and an error code lie on the stack', () => {
    const recorder = new FrameRecorder()
    recorder.machineFrame(true)
    recorder.push(1, 1, RBX)
    recorder.prologueEnd(1)
    expect(shown(unwindRows(recorder.finish({ codeSize: 4, kind: 'signal' })))).toEqual([
      '0 rsp+48 rsp=c-16 ra=c-40',
      '1 rsp+56 rbx=c-56 rsp=c-16 ra=c-40',
    ])
  })

  test('of an outermost function: no caller', () => {
    const rows = unwindRows(new FrameRecorder().finish({ codeSize: 4, kind: 'outermost' }))
    expect(shown(rows)).toEqual(['0 rsp+8 ra=u'])
  })

  test('of registers that are moved, lost and kept, and of pushed arguments', () => {
    const recorder = new FrameRecorder()
    recorder.prologueEnd(0)
    recorder.move(3, 3, RBX, R12)
    recorder.lost(6, 3, RBP)
    recorder.kept(9, 3, RBX)
    recorder.callArgs(9, 16)
    expect(shown(unwindRows(recorder.finish({ codeSize: 12 })))).toEqual([
      '0 rsp+8 ra=c-8',
      '3 rsp+8 rbx=r12 ra=c-8',
      '6 rsp+8 rbx=r12 rbp=u ra=c-8',
      '9 rsp+8 rbp=u ra=c-8 args=16',
    ])
  })

  test('resume takes the state from its label, whatever lies between', () => {
    const recorder = new FrameRecorder()
    recorder.prologueEnd(0)
    const entry = recorder.label(0)
    recorder.push(11, 1, RBX)
    const framed = recorder.label(11)
    recorder.resume(20, entry)
    recorder.resume(30, framed)
    expect(shown(unwindRows(recorder.finish({ codeSize: 40 })))).toEqual([
      '0 rsp+8 ra=c-8',
      '11 rsp+16 rbx=c-16 ra=c-8',
      '20 rsp+8 ra=c-8',
      '30 rsp+16 rbx=c-16 ra=c-8',
    ])
  })

  test('print in words', () => {
    const recorder = new FrameRecorder()
    recorder.push(1, 1, RBX)
    recorder.prologueEnd(1)
    recorder.move(9, 3, RBP, R12)
    recorder.lost(12, 3, RBP)
    recorder.callArgs(300, 16)
    expect(printRows(unwindRows(recorder.finish({ codeSize: 400 })))).toEqual([
      '000  cfa = rsp+8, rip at cfa-8',
      '001  cfa = rsp+16, rbx at cfa-16, rip at cfa-8',
      '009  cfa = rsp+16, rbx at cfa-16, rbp in r12, rip at cfa-8',
      '00c  cfa = rsp+16, rbx at cfa-16, rbp lost, rip at cfa-8',
      '12c  cfa = rsp+16, rbx at cfa-16, rbp lost, rip at cfa-8, 16 bytes of arguments',
    ])
  })

  test('are canonical: ascending from 0, neighbours differ, none past the code', () => {
    fc.assert(
      fc.property(generatedFunctions({ machineFrames: true }), ({ record }) => {
        const rows = unwindRows(record)
        expect(rows[0]!.at).toBe(0)
        for (let i = 1; i < rows.length; i++) {
          expect(rows[i]!.at).toBeGreaterThan(rows[i - 1]!.at)
          const { at: _, ...state } = rows[i]!
          const { at: __, ...before } = rows[i - 1]!
          expect(state).not.toEqual(before)
        }
        expect(rows.at(-1)!.at).toBeLessThan(record.codeSize)
      }),
      { numRuns: 200 },
    )
  })

  test.each([
    ['functions', generatedFunctions({ machineFrames: true, parts: true, labelsAhead: true })],
    ['realigned stacks', realignedFunctions()],
  ])('are true on the machine, before every instruction: %s', (_, functions) => {
    fc.assert(
      fc.property(functions, ({ record, boundaries }) => {
        const rows = unwindRows(record)
        for (const point of simulate(record, boundaries, { codeAddress: 0x1000n })) {
          const found = evaluateRow(rowAt(rows, point.offset), point.state, point.memory)!.registers
          point.caller.registers.forEach((expected, register) => {
            // The row says where SP was saved only in frames of the processor; elsewhere it is the CFA.
            if (expected !== undefined) expect(found[register], `${x64.registerNames[register]}`).toBe(expected)
          })
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('what cannot be', () => {
  const finish = (record: (recorder: FrameRecorder) => void) => {
    const recorder = new FrameRecorder()
    record(recorder)
    recorder.prologueEnd(40)
    return () => unwindRows(recorder.finish({ codeSize: 50 }))
  }

  test('SP above the CFA', () => {
    expect(finish((r) => r.adjustSp(4, 4, 16))).toThrow(
      expect.objectContaining({ problem: { code: 'cfa-lost', why: 'SP would lie above the CFA' }, event: 0 }),
    )
  })

  test('alloca, or a realigned stack, without a frame register', () => {
    expect(finish((r) => r.dynamicSp(4, 4))).toThrow(/'dynamic-sp' while the CFA hangs on SP/)
    expect(finish((r) => r.realign(4, 4, 32))).toThrow(/'realign' while the CFA hangs on SP/)
  })

  test('a slot addressed from SP after it became unknown, or from a frame register that is not set', () => {
    const lost = finish((r) => {
      r.setFrameRegister(3, 3, RBP)
      r.realign(7, 4, 32)
      r.save(12, 5, RBX, 'sp', 8)
    })
    expect(lost).toThrow(expect.objectContaining({ problem: { code: 'base-unknown', base: 'sp' }, event: 2 }))
    expect(finish((r) => r.save(4, 4, RBX, 'frame', 8))).toThrow(
      expect.objectContaining({ problem: { code: 'base-unknown', base: 'frame' } }),
    )
  })

  test('SP from a register that is not the frame register', () => {
    expect(finish((r) => r.restoreSp(4, 4, RSP))).toThrow(/not the frame register/)
  })

  test('an architecture that nobody described', () => {
    const record = new FrameRecorder().finish({ codeSize: 4, architecture: 'vax' })
    expect(() => unwindRows(record)).toThrow("no description of architecture 'vax'")
    const vax = { ...x64, name: 'vax', entryCfaOffset: 0, returnAddressOffset: 16 }
    expect(unwindRows(record, vax)[0]!.cfa).toEqual({ rule: 'register', register: RSP, offset: 0 })
  })
})
