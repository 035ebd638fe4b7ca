// The benchmarks, by one command:
//
//   npm run bench [-- PART...] [--quick] [--write]
//
// PART is encoder, compile, cold or runtime; all of them when none is named. The peer, Cranelift, is built by cargo from
// bench/peers and runs on the same CLIF files in the same minutes. Without cargo its columns are left out, without gcc
// the run times. --write puts the figures into docs/performance.md, and refuses when what was measured is not committed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coldFile, exampleFiles, generatedFiles } from './corpus.mjs'

const MODES = ['none+single_pass', 'none+backtracking', 'speed+backtracking']
const PROGRAMS = ['fib', 'quicksort', 'sieve', 'matmul', 'nbody', 'hash']

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..')
const words = process.argv.slice(2)
const quick = words.includes('--quick')
const parts = words.filter((word) => !word.startsWith('--'))
const wanted = (part) => parts.length === 0 || parts.includes(part)
const folder = mkdtempSync(join(tmpdir(), 'framewright-bench-'))

const out = []
const say = (...lines) => {
  out.push(...lines)
  for (const line of lines) console.log(line)
}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    ...options,
  })
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}\n${stderr}`)
  }
  return stdout
}

const has = (command) => spawnSync(command, ['--version']).status === 0
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

const fixed = (value, digits = 0) => value.toFixed(digits)
const ratio = (value) => value.toFixed(2)
const geometricMean = (list) => Math.exp(list.reduce((sum, value) => sum + Math.log(value), 0) / list.length)

function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  say('', line(all[0]), rule, ...all.slice(1).map(line), '')
}

function encoder() {
  say('## One instruction', '')
  const { oursNs, loopNs, icedNs, ratio: times, instructions, checksum } = node('encoder.mjs', '--json')
  say(
    `Ours ${fixed(oursNs, 1)} ns, of which ${fixed(loopNs, 1)} ns read the list of instructions; iced-x86, creating and`,
  )
  say(
    `encoding, ${fixed(icedNs)} ns: ${fixed(times, 1)} times as long. ${instructions} instructions, the same bytes from both`,
  )
  say(`(checksum ${checksum}).`, '')
}

function compileTimes(peers) {
  const files = [...exampleFiles(), ...generatedFiles(folder)]
  const paths = files.map(({ path }) => path)
  const ours = node('stages.mjs', ...paths)
  const theirs = peers === null ? null : JSON.parse(run(peers, ['compile', ...paths])).files
  if (theirs !== null) {
    for (const [index, row] of ours.entries()) {
      if (theirs[index].insts !== row.insts)
        throw new Error(`${row.file}: ${row.insts} instructions, the peer counts ${theirs[index].insts}`)
    }
  }
  say(
    '## Compile time, warm',
    '',
    'Nanoseconds per CLIF instruction, by stage. `total` is from the parsed and verified function to',
  )
  say('code, frame record and unwind data; numbers are names of generated files (instructions to a function).')
  table(
    [
      'file',
      'functions',
      'instructions',
      'parse',
      'verify',
      'analyse',
      'lower',
      'allocate',
      'emit',
      'unwind',
      'total',
      'checksum',
    ],
    ours.map((row, index) => {
      const per = (stage) => fixed(row[stage] / row.insts)
      const stages = ['parse', 'verify', 'analyse', 'lower', 'allocate', 'emit', 'unwind', 'total'].map(per)
      return [files[index].name, row.functions, row.insts, ...stages, row.checksum]
    }),
  )
  if (theirs === null) return
  say(
    'Beside the peer: its nanoseconds per instruction in each mode, and ours divided by them. Bytes of code per instruction',
  )
  say('behind.')
  const rows = ours.map((row, index) => {
    const { parseNs, modes, insts } = theirs[index]
    const times = MODES.map((mode) => modes[mode].compileNs)
    return {
      group: index < files.length - 5 ? 'examples' : 'generated',
      ratios: [row.parse / parseNs, ...times.map((time) => row.total / time)],
      cells: [
        ...[files[index].name, fixed(row.total / insts), ...times.map((time) => fixed(time / insts))],
        ...times.map((time) => ratio(row.total / time)),
        ...[
          ratio(row.parse / parseNs),
          fixed(row.codeBytes / insts, 1),
          ...MODES.map((mode) => fixed(modes[mode].codeBytes / insts, 1)),
        ],
      ],
    }
  })
  table(
    [
      ...['file', 'ours', ...MODES, '/ none+sp', '/ none+bt', '/ speed+bt', '/ parse'],
      ...['bytes', 'none+sp', 'none+bt', 'speed+bt'],
    ],
    rows.map(({ cells }) => cells),
  )
  for (const group of ['examples', 'generated']) {
    const [parse, ...modes] = [0, 1, 2, 3].map((k) =>
      ratio(geometricMean(rows.filter((row) => row.group === group).map((row) => row.ratios[k]))),
    )
    say(
      `Geometric mean over the ${group}: ${MODES.map((mode, k) => `${modes[k]} of ${mode}`).join(', ')}; parsing ${parse} of the peer's.`,
    )
  }
  say('')
}

function cold(peers) {
  const path = coldFile(folder)
  const rounds = quick ? 3 : 7
  const best = (runs) => runs.sort((a, b) => a.points.at(-1).ns - b.points.at(-1).ns)[runs.length >> 1]
  const ours = best(Array.from({ length: rounds }, () => node('cold.mjs', path)))
  say(
    '## Compile time, cold',
    '',
    'The first functions of a fresh process, about 90 instructions each; parsing apart. Milliseconds until they are done,',
  )
  say('and nanoseconds per instruction up to there.')
  const theirs =
    peers === null
      ? []
      : MODES.map((mode) => best(Array.from({ length: rounds }, () => JSON.parse(run(peers, ['cold', mode, path])))))
  const cells = ({ ns, insts }) => [fixed(ns / 1e6, 2), fixed(ns / insts)]
  table(
    ['functions', 'ours, ms', 'ns', ...MODES.slice(0, theirs.length).flatMap((mode) => [`${mode}, ms`, 'ns'])],
    ours.points.map((point, index) => [
      point.functions,
      ...cells(point),
      ...theirs.flatMap(({ points }) => cells(points[index])),
    ]),
  )
  say(
    `Before that, in our process: ${fixed(ours.loadNs / 1e6)} ms to load the compiler, ${fixed(ours.parseNs / 1e6)} ms to parse the file.`,
    '',
  )
}

function runTimes(peers) {
  if (!has('gcc')) {
    console.log('skipped: gcc is not installed, so nothing can be linked and run')
    return
  }
  const examples = join(root, 'examples')
  const build = (name, objects, ...options) => {
    const program = join(folder, name)
    run('gcc', [
      '-O2',
      '-std=gnu11',
      '-I',
      examples,
      ...options,
      '-o',
      program,
      join(here, 'programs.c'),
      ...objects,
      '-lm',
    ])
    return program
  }
  const command = join(root, 'packages/cli/bin/framewright.js')
  const objectsOf = (name, make) =>
    PROGRAMS.map((program) => {
      const object = join(folder, `${name}-${program}.o`)
      make(join(examples, `${program}.clif`), object)
      return object
    })
  const linux = ['--target', 'x86_64-unknown-linux-gnu']
  const levels = ['0', '2'].map((level) => [
    `ours -O ${level}`,
    objectsOf(`ours${level}`, (clif, object) =>
      run(process.execPath, [command, 'compile', clif, '-o', object, '-O', level, ...linux]),
    ),
  ])
  const modes =
    peers === null
      ? []
      : MODES.map((mode) => [mode, objectsOf(mode, (clif, object) => run(peers, ['emit', mode, clif, object]))])
  const twins = PROGRAMS.map((program) => join(examples, `${program}.c`))
  const programs = [
    ['gcc -O2', build('gcc2', twins, '-DPREFIX=c_')],
    ...[...levels, ...modes].map(([name, objects], index) => [name, build(`program${index}`, objects)]),
  ]
  // Interleaved, so that a slow minute of the machine meets all of them.
  const passes = quick ? 1 : 3
  const found = new Map(programs.map(([name]) => [name, new Map()]))
  for (let pass = 0; pass < passes; pass++) {
    for (const [name, program] of programs) {
      for (const line of run(program, [quick ? '3' : '9'])
        .trim()
        .split('\n')) {
        const { program: example, medianNs, checksum } = JSON.parse(line)
        const known = found.get(name).get(example)
        found.get(name).set(example, { checksum, ns: Math.min(medianNs, known?.ns ?? Number.POSITIVE_INFINITY) })
      }
    }
  }
  const reference = found.get('gcc -O2')
  say(
    '## Run time of the code',
    '',
    'Times of gcc -O2. The checksum is over what the program computed, and the same from every compiler.',
  )
  for (const [name, results] of found) {
    for (const [example, { checksum }] of results) {
      if (checksum !== reference.get(example).checksum) throw new Error(`${example} by ${name} computes something else`)
    }
  }
  const names = programs.map(([name]) => name).slice(1)
  table(
    ['program', 'gcc -O2, ms', ...names, 'checksum'],
    PROGRAMS.map((example) => {
      const { ns, checksum } = reference.get(example)
      return [
        example,
        fixed(ns / 1e6, 2),
        ...names.map((name) => ratio(found.get(name).get(example).ns / ns)),
        checksum,
      ]
    }),
  )
  const means = (list) =>
    names.map(
      (name) =>
        `${name} ${ratio(geometricMean(list.map((example) => found.get(name).get(example).ns / reference.get(example).ns)))}`,
    )
  say(`Geometric mean of all six: ${means(PROGRAMS).join(', ')}.`)
  say(`Without fib, whose recursion gcc turns into loops: ${means(PROGRAMS.slice(1)).join(', ')}.`, '')
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
    text.replace(marked, (_, start, end) => `${start}\n${out.join('\n').trim()}\n\n${end}`),
  )
}

try {
  const peers = wanted('compile') || wanted('cold') || wanted('runtime') ? buildPeers() : null
  const { version, platform, arch } = process
  say(`Node ${version} on ${platform} ${arch}, ${cpus().length} processors (${cpus()[0]?.model.trim()}).`)
  if (peers !== null)
    say(
      `The peer is ${run('cargo', ['pkgid', '--manifest-path', join(here, 'peers/Cargo.toml'), 'cranelift-codegen'])
        .trim()
        .split('#')
        .pop()}.`,
    )
  const commit = spawnSync('git', ['-C', root, 'describe', '--always', '--dirty'], { encoding: 'utf8' })
  if (commit.status === 0) say(`Measured at ${commit.stdout.trim()}.`)
  say('')
  if (wanted('encoder')) encoder()
  if (wanted('compile')) compileTimes(peers)
  if (wanted('cold')) cold(peers)
  if (wanted('runtime')) runTimes(peers)
  if (words.includes('--write')) write()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
