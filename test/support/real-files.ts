// Files that this system runs on, which nobody here made.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file, by its whole path, and the Debian package that brings it. */
interface RealFile {
  readonly path: string
  readonly debianPackage: string
}

const libraries = '/usr/lib/x86_64-linux-gnu'

export const elfFiles: readonly RealFile[] = [
  { path: `${libraries}/libc.so.6`, debianPackage: 'libc6' },
  { path: `${libraries}/ld-linux-x86-64.so.2`, debianPackage: 'libc6' },
  { path: `${libraries}/libm.so.6`, debianPackage: 'libc6' },
  { path: `${libraries}/libstdc++.so.6`, debianPackage: 'libstdc++6' },
  { path: `${libraries}/libgcc_s.so.1`, debianPackage: 'libgcc-s1' },
  { path: '/bin/bash', debianPackage: 'bash' },
]

const wine = `${libraries}/wine/x86_64-windows`
const mingw = '/usr/x86_64-w64-mingw32/lib'
const mingwGcc =
  ['win32', 'posix']
    .flatMap((threads) => versionsOf('/usr/lib/gcc/x86_64-w64-mingw32').filter((name) => name.endsWith(`-${threads}`)))
    .map((name) => `/usr/lib/gcc/x86_64-w64-mingw32/${name}`)[0] ?? '/usr/lib/gcc/x86_64-w64-mingw32/0-win32'

export const peFiles: readonly RealFile[] = [
  ...['ntdll', 'kernel32', 'kernelbase', 'msvcrt', 'ucrtbase', 'user32', 'gdi32', 'ole32', 'combase', 'rpcrt4'].map(
    (name) => ({ path: `${wine}/${name}.dll`, debianPackage: 'libwine' }),
  ),
  ...['libgcc_s_seh-1', 'libstdc++-6', 'libgfortran-5', 'libgomp-1', 'libquadmath-0'].map((name) => ({
    path: `${mingwGcc}/${name}.dll`,
    debianPackage: 'gcc-mingw-w64-x86-64-win32-runtime',
  })),
  { path: `${mingw}/libwinpthread-1.dll`, debianPackage: 'mingw-w64-x86-64-dev' },
]

function versionsOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}

/** All DLLs that Wine brings. */
export function wineLibraries(): string[] {
  return versionsOf(wine)
    .filter((name) => name.endsWith('.dll'))
    .map((name) => join(wine, name))
}

export const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path))

/**
 * The files that are there. Of each that is not, says which package brings it.
 *
 * @throws Error where the oracles are required.
 */
export function present(files: readonly RealFile[]): string[] {
  return files.flatMap(({ path, debianPackage }) => {
    if (existsSync(path)) return [path]
    const what = `${path} is not there (Debian package ${debianPackage})`
    if (process.env['FRAMEWRIGHT_REQUIRE_ORACLES'] === '1') {
      throw new Error(`${what}; FRAMEWRIGHT_REQUIRE_ORACLES=1`)
    }
    process.stderr.write(`skipped: ${what}\n`)
    return []
  })
}
