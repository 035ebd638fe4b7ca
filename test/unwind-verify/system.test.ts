// The libraries that this system runs on, and Wine's and mingw's: compilers' work in the main, and by hand in part. What is
// found is explained in findings.txt, and nearly everything is decided.

import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { elfFiles, peFiles, present, read } from '../support/real-files.ts'
import { explain } from './explain.ts'

/**
 * How many instructions in ten thousand may be undecided. libc's memory functions jump to addresses that they compute, ntdll's
 * system calls give the kernel no home area, and in bash a path seems to come to a jump table whose address it does not have.
 */
const undecidedLimits: ReadonlyMap<string, number> = new Map([
  ['libc.so.6', 50],
  ['ntdll.dll', 50],
  ['libm.so.6', 0],
  ['bash', 15],
])
const USUAL_LIMIT = 5

/** The other DLLs have the same kinds of findings, and take half a minute: FRAMEWRIGHT_ALL_FILES=1 takes them as well. */
const usual = new Set([
  ...['ntdll.dll', 'kernelbase.dll', 'ucrtbase.dll', 'rpcrt4.dll'],
  ...['libgcc_s_seh-1.dll', 'libstdc++-6.dll', 'libquadmath-0.dll', 'libwinpthread-1.dll'],
])
const chosen = peFiles.filter(({ path }) => process.env['FRAMEWRIGHT_ALL_FILES'] === '1' || usual.has(basename(path)))

test.each(present([...elfFiles, ...chosen]))('%s', (path) => {
  const name = basename(path)
  const { instructions, right, undecided, assumed, unexplained } = explain(name, read(path))
  expect(unexplained).toEqual([])
  expect(instructions).toBeGreaterThan(5_000)
  expect(undecided / instructions).toBeLessThanOrEqual((undecidedLimits.get(name) ?? USUAL_LIMIT) / 10_000)
  expect(right / instructions).toBeGreaterThan(0.98)
  // libgcc and the loader have assembly that is entered by its address alone.
  expect(assumed / instructions).toBeLessThan(0.02)
})
