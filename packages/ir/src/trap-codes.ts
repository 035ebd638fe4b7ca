// Why an instruction traps: one byte. 1 to 250 belong to the user, the top five are reserved.

/** Reserved trap codes; any number from 1 to 250 is a user's own. */
export const TrapCode = {
  StackOverflow: 251,
  IntegerOverflow: 252,
  HeapOutOfBounds: 253,
  IntegerDivisionByZero: 254,
  BadConversionToInteger: 255,
} as const
/** A byte: a member of {@link TrapCode} or a user's code from 1 to 250. */
export type TrapCode = number

/** The largest user trap code; the smallest is 1. */
export const MAX_USER_TRAP_CODE = 250

const NAMES: Readonly<Record<number, string>> = {
  251: 'stk_ovf',
  252: 'int_ovf',
  253: 'heap_oob',
  254: 'int_divz',
  255: 'bad_toint',
}

const BY_NAME: ReadonlyMap<string, TrapCode> = new Map(
  Object.entries(NAMES).map(([code, name]) => [name, Number(code)]),
)

/** The printed name: `int_divz`, `user7`. */
export function trapCodeName(code: TrapCode): string {
  return NAMES[code] ?? `user${code}`
}

/** The code of a reserved name or `user1` to `user250`; 0 for anything else. */
export function parseTrapCode(name: string): TrapCode {
  const reserved = BY_NAME.get(name)
  if (reserved !== undefined) return reserved
  const user = /^user([1-9]\d{0,2})$/.exec(name)
  const code = user === null ? 0 : Number(user[1])
  return code <= MAX_USER_TRAP_CODE ? code : 0
}
