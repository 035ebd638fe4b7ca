// "Did you mean …?"

/** The candidate that a typing mistake could have been meant for; undefined when none is near. */
export function suggest(typed: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  // One mistake in three letters, at least one and at most three.
  let limit = Math.min(3, Math.max(1, Math.floor(typed.length / 3)))
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - typed.length) > limit) continue
    const mistakes = distance(typed.toLowerCase(), candidate.toLowerCase())
    if (mistakes > limit || (best !== undefined && mistakes === limit)) continue
    best = candidate
    limit = mistakes
  }
  if (best !== undefined || typed.length < 3) return best
  // A beginning is as good as a mistake.
  const longer = [...candidates].filter((candidate) => candidate.startsWith(typed))
  return longer.length === 1 ? longer[0] : undefined
}

/** Insertions, deletions, replacements and swaps of neighbours from one word to the other. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1)
      next.push(cost)
    }
    before = row
    row = next
  }
  return row[b.length]
}
