// What the demo does: programs that run one instruction at a time, and stacks that are walked after each.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RBP } from '@framewright/frame-layout'
import { repositoryRoot } from '@framewright/testkit'
import { describe, expect, test } from 'vitest'
import { compileModule, type ModuleFunction } from '../src/compile-module.ts'
import { shown } from '../src/demo/calls.ts'
import { runShown } from '../src/demo/run.ts'
import { type FunctionRange, type Step, walkTrace } from '../src/demo/trace.ts'
import { builtInFormats } from '../src/formats.ts'
import { main } from '../src/main.ts'
import { nodeHost } from '../src/node-host.ts'
import { parseSetting } from '../src/settings.ts'
import { findTarget, type Target, targets } from '../src/target.ts'
import { run } from './memory-host.ts'
import { scratch } from './tools.ts'

const file = scratch()
const host = nodeHost()
const runs = process.platform === 'linux' && process.arch === 'x64'
const formatOf = ({ unwindFormat }: Target) => builtInFormats.find(({ name }) => name === unwindFormat)!

function compiled(name: string, target: Target): ModuleFunction[] {
  const text = readFileSync(join(repositoryRoot, 'examples', `${name}.clif`), 'utf8')
  return compileModule({ file: name, text, target, format: formatOf(target), optLevel: 0, settings: [] })
}

describe.runIf(runs).each(targets)('$triple', (target) => {
  test.each(shown)('$title', (call) => {
    const functions = compiled(call.file, target)
    const ran = runShown(call, functions, target, formatOf(target), file(`step-${call.file}`), host)
    if (typeof ran === 'string') expect.unreachable(ran)
    else {
      expect(ran.wrong).toEqual([])
      if (call.expected !== null) expect(ran.result).toBe(call.expected)
      expect(ran.instructions).toBeGreaterThan(20)
      // Every instruction has at least the frame of its own function.
      expect(ran.frames).toBeGreaterThanOrEqual(ran.instructions)
    }
  })
})

describe.runIf(runs).each(['sframe', 'sframe-v1'])('%s', (name) => {
  const target = targets.find(({ objectFormat }) => objectFormat === 'elf')!
  const format = builtInFormats.find((one) => one.name === name)!

  test.each(shown)('stack traces from every instruction of $title', (call) => {
    const text = readFileSync(join(repositoryRoot, 'examples', `${call.file}.clif`), 'utf8')
    for (const setting of ['preserve_frame_pointers=false', 'preserve_frame_pointers=true']) {
      const settings = [parseSetting(setting)]
      const functions = compileModule({ file: call.file, text, target, format, optLevel: 0, settings })
      const ran = runShown(call, functions, target, format, file(`sframe-${call.file}`), host, [RBP])
      if (typeof ran === 'string') expect.unreachable(ran)
      else {
        expect(ran.wrong).toEqual([])
        expect(ran.frames).toBeGreaterThanOrEqual(ran.instructions)
        expect(ran.instructions).toBeGreaterThan(20)
      }
    }
  })
})

/** A function of three instructions, as a trace of it would be: push rbx; nop; pop rbx; ret. */
function trace(): { steps: Step[]; functions: FunctionRange[] } {
  const top = 0x7000_0000n
  const step = (pc: bigint, rsp: bigint, rbx: bigint): Step => {
    const registers: bigint[] = Array(33).fill(0n)
    registers[3] = rbx
    registers[4] = rsp
    registers[32] = pc
    const stack = new Uint8Array(Number(top - rsp))
    const view = new DataView(stack.buffer)
    if (stack.length > 0) view.setBigUint64(stack.length - 8, 0x500n, true)
    if (stack.length > 8) view.setBigUint64(0, 77n, true)
    return { registers, stack }
  }
  const steps = [
    step(0x1000n, top - 8n, 77n),
    step(0x1001n, top - 16n, 77n),
    step(0x1002n, top - 16n, 5n),
    step(0x1003n, top - 8n, 77n),
    step(0x500n, top, 77n),
  ]
  return { steps, functions: [{ begin: 0x1000n, end: 0x1004n, convention: 'system_v' }] }
}

describe('the judge', () => {
  const [format] = builtInFormats
  const image = { base: 0n, sections: [] }
  const { steps, functions } = trace()
  /** Unwinds as the table says: how far the CFA is from rsp, and whether rbx lies at CFA-16. */
  const by = (table: Readonly<Record<string, readonly [number, boolean]>>) =>
    walkTrace(
      steps,
      functions,
      {
        ...format,
        unwind: ({ registers }, _, memory) => {
          const [distance, saved] = table[String(registers[32])] ?? [0, false]
          const cfa = (registers[4] ?? 0n) + BigInt(distance)
          const caller = [...registers]
          caller[4] = cfa
          caller[32] = memory(cfa - 8n, 8)
          if (saved) caller[3] = memory(cfa - 16n, 8)
          return { registers: caller }
        },
      },
      image,
    )
  const right = { 4096: [8, false], 4097: [16, true], 4098: [16, true], 4099: [8, false] } as const

  test('finds nothing wrong where nothing is', () => {
    expect(by(right)).toEqual({ instructions: 4, frames: 4, depth: 1, wrong: [] })
  })

  test('finds a wrong return address, a wrong rsp, a wrong register', () => {
    expect(by({ ...right, 4097: [8, true] }).wrong).toEqual(['at 0x1001: the return address of frame 0'])
    expect(by({ ...right, 4098: [16, false] }).wrong).toEqual(['at 0x1002: register 3 of frame 0'])
    expect(by({ ...right, 4099: [24, false] }).wrong).toHaveLength(1)
    // Before the store nothing is lost yet.
    expect(by({ ...right, 4097: [16, false] }).wrong).toEqual([])
  })

  test('takes an unwinder that fails, and code without a frame, for wrong', () => {
    const failing = walkTrace(steps, functions, { ...format, unwind: () => { throw new Error('no') } }, image) // biome-ignore format: one line
    expect(failing.wrong).toHaveLength(4)
    expect(walkTrace(steps.slice(1), functions, format, image).wrong[0]).toBeDefined()
  })
})

test.runIf(runs)('the command runs all of it and finds nothing wrong', async () => {
  let stdout = ''
  const quiet = { isTerminal: false, columns: 80, write: (data: string | Uint8Array) => void (stdout += data) }
  const out = file('demo')
  const folder = join(repositoryRoot, 'examples')
  expect(await main(['demo', folder, '-o', out], { ...host, stdout: quiet, stderr: quiet, environment: {} })).toBe(0)
  expect(stdout).toMatch(/: \d{4,} frames, 0 wrong\.$/m)
  expect(stdout).not.toMatch(/could not be run/)
  for (const { title } of shown) expect(stdout).toContain(title)
  const examples = readdirSync(folder).filter((name) => name.endsWith('.clif'))
  for (const name of examples) {
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining([name.replace('.clif', '.o'), name.replace('.clif', '.obj')]),
    )
  }
  expect(stdout.split('\n').filter((line) => line.length > 120)).toEqual([])
})

test('where nothing can be run, the rest is shown all the same', async () => {
  const { code, stdout } = await run('demo', { files: new Map(), platform: 'darwin' })
  expect(code).toBe(0)
  expect(stdout).toContain('DW_CFA_def_cfa_offset')
  expect(stdout).toContain('UWOP_ALLOC_SMALL')
  expect(stdout).toContain('Left out: it needs Linux on x86-64, and this is darwin on x64.')
})

test('what cannot be started says so', async () => {
  const { code, stdout } = await run('demo', { files: new Map() })
  expect(code).toBe(0)
  expect(stdout).toContain('could not be run here: there is no running in here')
  expect(findTarget('x86_64-unknown-linux-gnu').objectFormat).toBe('elf')
})
