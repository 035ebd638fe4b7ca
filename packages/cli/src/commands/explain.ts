// framewright unwind --at: one place, what holds there, and which bytes say so.

import { type Context, type Input, printJsonList } from '../context.ts'
import { explainAddress } from '../explain/explain.ts'
import { explanationJson, explanationLines } from '../explain/explanation.ts'
import { addressWords, findPlace, type Place } from '../explain/place.ts'
import { loadDisassembler } from '../listing/disassemble.ts'
import { InputError } from '../problems.ts'
import type { Subject } from '../subject.ts'

/** @throws InputError for a place that is not there, and a format's typed error on malformed data. */
export async function explainCommand(
  context: Context,
  input: Input,
  { description, file, formats, functions }: Subject,
  at: string,
): Promise<number> {
  const { host, json, style } = context
  const place = findPlace(file, at)
  if ('why' in place) {
    const common = { severity: 'error', file: input.name, line: 0, column: 0 } as const
    throw new InputError([{ ...common, message: place.why, code: 'no-place' }])
  }
  const words = addressWords(file)
  const unwind = functions.find(({ name }) => name === place.fn?.name)?.show().unwind ?? null
  const options = { place: words, disassemble: await loadDisassembler(), unwind }
  const explanations = explainAddress(file, formats, place.address, options)
  if (json) {
    const head = { ok: true, input: input.name, description, at: placeJson(place, words) }
    const items = explanations.map((each) => explanationJson(each, words))
    printJsonList(head, 'explanations', items, context)
    return 0
  }
  host.stdout.write(`${style('bold', input.name)}: ${description}\n\n${placeLine(place, words)}\n`)
  if (explanations.length === 0) host.stdout.write('nothing in this file describes it\n')
  for (const each of explanations) host.stdout.write(`\n${explanationLines(each, words, style).join('\n')}\n`)
  return 0
}

type Words = (address: bigint) => string

function placeLine({ address, section, fn }: Place, words: Words): string {
  const at = words(address)
  if (fn === null) return `${at}, in ${section.name}, in no function that is known`
  const offset = Number(address - fn.address)
  const symbolic = `${fn.name}${offset === 0 ? '' : `+0x${offset.toString(16)}`}`
  const range = `${words(fn.address)} to ${words(fn.address + BigInt(fn.codeSize))}`
  return `${symbolic === at ? at : `${symbolic}, at ${at}`}: ${fn.name} is ${fn.isEndGuessed ? 'about ' : ''}${range}, in ${section.name}`
}

function placeJson({ address, section, fn }: Place, words: Words): unknown {
  return {
    address: words(address),
    section: section.name,
    sectionOffset: Number(address - section.address),
    function: fn === null ? null : fn.name,
    functionOffset: fn === null ? null : Number(address - fn.address),
  }
}
