// The stepping oracle that came with the project, written by somebody else, on the same objects.

import { describe, expect, test } from 'vitest'
import { sharedPath } from '../../packages/testkit/src/index.ts'
import { compileClif } from '../support/framewright.ts'
import { compileC, keepWine, linux, sourcesOf, windows } from '../support/systems.ts'
import { need, run, scratch } from '../support/tools.ts'
import { stepTools } from './step.ts'

const place = scratch()
keepWine()

/**
 * Its calls pass integers, and `arena`, a pointer to zeroed memory; floats are what the registers happen to hold. So what
 * wants callbacks, or floats of a kind, is left to our own test; and `conventions` too, whose system_v functions keep
 * fewer registers than this oracle asks for on Windows.
 */
const calls: Readonly<Record<string, string>> = {
  fib: 'fib:10 fib_loop:9',
  quicksort: 'fill:arena,40,5 quicksort:arena,0,39 order:arena,40',
  sieve: 'sieve:arena,100',
  matmul: 'matmul:arena,arena,arena,4',
  nbody: 'advance:arena,3 energy:arena,3 distance:arena,arena',
  hash: 'fnv1a:arena,9 finish:12345 hash64:arena,29,7 crc32:arena,3',
  pressure: 'twist:5 halve: across:3,3 around:6,3',
  calls: `${Array.from({ length: 13 }, (_, n) => `mix${n}:3,1,4,1,5,9`).join(' ')} ints12:1,2 floats12: narrow:1,2,3,4 direct:7,7 colocated:7,7 indirect:7,7 crowd:7,7`,
  frames: `add_to:arena,3 ${['0', '8', '120', '136', '4096', '70000', '600000'].map((n) => `frame_${n}:7 frame_${n}_call:7`).join(' ')} deep:5`,
  returns:
    'sign:5 sign:0 square:3 stairs:5,2 stairs:50,2 stairs:500,2 stairs:5000,2 stairs:5000,40 first_square_above:20,10 ' +
    'divmod:47,5 split:0 store_divmod:arena,47,5 store_split:arena gcd:1071,462',
  results: 'store_five:arena,12,5 store_mixture:arena,77',
  switch: 'days_in_month:2,1 days_in_month:77,0 interpret:arena,3 weight:1 weight:3',
  floats:
    'root: compare_bits: compare_bits_f32: relation: mean_f32:arena,5 signs: signs_f32: saturate:arena from_integer:arena,77',
  bits: 'narrow_i8:100,57 narrow_i16:30000,4567 counts:77 reversed:77 shifts:77,5 high:77,5 compare_ints:1,2 median:3,9,5 clamp:1,2,3 choose:7 blend:1,2,3 carries:1,2',
  traps:
    'element:arena,5,3 divisions:99,7 divisions_i32:99,7 divisions_i16:99,7 divisions_i8:99,7 by_constants:99 checked_sum:arena,4',
  memory:
    'copy_fields:arena,arena add_fields:arena reverse_bytes:arena,7 histogram:arena,arena,5 count:3 through_slot:7 exchange:arena,arena',
  callback: 'sum_of_results:0,5,2',
}

describe.each([linux, windows])('$name', (system) => {
  test.for(Object.keys(calls))('%s', { timeout: 180_000 }, async (name, context) => {
    const oracle = sharedPath('oracle/step-obj.mjs')
    if (oracle === null) context.skip()
    need(context, ...stepTools(system))
    const object = await compileClif(sourcesOf(name).clif, place(`${name}-${system.name}.o`), system.triple)
    const twin = compileC(system, sourcesOf(name).twin, place(`${name}-${system.name}-twin.o`), '-O1')
    const cases = calls[name]!.split(' ').flatMap((call) => ['--case', call])
    const { status, stdout, stderr } = run(process.execPath, [oracle!, object, ...cases, twin], 170)
    const last = stdout.trim().split(/\r?\n/).at(-1) ?? ''
    const match =
      /(\d+) cases, (\d+) instruction boundaries, (\d+) frames unwound, (?:\d+ without table entry, )?(\d+) wrong$/.exec(
        last,
      )
    expect(match, stdout + stderr).not.toBeNull()
    expect({ cases: Number(match![1]), wrong: match![4], status }, stdout).toEqual({
      cases: cases.length / 2,
      wrong: '0',
      status: 0,
    })
    expect(Number(match![2])).toBeGreaterThan(5)
  })
})
