/**
 * Which of six registers are saved, and in which order, in ten bits. The registers are numbered 1 to 6, lowest address
 * first; each becomes its place among those that are not yet taken, and the places are the digits of a number in mixed
 * radix, the first one the most significant (<mach-o/compact_unwind_encoding.h>).
 */

/** Weights of the digits, by number of registers. With six, the last place is the only one left. */
const weights: readonly (readonly number[])[] = [
  [],
  [1],
  [5, 1],
  [20, 4, 1],
  [60, 12, 3, 1],
  [120, 24, 6, 2, 1],
  [120, 24, 6, 2, 1, 0],
]

/** The number that stands for registers 1 to 6 in that order: at most six, all different. */
export function permute(numbers: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < numbers.length; i++) {
    let place = numbers[i]! - 1
    for (let j = 0; j < i; j++) if (numbers[j]! < numbers[i]!) place--
    sum += place * weights[numbers.length]![i]!
  }
  return sum
}

/** The registers that a number stands for; null when it stands for none. */
export function unpermute(permutation: number, count: number): number[] | null {
  const radices = weights[count]
  if (radices === undefined) return null
  const free = [1, 2, 3, 4, 5, 6]
  const numbers: number[] = []
  let rest = permutation
  for (const weight of radices) {
    const place = weight === 0 ? 0 : Math.floor(rest / weight)
    if (place >= free.length) return null
    rest -= place * weight
    numbers.push(...free.splice(place, 1))
  }
  return rest === 0 ? numbers : null
}
