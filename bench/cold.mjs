// How a fresh process starts: loading the compiler, then the first 1, 10, 100, 1000 functions of a file.
//
//   node bench/cold.mjs FILE        one fresh process: JSON on standard output

const POINTS = [1, 10, 100, 1000]

const started = performance.now()
const [{ Compiler }, { parseFile }, { readFileSync }] = await Promise.all([
  import('../packages/codegen-x64/dist/index.js'),
  import('../packages/ir/dist/text/index.js'),
  import('node:fs'),
])
const loaded = performance.now()
const text = readFileSync(process.argv[2], 'utf8')
const parseStart = performance.now()
const { functions } = parseFile(text)
const parsed = performance.now()

const compiler = new Compiler({ target: 'x86_64-unknown-linux-gnu' })
const points = []
let insts = 0
let total = 0
for (const [index, func] of functions.entries()) {
  insts += func.insts.length
  const start = performance.now()
  compiler.compile(func)
  total += performance.now() - start
  if (POINTS.includes(index + 1)) points.push({ functions: index + 1, insts, ns: total * 1e6 })
}
console.log(JSON.stringify({ loadNs: (loaded - started) * 1e6, parseNs: (parsed - parseStart) * 1e6, points }))
