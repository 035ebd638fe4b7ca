import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileModule } from '../src/compile-module.ts'
import { stepProgram } from '../src/demo/step-program.ts'
import { readTrace, walkTrace } from '../src/demo/trace.ts'
import { builtInFormats } from '../src/formats.ts'
import { moduleObject } from '../src/module-object.ts'
import { targets } from '../src/target.ts'

test.runIf(process.platform === 'linux' && process.arch === 'x64').each(targets)('$triple', (target) => {
  const format = builtInFormats.find(({ name }) => name === target.unwindFormat)!
  const file = join(import.meta.dirname, '../../../examples/fib.clif')
  const compiled = compileModule({ file, text: readFileSync(file, 'utf8'), target, optLevel: 2, settings: [], format })
  const object = moduleObject(compiled, target, format)
  const { executable } = stepProgram(object, target.convention, [{ symbol: 'fib', args: [8] }])
  const folder = mkdtempSync(join(tmpdir(), 'fw-step-'))
  const path = join(folder, 'program')
  writeFileSync(path, executable.bytes)
  chmodSync(path, 0o755)
  const started = performance.now()
  const { stdout, status } = spawnSync(path, { maxBuffer: 2 ** 28 })
  console.log(status, stdout.length, performance.now() - started)
  const [call] = readTrace(new Uint8Array(stdout))
  expect(call.integer).toBe(21n)
  const base = 0x400000
  const image = {
    base: BigInt(base),
    sections: object.sections.map((section, index) => {
      const address = executable.sectionAddresses[1][index]
      return {
        name: section.name,
        address: BigInt(address),
        bytes: executable.bytes.subarray(address - base, address - base + section.bytes.length),
      }
    }),
  }
  const ranges = compiled.map((fn) => {
    const begin = BigInt(executable.symbols.get(fn.name)!)
    return { begin, end: begin + BigInt(fn.codeSize), convention: target.convention }
  })
  const t = performance.now()
  const walked = walkTrace(call.steps, ranges, format, image)
  console.log(walked, performance.now() - t)
  rmSync(folder, { recursive: true })
})
