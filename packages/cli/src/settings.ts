// `--set NAME[=VALUE]`, and the same in the header of a file.

export interface Setting {
  readonly name: string
  /** Absent turns a boolean on, or applies a preset. */
  readonly value?: string
}

export function parseSetting(text: string): Setting {
  const equals = text.indexOf('=')
  return equals < 0 ? { name: text } : { name: text.slice(0, equals), value: text.slice(equals + 1) }
}
