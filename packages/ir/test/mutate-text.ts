// One small change to a text of CLIF, such that it often is still one: another word, number or line in place of one.

import { Random } from '../src/testing/index.ts'

/** The text with a change; the same seed makes the same. */
export function mutateText(text: string, seed: number): string {
  const random = new Random(seed)
  const lines = text.split('\n')
  const at = random.below(lines.length)
  const other = random.pick(lines)
  const wordsOf = (line: string): string[] => line.match(/[\w.]+/g) ?? ['v0']
  const own = wordsOf(lines[at])
  switch (random.below(6)) {
    case 0:
      lines.splice(at, 1)
      break
    case 1:
      lines.splice(at, 0, other)
      break
    case 2:
      lines[at] = lines[at].replace(random.pick(own), random.pick(wordsOf(other)))
      break
    case 3: {
      // An operand for an operand: most often of another type.
      const values = text.match(/\bv\d+\b/g) ?? ['v0']
      lines[at] = lines[at].replace(/\bv\d+(?!.*\bv\d)/, random.pick(values))
      break
    }
    case 4:
      lines[at] = lines[at].replace(/\d+(?!.*\d)/, (number) => String(Number(number) + random.pick([-1, 1, 8, 1000])))
      break
    default:
      lines[at] = lines[at].replace(/\.[if]\d+(x\d+)?/, random.pick(['.i8', '.i64', '.f16', '.i128', '.i32x4', '']))
  }
  return lines.join('\n')
}
