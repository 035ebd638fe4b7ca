// The tables of larger programs, as g++ and clang++ write them: read and written again, byte for byte.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireTool } from '@framewright/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeFrames, type FrameDescriptionEntry } from '../src/decode.ts'
import { decodeLsda } from '../src/decode-lsda.ts'
import { landingPadAt } from '../src/landing-pad.ts'
import { encodeLsda, type Lsda } from '../src/lsda.ts'
import { readElf } from './elf.ts'
import { toHex } from './vectors.ts'

const compilers = { 'g++': requireTool('g++'), 'clang++': requireTool('clang') }

/** Functions with nested tries, specifications, cleanups, noexcept, in many shapes. */
function program(functions: number): string {
  const lines = [
    'void work(int); int value(int);',
    'struct Guard { int n; Guard(int); ~Guard(); };',
    ...Array.from({ length: 150 }, (_, i) => `struct E${i} { int n; virtual ~E${i}(); };`),
    'struct Derived : E1, E2 { ~Derived(); };',
  ]
  let seed = 1
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return (seed >>> 8) % limit
  }
  const block = (depth: number): string => {
    switch (depth > 3 ? below(2) : below(6)) {
      case 0:
        return `work(${below(9)});`
      case 1:
        return `{ Guard g(${below(9)}); work(g.n); ${depth > 3 ? '' : block(depth + 1)} }`
      case 2:
      case 3: {
        const catches = Array.from(
          { length: 1 + below(3) },
          () => `catch (${below(2) ? 'const ' : ''}E${below(150)} &e) { work(e.n); ${block(depth + 1)} }`,
        )
        return `try { ${block(depth + 1)} ${block(depth + 1)} } ${catches.join(' ')}`
      }
      case 4:
        return `try { ${block(depth + 1)} } catch (Derived *) { throw; } catch (...) { ${block(depth + 1)} }`
      default:
        return `if (value(${below(9)})) { ${block(depth + 1)} } else { ${block(depth + 1)} }`
    }
  }
  for (let i = 0; i < functions; i++) {
    const suffix = [
      '',
      '',
      ' noexcept',
      ` throw(E${below(150)}, E${below(150)})`,
      ' throw()',
      ` throw(E${below(150)})`,
    ][i % 6]
    lines.push(`void f${i}()${suffix} { Guard outer(${i}); ${block(0)} ${block(0)} }`)
  }
  return `${lines.join('\n')}\n`
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'unwind-dwarf-lsda-'))
  writeFileSync(join(folder, 'in.cc'), program(36))
})
afterAll(() => rmSync(folder, { recursive: true }))

test.each([
  ['g++', ['-O2', '-fPIC']],
  ['g++', ['-O0', '-fno-pic', '-fno-pie']],
  ['clang++', ['-O2', '-fPIC']],
  ['clang++', ['-O0', '-fno-pic', '-fno-pie']],
] as const)('%s %j', (name, options) => {
  const compiler = compilers[name]
  if (compiler === null) return
  const object = join(folder, 'in.o')
  const args = ['-std=c++14', '-w', ...options, '-c', join(folder, 'in.cc'), '-o', object]
  const tool = name === 'clang++' ? `${compiler}++` : compiler
  const { stderr, status } = spawnSync(tool, args, { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  const { sections, relocations } = readElf(object)
  const bytesOf = (name: string): Uint8Array => sections.find((one) => one.name === name)!.bytes
  const tables = bytesOf('.gcc_except_table')
  const byPlace = new Map(relocations.get('.gcc_except_table')!.map((one) => [one[0], one]))
  const starts = relocations
    .get('.eh_frame')!
    .flatMap(([, , symbol, addend]) => (symbol === '.gcc_except_table' ? [addend] : []))
  expect(starts.length).toBeGreaterThan(25)
  const seen = { catches: 0, cleanups: 0, specifications: 0, nested: 0, covered: tables.length }
  for (const start of starts) {
    const read = decodeLsda(tables, start)
    seen.covered -= read.length
    const types = read.types.map(({ place }) => {
      const found = byPlace.get(place)
      return found === undefined ? null : { symbol: found[2], addend: found[3] }
    })
    const pointer = read.landingPadStart === null ? undefined : byPlace.get(read.landingPadStart.place)
    const landingPadStart = pointer && {
      encoding: read.landingPadStart!.encoding,
      symbol: pointer[2],
      addend: pointer[3],
    }
    const again: Lsda = {
      ...read,
      types,
      ...(landingPadStart ? { landingPadStart } : { landingPadStart: undefined as never }),
    }
    const { bytes, relocations: written } = encodeLsda(again)
    expect(toHex(bytes), `at ${start}`).toBe(toHex(tables.subarray(start, start + read.length)))
    expect(written.map(({ offset, symbol, addend }) => [start + offset, symbol, addend])).toEqual(
      [...byPlace.values()]
        .filter(([place]) => place >= start && place < start + read.length)
        .map(([place, , symbol, addend]) => [place, symbol, addend]),
    )
    for (const site of read.callSites) {
      const found = landingPadAt(read, site.start)
      if (site.landingPad === 0) expect(found).toEqual({ kind: 'pass' })
      else if (found.kind === 'land') {
        if (found.filters.some((filter) => filter > 0)) seen.catches++
        if (found.filters.length === 0 || found.filters.at(-1) === 0) seen.cleanups++
        if (found.filters.some((filter) => filter < 0)) seen.specifications++
        if (found.filters.length > 2) seen.nested++
      }
    }
  }
  // Nothing but padding lies between the tables.
  expect(seen.covered).toBeLessThan(starts.length * 4)
  for (const count of [seen.catches, seen.cleanups, seen.specifications, seen.nested]) expect(count).toBeGreaterThan(10)
  // The sections of the same object lead there: every FDE with language data names one of the tables.
  const frames = decodeFrames(bytesOf('.eh_frame'))
  const fdes = frames.entries.filter((entry): entry is FrameDescriptionEntry => entry.kind === 'fde')
  expect(fdes.filter(({ cie }) => cie.languageDataEncoding !== null).length).toBeGreaterThanOrEqual(starts.length)
})
