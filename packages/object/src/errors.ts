// What can be wrong with an object, on the way in or out.

/** Where in the model, or at which byte of the file, something is wrong. */
export type ObjectPlace =
  | { readonly in: 'file'; readonly offset: number }
  | { readonly in: 'section'; readonly section: number; readonly name: string }
  | { readonly in: 'relocation'; readonly section: number; readonly name: string; readonly index: number }
  | { readonly in: 'symbol'; readonly symbol: number; readonly name: string }
  | { readonly in: 'object' }

/** What is wrong with bytes that were read, or with an object that was to be written, by `code`. */
export type ObjectProblem =
  // Bytes that are no object, or a broken one.
  | { readonly code: 'unknown-format'; readonly wanted?: 'image' }
  | { readonly code: 'truncated'; readonly what: string; readonly bytes: number; readonly available: number }
  | { readonly code: 'bad-field'; readonly what: string; readonly value: number; readonly expected: string }
  | { readonly code: 'bad-index'; readonly what: string; readonly value: number; readonly count: number }
  | { readonly code: 'unterminated-name' }
  | { readonly code: 'too-large'; readonly what: string; readonly limit: number }
  // Good bytes, or a good model, that we or the format cannot handle.
  | { readonly code: 'unsupported'; readonly what: string }
  | { readonly code: 'format-lacks'; readonly format: string; readonly what: string }
  // A model that contradicts itself.
  | { readonly code: 'bad-model'; readonly what: string }
  // Linking.
  | { readonly code: 'undefined-symbol'; readonly name: string }
  | { readonly code: 'duplicate-symbol'; readonly name: string }
  | { readonly code: 'relocation-overflow'; readonly kind: string; readonly value: number }

/** An object that cannot be read, written or linked. Nothing partial is returned beside it. */
export class ObjectError extends Error {
  override readonly name = 'ObjectError'
  readonly problem: ObjectProblem
  readonly place: ObjectPlace

  constructor(problem: ObjectProblem, place: ObjectPlace) {
    super(`${describeProblem(problem)} (${describePlace(place)})`)
    this.problem = problem
    this.place = place
  }
}

function describeProblem(problem: ObjectProblem): string {
  switch (problem.code) {
    case 'unknown-format':
      return problem.wanted === 'image' ? 'neither an ELF nor a PE image' : 'neither an ELF nor a COFF object'
    case 'truncated':
      return `${problem.what} needs ${problem.bytes} bytes, and ${problem.available} are left`
    case 'bad-field':
      return `${problem.what} is ${problem.value}, expected ${problem.expected}`
    case 'bad-index':
      return `${problem.what} ${problem.value} is out of range, there are ${problem.count}`
    case 'unterminated-name':
      return 'a name runs past the end of its string table'
    case 'too-large':
      return `${problem.what} is over the limit of ${problem.limit}`
    case 'unsupported':
      return `${problem.what} is not supported`
    case 'format-lacks':
      return `${problem.format} has no ${problem.what}`
    case 'bad-model':
      return problem.what
    case 'undefined-symbol':
      return `undefined symbol '${problem.name}'`
    case 'duplicate-symbol':
      return `symbol '${problem.name}' is defined twice`
    case 'relocation-overflow':
      return `${problem.value} does not fit a relocation of kind ${problem.kind}`
  }
}

function describePlace(place: ObjectPlace): string {
  switch (place.in) {
    case 'file':
      return `byte 0x${place.offset.toString(16)} of the file`
    case 'section':
      return `section ${place.section} '${place.name}'`
    case 'relocation':
      return `relocation ${place.index} of section ${place.section} '${place.name}'`
    case 'symbol':
      return `symbol ${place.symbol} '${place.name}'`
    case 'object':
      return 'the object as a whole'
  }
}
