// What a test does about something that this machine lacks: say so and be skipped, or, where the oracles are required
// (FRAMEWRIGHT_REQUIRE_ORACLES=1, as in continuous integration), fail.

const said = new Set<string>()

/** @throws Error where the oracles are required. */
export function missing(what: string): null {
  if (process.env.FRAMEWRIGHT_REQUIRE_ORACLES === '1') throw new Error(`${what}; FRAMEWRIGHT_REQUIRE_ORACLES=1`)
  if (!said.has(what)) process.stderr.write(`skipped: ${what}\n`)
  said.add(what)
  return null
}
