// Reference files that are kept beside the repository, not in it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { missing } from './require.ts'

/** The root of the repository; `src` and `dist` are equally deep. */
export const repositoryRoot: string = join(import.meta.dirname, '../../..')

/**
 * A path below the shared folder: `../shared`, or what FRAMEWRIGHT_SHARED names.
 *
 * @returns the path, or null when it is absent: the caller skips its test, and the reason has been printed.
 * @throws Error when it is absent and FRAMEWRIGHT_REQUIRE_ORACLES is 1.
 */
export function sharedPath(path: string): string | null {
  const folder = process.env.FRAMEWRIGHT_SHARED ?? join(repositoryRoot, '../shared')
  const whole = join(folder, path)
  return existsSync(whole) ? whole : missing(`${path} is not in ../shared (FRAMEWRIGHT_SHARED names another place)`)
}
