// Maxima of lists of any length: `Math.max(...list)` fails when the list is longer than the stack.

export function largest(values: Iterable<number>, atLeast: number): number {
  let most = atLeast
  for (const value of values) if (value > most) most = value
  return most
}
