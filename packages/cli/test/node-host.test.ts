import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { expect, test } from 'vitest'
import { FileError } from '../src/host.ts'
import { nodeHost } from '../src/node-host.ts'
import { scratch } from './tools.ts'

const file = scratch()
const host = nodeHost()
const bytes = Uint8Array.of(1, 2, 3)

function folder(name: string): string {
  const path = file(name)
  mkdirSync(path)
  return path
}

function codeOf(action: () => void): string {
  try {
    action()
  } catch (error) {
    if (error instanceof FileError) return error.code
    throw error
  }
  return ''
}

test('files are written whole, and nothing else is left', () => {
  const where = folder('whole')
  writeFileSync(`${where}/b`, 'old')
  host.writeFiles([
    { path: `${where}/a`, bytes },
    { path: `${where}/b`, bytes },
  ])
  expect(readdirSync(where)).toEqual(['a', 'b'])
  for (const name of ['a', 'b']) expect([...readFileSync(`${where}/${name}`)]).toEqual([1, 2, 3])
})

test('when one cannot be written, none is', () => {
  const where = folder('none')
  writeFileSync(`${where}/a`, 'old')
  mkdirSync(`${where}/b`)
  const outputs = [
    { path: `${where}/a`, bytes },
    { path: `${where}/b`, bytes },
  ]
  expect(codeOf(() => host.writeFiles(outputs))).toBe('EISDIR')
  expect(codeOf(() => host.writeFiles([outputs[0], { path: `${where}/nowhere/c`, bytes }]))).toBe('ENOENT')
  expect(readdirSync(where)).toEqual(['a', 'b'])
  expect(readFileSync(`${where}/a`, 'utf8')).toBe('old')
})

test('a program may be run, another file may not', () => {
  const where = folder('modes')
  host.writeFiles([
    { path: `${where}/program`, bytes: new TextEncoder().encode('#!/bin/sh\necho ran\nexit 3\n'), executable: true },
    { path: `${where}/data`, bytes },
  ])
  if (process.platform === 'win32') return
  expect(statSync(`${where}/program`).mode & 0o100).toBe(0o100)
  expect(statSync(`${where}/data`).mode & 0o111).toBe(0)
  const { status, stdout } = host.runProgram(`${where}/program`)
  expect({ status, stdout: new TextDecoder().decode(stdout) }).toEqual({ status: 3, stdout: 'ran\n' })
  expect(host.runProgram(`${where}/data`)).toMatchObject({ status: null, reason: expect.stringContaining('EACCES') })
})

test.skipIf(process.platform === 'win32')('a link stays a link, a device a device', () => {
  const where = folder('links')
  writeFileSync(`${where}/target`, 'old')
  symlinkSync(`${where}/target`, `${where}/link`)
  host.writeFiles([
    { path: `${where}/link`, bytes },
    { path: '/dev/null', bytes },
  ])
  expect([...readFileSync(`${where}/target`)]).toEqual([1, 2, 3])
  expect(readdirSync(where)).toEqual(['link', 'target'])
  expect(statSync('/dev/null').isFile()).toBe(false)
  expect(host.samePath(`${where}/link`, `${where}/./target`)).toBe(true)
  expect(host.samePath(`${where}/link`, `${where}/other`)).toBe(false)
})

test('what cannot be read says why', () => {
  const where = folder('reading')
  expect(codeOf(() => host.readFile(`${where}/nothing`))).toBe('ENOENT')
  expect(codeOf(() => host.readFile(where))).toBe('EISDIR')
  expect(() => host.readFile(`${where}/nothing`)).toThrow(`${where}/nothing: no such file or folder`)
  if (process.getuid?.() === 0 || process.platform === 'win32') return
  writeFileSync(`${where}/secret`, 'x')
  chmodSync(`${where}/secret`, 0)
  expect(codeOf(() => host.readFile(`${where}/secret`))).toBe('EACCES')
})

test('a module of the user is loaded from where the user says', async () => {
  const path = file('format.mjs', 'export default { name: "x" }\n')
  expect((await host.importModule(path)).default).toEqual({ name: 'x' })
  expect(existsSync(path)).toBe(true)
  await expect(host.importModule(file('nothing.mjs'))).rejects.toThrow()
})
