// In hot files the numbers of a table stand in the source as literals, with the name beside them:
// `27 /* Opcode.Iadd */`. This script keeps them true.
//
//   node scripts/literals.mjs           reports every literal that disagrees with its table
//   node scripts/literals.mjs --write   corrects them; and in a file that says `// literals: Opcode, Other` near its
//                                       top, turns `case Opcode.Iadd:` into `case 27 /* Opcode.Iadd */:`
//
// A table is `export const Name = { … } as const` anywhere in packages/*/src, one `Member: number,` a line or several.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'

const TABLE = /^export const (\w+) = \{([^}]*)\} as const/gm
const MEMBER = /(\w+):\s*(-?(?:0x[\da-fA-F_]+|0b[01_]+|\d[\d_]*))\s*(?=,|\n|$)/g
const LITERAL = /(-?\b(?:0x[\da-fA-F]+|\d+)) \/\* ([A-Z]\w*)\.(\w+) \*\//g
const HEADER_LINES = 40

/** @returns {string[]} */
function sources(root) {
  const packages = join(root, 'packages')
  return readdirSync(packages).flatMap((name) => {
    try {
      return readdirSync(join(packages, name, 'src'), { recursive: true })
        .map((file) => join(packages, name, 'src', String(file)))
        .filter((file) => file.endsWith('.ts'))
        .sort()
    } catch {
      return []
    }
  })
}

const number = (text) => Number(text.replaceAll('_', '').replace(/^-/, '')) * (text.startsWith('-') ? -1 : 1)

/**
 * Tables by name. Two packages may use one name for different tables; a file's own package wins, then the only one.
 * @returns {Map<string, { package: string, members: Map<string, number> }[]>}
 */
function readTables(root, files) {
  const tables = new Map()
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const [, name, body] of text.matchAll(TABLE)) {
      const plain = body.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      const members = new Map([...plain.matchAll(MEMBER)].map(([, member, value]) => [member, number(value)]))
      if (members.size === 0) continue
      const list = tables.get(name) ?? []
      list.push({ package: packageOf(root, file), members })
      tables.set(name, list)
    }
  }
  return tables
}

const packageOf = (root, file) => relative(join(root, 'packages'), file).split(/[\\/]/)[0]

/**
 * @param {string} root of the repository
 * @param {boolean} write whether to correct the files
 * @returns {{ files: number, literals: number, problems: string[], written: string[] }}
 */
export function checkLiterals(root, write = false) {
  const files = sources(root)
  const tables = readTables(root, files)
  const problems = []
  const written = []
  let literals = 0

  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const find = (table, member, offset) => {
      const list = tables.get(table) ?? []
      const own = list.filter((entry) => entry.package === packageOf(root, file))
      const [found, ...others] = own.length > 0 ? own : list
      const place = `${relative(root, file)}:${text.slice(0, offset).split('\n').length}`
      if (found === undefined) problems.push(`${place}: no table ${table}`)
      else if (others.length > 0) problems.push(`${place}: more than one table ${table}`)
      else if (!found.members.has(member)) problems.push(`${place}: ${table} has no member ${member}`)
      return { value: others.length > 0 ? undefined : found?.members.get(member), place }
    }

    let result = text.replace(LITERAL, (whole, literal, table, member, offset) => {
      literals++
      const { value, place } = find(table, member, offset)
      if (value === undefined || value === number(literal)) return whole
      if (!write) problems.push(`${place}: ${table}.${member} is ${value}, not ${literal}`)
      return `${value} /* ${table}.${member} */`
    })

    const header = text.split('\n', HEADER_LINES).join('\n')
    const names = /^\/\/ literals: (.+)$/m
      .exec(header)?.[1]
      .split(',')
      .map((name) => name.trim())
    if (write && names !== undefined) {
      result = result.replace(/\bcase (\w+)\.(\w+):/g, (whole, table, member, offset) => {
        if (!names.includes(table)) return whole
        const { value } = find(table, member, offset)
        return value === undefined ? whole : `case ${value} /* ${table}.${member} */:`
      })
    }
    if (write && result !== text) {
      writeFileSync(file, result)
      written.push(relative(root, file))
    }
  }
  return { files: files.length, literals, problems, written }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { literals, problems, written } = checkLiterals(process.cwd(), process.argv.includes('--write'))
  for (const file of written) console.log(`wrote ${file}`)
  for (const problem of problems) console.error(problem)
  console.log(`${literals} literals, ${problems.length} problems`)
  process.exitCode = problems.length > 0 ? 1 : 0
}
