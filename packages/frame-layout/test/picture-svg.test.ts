import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drawFrameSvg, FrameRecorder, pictureOf, R12, RBP, RBX, XMM0 } from '../src/index.ts'
import { generatedFunctions } from '../src/testing/index.ts'

test('a frame with everything', async () => {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBP)
  recorder.setFrameRegister(4, 3, RBP)
  recorder.push(5, 1, RBX)
  recorder.push(7, 2, R12)
  recorder.adjustSp(14, 7, -4208)
  recorder.save(20, 5, XMM0 + 6, 'sp', 32)
  recorder.prologueEnd(20)
  const areas = [
    { name: 'outgoing arguments', aboveSp: 0, size: 32 },
    { name: 'stack slot 0', aboveSp: 48, size: 4096 },
  ]
  const svg = drawFrameSvg(recorder.finish({ codeSize: 40 }), areas, 'f<int>(a & b)\u0000')
  await expect(svg).toMatchFileSnapshot('golden/frame.svg')
})

test('has a box for every slot, from the top down without gaps', () => {
  fc.assert(
    fc.property(generatedFunctions({ machineFrames: true }), ({ record }) => {
      const svg = drawFrameSvg(record)
      const boxes = [...svg.matchAll(/<rect [^>]*y="(\d+)" width="\d+" height="(\d+)"/g)]
      expect(boxes.length).toBe(pictureOf(record).slots.length)
      for (let i = 1; i < boxes.length; i++) {
        expect(Number(boxes[i]![1])).toBe(Number(boxes[i - 1]![1]) + Number(boxes[i - 1]![2]))
      }
      const [, height] = /viewBox="0 0 \d+ (\d+)"/.exec(svg)!
      const last = boxes.at(-1)
      if (last !== undefined) expect(Number(last[1]) + Number(last[2])).toBeLessThan(Number(height))
    }),
  )
})
