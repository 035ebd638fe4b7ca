// Links an object with a stepping driver and runs it: what the platform's unwinder makes of every instruction.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireTool } from '../../packages/testkit/src/index.ts'
import type { Example } from '../support/examples.ts'
import { compileC, execute, link, type System } from '../support/systems.ts'
import { clean } from '../support/tools.ts'

export interface StepReport {
  readonly cases: number
  /** Instructions stepped over, and how many different ones these were. */
  readonly boundaries: number
  readonly different: number
  /** Functions of the object, and how many of them were entered. */
  readonly functions: number
  readonly entered: number
  readonly frames: number
  /** Windows: frames without an entry in the function table, which only a leaf may have. */
  readonly withoutEntry?: number
  /** Cases that were not stepped to their end. */
  readonly capped: number
  readonly wrong: number
  /** What was wrong, a line each. */
  readonly complaints: readonly string[]
}

export type LinuxUnwinder = 'libunwind' | 'libgcc'

export const stepTools = (system: System): readonly string[] => [
  ...system.tools,
  'llvm-nm',
  'llvm-objdump',
  ...(system.name === 'linux' ? ['libunwind.h'] : []),
]

export interface StepProgram {
  run(unwinder?: LinuxUnwinder): StepReport
}

const nothing = { cases: 0, boundaries: 0, different: 0, functions: 0, entered: 0, frames: 0, capped: 0 }

/** Enough for every example; what needs more is reported as capped. */
const MAX_STEPS = 60_000

/**
 * @param prefix - what the functions of the object have in front of the names in `example.calls`.
 * @param others - objects that the object or the calls need besides.
 */
export function stepProgram(
  system: System,
  example: Example,
  object: string,
  prefix: '' | 'c_',
  others: readonly string[],
  place: (name: string) => string,
): StepProgram {
  const name = `step-${system.name}-${prefix}${example.name}`
  const table = place(`${name}.c`)
  writeFileSync(table, tableOf(system, example, object, prefix))
  // No function of the table may be inlined or merged away; what it computes goes to a volatile.
  const objects = [
    compileC(system, table, place(`${name}.table.o`), '-O1', '-I', import.meta.dirname, '-Wno-unused'),
    driver(system, place),
    object,
    ...others,
  ]
  const program = link(system, place(`${name}${system.exe}`), objects, ...(system.name === 'linux' ? ['-lunwind'] : []))
  return {
    run(unwinder) {
      const args = system.name === 'linux' ? [unwinder ?? 'libunwind', `${MAX_STEPS}`] : [`${MAX_STEPS}`]
      const { stdout, stderr, status } = execute(system, program, ...args)
      const lines = stdout.trim().split(/\r?\n/)
      const last = lines.pop() ?? ''
      // The unwinder itself may fall over what it reads.
      if (last.startsWith('wrong: ')) return { ...nothing, wrong: 1, complaints: [...lines, last] }
      if (!last.startsWith('{')) throw new Error(`${program}: exit code ${status}\n${stdout}${stderr}`)
      return { ...(JSON.parse(last) as Omit<StepReport, 'complaints'>), complaints: lines }
    },
  }
}

const drivers = new Map<string, string>()

function driver(system: System, place: (name: string) => string): string {
  const known = drivers.get(system.name)
  if (known !== undefined) return known
  const source = join(import.meta.dirname, `step-${system.name}.c`)
  const object = compileC(system, source, place(`step-${system.name}.o`), '-O2', '-Wextra')
  drivers.set(system.name, object)
  return object
}

interface Defined {
  readonly name: string
  readonly offset: number
  readonly global: boolean
}

/** The functions of an object, by their offsets in `.text`. */
function functionsOf(object: string): Defined[] {
  const lines = clean(requireTool('llvm-nm')!, ['--defined-only', object]).trim().split('\n')
  return lines
    .map((line) => /^([\da-f]+) ([Tt]) ([A-Za-z_]\w*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, offset, kind, name]) => ({ name: name!, offset: Number.parseInt(offset!, 16), global: kind === 'T' }))
    .sort((a, b) => a.offset - b.offset)
}

function textSizeOf(object: string): number {
  const match = /^\s*\d+ \.text\s+([\da-f]+) /m.exec(clean(requireTool('llvm-objdump')!, ['-h', object]))
  if (match === null) throw new Error(`${object} has no .text`)
  return Number.parseInt(match[1]!, 16)
}

/** C source of what step.h declares: the calls, and where the functions are. */
export function tableOf(system: System, example: Example, object: string, prefix: string): string {
  const functions = functionsOf(object)
  const anchor = functions.find((entry) => entry.global)
  if (anchor === undefined) throw new Error(`${object} defines no global function`)
  const convention = (name: string): string => {
    const own = name.slice(prefix.length)
    const given = Object.entries(example.conventions ?? {}).find(([start]) => own.startsWith(start))
    return given?.[1] ?? (system.name === 'linux' ? 's' : 'w')
  }
  const calls = example.calls.map((call) => call.replaceAll('$', prefix))
  const p = prefix
  return `#include "examples.h"
#include "step.h"
#include <string.h>

static int64_t arena[8192];
#define bytes ((uint8_t *)arena)
static Body bodies[3] = {{0, 0, 0, 0, 0, 0, 40}, {1, 2, 3, 0.1, 0.2, 0.3, 2}, {-2, 3, 1, 0.3, 0.1, 0.2, 3}};

static int64_t plus(int64_t n) { return n * 3 + 1; }
static int64_t many(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}
static int64_t write_there(int64_t address) { return ++*(int64_t *)(intptr_t)address; }
#ifdef CALLBACK
static int64_t back(int64_t n) { return n > 0 ? ${p}apply(back, n - 1) * 2 + ${p}nested(plus, 1, n) : 5; }
#endif

${example.declarations ?? ''}
${calls.map((call, index) => `static void case_${index}(void) { ${call}; }`).join('\n')}

const Case cases[] = {
${calls.map((call, index) => `  {${JSON.stringify(call)}, case_${index}},`).join('\n')}
};
const int case_count = ${calls.length};

const Entry entries[] = {
${functions.map(({ name, offset }) => `  {"${name}", 0x${offset.toString(16)}, '${convention(name)}'},`).join('\n')}
};
const int entry_count = ${functions.length};
extern const uint8_t anchor[] __asm__("${anchor.name}");
const uint8_t *const text = anchor - 0x${anchor.offset.toString(16)};
const uint64_t text_size = 0x${textSizeOf(object).toString(16)};
uint8_t text_seen[0x${textSizeOf(object).toString(16)}];
uint8_t entry_seen[${functions.length}];
`.replace('#ifdef CALLBACK', example.name === 'callback' ? '#if 1' : '#if 0')
}
