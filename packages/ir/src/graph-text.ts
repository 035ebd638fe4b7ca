// The control flow graph and the dominator tree as text, in the forms that CLIF's file tests check (CLIF reference,
// section 5.4).

import { controlFlowGraph } from './cfg.ts'
import { dominatorTree } from './dominators.ts'
import type { Block, Inst } from './entities.ts'
import { printExternalName } from './externals.ts'
import type { Function as IrFunction } from './function.ts'
import { printBlock, printBlockHeader, printInst } from './text/index.ts'

/** The control flow graph for graphviz. */
export function printCfg(func: IrFunction): string {
  const { blocks, layout } = func
  const lines = [`digraph "${printExternalName(func.name)}" {`]
  if (layout.entry >= 0) lines.push(`    {rank=min; ${printBlock(func, layout.entry)}}`)
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const name = printBlock(func, block as Block)
    const last = blocks.lastInst[block]
    const inst = last < 0 ? '' : ` | <inst${last}>${printInst(func, last as Inst, { constants: true })}`
    lines.push(`    ${name} [shape=record, label="{${printBlockHeader(func, block as Block)}${inst}`, '}"]')
  }
  const graph = controlFlowGraph(func)
  for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
    const seen = new Set<number>()
    for (let i = graph.predecessorStart[block]; i < graph.predecessorStart[block + 1]; i++) {
      const from = graph.predecessors[i] as Block
      if (seen.has(from)) continue
      seen.add(from)
      lines.push(`    ${printBlock(func, from)}:inst${blocks.lastInst[from]} -> ${printBlock(func, block as Block)}`)
    }
  }
  lines.push('}')
  return `${lines.join('\n')}\n`
}

/** The post-order of the blocks, and the dominator tree in preorder. */
export function printDominatorTree(func: IrFunction): string {
  const tree = dominatorTree(func, controlFlowGraph(func))
  const names = (list: Iterable<number>): string =>
    Array.from(list, (block) => printBlock(func, block as Block)).join(' ')
  const lines = ['cfg_postorder:', ...Array.from(tree.postorder, (block) => printBlock(func, block as Block))]
  const text = [lines.join(' '), 'domtree_preorder {']
  const children = new Map<number, number[]>()
  for (let i = tree.postorder.length - 1; i >= 0; i--) {
    const block = tree.postorder[i]
    const up = tree.immediate[block]
    const list = children.get(up)
    if (list === undefined) children.set(up, [block])
    else list.push(block)
  }
  const stack: number[] = func.layout.entry < 0 ? [] : [func.layout.entry]
  for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
    const below = children.get(block) ?? []
    text.push(`    ${printBlock(func, block as Block)}: ${names(below)}`.trimEnd())
    for (let i = below.length - 1; i >= 0; i--) stack.push(below[i])
  }
  text.push('}')
  return `${text.join('\n')}\n`
}
