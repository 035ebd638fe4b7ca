import { FrameRecorder, RBX, R12, RSI } from '@framewright/frame-layout'
import { expect, test } from 'vitest'
import { encodeFrame } from '../src/index.ts'
test('bench', () => {
  const recs: any[] = []
  for (let k = 0; k < 100; k++) {
    const r = new FrameRecorder()
    r.push(1, 1, RBX); r.push(2, 1, RSI); r.push(4, 2, R12)
    r.adjustSp(8, 4, -40 - 16 * (k % 5)); r.prologueEnd(8)
    r.epilogueBegin(50); r.adjustSp(54, 4, 40 + 16 * (k % 5)); r.pop(56, 2, R12); r.pop(57, 1, RSI); r.pop(58, 1, RBX); r.epilogueEnd(59)
    recs.push(r.finish({ codeSize: 60 }))
  }
  const out: string[] = []
  for (let round = 0; round < 6; round++) {
    const t = performance.now()
    for (let i = 0; i < 2000; i++) for (const r of recs) encodeFrame(r)
    out.push(((performance.now() - t) / 200000 * 1000).toFixed(3))
  }
  expect(out).toEqual([])
})
