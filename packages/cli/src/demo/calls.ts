// What the demo runs of the examples, and what must come out.

import type { DemoCall } from './step-program.ts'
import type { CallTrace } from './trace.ts'

export interface Shown {
  /** Name of the example. */
  readonly file: string
  /** As the demo prints it. */
  readonly title: string
  /** Made one after the other; the last one's trace and result are shown. */
  readonly calls: readonly DemoCall[]
  readonly result: (call: CallTrace) => string
  /** Worked out here, in JavaScript; null where the two systems only have to agree. */
  readonly expected: string | null
}

const integer = ({ integer }: CallTrace): string => String(integer)
const double = (call: CallTrace): string => String(call.double)

const numbers = ({ arena }: CallTrace): string => {
  const view = new DataView(arena.buffer, arena.byteOffset, arena.length)
  return Array.from({ length: SORTED }, (_, index) => view.getInt32(4 * index, true)).join(' ')
}

const SORTED = 8
const arena = { arena: 0 }

export const shown: readonly Shown[] = [
  { file: 'fib', title: 'fib(8)', calls: [{ symbol: 'fib', args: [8] }], result: integer, expected: '21' },
  {
    ...{ file: 'returns', title: 'gcd(1071, 462)' },
    ...{ calls: [{ symbol: 'gcd', args: [1071, 462] }], result: integer, expected: '21' },
  },
  {
    ...{ file: 'sieve', title: 'primes below 60' },
    ...{ calls: [{ symbol: 'sieve', args: [arena, 60] }], result: integer, expected: String(primesBelow(60)) },
  },
  {
    ...{ file: 'quicksort', title: `quicksort of ${SORTED} numbers` },
    calls: [
      { symbol: 'fill', args: [arena, SORTED, 5] },
      { symbol: 'quicksort', args: [arena, 0, SORTED - 1] },
    ],
    ...{ result: (call) => (isAscending(numbers(call)) ? 'in order' : numbers(call)), expected: 'in order' },
  },
  {
    ...{ file: 'pressure', title: 'across(3, 1.5), 24 values live' },
    ...{ calls: [{ symbol: 'across', args: [3, { double: 1.5 }] }], result: double, expected: null },
  },
  {
    ...{ file: 'frames', title: 'a frame of 70 000 bytes' },
    ...{ calls: [{ symbol: 'frame_70000_call', args: [9] }], result: integer, expected: null },
  },
]

function primesBelow(limit: number): number {
  let count = 0
  for (let n = 2; n < limit; n++) {
    let divisor = 2
    while (divisor * divisor <= n && n % divisor !== 0) divisor++
    if (divisor * divisor > n) count++
  }
  return count
}

function isAscending(text: string): boolean {
  const values = text.split(' ').map(Number)
  return values.every((value, index) => index === 0 || values[index - 1] <= value)
}
