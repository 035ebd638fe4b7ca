// What a function's unwind data cost, for every format: nanoseconds to encode, to read back and to walk one frame, and
// bytes. JSON on standard output.
//
//   node bench/unwind-formats.mjs [--quick]
//
// Two lots of records: the functions of examples/*.clif, compiled at -O 2, and those that the conformance kit generates,
// which hold more than any compiler makes. All records of a lot are encoded one after the other, again and again, so no
// loop sees one shape of frame alone. What a format refuses is left out of its times and counted.
//
// Beside the encoders, in the same process: the rows of the record alone (what every encoder that goes over rows pays
// first), and for DWARF the general encoder, from rows. Beside them in processes of their own: LLVM's and GNU's assemblers
// on the same directives, which have to parse them; what they need for the code without directives is subtracted.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Compiler } from '../packages/codegen-x64/dist/index.js'
import { loadImage, unwindRows, x64 } from '../packages/frame-layout/dist/index.js'
import { generatedFunctions, simulate } from '../packages/frame-layout/dist/testing/index.js'
import { parseFile } from '../packages/ir/dist/text/index.js'
import { optimizeModule } from '../packages/opt/dist/index.js'
import { createCompactFormat } from '../packages/unwind-compact/dist/index.js'
import * as dwarf from '../packages/unwind-dwarf/dist/index.js'
import { sframe } from '../packages/unwind-sframe/dist/index.js'
import * as win64 from '../packages/unwind-win64/dist/index.js'
import { exampleFiles, textOf } from './corpus.mjs'
import { median } from './output.mjs'

const quick = process.argv.includes('--quick')
const WARM_MS = quick ? 100 : 500
const TIMED_MS = quick ? 100 : 500
const GENERATED = quick ? 200 : 1000
const BASE = 0x1_4000_0000n
const TEXT = BASE + 0x1000n

const require = createRequire(new URL('../packages/frame-layout/package.json', import.meta.url))
const fc = await import(pathToFileURL(require.resolve('fast-check')))

/** Nanoseconds for one call of `run`, the median of many rounds. What it returns is kept, so that nothing is skipped. */
function time(run) {
  const kept = []
  for (const end = performance.now() + WARM_MS; performance.now() < end; ) kept[0] = run()
  const rounds = []
  const end = performance.now() + TIMED_MS
  do {
    const start = performance.now()
    kept[0] = run()
    rounds.push(performance.now() - start)
  } while (performance.now() < end)
  return median(rounds) * 1e6
}

/** Over the bytes of all that was encoded, as in the other parts. */
function checksumOf(encoded) {
  let sum = 0x811c9dc5
  for (const { unwind } of encoded) for (const byte of unwind?.bytes ?? []) sum = Math.imul(sum ^ byte, 0x01000193)
  return (sum >>> 0).toString(16).padStart(8, '0')
}

const perFunction = (functions, run) => time(run) / functions

function compiled(triple) {
  const compiler = new Compiler({ target: triple })
  return exampleFiles().flatMap(({ path }) => {
    const { functions } = parseFile(textOf(path))
    optimizeModule(functions)
    return functions.map((func) => {
      const { code, codeSize, frame, callSites } = compiler.compile(func)
      return { record: frame, code: code.slice(0, codeSize), boundaries: [...callSites] }
    })
  })
}

const generated = (forms) => fc.sample(generatedFunctions({ forms }), { seed: 20, numRuns: GENERATED })

/** The calling convention decides which frames there are, and so which formats they are for. */
const lots = {
  linux: { examples: compiled('x86_64-unknown-linux-gnu'), generated: generated('any') },
  windows: { examples: compiled('x86_64-pc-windows-msvc'), generated: generated('windows') },
}

const windowsFormat = (version) => ({
  ...win64.win64Format,
  name: `win64, version ${version}`,
  encode: (record, options) => win64.encodeFrame(record, { ...options, version }),
  decode: (image) => win64.decodeImage(image, { version3: true }),
  unwind: (frame, image, memory) => win64.unwindFrame(frame, image, memory, { version3: true }),
})

const formats = [
  { system: 'linux', format: dwarf.dwarf, general: (record) => dwarf.encodeUnwindRows(unwindRows(record)).length },
  { system: 'linux', format: sframe },
  { system: 'linux', format: createCompactFormat({ fallback: dwarf.dwarf }), name: 'compact, else dwarf' },
  ...[1, 2, 3].map((version) => ({ system: 'windows', format: windowsFormat(version) })),
]

/** Puts what was encoded behind one another, and at addresses. */
function place(format, encoded) {
  let size = 0
  const functions = encoded.map(({ code, unwind }, index) => {
    const offset = size
    size = (size + code.length + 16) & ~15
    return { symbol: `f${index}`, section: '.text', offset, codeSize: code.length, unwind }
  })
  const text = new Uint8Array(size).fill(0xcc)
  for (let i = 0; i < encoded.length; i++) text.set(encoded[i].code, functions[i].offset)
  const sections = format.assemble(functions)
  const symbols = new Map(functions.map(({ symbol, offset }) => [symbol, TEXT + BigInt(offset)]))
  const image = loadImage(BASE, [{ name: '.text', address: TEXT, bytes: text }], sections, symbols)
  const bytes = sections.reduce((sum, section) => sum + section.bytes.length, 0)
  return { functions, image, bytes }
}

function measure({ system, format, general, name = format.name }, lot) {
  const records = lots[system][lot]
  const encoded = []
  const reasons = {}
  let leaves = 0
  for (const { record, code, boundaries } of records) {
    try {
      const unwind = format.encode(record, { code })
      if (unwind === null) leaves++
      encoded.push({ record, code, boundaries, unwind })
    } catch (error) {
      if (error.problem === undefined) throw error
      reasons[error.problem.code] = (reasons[error.problem.code] ?? 0) + 1
    }
  }
  const fitting = encoded.map(({ record }) => record)
  const count = fitting.length
  const encodeNs = perFunction(count, () => {
    let sum = 0
    for (const record of fitting) sum += format.encode(record)?.bytes.length ?? 0
    return sum
  })
  // With the code, as a code generator calls it: the formats for Windows then look at the epilogues' bytes.
  const checkedNs = perFunction(count, () => {
    let sum = 0
    for (const { record, code } of encoded) sum += format.encode(record, { code })?.bytes.length ?? 0
    return sum
  })
  const rowsNs = perFunction(count, () => {
    let sum = 0
    for (const record of fitting) sum += unwindRows(record).length
    return sum
  })
  const generalNs =
    general === undefined
      ? null
      : perFunction(count, () => {
          let sum = 0
          for (const record of fitting) sum += general(record)
          return sum
        })
  const { functions, image, bytes } = place(format, encoded)
  const entries = encoded.filter(({ unwind }) => unwind !== null).length
  const decodeNs = perFunction(entries, () => {
    let sum = 0
    for (const one of format.decode(image)) sum += one.rows().length
    return sum
  })
  const walks = encoded.flatMap(({ record, boundaries, unwind }, index) => {
    if (unwind === null) return []
    const codeAddress = TEXT + BigInt(functions[index].offset)
    const points = simulate(record, boundaries, { codeAddress, architecture: x64 })
    return points.filter(({ offset, inEpilogue }) => offset >= record.prologueEnd && !inEpilogue).slice(0, 1)
  })
  // One image for each function: this is what a walk costs when the entry has been found, and not how one finds it.
  const walkImages = new Map()
  const alone = walks.map((point) => {
    const pc = point.state.registers[x64.programCounter]
    const index = functions.findIndex(({ offset, codeSize }) => {
      const begin = TEXT + BigInt(offset)
      return pc >= begin && pc < begin + BigInt(codeSize)
    })
    let own = walkImages.get(index)
    if (own === undefined) {
      const symbols = new Map([[functions[index].symbol, TEXT + BigInt(functions[index].offset)]])
      const text = image.sections.find(({ name: section }) => section === '.text')
      own = loadImage(BASE, [text], format.assemble([functions[index]]), symbols)
      walkImages.set(index, own)
    }
    return { point, image: own }
  })
  const walkNs =
    alone.length === 0
      ? null
      : perFunction(alone.length, () => {
          let sum = 0
          for (const { point, image: own } of alone) {
            sum += format.unwind(point.state, own, point.memory).registers.length
          }
          return sum
        })
  const refused = records.length - count
  const checksum = checksumOf(encoded)
  const sizes = {
    checksum,
    functions: count,
    entries,
    leaves,
    refused,
    reasons,
    bytes,
    bytesPerFunction: bytes / count,
  }
  return { name, lot, ...sizes, encodeNs, checkedNs, rowsNs, generalNs, decodeNs, walkNs }
}

/** A call-frame operation as a directive; null for those that assemblers only take as bytes. */
function cfi(operation) {
  switch (operation.op) {
    case 'def_cfa':
      return `.cfi_def_cfa ${operation.register}, ${operation.offset}`
    case 'def_cfa_register':
      return `.cfi_def_cfa_register ${operation.register}`
    case 'def_cfa_offset':
      return `.cfi_def_cfa_offset ${operation.offset}`
    case 'offset':
      return `.cfi_offset ${operation.register}, ${operation.offset}`
    case 'restore':
    case 'same_value':
    case 'undefined':
      return `.cfi_${operation.op} ${operation.register}`
    case 'remember_state':
    case 'restore_state':
      return `.cfi_${operation.op}`
    default:
      return null
  }
}

/** The functions as `[offset, directive]`, without those that need bytes; what stands around them. */
function dwarfDirectives(records) {
  const lists = []
  for (const { record } of records) {
    const program = dwarf.dwarf.encode(record).bytes
    const description = { symbol: 'f', section: '.text', offset: 0, size: record.codeSize, program }
    const table = dwarf.decodeFrames(dwarf.assembleEhFrame([description]).bytes)
    const entry = table.entries.find(({ kind }) => kind === 'fde')
    const list = []
    for (const { at, operation } of dwarf.instructionsOf(table, entry)) if (operation) list.push([at, cfi(operation)])
    if (list.every(([, text]) => text !== null)) lists.push({ size: record.codeSize, list })
  }
  return lists
}

function seh({ operation, info, operand }, header) {
  const bytes = win64.operandBytes({ operation, info, operand })
  const name = win64.operationNames[operation]
  const register = x64.registerNames[info]
  if (name === 'PUSH_NONVOL') return `.seh_pushreg %${register}`
  if (name.startsWith('ALLOC')) return `.seh_stackalloc ${bytes}`
  if (name === 'SET_FPREG') return `.seh_setframe %${x64.registerNames[header.frameRegister]}, ${header.frameOffset}`
  if (name.startsWith('SAVE_NONVOL')) return `.seh_savereg %${register}, ${bytes}`
  if (name.startsWith('SAVE_XMM')) return `.seh_savexmm %xmm${info}, ${bytes}`
  return null
}

function windowsDirectives(records) {
  const lists = []
  for (const { record } of records) {
    const unwind = fitted(record)
    if (unwind === null || unwind.fragments.length > 1) continue
    const info = win64.decodeUnwindInfo(unwind.bytes)
    const list = info.codes.map((code) => [code.codeOffset, seh(code, info)]).reverse()
    if (info.flags !== 0 || list.some(([, text]) => text === null)) continue
    list.push([info.prologueSize, '.seh_endprologue'])
    lists.push({ size: record.codeSize, list })
  }
  return lists
}

function fitted(record) {
  try {
    return win64.encodeFrame(record)
  } catch (error) {
    if (error.problem === undefined) throw error
    return null
  }
}

function assemblyOf(lists, copies, begin, end, withDirectives) {
  const lines = ['.text']
  for (let copy = 0; copy < copies; copy++) {
    for (const [index, { size, list }] of lists.entries()) {
      const symbol = `f${copy}_${index}`
      lines.push(`${symbol}:`)
      if (withDirectives) lines.push(`${begin}`.replace('$', symbol))
      let at = 0
      for (const [offset, text] of list) {
        if (offset > at) lines.push(`.skip ${offset - at}, 0x90`)
        at = offset
        if (withDirectives) lines.push(text)
      }
      if (size > at) lines.push(`.skip ${size - at}, 0x90`)
      if (withDirectives) lines.push(end)
    }
  }
  return `${lines.join('\n')}\n`
}

/** Nanoseconds per function that an assembler needs for the directives; null where it is not installed. */
function assembler(name, command, args, lists, begin, end, folder) {
  if (spawnSync(command, ['--version']).status !== 0) return null
  const copies = Math.ceil((quick ? 4000 : 20_000) / lists.length)
  const path = (withDirectives) => join(folder, `${withDirectives}.s`)
  for (const one of [true, false]) writeFileSync(path(one), assemblyOf(lists, copies, begin, end, one))
  const run = (withDirectives) => {
    const start = performance.now()
    const words = [...args, '-o', join(folder, 'out.o'), path(withDirectives)]
    const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${name}: ${stderr.slice(0, 500)}`)
    return performance.now() - start
  }
  // Turn and turn about, so that a slow minute of the machine meets both.
  const differences = Array.from({ length: quick ? 3 : 9 }, () => run(true) - run(false))
  const functions = copies * lists.length
  return { name, ns: (median(differences) * 1e6) / functions, functions }
}

const folder = mkdtempSync(join(tmpdir(), 'framewright-unwind-'))
try {
  const rows = formats.flatMap((one) => ['examples', 'generated'].map((lot) => measure(one, lot)))
  const linux = dwarfDirectives(lots.linux.examples)
  const windows = windowsDirectives(lots.windows.examples)
  const cfiOf = (name, command, args) => assembler(name, command, args, linux, '.cfi_startproc', '.cfi_endproc', folder)
  const llvm = ['-filetype=obj', '-triple']
  const assemblers = [
    cfiOf('llvm-mc, .cfi', 'llvm-mc', [...llvm, 'x86_64-linux-gnu']),
    cfiOf('GNU as, .cfi', 'as', []),
    assembler(
      'llvm-mc, .seh',
      'llvm-mc',
      [...llvm, 'x86_64-w64-windows-gnu'],
      windows,
      '.seh_proc $',
      '.seh_endproc',
      folder,
    ),
  ].filter((one) => one !== null)
  console.log(JSON.stringify({ rows, assemblers }))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
