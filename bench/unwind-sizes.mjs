// Bytes of unwind data: what gcc, clang and mingw wrote for a function, and what our encoders write for the same prologues
// and epilogues. Nothing here is timed: the test in test/unwind-sizes.test.ts asserts what the benchmark prints.
//
// Their object is read; of each function the meaning is kept (rows of call-frame information, the record of an
// UNWIND_INFO) and encoded by us, as if our own code generator had made the function. The result is read back and must mean
// the same, row by row. So like is compared with like: gcc leaves out where an epilogue restores registers (the caller's
// value is still in its slot), our own frames say it, and both are larger for what they say more, not for how.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How the four compilers are called. The names of the Windows ones say whose headers and options they have. */
export const compilers = [
  { name: 'gcc', command: 'gcc', format: 'dwarf', arguments: [] },
  { name: 'clang', command: 'clang', format: 'dwarf', arguments: [] },
  { name: 'mingw gcc', command: 'x86_64-w64-mingw32-gcc', format: 'win64', arguments: [] },
  { name: 'clang, Windows', command: 'clang', format: 'win64', arguments: ['--target=x86_64-w64-windows-gnu'] },
]

/** Levels that differ in what they make of a prologue. */
export const levels = [['-O0'], ['-O2'], ['-Os'], ['-O2', '-fno-omit-frame-pointer']]

/** What a compiler makes of a source: the bytes of an object. */
export function compileC(compiler, level, source, folder, includes) {
  const object = join(folder, 'compared.o')
  const options = includes.flatMap((path) => ['-I', path])
  const args = [...compiler.arguments, ...level, '-std=gnu11', '-w', ...options, '-c', source, '-o', object]
  const { status, stderr, error } = spawnSync(compiler.command, args, { encoding: 'utf8' })
  if (error !== undefined || status !== 0) throw new Error(`${compiler.name} ${source}: ${error?.message ?? stderr}`)
  return new Uint8Array(readFileSync(object))
}

/**
 * Compares the unwind data of one object.
 *
 * @param packages - `object`, `dwarf` and `win64`: the modules, from the sources or as built. Of unwind-win64 also
 *   `recordOf`, which is not among its promises.
 * @returns for every function its name, their bytes and ours, and whether ours mean the same; of the whole sections, with
 *   what functions share, their bytes and ours.
 */
export function compareObject(packages, format, bytes) {
  const file = packages.object.readObject(bytes)
  return format === 'dwarf' ? compareEhFrame(packages, file) : compareTables(packages, file)
}

/** Bytes of a record's program without the padding behind it. */
function programBytes(dwarf, table, fde) {
  let end = fde.programStart
  for (const { place, length, operation } of dwarf.instructionsOf(table, fde)) if (operation) end = place + length
  return end - fde.programStart
}

function compareEhFrame({ dwarf }, file) {
  const section = file.sections.find(({ name }) => name === '.eh_frame')
  if (section === undefined) return { functions: [], theirs: 0, ours: 0 }
  const theirs = dwarf.decodeFrames(section.bytes)
  const entries = theirs.entries.filter(({ kind }) => kind === 'fde')
  const descriptions = entries.map((entry, index) => ({
    symbol: `function${index}`,
    section: '.text',
    offset: 0,
    size: entry.size,
    program: dwarf.encodeRows(dwarf.callFrameRows(theirs, entry)),
    ...(entry.cie.signalFrame ? { signalFrame: true } : {}),
  }))
  const written = dwarf.assembleEhFrame(descriptions, { order: 'source' })
  const ours = dwarf.decodeFrames(written.bytes)
  const again = ours.entries.filter(({ kind }) => kind === 'fde')
  const functions = entries.map((entry, index) => {
    const before = dwarf.callFrameRows(theirs, entry)
    const after = dwarf.callFrameRows(ours, again[index])
    const same =
      before.length === after.length &&
      before.every((row, i) => row.at === after[i].at && dwarf.printCfa(row.cfa) === dwarf.printCfa(after[i].cfa)) &&
      dwarf.printRows(before).join('\n') === dwarf.printRows(after).join('\n')
    return {
      name: `at ${entry.beginPlace} of .eh_frame`,
      same,
      theirs: entry.length,
      ours: again[index].length,
      theirProgram: programBytes(dwarf, theirs, entry),
      ourProgram: programBytes(dwarf, ours, again[index]),
    }
  })
  return { functions, theirs: section.bytes.length, ours: written.bytes.length }
}

/** Where a field that a relocation fills points: the section and the offset in it. */
function target(file, section, offset) {
  const relocation = section.relocations.find((one) => one.offset === offset)
  const symbol = file.symbols[relocation.symbol]
  return { section: file.sections[symbol.section], offset: symbol.value + relocation.addend }
}

/** What a record of the tables does, in the order of the prologue: the shape of its codes does not count. */
function meaning({ operandBytes, operationNames }, info) {
  const frame = info.frameRegister === 0 ? '' : ` ${info.frameRegister}+${info.frameOffset}`
  return info.codes
    .map((code) => {
      const name = operationNames[code.operation].replace(/_(?:FAR|SMALL|LARGE)$/, '')
      const operand = name === 'ALLOC' || name.startsWith('SAVE') ? operandBytes(code) : 0
      const register = name === 'ALLOC' || name === 'SET_FPREG' ? '' : code.info
      return `${code.codeOffset} ${name} ${register} ${operand}${name === 'SET_FPREG' ? frame : ''}`
    })
    .join('\n')
}

function compareTables({ win64, recordOf }, file) {
  const tables = file.sections.filter(({ name }) => name === '.pdata' || name.startsWith('.pdata$'))
  const functions = []
  const unwound = []
  let size = 0
  for (const table of tables) {
    for (let at = 0; at < table.bytes.length; at += 12) {
      const begin = target(file, table, at)
      const end = target(file, table, at + 4)
      const place = target(file, table, at + 8)
      const info = win64.decodeUnwindInfo(place.section.bytes, place.offset)
      if (info.flags !== 0)
        throw new Error(`${begin.section.name}+${begin.offset} has a handler, or a record that it chains to`)
      const codeSize = end.offset - begin.offset
      const record = recordOf([{ info, done: false }], codeSize)
      // Functions without a frame need no entry, and get none from us; gcc writes one, with a record of 4 bytes.
      const unwind = win64.encodeFrame(record)
      const name = `${begin.section.name}+${begin.offset}`
      const theirs = info.codes.length === 0 ? 4 : win64.encodeUnwindInfo(info).length
      if (unwind === null) {
        functions.push({ name, same: info.codes.length === 0, theirs, ours: 0 })
        continue
      }
      const plain = unwind.fragments.length === 1
      const same = plain && meaning(win64, info) === meaning(win64, win64.decodeUnwindInfo(unwind.bytes))
      functions.push({ name, same, theirs, ours: unwind.bytes.length })
      // One behind the other, wherever the object has them.
      unwound.push({ symbol: name, section: '.text', offset: size, codeSize: record.codeSize, unwind })
      size += record.codeSize
    }
  }
  const bytesOf = (sections) => sections.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const unwindSections = file.sections.filter(({ name }) => /^\.[px]data/.test(name))
  return { functions, theirs: bytesOf(unwindSections), ours: bytesOf(win64.assembleTables(unwound)) }
}
