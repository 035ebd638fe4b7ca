// Makes a failing program smaller: removes what can go while the failure stays. Lines are the unit, as the text form has
// one instruction to a line; what is no longer a well-formed function is not tried.

import { type Function as IrFunction, typeName, verifyFunction } from '../../../packages/ir/src/index.ts'
import { parseFunctions } from '../../../packages/ir/src/text/index.ts'
import { isFloat } from './values.ts'

/** @param fails - whether a text still shows the failure; costs a compilation and a run, so not many are tried. */
export function shrink(text: string, fails: (text: string) => boolean, most = 600): string {
  let tries = 0
  let current = text
  const stores = initialisation(text)
  const attempt = (candidate: string): boolean => {
    if (candidate === current || tries >= most || !isWellFormed(candidate)) return false
    // What a slot holds before it is written is nobody's promise.
    if (initialisation(candidate) !== stores) return false
    tries++
    if (!fails(candidate)) return false
    current = candidate
    return true
  }
  for (let before = ''; before !== current && tries < most; ) {
    before = current
    // Chunks of lines first, then single ones.
    for (let size = 64; size >= 1; size >>= 1) {
      for (let at = current.split('\n').length - size; at >= 0; at -= size) {
        const lines = current.split('\n')
        attempt([...lines.slice(0, at), ...lines.slice(at + size)].join('\n'))
      }
    }
    for (let at = current.split('\n').length - 1; at >= 0; at--) {
      const lines = current.split('\n')
      if (at >= lines.length) continue
      for (const simpler of simplerLines(lines[at], current)) {
        if (attempt([...lines.slice(0, at), simpler, ...lines.slice(at + 1)].join('\n'))) break
      }
    }
  }
  return current
}

/** The stores by which generated functions fill their slot. */
function initialisation(text: string): string {
  return text
    .split('\n')
    .filter((line) => /store notrap aligned|explicit_slot|0x0123_4567_89ab_cdef/.test(line))
    .join('\n')
}

function isWellFormed(text: string): boolean {
  try {
    const functions = parseFunctions(text)
    return functions.length > 0 && functions.every((func) => verifyFunction(func).length === 0)
  } catch {
    return false
  }
}

/** Constants for results, one arm for a branch, an operand for the result of an operation. */
function simplerLines(line: string, text: string): string[] {
  const branch = /^(\s*)brif\S* \w+, (block\d+(?:\([^)]*\))?), (block\d+(?:\([^)]*\))?)/.exec(line)
  if (branch !== null) return [`${branch[1]}jump ${branch[2]}`, `${branch[1]}jump ${branch[3]}`]
  const table = /^(\s*)br_table \w+, (block\d+(?:\([^)]*\))?), \[(.*)\]/.exec(line)
  if (table !== null) {
    const targets = [table[2], ...table[3].split(/, (?=block)/)].filter((target) => target !== '')
    return [...new Set(targets)].map((target) => `${table[1]}jump ${target}`)
  }
  const definition = /^(\s*)(v\d+) = (?!iconst|f32const|f64const|stack_addr)\S+ (.*)/.exec(line)
  if (definition === null) return []
  const [, indent, name, operands] = definition
  const types = typesOf(text)
  const type = types.get(name)
  if (type === undefined) return []
  const constant = isFloat(type) ? `${typeName(type)}const 0x1.0` : `iconst.${typeName(type)} 0`
  const same = [...operands.matchAll(/v\d+/g)].map(([operand]) => operand).filter((o) => types.get(o) === type)
  return [`${indent}${name} = ${constant}`, ...same.map((operand) => `${indent}${name} -> ${operand}`)]
}

function typesOf(text: string): Map<string, number> {
  const types = new Map<string, number>()
  for (const func of parseFunctions(text) as IrFunction[]) {
    for (let value = 0; value < func.values.length; value++) types.set(`v${value}`, func.values.type[value])
  }
  return types
}
