// The jitdump file: its fields, and what perf makes of it.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FrameRecord, FrameRecorder, RBP, RBX, unwindRows } from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { expect, test } from 'vitest'
import { decodeFrames, type FrameDescriptionEntry } from '../src/decode.ts'
import { decodeEhFrameHdr } from '../src/eh-frame-hdr.ts'
import { dwarf } from '../src/format.ts'
import { callFrameRows } from '../src/rows.ts'
import { buildRunTimeImage, type RunTimeImage } from '../src/run-time/image.ts'
import {
  jitDumpClose,
  jitDumpCodeLoad,
  jitDumpHeader,
  jitDumpImageAddress,
  jitDumpUnwindingInfo,
} from '../src/run-time/jitdump.ts'
import { asUnwindRows } from '../src/unwind-rows.ts'
import { readElf } from './elf.ts'
import { fromHex, toHex } from './vectors.ts'

const ADDRESS = 0x2000_0000_1000n
/** push rbx; push rbp; mov ebp, 2000; dec ebp; jnz -4; pop rbp; pop rbx; ret */
const code = fromHex('5355' + 'bdd0070000' + 'ffcd75fc' + '5d5bc3')

function spinRecord(): FrameRecord {
  const recorder = new FrameRecorder()
  recorder.push(1, 1, RBX)
  recorder.push(2, 1, RBP)
  recorder.prologueEnd(2)
  recorder.epilogueBegin(11)
  recorder.pop(12, 1, RBP)
  recorder.pop(13, 1, RBX)
  recorder.epilogueEnd(14)
  return recorder.finish({ codeSize: code.length })
}

function image(): RunTimeImage {
  const codeSize = code.length
  const functions = [{ symbol: 'spin', section: 'code', offset: 0, codeSize, unwind: dwarf.encode(spinRecord()) }]
  const address = jitDumpImageAddress({ address: ADDRESS, size: codeSize })
  return buildRunTimeImage(functions, { address, addresses: new Map([['code', ADDRESS]]) })
}

const load = { processId: 7, threadId: 8, timestamp: 9n, index: 10n, name: 'spin', address: ADDRESS, code }

test('every field stands where perf looks for it', () => {
  expect(toHex(jitDumpHeader({ processId: 0x1234, timestamp: 5n }))).toBe(
    '4454694a 01000000 28000000 3e000000 00000000 34120000 0500000000000000 0000000000000000'.replaceAll(' ', ''),
  )
  const size = 56 + 5 + code.length
  const head = `00000000 ${size.toString(16)}000000 0900000000000000 07000000 08000000`
  const place = '0010000000200000'
  expect(toHex(jitDumpCodeLoad(load))).toBe(
    `${head} ${place} ${place} 0e00000000000000 0a00000000000000 7370696e00 ${toHex(code)}`.replaceAll(' ', ''),
  )
  const unwinding = image()
  const { ehFrame, ehFrameHdr } = unwinding
  expect(ehFrame.address).toBe(ADDRESS + 16n)
  const info = jitDumpUnwindingInfo(unwinding, 9n)
  const view = new DataView(info.buffer)
  const padded = (40 + unwinding.bytes.length + 7) & ~7
  expect([view.getUint32(0, true), view.getUint32(4, true), view.getBigUint64(8, true)]).toEqual([4, padded, 9n])
  expect(view.getBigUint64(16, true)).toBe(BigInt(ehFrame.bytes.length + ehFrameHdr.bytes.length))
  expect(view.getBigUint64(24, true)).toBe(BigInt(ehFrameHdr.bytes.length))
  expect(view.getBigUint64(32, true)).toBe(0n)
  expect(info.length).toBe(padded)
  expect(toHex(info.slice(40, 40 + unwinding.bytes.length))).toBe(toHex(ehFrame.bytes) + toHex(ehFrameHdr.bytes))
  expect(toHex(jitDumpClose(1n))).toBe('03000000100000000100000000000000')
})

test('a header alone asks for frame pointers', () => {
  const info = jitDumpUnwindingInfo(null, 0n)
  expect(toHex(info.slice(16, 40))).toBe('140000000000000014000000000000000000000000000000')
  expect(decodeEhFrameHdr(info.slice(40, 60), 0n).functions).toEqual([])
})

/** perf is no part of what the checks require: it needs a kernel that lets it measure. */
function perfWorks(): boolean {
  const { status } = spawnSync('perf', ['record', '-k', '1', '-e', 'cpu-clock', '-o', '/dev/null', 'true'])
  if (status !== 0) process.stderr.write('skipped: perf cannot record here (Debian: linux-perf)\n')
  return status === 0
}

const gcc = requireTool('gcc')

test.skipIf(gcc === null || !perfWorks())('perf makes a file of it whose unwind data belong to its code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-perf-'))
  try {
    // perf keeps copies of what it has seen in the home folder.
    const env = { ...process.env, HOME: folder }
    const run = (tool: string, ...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', cwd: folder, env })
      expect(status, `${tool} ${args.join(' ')}: ${stderr}`).toBe(0)
      return stdout
    }
    const source = fileURLToPath(new URL('run-time-perf.c', import.meta.url))
    run(gcc!, source, '-o', 'program')
    const records = [
      jitDumpHeader({ processId: 0, timestamp: 0n }),
      jitDumpUnwindingInfo(image(), 0n),
      jitDumpCodeLoad(load),
      jitDumpClose(0n),
    ]
    writeFileSync(join(folder, 'template'), Buffer.concat(records))
    run('perf', 'record', '-k', '1', '-e', 'cpu-clock', '-F', '5000', '-o', 'data', './program', 'template', '.', '200')
    run('perf', 'inject', '--jit', '-i', 'data', '-o', 'with-jit')
    const made = readdirSync(folder).find((name) => /^jitted-\d+-10\.so$/.test(name))
    const { sections } = readElf(join(folder, made!))
    const find = (name: string) => sections.find((section) => section.name === name)!
    const [text, frame, header] = [find('.text'), find('.eh_frame'), find('.eh_frame_hdr')]
    expect(toHex(text.bytes)).toBe(toHex(code))
    const table = decodeFrames(frame.bytes, { address: frame.address })
    const fde = table.entries.find((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')!
    expect([fde.begin, fde.size]).toEqual([text.address, code.length])
    expect(asUnwindRows(callFrameRows(table, fde), 16)).toEqual(unwindRows(spinRecord()))
    expect(decodeEhFrameHdr(header.bytes, header.address)).toEqual({
      ehFrame: frame.address,
      functions: [{ begin: text.address, entry: frame.address + BigInt(fde.offset) }],
    })
    expect(run('perf', 'script', '-i', 'with-jit', '-F', 'ip,sym,dso')).toMatch(/spin \(.*jitted-\d+-10\.so\)/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
