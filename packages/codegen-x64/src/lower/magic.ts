// Multipliers that stand for a division by a constant.
//
// Source: T. Granlund, P. L. Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, sections 4 and 5. The
// definitions are evaluated directly in exact integers; a divisor is met once per instruction, so no cleverness is needed.

/** q = (x * multiplier) >> width >> shift, after x >>= preShift; with `add` the multiplier is 2^width larger than it says. */
export interface UnsignedMagic {
  readonly multiplier: bigint
  readonly shift: number
  readonly add: boolean
  readonly preShift: number
}

/** @param divisor - at least 3 and no power of two. */
export function magicUnsigned(divisor: bigint, width: number): UnsignedMagic {
  const first = choose(divisor, width, width)
  if (first.multiplier < 1n << BigInt(width)) return { ...first, add: false, preShift: 0 }
  if ((divisor & 1n) === 0n) {
    let preShift = 0
    let odd = divisor
    while ((odd & 1n) === 0n) {
      odd >>= 1n
      preShift++
    }
    const even = choose(odd, width, width - preShift)
    if (even.multiplier < 1n << BigInt(width)) return { ...even, add: false, preShift }
  }
  return { multiplier: BigInt.asUintN(width, first.multiplier), shift: first.shift, add: true, preShift: 0 }
}

/** q = ((x * multiplier) >> width) (+ x with `add`) >> shift, minus the sign of x; all signed. */
export interface SignedMagic {
  readonly multiplier: bigint
  readonly shift: number
  readonly add: boolean
}

/** @param divisor - positive, at least 3 and no power of two. */
export function magicSigned(divisor: bigint, width: number): SignedMagic {
  const { multiplier, shift } = choose(divisor, width, width - 1)
  const add = multiplier >= 1n << BigInt(width - 1)
  return { multiplier: BigInt.asIntN(width, multiplier), shift, add }
}

/** The smallest multiplier and shift that are exact for dividends of `precision` bits (the paper's CHOOSE_MULTIPLIER). */
function choose(divisor: bigint, width: number, precision: number): { multiplier: bigint; shift: number } {
  let shift = ceilLog2(divisor)
  let low = (1n << BigInt(width + shift)) / divisor
  let high = ((1n << BigInt(width + shift)) + (1n << BigInt(width + shift - precision))) / divisor
  while (low >> 1n < high >> 1n && shift > 0) {
    low >>= 1n
    high >>= 1n
    shift--
  }
  return { multiplier: high, shift }
}

function ceilLog2(value: bigint): number {
  return (value - 1n).toString(2).length
}
