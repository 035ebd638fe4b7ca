// One line that says how far a long job is, on a terminal only.

import type { OutputStream } from './host.ts'

export class Progress {
  readonly #stream: OutputStream
  readonly #total: number
  readonly #verb: string
  #done = 0
  #shown = 0

  constructor(stream: OutputStream, verb: string, total: number) {
    this.#stream = stream
    this.#verb = verb
    this.#total = total
  }

  step(name: string): void {
    this.#done++
    if (!this.#stream.isTerminal || this.#total < 2) return
    const bar = `${'#'.repeat(Math.round((this.#done / this.#total) * 20)).padEnd(20, '.')}`
    const line = `${this.#verb} [${bar}] ${this.#done}/${this.#total} ${name}`.slice(0, this.#stream.columns - 1)
    this.#stream.write(`\r${line.padEnd(this.#shown)}`)
    this.#shown = line.length
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown > 0) this.#stream.write(`\r${' '.repeat(this.#shown)}\r`)
    this.#shown = 0
  }
}
