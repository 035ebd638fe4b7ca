// Which optional instructions the machine has that the tests run on.

import { existsSync, readFileSync } from 'node:fs'

// Setting, and the flag that Linux reports for it.
const flags: readonly (readonly [setting: string, flag: string])[] = [
  ['has_sse41', 'sse4_1'],
  ['has_popcnt', 'popcnt'],
  ['has_lzcnt', 'abm'],
  ['has_bmi1', 'bmi1'],
  ['has_bmi2', 'bmi2'],
  ['has_fma', 'fma'],
]

/** The settings for all of them; none where the system does not say. */
export function availableFeatures(): string[] {
  if (!existsSync('/proc/cpuinfo')) return []
  const present = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' '))
  return flags.filter(([, flag]) => present.has(flag)).map(([setting]) => setting)
}
