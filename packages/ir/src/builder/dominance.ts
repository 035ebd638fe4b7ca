// Which blocks dominate which, as far as the branches added so far say: what a use is checked against when it is made.
//
// A block gets its place in the tree when it is entered, below what its predecessors of that time have in common. More
// branches only take dominators away. So a definition that does not dominate a use in this tree never will, and the use is
// refused at once; and should a branch be added later that does take a dominator away from a block that has been entered
// (no branch of a loop back to its head does), `uncertain` says so, and the builder looks again when it finishes.
//
// Ancestors are found by jump pointers: Eugene W. Myers, "An Applicative Random-Access Stack", Information Processing
// Letters 17 (1983), section 2. Each block points to its parent and to one ancestor further up.

import { NO_ROWS } from '../empty.ts'
import { grownColumn } from './grown-column.ts'

/** Not entered yet. */
const OUTSIDE = -2
/** Entered when nothing reached it. */
const UNREACHED = -1

/** The dominator tree of the blocks entered so far. */
export class Dominance {
  /** Whether the tree may say of a block that it dominates another when it does not. */
  uncertain = false
  #entry = -1
  /** By block: how far below the entry, {@link OUTSIDE} or {@link UNREACHED}. */
  #depth: Int32Array = NO_ROWS
  #parent: Int32Array = NO_ROWS
  #jump: Int32Array = NO_ROWS

  clear(): void {
    this.uncertain = false
    this.#entry = -1
  }

  addBlock(block: number): void {
    if (block >= this.#depth.length) {
      this.#depth = grownColumn(this.#depth, block + 1)
      this.#parent = grownColumn(this.#parent, block + 1)
      this.#jump = grownColumn(this.#jump, block + 1)
    }
    this.#depth[block] = OUTSIDE
  }

  /** The first block that is filled. */
  enterEntry(block: number): void {
    this.#entry = block
    this.#depth[block] = 0
    this.#parent[block] = block
    this.#jump[block] = block
  }

  /** What two blocks have in common: the last block on every way to both. -1 stands for a block that nothing reaches. */
  common(a: number, b: number): number {
    if (a < 0 || this.#depth[a] < 0) return b
    if (b < 0 || this.#depth[b] < 0) return a
    let x = this.#ancestor(a, this.#depth[b])
    let y = this.#ancestor(b, this.#depth[a])
    while (x !== y) {
      const far = this.#jump[x] !== this.#jump[y]
      x = far ? this.#jump[x] : this.#parent[x]
      y = far ? this.#jump[y] : this.#parent[y]
    }
    return x
  }

  /** Enters a block below what its predecessors have in common; -1 when nothing reaches it. */
  enter(block: number, parent: number): void {
    if (parent < 0 || this.#depth[parent] < 0) {
      this.#depth[block] = UNREACHED
      return
    }
    const depth = this.#depth
    const up = this.#jump[parent]
    depth[block] = depth[parent] + 1
    this.#parent[block] = parent
    this.#jump[block] = depth[parent] - depth[up] === depth[up] - depth[this.#jump[up]] ? this.#jump[up] : parent
  }

  /** Takes note of a branch. */
  branch(from: number, target: number): void {
    const depth = this.#depth[target]
    if (depth === OUTSIDE || this.#depth[from] < 0) return
    if (depth === UNREACHED) this.uncertain = true
    else if (this.common(from, this.#parent[target]) !== this.#parent[target]) this.uncertain = true
  }

  /** Whether a block may dominate another: false only when it does not and never will. */
  mayDominate(a: number, b: number): boolean {
    if (a === b || a === this.#entry || this.#depth[b] < 0) return true
    return this.#depth[a] >= 0 && this.#depth[a] < this.#depth[b] && this.#ancestor(b, this.#depth[a]) === a
  }

  /** The ancestor of a block at a depth; the block itself when it is not below that. */
  #ancestor(block: number, depth: number): number {
    let at = block
    while (this.#depth[at] > depth) at = this.#depth[this.#jump[at]] >= depth ? this.#jump[at] : this.#parent[at]
    return at
  }
}
