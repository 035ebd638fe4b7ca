// The benchmarks, by one command:
//
//   npm run bench [-- PART...] [--quick] [--write]
//
// PART is encoder, language, compile, cold, runtime or unwind; all of them when none is named. The peer, Cranelift, is built by cargo from
// bench/peers and runs on the same CLIF files in the same minutes. Without cargo its columns are left out, without gcc
// the run times. --write puts the figures into docs/performance.md, and refuses when what was measured is not committed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coldFile, exampleFiles, generatedFiles, LOOPS_BUILT } from './corpus.mjs'
import { fixed, geometricMean, least, paragraph, printed, ratio, say, table } from './output.mjs'
import { compareObject, compileC, compilers, levels } from './unwind-sizes.mjs'

const MODES = ['none+single_pass', 'none+backtracking', 'speed+backtracking']
const SHORT_MODES = ['none+sp', 'none+bt', 'speed+bt']
const STAGES = ['parse', 'verify', 'analyse', 'lower', 'allocate', 'emit', 'unwind', 'total']
const PROGRAMS = ['fib', 'quicksort', 'sieve', 'matmul', 'nbody', 'hash']
const PARTS = ['encoder', 'language', 'compile', 'cold', 'runtime', 'unwind']
const REFERENCE = 'gcc -O2'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..')
const words = process.argv.slice(2)
const quick = words.includes('--quick')
const parts = words.filter((word) => !word.startsWith('--'))
const wanted = (part) => parts.length === 0 || parts.includes(part)
const folder = mkdtempSync(join(tmpdir(), 'framewright-bench-'))

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}\n${stderr}`)
  }
  return stdout
}

const has = (command) => spawnSync(command, ['--version']).status === 0
const repeat = (count, make) => Array.from({ length: count }, make)
const node = (script, ...args) =>
  JSON.parse(run(process.execPath, [join(here, script), ...args, ...(quick ? ['--quick'] : [])]))

/** The peer's program, or null. Building it takes minutes the first time. */
function buildPeers() {
  if (!has('cargo')) {
    console.log('skipped: cargo is not installed, so there is no peer to compare with')
    return null
  }
  console.log('building the peer (cargo build --release)')
  const args = ['build', '--release', '--locked', '--quiet', '--manifest-path', join(here, 'peers/Cargo.toml')]
  if (spawnSync('cargo', args, { stdio: 'inherit' }).status !== 0) {
    console.log('skipped: the peer does not build here')
    return null
  }
  return join(here, 'peers/target/release/peers')
}

function introduce(peers) {
  const { version, platform, arch } = process
  const machine = `Node ${version} on ${platform} ${arch}, ${cpus().length} processors (${cpus()[0]?.model.trim()})`
  const crate = ['pkgid', '--manifest-path', join(here, 'peers/Cargo.toml'), 'cranelift-codegen']
  const peer = peers === null ? '' : `; the peer is ${run('cargo', crate).trim().split('#').pop()}`
  const commit = spawnSync('git', ['-C', root, 'describe', '--always', '--dirty'], { encoding: 'utf8' })
  paragraph(`${machine}${peer}${commit.status === 0 ? `; measured at ${commit.stdout.trim()}` : ''}.`)
}

function encoder() {
  say('## One instruction', '')
  const { oursNs, loopNs, icedNs, ratio: times, instructions, checksum } = node('encoder.mjs', '--json')
  paragraph(
    `Ours ${fixed(oursNs, 1)} ns, of which ${fixed(loopNs, 1)} ns read the list of instructions; iced-x86, creating and
    encoding, ${fixed(icedNs)} ns: ${fixed(times, 1)} times as long. ${instructions} instructions, the same bytes from
    both (checksum ${checksum}).`,
  )
}

function language(peers) {
  const sizes = [1000, 10_000, 100_000, 1_000_000]
  const rows = (quick ? sizes.slice(0, 3) : sizes).map((size) => {
    const path = join(folder, `language-${size}.clif`)
    // Turn and turn about, as for compile times.
    let ours = null
    let theirs = null
    for (let pass = 0; pass < (quick ? 1 : 3); pass++) {
      ours = least(ours, node('language.mjs', String(size), path))
      if (peers !== null) theirs = least(theirs, JSON.parse(run(peers, ['language', String(LOOPS_BUILT), path])))
    }
    if (theirs !== null && theirs.insts !== ours.insts) {
      throw new Error(`${path}: ${ours.insts} instructions, and the peer counts ${theirs.insts}`)
    }
    return { ours, theirs }
  })
  say('## The language', '')
  paragraph(
    `Nanoseconds per instruction, warm, for files of that many instructions in functions of 250: reading, printing and
    verifying the file, and building as many instructions by FunctionBuilder, with variables. Bytes per instruction: of the
    text, and of the functions in memory once it is read.`,
  )
  const stages = ['parse', 'print', 'verify', 'build']
  table(
    ['instructions', 'functions', ...stages, 'text, bytes', 'memory, bytes'],
    rows.map(({ ours }) => {
      const times = stages.map((stage) => fixed(ours[stage]))
      return [ours.insts, ours.functions, ...times, fixed(ours.textBytes, 1), fixed(ours.bytes, 1)]
    }),
  )
  if (peers === null) return
  paragraph(
    `The peer's reader, printer, verifier and FunctionBuilder on the same files and the same calls, in the same minutes:
    its nanoseconds per instruction, and ours divided by them.`,
  )
  table(
    ['instructions', ...stages, ...stages.map((stage) => `/ ${stage}`)],
    rows.map(({ ours, theirs }) => {
      const times = stages.map((stage) => fixed(theirs[stage]))
      return [ours.insts, ...times, ...stages.map((stage) => ratio(ours[stage] / theirs[stage]))]
    }),
  )
}

function compileTimes(peers) {
  const groups = { examples: exampleFiles(), generated: generatedFiles(folder) }
  const files = Object.entries(groups).flatMap(([group, list]) => list.map((file) => ({ ...file, group })))
  const paths = files.map(({ path }) => path)
  // Turn and turn about, so that a slow minute of the machine meets both; the least median of each figure counts.
  let ours = null
  let theirs = null
  for (let pass = 0; pass < (quick ? 1 : 3); pass++) {
    ours = least(ours, node('stages.mjs', ...paths))
    if (peers !== null) theirs = least(theirs, JSON.parse(run(peers, ['compile', ...paths])).files)
  }
  say('## Compile time, warm', '')
  paragraph(
    `Nanoseconds per CLIF instruction, by stage. Total is from the parsed and verified function to code, frame record and
    unwind data. The names that are numbers are generated files, and say how many instructions a function has.`,
  )
  table(
    ['file', 'functions', 'instructions', ...STAGES, 'checksum'],
    ours.map((row, index) => {
      const times = STAGES.map((stage) => fixed(row[stage] / row.insts))
      return [files[index].name, row.functions, row.insts, ...times, row.checksum]
    }),
  )
  if (theirs !== null) compareCompileTimes(files, ours, theirs)
}

function compareCompileTimes(files, ours, theirs) {
  paragraph(
    `Beside the peer: nanoseconds per instruction, ours and its own in each mode; ours divided by each; ours for parsing
    divided by the peer's; and bytes of code per instruction, ours and its.`,
  )
  const rows = ours.map((row, index) => {
    const { name, group } = files[index]
    const { parseNs, modes, insts } = theirs[index]
    if (insts !== row.insts) throw new Error(`${name}: ${row.insts} instructions, and the peer counts ${insts}`)
    const times = MODES.map((mode) => modes[mode].compileNs)
    const ratios = [...times.map((time) => row.total / time), row.parse / parseNs]
    const bytes = [row.codeBytes, ...MODES.map((mode) => modes[mode].codeBytes)]
    const figures = [row.total, ...times].map((time) => fixed(time / insts))
    return { group, ratios, cells: [name, ...figures, ...ratios.map(ratio), ...bytes.map((n) => fixed(n / insts, 1))] }
  })
  table(
    ['file', 'ours', ...MODES, ...SHORT_MODES.map((mode) => `/ ${mode}`), '/ parse', 'bytes', ...SHORT_MODES],
    rows.map(({ cells }) => cells),
  )
  for (const group of ['examples', 'generated']) {
    const own = rows.filter((row) => row.group === group)
    const means = [...MODES, 'parse'].map((_, k) => ratio(geometricMean(own.map(({ ratios }) => ratios[k]))))
    const words = MODES.map((mode, k) => `${means[k]} of ${mode}`).join(', ')
    paragraph(`Geometric mean over the ${group}: ${words}; parsing ${means[3]} of the peer's.`)
  }
}

function cold(peers) {
  const path = coldFile(folder)
  const rounds = quick ? 3 : 7
  // The run whose whole file took the middle time.
  const middle = (runs) => runs.sort((a, b) => a.points.at(-1).ns - b.points.at(-1).ns)[runs.length >> 1]
  const ours = middle(repeat(rounds, () => node('cold.mjs', path)))
  const modes = peers === null ? [] : MODES
  const theirs = modes.map((mode) => middle(repeat(rounds, () => JSON.parse(run(peers, ['cold', mode, path])))))
  say('## Compile time, cold', '')
  paragraph(
    `The first functions of a fresh process, about 90 instructions each; parsing apart. Milliseconds until they are done,
    and nanoseconds per instruction up to there.`,
  )
  const cells = ({ ns, insts }) => [fixed(ns / 1e6, 2), fixed(ns / insts)]
  table(
    ['functions', 'ours, ms', 'ns', ...modes.flatMap((mode) => [`${mode}, ms`, 'ns'])],
    ours.points.map((point, index) => {
      return [point.functions, ...cells(point), ...theirs.flatMap(({ points }) => cells(points[index]))]
    }),
  )
  paragraph(
    `Before that, in our process: ${fixed(ours.loadNs / 1e6)} ms to load the compiler, ${fixed(ours.parseNs / 1e6)} ms
    to parse the file.`,
  )
}

/** Name and program of everything that is timed: the examples as each compiler makes them. */
function buildPrograms(peers) {
  const examples = join(root, 'examples')
  const sources = (extension) => PROGRAMS.map((name) => join(examples, `${name}.${extension}`))
  const program = (name, inputs, ...options) => {
    const out = join(folder, `programs ${name}`)
    run('gcc', ['-O2', '-std=gnu11', '-I', examples, ...options, '-o', out, join(here, 'programs.c'), ...inputs, '-lm'])
    return [name, out]
  }
  const objects = (name, make) =>
    sources('clif').map((clif, index) => {
      const object = join(folder, `${PROGRAMS[index]} ${name}.o`)
      make(clif, object)
      return object
    })
  const command = join(root, 'packages/cli/bin/framewright.js')
  const ours = (level) => (clif, object) =>
    run(process.execPath, [command, 'compile', clif, '-o', object, '-O', level, '--target', 'x86_64-unknown-linux-gnu'])
  const theirs = (mode) => (clif, object) => run(peers, ['emit', mode, clif, object])
  return [
    program(REFERENCE, sources('c'), '-DPREFIX=c_'),
    ...['0', '2'].map((level) => program(`ours -O ${level}`, objects(`ours ${level}`, ours(level)))),
    ...(peers === null ? [] : MODES).map((mode) => program(mode, objects(mode, theirs(mode)))),
  ]
}

function runTimes(peers) {
  if (!has('gcc')) {
    console.log('skipped: gcc is not installed, so nothing can be linked and run')
    return
  }
  const programs = buildPrograms(peers)
  const times = new Map(programs.map(([name]) => [name, new Map()]))
  const checksums = new Map()
  // Turn and turn about again.
  for (let pass = 0; pass < (quick ? 1 : 3); pass++) {
    for (const [name, program] of programs) {
      for (const line of run(program, [quick ? '3' : '9'])
        .trim()
        .split('\n')) {
        const { program: example, medianNs, checksum } = JSON.parse(line)
        const known = times.get(name).get(example) ?? Number.POSITIVE_INFINITY
        times.get(name).set(example, Math.min(known, medianNs))
        if (!checksums.has(example)) checksums.set(example, checksum)
        if (checksums.get(example) !== checksum) throw new Error(`${example} by ${name} computes something else`)
      }
    }
  }
  const names = programs.map(([name]) => name).filter((name) => name !== REFERENCE)
  const relative = (name, example) => times.get(name).get(example) / times.get(REFERENCE).get(example)
  say('## Run time of the code', '')
  paragraph(
    `Times of ${REFERENCE}; for the others, their times divided by it. The checksum is over what the program computed, and
    the same from every compiler.`,
  )
  table(
    ['program', `${REFERENCE}, ms`, ...names, 'checksum'],
    PROGRAMS.map((example) => {
      const reference = fixed(times.get(REFERENCE).get(example) / 1e6, 2)
      return [example, reference, ...names.map((name) => ratio(relative(name, example))), checksums.get(example)]
    }),
  )
  const means = (list) =>
    names.map((name) => `${name} ${ratio(geometricMean(list.map((example) => relative(name, example))))}`).join(', ')
  paragraph(`Geometric mean of all six: ${means(PROGRAMS)}.`)
  paragraph(`Without fib, whose recursion gcc turns into loops: ${means(PROGRAMS.slice(1))}.`)
}

function unwind() {
  const { rows, assemblers } = node('unwind-formats.mjs')
  say('## Unwind data', '')
  paragraph(
    `One function's frame record to bytes, warm, in nanoseconds; and how many records that is in a second. The examples are
    the functions of examples/*.clif at -O 2, the generated ones those of the conformance kit, with up to three epilogues,
    nested saves and every form of prologue. With code: the formats of Windows look at the instructions of epilogues.
    Reading is from bytes to rows. A walk is one frame, from the body of a function whose entry is the only one in its image.`,
  )
  const some = (value) => (value === null ? '' : fixed(value))
  table(
    [
      'format',
      'records',
      'refused',
      'encode',
      'a second',
      'with code',
      'rows alone',
      'from rows',
      'read',
      'walk',
      'checksum',
    ],
    rows.map((row) => {
      const cells = [
        row.encodeNs,
        1e9 / row.encodeNs,
        row.checkedNs,
        row.rowsNs,
        row.generalNs,
        row.decodeNs,
        row.walkNs,
      ]
      return [`${row.name}, ${row.lot}`, row.functions, row.refused, ...cells.map(some), row.checksum]
    }),
  )
  const refusals = rows.flatMap(({ name, lot, reasons }) =>
    Object.entries(reasons).map(([reason, count]) => `${name} refuses ${count} of the ${lot} (${reason})`),
  )
  paragraph(
    `Rows alone is what any encoder that starts from rows pays before it begins; from rows is DWARF's general encoder, which
    does that. ${refusals.length > 0 ? `${refusals.join('; ')}.` : ''}`,
  )
  const ours = (name) => rows.find((row) => row.name === name && row.lot === 'examples').encodeNs
  const words = assemblers.map((one) => {
    const own = ours(one.name.endsWith('.seh') ? 'win64, version 1' : 'dwarf')
    return `${one.name} ${fixed(one.ns)} ns, ${ratio(one.ns / own)} times as long as ours`
  })
  if (words.length > 0) {
    paragraph(
      `Native assemblers on the same directives, a function of the examples: ${words.join('; ')}. They parse text, which
      ours does not, and lay out a section, which ours does afterwards; the time for the same code without directives is
      subtracted.`,
    )
  }
  say('### Bytes', '')
  paragraph('Whole sections, with what functions share, divided by the number of functions, leaves included.')
  table(
    ['our code', 'functions', 'entries', 'bytes', 'a function'],
    rows
      .filter(({ lot }) => lot === 'examples')
      .map((row) => [row.name, row.functions, row.entries, row.bytes, fixed(row.bytesPerFunction, 1)]),
  )
}

/** Their functions, and the same prologues and epilogues by our encoders. */
async function unwindSizes() {
  const built = (name, module = 'index') => import(`../packages/${name}/dist/${module}.js`)
  const [object, dwarf, win64, { recordOf }] = await Promise.all([
    built('object'),
    built('unwind-dwarf'),
    built('unwind-win64'),
    built('unwind-win64', 'meaning'),
  ])
  const examples = join(root, 'examples')
  const names = readdirSync(examples).filter((name) => name.endsWith('.c'))
  const sources = [...names.map((name) => join(examples, name)), join(here, 'programs.c')]
  const rows = []
  for (const compiler of compilers.filter(({ command }) => has(command))) {
    for (const level of quick ? levels.slice(1, 2) : levels) {
      const sum = { functions: 0, theirs: 0, ours: 0, theirSections: 0, ourSections: 0 }
      for (const source of sources) {
        const bytes = compileC(compiler, level, source, folder, [examples])
        const { functions, theirs, ours } = compareObject({ object, dwarf, win64, recordOf }, compiler.format, bytes)
        sum.theirSections += theirs
        sum.ourSections += ours
        for (const one of functions) {
          if (!one.same) throw new Error(`${source}, ${one.name}: encoded to another meaning`)
          sum.functions++
          sum.theirs += one.theirProgram ?? one.theirs
          sum.ours += one.ourProgram ?? one.ours
        }
      }
      rows.push([`${compiler.name} ${level.join(' ')}`, sum])
    }
  }
  if (rows.length === 0) return
  paragraph(
    `What C compilers wrote for the C twins of the examples and for bench/programs.c, and what our encoders write for the
    same functions, each with exactly the meaning that the compiler gave it: the same rows, the same operations at the same
    offsets. Bytes a function of \`.eh_frame\` programs (without headers and padding) or of UNWIND_INFO; then whole sections,
    \`.eh_frame\` or \`.xdata\` and \`.pdata\`, and ours divided by theirs. Gcc does not say that an epilogue has restored a
    register, and neither do we for its functions; for our own code we do. Mingw's gcc writes entries for functions that
    need none.`,
  )
  table(
    ['compiler', 'functions', 'theirs', 'ours', 'their sections', 'ours', 'ours / theirs'],
    rows.map(([name, { functions, theirs, ours, theirSections, ourSections }]) => {
      const each = [theirs, ours].map((bytes) => fixed(bytes / functions, 2))
      return [name, functions, ...each, theirSections, ourSections, ratio(ourSections / theirSections)]
    }),
  )
}

/** Puts what was printed between the marks of docs/performance.md. */
function write() {
  const dirty = run('git', ['-C', root, 'status', '--porcelain', '--', 'packages', 'bench', 'examples']).trim()
  if (dirty !== '') throw new Error(`not written: what was measured is not committed\n${dirty}`)
  const page = join(root, 'docs/performance.md')
  const text = readFileSync(page, 'utf8')
  const marked = /(<!-- figures -->\n)[\s\S]*(<!-- end of figures -->)/
  if (!marked.test(text)) throw new Error('docs/performance.md has no place for figures')
  writeFileSync(
    page,
    text.replace(marked, (_, start, end) => `${start}\n${printed.join('\n').trim()}\n\n${end}`),
  )
}

const unknown = parts.filter((part) => !PARTS.includes(part))
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(', ')}; there are ${PARTS.join(', ')}`)
  process.exit(2)
}
try {
  const peers = ['language', 'compile', 'cold', 'runtime'].some(wanted) ? buildPeers() : null
  introduce(peers)
  if (wanted('encoder')) encoder()
  if (wanted('language')) language(peers)
  if (wanted('compile')) compileTimes(peers)
  if (wanted('cold')) cold(peers)
  if (wanted('runtime')) runTimes(peers)
  if (wanted('unwind')) {
    unwind()
    await unwindSizes()
  }
  if (words.includes('--write')) write()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
