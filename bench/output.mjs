// What the benchmarks print: Markdown, wrapped, in columns; and the arithmetic of their figures.

/** Every line printed so far, for the page that keeps them. */
export const printed = []

export function say(...lines) {
  printed.push(...lines)
  for (const line of lines) console.log(line)
}

/** A paragraph, wrapped at 120 columns. */
export function paragraph(text) {
  const lines = ['']
  for (const word of text.trim().split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (longer.length > 120) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  say(...lines, '')
}

/** The first column is text, the others are numbers. */
export function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)))
  const padded = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
  const line = (row) => `| ${row.map(padded).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  say(line(all[0]), line(rule), ...all.slice(1).map(line), '')
}

export const fixed = (value, digits = 0) => value.toFixed(digits)

export const ratio = (value) => value.toFixed(2)

export const geometricMean = (list) => Math.exp(list.reduce((sum, value) => sum + Math.log(value), 0) / list.length)

export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]

/** The smaller one of every number in two results of the same shape. */
export function least(a, b) {
  if (a === null || typeof b === 'string') return b
  if (typeof b === 'number') return Math.min(a, b)
  if (Array.isArray(b)) return b.map((each, index) => least(a[index], each))
  return Object.fromEntries(Object.entries(b).map(([key, value]) => [key, least(a[key], value)]))
}
