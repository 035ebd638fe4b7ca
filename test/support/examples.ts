// The examples: what their drivers print, and the calls that the stepping tests make.

export interface Example {
  readonly name: string
  /**
   * The checksum over all results that the driver prints. These were printed by the drivers when the same CLIF was
   * compiled by Cranelift 0.135.8 (bench/peers, `emit`); null where that refuses the file.
   */
  readonly checksum: string | null
  /** How many results the driver compares. */
  readonly results: number
  /**
   * Calls for single-stepping, in C; `$` stands before a function of the example (the controls put `c_` there). `arena`
   * is 64 KiB of memory, `bytes` the same as bytes; callbacks are declared in the generated table (test/oracle/step.ts).
   */
  readonly calls: readonly string[]
  /** C in front of the calls: prototypes of what `examples.h` does not know. */
  readonly declarations?: string
  /** Functions of a convention that is not the system's own, by the start of their names. */
  readonly conventions?: Readonly<Record<string, 's' | 'w'>>
}

const thirteen = (x: number): string[] => {
  const values = [`${x}`, `${x}.5`, `-${x}`, `${x}.25f`, '4', '5.5', '6', '7.75f', '-8', '9.0', '10', '11.5f']
  return Array.from({ length: 13 }, (_, n) => `$mix${n}(${values.slice(0, n).join(', ')})`)
}

const frames = ['0', '8', '120', '136', '4096', '70000', '600000']

export const examples: readonly Example[] = [
  {
    name: 'fib',
    checksum: '10b36a3e0846af02',
    results: 64,
    calls: ['$fib(0)', '$fib(7)', '$fib_loop(9)'],
  },
  {
    name: 'quicksort',
    checksum: '45a6cfc1ba8b409a',
    results: 28,
    calls: [
      '$fill((int32_t *)arena, 20, 5)',
      '$quicksort((int32_t *)arena, 0, 19)',
      '$order((int32_t *)arena, 20)',
      '$order((int32_t *)memcpy(arena, "bbbbaaaa", 8), 2)',
    ],
  },
  { name: 'sieve', checksum: '68e7b80d47007baf', results: 16, calls: ['$sieve(bytes, 0)', '$sieve(bytes, 60)'] },
  {
    name: 'matmul',
    checksum: '71cba6537c72a907',
    results: 6,
    calls: ['$matmul((double *)arena, (double *)arena + 100, (double *)arena + 200, 4)'],
  },
  {
    name: 'nbody',
    checksum: '409020f7aad24d58',
    results: 13,
    calls: ['$advance(bodies, 3, 0.01)', '$energy(bodies, 3)', '$distance(bodies, bodies + 1)'],
  },
  {
    name: 'hash',
    checksum: '91be6377dfb313a8',
    results: 126,
    calls: ['$fnv1a(bytes, 9)', '$finish(12345)', '$hash64(bytes, 29, 7)', '$crc32(bytes, 3)'],
  },
  {
    name: 'pressure',
    checksum: '119ab2de1310d7a7',
    results: 105,
    calls: ['$twist(5)', '$halve(2.5)', '$across(3, 1.5)', '$around(0, 1, 1.0)', '$around(6, 3, 0.75)'],
  },
  {
    name: 'calls',
    checksum: 'e91935f53f85790b',
    results: 820,
    calls: [
      ...thirteen(3),
      '$ints12(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)',
      '$floats12(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)',
      '$narrow(-1, 2, -3, 4, -5, 6, 7)',
      '$direct(4, 0.5)',
      '$colocated(5, 1.5)',
      '$indirect(6, 2.5)',
      '$crowd(7, 3.5)',
    ],
  },
  {
    name: 'frames',
    checksum: '12e29fc21044ccb1',
    results: 107,
    calls: [
      '$add_to((int64_t *)arena, 3)',
      ...frames.flatMap((bytes) => [`$frame_${bytes}(7)`, `$frame_${bytes}_call(9)`]),
      '$deep(5)',
    ],
  },
  {
    name: 'returns',
    checksum: 'ce8ea33ca36c0115',
    results: 1078,
    calls: [
      '$sign(5)',
      '$sign(0)',
      '$sign(-5)',
      '$square(3)',
      ...[5, 50, 500, 5000, 5001, 99999].flatMap((a) => [`$stairs(${a}, 2)`, `$stairs(${a}, 40)`]),
      '$first_square_above(20, 10)',
      '$first_square_above(200, 3)',
      '$store_divmod((int64_t *)arena, 47, 5)',
      '$store_split((Split *)arena, 12.75)',
      '$gcd(1071, 462)',
      '$gcd(7, 0)',
    ],
  },
  {
    name: 'results',
    checksum: null,
    results: 126,
    calls: ['$store_five((int64_t *)arena, 12, -5)', '$store_mixture((Mixture *)arena, -77, 2.5)'],
  },
  {
    name: 'switch',
    checksum: 'd475d238a1cde784',
    results: 106,
    calls: [
      ...[0, 1, 2, 4, 12, 13].map((month) => `$days_in_month(${month}, 1)`),
      '$interpret((const uint8_t *)"\\1\\1\\2\\7\\1\\2\\5\\2\\3\\7\\12\\6\\10\\13\\11\\0", 3)',
      '$interpret((const uint8_t *)"\\2\\6\\4\\1\\5\\3\\377", 3)',
      ...[0, 1, 2, 3, 4].map((kind) => `$weight(${kind}, 1.5)`),
    ],
  },
  {
    name: 'floats',
    checksum: '3118a7a6bed1e368',
    results: 10523,
    calls: [
      '$root(1, -3, 2, 0)',
      '$root(1, 1, 2, 0)',
      '$compare_bits(1, 2)',
      '$compare_bits_f32(2, 1)',
      ...['1, 1', '1, 2', '2, 1', '__builtin_nan(""), 1'].map((pair) => `$relation(${pair})`),
      '$mean_f32((const float *)arena, 5)',
      '$signs(1.5, -2)',
      '$signs_f32(1.5f, -2)',
      '$least(1, 2)',
      '$least(-0.0, 0.0)',
      '$least(1, __builtin_nan(""))',
      '$greatest(1, 2)',
      '$greatest(-0.0f, 0.0f)',
      '$greatest(1, __builtin_nanf(""))',
      ...['12.75', '-1e30', '1e30', '__builtin_nan("")', '1e19'].map((x) => `$saturate((Integers *)arena, ${x})`),
      '$truncate_all((Integers *)arena, -12.75)',
      '$from_integer((Floats *)arena, 77)',
      '$from_integer((Floats *)arena, -77)',
      '$next_up(1.5)',
      '$exponent(8.5f)',
      '$newton(2)',
    ],
  },
  {
    name: 'bits',
    checksum: '4702bad1d1630a41',
    results: 10956,
    calls: [
      '$narrow_i8(100, 57)',
      '$narrow_i16(30000, 4567)',
      '$counts(0x123400)',
      '$counts(0)',
      '$reversed(0x12345)',
      '$shifts(-12345, 37)',
      '$high(0x123456789abcdef, -77)',
      '$compare_ints(5, -5)',
      '$median(3, 9, 5)',
      '$clamp(-9, -5, 5)',
      '$choose(7, 1.5, 2.5)',
      '$blend(0xff00, 0x1234, 0x5678)',
      '$carries(-1, 3)',
    ],
  },
  {
    name: 'traps',
    checksum: '6e550e838f1bb814',
    results: 1988,
    calls: [
      '$element((int64_t *)arena, 5, 3)',
      '$divisions(1234, -7)',
      '$divisions_i32(1234, -7)',
      '$divisions_i16(1234, -7)',
      '$divisions_i8(123, -7)',
      '$by_constants(-98765)',
      '$checked_sum((int64_t *)arena, 4)',
    ],
  },
  {
    name: 'memory',
    checksum: 'ea4711123f7e88bb',
    results: 109,
    calls: [
      '$copy_fields((Fields *)arena, (Fields *)arena + 1)',
      '$add_fields((Fields *)arena)',
      '$reverse_bytes(bytes, 7)',
      '$histogram((uint32_t *)arena, bytes + 2000, 5)',
      '$count(3)',
      '$through_slot(7, 2.5)',
      '$exchange((int64_t *)arena, (int64_t *)arena + 1)',
    ],
  },
  {
    name: 'callback',
    checksum: '9483e948ab520cab',
    results: 72,
    calls: [
      '$apply(plus, 4)',
      '$apply(back, 3)',
      '$apply_twice(plus, 4, 5)',
      '$apply_crowded(plus, 4, 2.5)',
      '$apply_crowded(back, 2, 2.5)',
      '$apply_to_buffer(write_there, 4)',
      '$apply_many(many, 1, 2, 3, 4, 5, 6, 7, 8)',
      '$nested(plus, 4, 7)',
      '$nested(back, 2, 2)',
      '$sum_of_results(plus, 2, 7)',
    ],
  },
  {
    name: 'conventions',
    checksum: '5e3cff4a6856534f',
    results: 200,
    calls: [
      '$sysv_mix(1, 2.5, 3, 4.5f, 5, 6, 7, 8, 9.5)',
      '$win_mix(1, 2.5, 3, 4.5f, 5, 6, 7, 8, 9.5)',
      '$sysv_calls_win(3, 1.5)',
      '$win_calls_sysv(3, 1.5)',
      '$sysv_ping(5, 1.5)',
      '$win_pong(5, 1.5)',
      '$sysv_applies_win($win_pong, 3, 1.5)',
      '$win_applies_sysv($sysv_ping, 3, 1.5)',
    ],
    conventions: { sysv_: 's', win_: 'w' },
  },
]
