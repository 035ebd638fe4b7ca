// Tools that judge what we emit, found where Debian puts them.

import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { missing } from './require.ts'

/** Tool, C header or library to Debian package. */
const debianPackage: Readonly<Record<string, string>> = {
  wine64: 'wine64',
  'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64',
  'x86_64-w64-mingw32-g++': 'g++-mingw-w64-x86-64',
  'x86_64-w64-mingw32-ld': 'binutils-mingw-w64-x86-64',
  'x86_64-w64-mingw32-objdump': 'binutils-mingw-w64-x86-64',
  'ld.lld': 'lld',
  'ld64.lld': 'lld',
  'lld-link': 'lld',
  'llvm-mc': 'llvm',
  'llvm-readobj': 'llvm',
  'llvm-readelf': 'llvm',
  'llvm-objdump': 'llvm',
  'llvm-objcopy': 'llvm',
  'llvm-dwarfdump': 'llvm',
  'llvm-nm': 'llvm',
  llc: 'llvm',
  clang: 'clang',
  gdb: 'gdb',
  gcc: 'gcc',
  'g++': 'g++',
  as: 'binutils',
  ld: 'binutils',
  readelf: 'binutils',
  objdump: 'binutils',
  'aarch64-linux-gnu-as': 'binutils-aarch64-linux-gnu',
  'aarch64-linux-gnu-objdump': 'binutils-aarch64-linux-gnu',
  'libunwind.h': 'libunwind-dev',
  // LLVM's; nongnu libunwind's is libunwind.so.8.
  'libunwind.so.1': 'libunwind-14',
}

/** Folders that Debian does not put on PATH. The newest LLVM comes first. */
function otherFolders(): string[] {
  const llvm = (entries('/usr/lib') ?? [])
    .filter((name) => /^llvm-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(5)) - Number(a.slice(5)))
  return ['/usr/lib/wine', ...llvm.map((name) => `/usr/lib/${name}/bin`)]
}

function entries(folder: string): string[] | undefined {
  try {
    return readdirSync(folder)
  } catch {
    return undefined
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const found = new Map<string, string | null>()

/**
 * Finds a tool on PATH or where Debian keeps it; `requireTool('libunwind.h')` finds a header, `'libunwind.so.1'` a library.
 *
 * @returns its path, or null when it is absent: the caller skips its test, and the reason has been printed.
 * @throws Error when it is absent and FRAMEWRIGHT_REQUIRE_ORACLES is 1.
 */
export function requireTool(name: string): string | null {
  let path = found.get(name)
  if (path === undefined) {
    path = find(name)
    found.set(name, path)
  }
  return path ?? missing(`${name} is not installed (Debian package ${debianPackage[name] ?? name})`)
}

function find(name: string): string | null {
  if (name.endsWith('.h')) {
    const paths = ['/usr/include', '/usr/include/x86_64-linux-gnu'].map((folder) => join(folder, name))
    return paths.find((path) => existsSync(path)) ?? null
  }
  if (name.includes('.so.')) {
    const path = join('/usr/lib/x86_64-linux-gnu', name)
    return existsSync(path) ? path : null
  }
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...otherFolders()]) {
    const path = join(folder, name)
    if (folder !== '' && isProgram(path)) return path
  }
  return null
}
