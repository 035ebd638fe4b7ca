// Directives in comments against a text, as CLIF's file tests use them (CLIF reference, section 5.4): check, sameln,
// nextln, not, unordered, regex.

const DIRECTIVE = /(?<![\w])(check|sameln|nextln|unordered|not|regex):\s(.*)$|(?<![\w])(check|nextln|sameln):$/

/** @returns what did not match, in words; null when everything did. */
export function filecheck(comments: readonly string[], text: string): string | null {
  const variables = new Map<string, string>()
  const regexes = new Map<string, string>()
  const negative: RegExp[] = []
  let position = 0
  let lastEnd = 0
  const failed: string[] = []

  const compile = (pattern: string): { regex: RegExp; names: string[] } => {
    const names: string[] = []
    const word = (c: string | undefined): boolean => c !== undefined && /[A-Za-z0-9_]/.test(c)
    let source = ''
    const trimmed = pattern.trim()
    if (word(trimmed[0])) source += '\\b'
    for (let i = 0; i < trimmed.length; ) {
      const rest = trimmed.slice(i)
      const match = /^\$(?:\$|\(\)|(\w+)|\((\w*)(?:=(?:\$(\w+)|((?:[^()]|\([^()]*\))*)))?\))/.exec(rest)
      if (match === null) {
        source += (trimmed[i] ?? '').replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
        i++
        continue
      }
      i += match[0].length
      const [whole, bare, name = bare, regexName, inline] = match
      if (whole === '$$') source += '\\$'
      else if (whole === '$()') continue
      else if (regexName !== undefined || inline !== undefined) {
        const body = regexName === undefined ? inline : regexes.get(regexName)
        source += `(${body})`
        names.push(name ?? '')
      } else if (regexes.has(name ?? '')) source += `(?:${regexes.get(name ?? '')})`
      else source += (variables.get(name ?? '') ?? '').replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    }
    if (word(trimmed.at(-1))) source += '\\b'
    return { regex: new RegExp(source, 'g'), names }
  }
  const bind = (names: string[], match: RegExpExecArray): void => {
    names.forEach((name, i) => {
      if (name !== '') variables.set(name, match[i + 1])
    })
  }
  const find = (pattern: string, from: number, to: number): [start: number, end: number] | null => {
    const { regex, names } = compile(pattern)
    regex.lastIndex = from
    const match = regex.exec(text)
    if (match === null || match.index + match[0].length > to) return null
    bind(names, match)
    return [match.index, match.index + match[0].length]
  }
  const lineEnd = (from: number): number => {
    const at = text.indexOf('\n', from)
    return at < 0 ? text.length : at
  }

  for (const comment of comments) {
    const match = DIRECTIVE.exec(comment)
    if (match === null) continue
    const kind = match[1] ?? match[3]
    const pattern = match[2] ?? ''
    if (kind === 'regex') {
      const [name, ...rest] = pattern.split('=')
      regexes.set(name.trim(), rest.join('=').trim())
    } else if (kind === 'not') negative.push(compile(pattern).regex)
    else {
      let found: [number, number] | null
      if (kind === 'check') found = find(pattern, position, text.length)
      else if (kind === 'unordered') found = find(pattern, lastEnd, text.length)
      else if (kind === 'sameln') found = find(pattern, position, lineEnd(position))
      else {
        const start = position === 0 && lastEnd === 0 ? lineEnd(0) + 1 : lineEnd(position) + 1
        found = start > text.length ? null : find(pattern, start, lineEnd(start))
      }
      if (found === null) {
        failed.push(`${kind}: ${pattern}`)
        continue
      }
      for (const regex of negative.splice(0)) {
        regex.lastIndex = position
        const bad = regex.exec(text)
        if (bad !== null && bad.index < found[0]) failed.push(`not: ${regex.source}`)
      }
      position = Math.max(position, found[1])
      if (kind !== 'unordered') lastEnd = found[1]
    }
  }
  return failed.length === 0 ? null : failed.join('\n')
}
