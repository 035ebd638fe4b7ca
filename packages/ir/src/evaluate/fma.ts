// Sums and fused multiply-add of f64, rounded once, by floats alone: Boldo and Melquiond, "Emulation of FMA and Correctly
// Rounded Sums: Proved Algorithms Using Rounding to Odd", IEEE Transactions on Computers 57 (2008). Their proof wants
// neither overflow nor underflow: the factors are scaled to [1, 2) first, and a result below the normal numbers is rounded
// to its coarser grid from the exact sum.

const f64 = new Float64Array(1)
const words = new Int32Array(f64.buffer)
// Which half is which depends on the host.
f64[0] = 1
const HIGH = words[1] === 0 ? 0 : 1
const LOW = 1 - HIGH

/** 2^27 + 1, which splits a float into two halves that multiply exactly (Dekker 1971). */
const SPLITTER = 0x800_0001
/** Beyond this many bits between product and addend, the smaller one only breaks ties. */
const FAR = 110

/**
 * a + b with the last bit set where it is not exact, so that rounding it once more to a shorter format gives what one
 * rounding of the exact sum would.
 */
export function addToOdd(a: number, b: number): number {
  const sum = a + b
  if (!Number.isFinite(sum)) return sum
  const error = sumError(a, b, sum)
  if (error === 0) return sum
  f64[0] = sum
  if ((words[LOW] & 1) === 0) {
    // Towards the exact sum: away from zero when the error has the sum's sign.
    if (error > 0 === sum > 0) words[LOW] |= 1
    else {
      if (words[LOW] === 0) words[HIGH]--
      words[LOW]--
    }
  }
  return f64[0]
}

/** What the rounded sum of two floats lacks: a float (Knuth's two-sum). */
function sumError(a: number, b: number, sum: number): number {
  const second = sum - a
  return a - (sum - second) + (b - second)
}

/** a · b + c, rounded once to nearest, ties to even. None is a NaN. */
export function fma64(a: number, b: number, c: number): number {
  // An infinity stays one whatever finite product it is added to, and a product large enough to overflow is finite.
  if (!Number.isFinite(c) && Number.isFinite(a) && Number.isFinite(b)) return c
  if (!Number.isFinite(a) || !Number.isFinite(b) || a === 0 || b === 0) return a * b + c
  const exponent = exponentOf(a) + exponentOf(b)
  const x = significandOf(a)
  const y = significandOf(b)
  const product = x * y
  const rest = productError(x, y, product)
  let addend = 0
  if (c !== 0) {
    const distance = exponentOf(c) - exponent
    if (distance > FAR) return c
    addend = distance < -FAR ? Math.sign(c) * 2 ** (-FAR - 50) : significandOf(c) * 2 ** distance
  }
  const low = addend + rest
  const high = product + low
  const tail = addToOdd(sumError(addend, rest, low), sumError(product, low, high))
  const rounded = high + tail
  if (rounded === 0) return 0
  const place = exponentOf(rounded) + exponent
  if (place >= -1022) return scaled(rounded, exponent)
  // Less than half of the least number.
  if (place < -1075) return Math.sign(rounded) * 0
  return belowNormal(rounded, sumError(high, tail, rounded), exponent)
}

/** What the rounded product of two floats from 1 to 2 lacks. */
function productError(x: number, y: number, product: number): number {
  const xHigh = x * SPLITTER - (x * SPLITTER - x)
  const yHigh = y * SPLITTER - (y * SPLITTER - y)
  const xLow = x - xHigh
  const yLow = y - yHigh
  return xLow * yLow - (product - xHigh * yHigh - xLow * yHigh - xHigh * yLow)
}

/** (high + tail) · 2^exponent, rounded to a multiple of 2^-1074. The tail is at most half of the last bit of `high`. */
function belowNormal(high: number, tail: number, exponent: number): number {
  // The grid in the scale of `high`; it is coarser than the last bit of that.
  const grid = 2 ** (-1074 - exponent)
  let steps = roundToEven(high / grid)
  const rest = high - steps * grid
  const up = grid / 2 - rest
  const down = -grid / 2 - rest
  if (tail > up || (tail === up && steps % 2 !== 0)) steps++
  else if (tail < down || (tail === down && steps % 2 !== 0)) steps--
  return steps === 0 ? Math.sign(high) * 0 : steps * Number.MIN_VALUE
}

/** value · 2^exponent, in two steps: the power alone may be out of range. */
function scaled(value: number, exponent: number): number {
  const half = exponent >> 1
  return value * 2 ** half * 2 ** (exponent - half)
}

/** The e of 2^e <= |value| < 2^(e + 1), for numbers that are not 0. */
function exponentOf(value: number): number {
  f64[0] = value
  const field = (words[HIGH] >>> 20) & 0x7ff
  return field === 0 ? exponentOf(value * 2 ** 64) - 64 : field - 1023
}

/** The number from 1 to 2 (or -1 to -2) that has the bits of this one. */
function significandOf(value: number): number {
  f64[0] = value
  if ((words[HIGH] & 0x7ff0_0000) === 0) return significandOf(value * 2 ** 64)
  words[HIGH] = (words[HIGH] & 0x800f_ffff) | 0x3ff0_0000
  return f64[0]
}

/** The nearest whole number, ties to even; keeps the sign of zero. */
export function roundToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  const rounded = rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded
}
