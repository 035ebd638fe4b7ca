// Stack traces of a program of gcc, from every instruction that it runs, as gdb sees them: gdb reads .eh_frame, we .sframe.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RBP, RETURN_ADDRESS, RSP } from '@framewright/frame-layout'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SFrameError, type SFrameMachineState, sframe } from '../src/index.ts'
import { sectionOf } from './elf.ts'

const gcc = requireTool('gcc')
const gdb = requireTool('gdb')

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-sframe-gdb-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const program = `
#include <stdlib.h>
#include <string.h>
static volatile int sink;
__attribute__((noipa)) int leaf(int n) { return n * 3 + sink; }
__attribute__((noipa)) int large(int n) { volatile char space[5000]; space[n] = 7; return leaf(n) + space[n]; }
__attribute__((noipa)) int dynamic(int n) { volatile char space[n + 1]; space[n] = 1; return large(n) + space[n]; }
__attribute__((noipa)) int many(int a, int b, int c, int d, int e, int f, int g, int h) {
  if (a == 0) return leaf(b) + abs(h);
  return many(a - 1, c, d, e, f, g, h, b) + dynamic(a);
}
int main(int argc, char **argv) { sink = argc; return many(2, 3, 4, 5, 6, 7, 8, 9) == (int)strlen(argv[0]); }
`

/** At most so many stops: where each was, what gdb says of the callers, and the stack. */
const STOPS = 250

/**
 * After the `pop rbp` of an epilogue gcc does not say that rbp is the caller's again, so rows still find it where it was: below SP.
 */
const BELOW = 64
const commands = (): string => `
set debuginfod enabled off
set pagination off
set width 0
set environment LD_BIND_NOW 1
break main
run
set $i = 0
set $top = $rsp + 0x100
while $i < ${STOPS}
  if $rip > 0x600000
    tbreak *(*(long *)$rsp)
    continue
  end
  printf "stop %lx %lx %lx\\n", $rip, $rsp, $rbp
  eval "dump binary memory ${join(folder, '%d.stack')} $rsp-${BELOW} $top", $i
  backtrace 20
  stepi
  set $i = $i + 1
end
kill
`

test.skipIf(gcc === null || gdb === null).each(['-O2', '-O2 -fno-omit-frame-pointer -fcf-protection=none', '-O0'])(
  'gcc %s',
  { timeout: 120_000 },
  (flags) => {
    const [path, script] = [join(folder, 'program'), join(folder, 'commands')]
    writeFileSync(`${path}.c`, program)
    writeFileSync(script, commands())
    const words = flags.split(' ')
    const built = spawnSync(gcc!, [...words, '-no-pie', '-Wl,-z,lazy', '-Wa,--gsframe', '-o', path, `${path}.c`], {
      encoding: 'utf8',
    })
    expect(built.stderr).toBe('')
    const { stdout } = spawnSync(gdb!, ['-batch', '-nx', '-x', script, path], { encoding: 'utf8', maxBuffer: 1 << 28 })
    const { bytes, address } = sectionOf(path, '.sframe')
    const image = { base: 0n, sections: [{ name: '.sframe', address, bytes }] }

    const stops = stdout.split(/^stop /m).slice(1)
    expect(stops.length, stdout.slice(-2000)).toBeGreaterThan(STOPS / 2)
    let frames = 0
    let deepest = 0
    const places = new Set<bigint>()
    for (const [index, text] of stops.entries()) {
      const [pc, sp, fp] = text.split(/\s/, 3).map((digits) => BigInt(`0x${digits}`))
      const inMain = text.indexOf(' in main ') >= 0 ? [...text.matchAll(/^#(\d+).* in main /gm)][0]![1]! : '0'
      // What gdb says up to the caller of main, which has no .sframe.
      const theirs = [...text.matchAll(/^#(\d+) +0x([\da-f]+) in/gm)]
        .filter(([, frame]) => Number(frame) > 0 && Number(frame) <= Number(inMain))
        .map(([, , digits]) => BigInt(`0x${digits}`))
      const stack = readFileSync(join(folder, `${index}.stack`))
      const memory = (place: bigint): bigint | undefined => {
        const offset = Number(place - sp!) + BELOW
        return offset < 0 || offset + 8 > stack.length ? undefined : stack.readBigUInt64LE(offset)
      }
      const registers: (bigint | undefined)[] = []
      registers[RETURN_ADDRESS] = pc
      registers[RSP] = sp
      registers[RBP] = fp
      let state: SFrameMachineState = { registers }
      const ours: bigint[] = []
      for (let i = 0; i <= theirs.length; i++) {
        state = sframe.unwind(state, image, memory)
        ours.push(state.registers[RETURN_ADDRESS]!)
      }
      // The last of ours is the caller of main.
      expect(ours.pop()!, text).toBeGreaterThan(0x600000n)
      expect(ours, text).toEqual(theirs)
      expect(() => sframe.unwind(state, image, memory)).toThrow(SFrameError)
      places.add(pc!)
      frames += ours.length
      deepest = Math.max(deepest, ours.length)
    }
    expect(deepest).toBeGreaterThanOrEqual(5)
    expect(frames).toBeGreaterThan(2 * stops.length)
    expect(places.size).toBeGreaterThan(80)
  },
)
