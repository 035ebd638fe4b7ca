/** The architectures whose descriptions ship with the package. */

import type { FrameArchitecture } from './architecture.ts'
import { aarch64 } from './registers-aarch64.ts'
import { x64 } from './registers-x64.ts'

const known: ReadonlyMap<string, FrameArchitecture> = new Map([x64, aarch64].map((one) => [one.name, one]))

/** The description that ships with the package, by name; undefined when there is none. */
export function knownArchitecture(name: string): FrameArchitecture | undefined {
  return known.get(name)
}
