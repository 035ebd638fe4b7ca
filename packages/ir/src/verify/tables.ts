// Checks that no text can fail and CLIF's verifier has no words for: that the ids in the columns are ids at all. The
// other checks follow these ids without asking again.

import type { Block } from '../entities.ts'
import type { Function as IrFunction } from '../function.ts'
import type { Report } from './report.ts'

/** Checks the list of blocks and the block calls. */
export function verifyTables(func: IrFunction, report: Report): void {
  const { blocks, blockCalls, values, insts, layout } = func
  let count = 0
  let previous = -1
  for (let block: number = layout.entry; block !== -1; block = blocks.nextBlock[block]) {
    if (!isId(block, blocks.length) || ++count > blocks.length || blocks.prevBlock[block] !== previous) {
      report.function(`the list of blocks is broken after block${previous}`)
      return
    }
    previous = block
    const first = blocks.firstParam[block]
    const params = blocks.paramCount[block]
    const inst = blocks.firstInst[block]
    const last = blocks.lastInst[block]
    const empty = inst === -1 && last === -1
    if (params !== 0 && !isRange(first, params, values.length)) {
      report.block(block as Block, `the parameters ${first} and ${params} more are not values`)
    } else if (!empty && !(isId(inst, insts.length) && isId(last, insts.length))) {
      report.block(block as Block, `inst${inst} to inst${last} are not instructions`)
    }
  }
  for (let call = 0; call < blockCalls.length; call++) {
    const args = isRange(blockCalls.argStart[call], blockCalls.argCount[call], func.blockArgsLength)
    if (args && isId(blockCalls.block[call], blocks.length)) continue
    report.function(`block call ${call} refers to what does not exist`)
  }
}

/** Whether a number is a row of a table. */
export function isId(id: number, length: number): boolean {
  return id >= 0 && id < length
}

/** Whether `count` rows from `start` are in a table. */
export function isRange(start: number, count: number, length: number): boolean {
  return start >= 0 && count >= 0 && start + count <= length
}
