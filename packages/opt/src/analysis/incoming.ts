// The block calls that lead to each block, as one array with starts: what phi operands are elsewhere.

import type { Function } from '@framewright/ir'
import { targetsOf } from '../operands.ts'

export interface IncomingCalls {
  /** Calls of block b are `calls[start[b] .. start[b + 1])`. */
  readonly start: Int32Array
  readonly calls: Int32Array
  /** The block that a call is made from, by place in `calls`. */
  readonly from: Int32Array
}

/**
 * Calls of reachable blocks, by target. No two instructions share a call (prepare.ts).
 *
 * @param order - the reachable blocks.
 */
export function incomingCalls(func: Function, order: Int32Array): IncomingCalls {
  const { blocks, blockCalls } = func
  const found = new Int32Array(blockCalls.length)
  const foundIn = new Int32Array(blockCalls.length)
  const start = new Int32Array(blocks.length + 1)
  const targets: number[] = []
  let count = 0
  for (let i = 0; i < order.length; i++) {
    const last = blocks.lastInst[order[i]]
    targetsOf(func, last, targets)
    for (let t = 0; t < targets.length; t++) {
      found[count] = targets[t]
      foundIn[count++] = order[i]
      start[blockCalls.block[targets[t]] + 1]++
    }
  }
  for (let block = 0; block < blocks.length; block++) start[block + 1] += start[block]
  const next = start.slice()
  const calls = new Int32Array(count)
  const from = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const at = next[blockCalls.block[found[i]]]++
    calls[at] = found[i]
    from[at] = foundIn[i]
  }
  return { start, calls, from }
}
