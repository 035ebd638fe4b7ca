import { describe, expect, test } from 'vitest'
import { FileTestError, filecheck } from '../src/index.ts'

const text = `function %f(i32) -> i32 {
block0(v0: i32):
    v1 = iadd v0, v0
    v2 = iadd v1, v1
    return v2
}
`

/** What fails, without the text that did not match. */
const run = (...directives: string[]): string[] =>
  filecheck(
    directives.map((directive) => `; ${directive}`),
    text,
  ).map(({ comment, message }) => `${comment}: ${message}`)

describe('what matches', () => {
  test.each([
    ['check, in order', ['check: block0', 'check: return']],
    ['the rest of a line, and the next', ['check: v1', 'sameln: iadd v0', 'nextln: v2 = iadd', 'nextln: return v2']],
    ['the first line and the second, before anything has matched', ['sameln: function', 'nextln: block0']],
    ['nextln alone: the second line', ['nextln: block0(v0: i32):']],
    ['unordered, whatever the order', ['unordered: return', 'unordered: block0']],
    [
      'variables',
      ['check: $(first=v\\d+) = iadd', 'check: $(second=v\\d+) = iadd $first, $first', 'check: return $second'],
    ],
    ['regular expressions by name', ['regex: V=v\\d+', 'check: $(x=$V) = iadd $V, $V', 'check: iadd $x, $x']],
    ['groups of an author', ['check: $(x=v(0|1)) = iadd $(y=v\\d), $y', 'check: return $()v2']],
    ['what is not there, between two that are', ['check: block0', 'not: isub', 'check: return', 'not: v1']],
    ['a part of a word with $()', ['check: $()add v0']],
    ['comments that are no directives', ['nothing to check here', 'precheck: x', 'checking']],
  ])('%s', (_, directives) => {
    expect(run(...directives)).toEqual([])
  })
})

describe('what does not', () => {
  test.each([
    ['out of order', ['check: return', 'check: block0'], ['1: check: block0: nothing matches']],
    ['a part of a word', ['check: add v0'], ['0: check: add v0: nothing matches']],
    ['on another line', ['check: v1', 'sameln: return'], ['1: sameln: return: nothing matches']],
    ['not on the next line', ['check: block0', 'nextln: return'], ['1: nextln: return: nothing matches']],
    ['after the last line', ['check: }', 'nextln: x'], ['1: nextln: x: nothing matches']],
    ['what must not be', ['check: block0', 'not: iadd', 'check: return'], ["1: not: iadd: 'iadd' is there"]],
    ['what must not be, up to the end', ['check: block0', 'not: return'], ["1: not: return: 'return' is there"]],
    [
      'another value of a variable',
      ['check: $(a=v\\d) = iadd', 'check: iadd $a, v2'],
      ['1: check: iadd $a, v2: nothing matches'],
    ],
  ])('%s', (_, directives, expected) => {
    expect(run(...directives)).toEqual(expected)
  })

  test('an unordered match ends no range of what must not be, and a variable is used behind its definition', () => {
    const failures = run('check: block0', 'not: v2 = iadd', 'unordered: iadd v1', 'check: return')
    expect(failures).toEqual(["1: not: v2 = iadd: 'v2 = iadd' is there"])
    expect(run('check: $(last=v2) = iadd', 'unordered: block$()0($last')).toHaveLength(1)
    expect(run('check: $(x=v1) = iadd', 'unordered: iadd $x')).toEqual([])
    expect(run('unordered: $(x=v0), v0', 'unordered: block0($x')).toHaveLength(1)
  })

  test('a pattern that is none is told', () => {
    expect(() => run('check: $V = iadd')).toThrow('nothing has defined $V')
    expect(() => run('check: $(x=$RX) = iadd')).toThrow('nothing has defined $RX')
    expect(() => run('check: $(x=[)')).toThrow(FileTestError)
    expect(() => run('regex: V')).toThrow("'NAME=…' is wanted")
  })
})
