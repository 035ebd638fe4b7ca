// Functions whose branches go anywhere, irreducible cycles, loops without a way out and unreachable blocks included.

import {
  type Block,
  controlFlowGraph,
  dominatorTree,
  type Function as IrFunction,
  parseFunctions,
} from '../src/index.ts'
import { Random } from '../src/testing/index.ts'

/** A function of that many blocks whose branches go anywhere. */
export function randomGraph(seed: number, blocks: number): IrFunction {
  return parseFunctions(textOf(randomBranches(new Random(seed), blocks)))[0]
}

/** The same, with values that are computed in blocks and used in others, as far as dominance allows. */
export function randomValues(seed: number, blocks: number): IrFunction {
  const random = new Random(seed)
  const branches = randomBranches(random, blocks)
  const [plain] = parseFunctions(textOf(branches))
  const tree = dominatorTree(plain, controlFlowGraph(plain))
  const above = (block: number): number[] =>
    Array.from({ length: blocks }, (_, other) => other).filter(
      (other) => other !== block && tree.dominates(other as Block, block as Block),
    )
  const bodies = branches.map((_, block) => {
    const usable = ['v0', ...above(block).map((other) => `v${other + 1}`)]
    const lines = [`v${block + 1} = iadd.i32 ${random.pick(usable)}, ${random.pick(usable)}`]
    if (random.oneIn(2)) lines.push(`v${block + 1001} = iadd.i32 v${block + 1}, ${random.pick(usable)}`)
    return lines
  })
  return parseFunctions(textOf(branches, bodies))[0]
}

function randomBranches(random: Random, blocks: number): string[] {
  const target = (): string => `block${random.between(1, blocks - 1)}`
  const branches = [`jump ${target()}`]
  for (let i = 1; i < blocks; i++) {
    const ways = [
      `jump ${target()}`,
      `brif.i32 v0, ${target()}, ${target()}`,
      'return',
      `br_table v0, ${target()}, [${target()}, ${target()}]`,
    ]
    branches.push(random.pick(ways))
  }
  return branches
}

function textOf(branches: readonly string[], bodies: readonly (readonly string[])[] = []): string {
  const lines = ['function %graph(i32) {']
  branches.forEach((branch, i) => {
    lines.push(`block${i}${i === 0 ? '(v0: i32)' : ''}:`)
    for (const line of [...(bodies[i] ?? []), branch]) lines.push(`    ${line}`)
  })
  return [...lines, '}'].join('\n')
}
