/** Labels that stand behind the events that resume at them. */

import type { FrameEvent } from './record.ts'

/**
 * In which order runs of events lead to the state at a label further on. A run begins with a `resume` and ends in front of
 * the next, so nothing falls into it, and it can be run as soon as the label that it resumes at is known.
 *
 * @param from - index of the event that wants the label.
 * @param known - labels whose states are known.
 * @returns indices of the `resume` events that begin the runs, the one that passes the label last; null when none does.
 */
export function runsTowards(
  wanted: number,
  events: readonly FrameEvent[],
  from: number,
  known: ReadonlySet<number>,
): number[] | null {
  /** For each label further on: the run that passes it. */
  const passedBy = new Map<number, number>()
  let run = -1
  for (let i = from + 1; i < events.length; i++) {
    const event = events[i]!
    if (event.kind === 'resume') run = i
    // In front of the first run the state is the one that is being asked for.
    else if (event.kind === 'label' && run >= 0) passedBy.set(event.id, run)
  }
  const runs: number[] = []
  for (let label = wanted; !known.has(label); ) {
    const start = passedBy.get(label)
    const first = start === undefined ? undefined : events[start]
    if (start === undefined || first?.kind !== 'resume' || runs.includes(start)) return null
    runs.unshift(start)
    label = first.id
  }
  return runs
}
