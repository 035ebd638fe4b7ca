// A program that calls compiled functions one instruction at a time and reports the machine after each: no C library, no
// linker, no debugger, only system calls. It runs on Linux, whatever the convention of the functions is.
//
// It installs a handler for SIGTRAP on a stack of its own, sets the trap flag, and calls. The processor then raises
// SIGTRAP after every instruction; the handler writes the registers that the kernel saved, and the stack, to standard
// output (`trace.ts` reads that). After each call the program writes the result. Everything it needs of the kernel:
// signal(7), sigaltstack(2), sigreturn(2), and `struct ucontext` of <asm/ucontext.h>.

import { Assembler, RelocationKind } from '@framewright/asm-x64'
import { assemble, type Operand } from '@framewright/asm-x64/checked'
import { type Executable, linkExecutable, type ObjectFile, type Relocation, type Section } from '@framewright/object'
import type { CallingConvention } from '../target.ts'

/** An argument: an integer, a double, or the address of a place in the arena. */
export type Argument = number | { readonly double: number } | { readonly arena: number }

export interface DemoCall {
  readonly symbol: string
  /** At most four, so that all are in registers in either convention. */
  readonly args: readonly Argument[]
}

export interface StepProgram {
  readonly executable: Executable
  /** Index of the functions' object among those that were linked. */
  readonly objectIndex: number
  readonly imageBase: number
}

/** Bytes of zeroed memory that calls may share. */
export const ARENA_SIZE: number = 65_536
const ALTERNATE_STACK_SIZE = 65_536
const IMAGE_BASE = 0x40_0000

// <asm/unistd_64.h>
const SYS_WRITE = 1
const SYS_RT_SIGACTION = 13
const SYS_RT_SIGRETURN = 15
const SYS_EXIT = 60
const SYS_SIGALTSTACK = 131
// <asm/signal.h>
const SIGTRAP = 5
const SA_SIGINFO = 4
const SA_RESTORER = 0x0400_0000
const SA_ONSTACK = 0x0800_0000
/** EFLAGS.TF. Intel SDM vol. 1, 3.4.3. */
const TRAP_FLAG = 0x100

// Records of the trace: a tag, a number, and what follows.
export const TAG_STEP = 1
export const TAG_RESULT = 2
/** Where `struct ucontext` has the registers, how many, and behind them the address of the FXSAVE area. */
const GREGS_OFFSET = 40
export const GREGS_SIZE: number = 23 * 8
const GREGS_RSP = 15
/** Where FXSAVE has xmm0 to xmm15 (Intel SDM vol. 1, 10.5.1), and their size. */
const FXSAVE_XMM = 160
export const XMM_SIZE: number = 16 * 16
/** rax and xmm0, then the arena's first bytes. */
export const RESULT_SIZE = 16
export const ARENA_SHOWN = 256

/** The first five lie in the code, in this order. The stack probe has two names (Microsoft's, and GCC's). */
const symbolNames = [
  ...(['_start', 'handler', 'restorer', '__chkstk', '___chkstk_ms'] as const),
  ...(['state', 'arena', 'alternate_stack'] as const),
] as const
const [START, HANDLER, RESTORER, CHKSTK, CHKSTK_MS, STATE, ARENA, ALTERNATE_STACK] = symbolNames.keys()
const visible: readonly number[] = [START, CHKSTK, CHKSTK_MS]
/** Places in the section that holds the program's own data. */
const ACTION = 0
const STACK = 32
const STACK_TOP = 56
const HEADER = 64
const RESULT = 80
const STATE_SIZE = 96

/**
 * Links the program.
 *
 * @param functions - the object with the functions; its format does not matter.
 * @throws ObjectError for a function that is not there.
 */
export function stepProgram(
  functions: ObjectFile,
  convention: CallingConvention,
  calls: readonly DemoCall[],
): StepProgram {
  const stub = stubObject(convention, calls)
  const executable = linkExecutable([stub, { ...functions, format: 'elf' }], {
    entry: '_start',
    baseAddress: IMAGE_BASE,
  })
  return { executable, objectIndex: 1, imageBase: IMAGE_BASE }
}

const integerRegisters: Readonly<Record<CallingConvention, readonly string[]>> = {
  system_v: ['rdi', 'rsi', 'rdx', 'rcx'],
  windows_fastcall: ['rcx', 'rdx', 'r8', 'r9'],
}

/** Writes the program's code; symbols are numbers, those of the functions behind our own. */
class Stub {
  readonly asm: Assembler = new Assembler()
  readonly #names: string[] = [...symbolNames]
  readonly starts: number[] = []

  get names(): readonly string[] {
    return this.#names
  }

  op(name: string, ...operands: Operand[]): void {
    assemble(this.asm, name, ...operands)
  }

  begin(symbol: number): void {
    this.starts[symbol] = this.asm.length
  }

  call(name: string): void {
    this.#names.push(name)
    this.op('call', { symbol: this.#names.length - 1, relocation: RelocationKind.pc32 })
  }

  address(register: string, symbol: number, offset = 0): void {
    this.op('lea', register, { symbol, offset })
  }

  write(address: () => void, length: () => void): void {
    address()
    length()
    this.op('mov', 'edi', 1)
    this.op('mov', 'eax', SYS_WRITE)
    this.op('syscall')
  }

  trapFlag(on: boolean): void {
    this.op('pushfq')
    if (on) this.op('or', { base: 'rsp', size: 32 }, TRAP_FLAG)
    else this.op('and', { base: 'rsp', size: 32 }, ~TRAP_FLAG)
    this.op('popfq')
  }
}

function stubObject(convention: CallingConvention, calls: readonly DemoCall[]): ObjectFile {
  const stub = new Stub()
  startCode(stub, convention, calls)
  handlerCode(stub)
  stub.begin(RESTORER)
  stub.op('mov', 'eax', SYS_RT_SIGRETURN)
  stub.op('syscall')
  // The kernel lets the stack grow by itself: nothing to probe.
  stub.begin(CHKSTK)
  stub.begin(CHKSTK_MS)
  stub.op('ret')
  const { asm } = stub
  const starts = Int32Array.from(stub.starts)
  asm.finish()
  asm.remap(starts, starts.length)
  const { relocations: columns } = asm
  const text: Section = {
    ...{ name: '.text', kind: 'text', align: 16, bytes: asm.bytes.slice(0, asm.length) },
    relocations: Array.from({ length: columns.length }, (_, i): Relocation => {
      return { offset: columns.offset[i], kind: 'pc-relative-32', symbol: columns.symbol[i], addend: columns.addend[i] }
    }),
  }
  const bss = (name: string, size: number): Section => {
    return { name, kind: 'bss', align: 16, bytes: new Uint8Array(0), size, relocations: [] }
  }
  const sections = [text, stateSection(), bss('.bss.arena', ARENA_SIZE), bss('.bss.stack', ALTERNATE_STACK_SIZE)]
  const places: Readonly<Record<number, number>> = { [STATE]: 1, [ARENA]: 2, [ALTERNATE_STACK]: 3 }
  return {
    format: 'elf',
    sections,
    symbols: stub.names.map((name, index) => {
      const ours = index < symbolNames.length
      const section = !ours ? ('undefined' as const) : (places[index] ?? 0)
      // Our own names are nobody's business, but for the entry and the routine that Windows code calls.
      const binding = ours && !visible.includes(index) ? ('local' as const) : ('global' as const)
      return { name, binding, type: 'none', section, value: section === 0 ? (starts[index] ?? 0) : 0, size: 0 } as const
    }),
  }
}

/** struct sigaction, stack_t, and words of our own. */
function stateSection(): Section {
  const bytes = new Uint8Array(STATE_SIZE)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(ACTION + 8, BigInt(SA_SIGINFO | SA_RESTORER | SA_ONSTACK), true)
  view.setBigUint64(STACK + 16, BigInt(ALTERNATE_STACK_SIZE), true)
  const absolute = (offset: number, symbol: number) => ({ offset, kind: 'absolute-64', symbol, addend: 0 }) as const
  return {
    ...{ name: '.data', kind: 'data', align: 16, bytes },
    relocations: [absolute(ACTION, HANDLER), absolute(ACTION + 16, RESTORER), absolute(STACK, ALTERNATE_STACK)],
  }
}

function startCode(stub: Stub, convention: CallingConvention, calls: readonly DemoCall[]): void {
  stub.begin(START)
  stub.address('rdi', STATE, STACK)
  stub.op('xor', 'esi', 'esi')
  stub.op('mov', 'eax', SYS_SIGALTSTACK)
  stub.op('syscall')
  stub.op('mov', 'edi', SIGTRAP)
  stub.address('rsi', STATE, ACTION)
  stub.op('xor', 'edx', 'edx')
  stub.op('mov', 'r10d', 8)
  stub.op('mov', 'eax', SYS_RT_SIGACTION)
  stub.op('syscall')
  stub.op('and', 'rsp', -16)
  stub.op('mov', { symbol: STATE, offset: STACK_TOP }, 'rsp')
  // Room for the home area of Windows; rsp stays a multiple of 16 at each call.
  stub.op('sub', 'rsp', 64)
  for (const { symbol, args } of calls) {
    loadArguments(stub, convention, args)
    stub.trapFlag(true)
    stub.call(symbol)
    stub.trapFlag(false)
    stub.op('mov', { symbol: STATE, offset: RESULT }, 'rax')
    stub.op('movsd', { symbol: STATE, offset: RESULT + 8 }, 'xmm0')
    stub.op('mov', { symbol: STATE, offset: HEADER, size: 64 }, TAG_RESULT)
    stub.op('mov', { symbol: STATE, offset: HEADER + 8, size: 64 }, ARENA_SHOWN)
    stub.write(
      () => stub.address('rsi', STATE, HEADER),
      () => stub.op('mov', 'edx', 16 + RESULT_SIZE),
    )
    stub.write(
      () => stub.address('rsi', ARENA),
      () => stub.op('mov', 'edx', ARENA_SHOWN),
    )
  }
  stub.op('xor', 'edi', 'edi')
  stub.op('mov', 'eax', SYS_EXIT)
  stub.op('syscall')
}

function loadArguments(stub: Stub, convention: CallingConvention, args: readonly Argument[]): void {
  let integers = 0
  let doubles = 0
  for (const [index, arg] of args.entries()) {
    const positional = convention === 'windows_fastcall'
    if (typeof arg === 'object' && 'double' in arg) {
      const bits = new DataView(new ArrayBuffer(8))
      bits.setFloat64(0, arg.double)
      const constant = stub.asm.constant64(bits.getInt32(4), bits.getInt32(0))
      stub.op('movsd', `xmm${positional ? index : doubles++}`, { constant })
      continue
    }
    const register = integerRegisters[convention][positional ? index : integers++]
    if (typeof arg === 'object') stub.address(register, ARENA, arg.arena)
    else stub.op('mov', register, arg)
  }
}

/** rdx is the address of the interrupted context. sigreturn brings every register back, so all are ours to use. */
function handlerCode(stub: Stub): void {
  stub.begin(HANDLER)
  const context = 'r12'
  const pointer = 'r13'
  const length = 'r14'
  stub.op('mov', context, 'rdx')
  stub.op('mov', pointer, { base: context, offset: GREGS_OFFSET + 8 * GREGS_RSP })
  stub.op('mov', length, { symbol: STATE, offset: STACK_TOP })
  stub.op('sub', length, pointer)
  stub.op('mov', { symbol: STATE, offset: HEADER, size: 64 }, TAG_STEP)
  stub.op('mov', { symbol: STATE, offset: HEADER + 8 }, length)
  stub.write(
    () => stub.address('rsi', STATE, HEADER),
    () => stub.op('mov', 'edx', 16),
  )
  stub.write(
    () => stub.op('lea', 'rsi', { base: context, offset: GREGS_OFFSET }),
    () => stub.op('mov', 'edx', GREGS_SIZE),
  )
  stub.write(
    () => {
      stub.op('mov', 'rsi', { base: context, offset: GREGS_OFFSET + GREGS_SIZE })
      stub.op('add', 'rsi', FXSAVE_XMM)
    },
    () => stub.op('mov', 'edx', XMM_SIZE),
  )
  stub.write(
    () => stub.op('mov', 'rsi', pointer),
    () => stub.op('mov', 'rdx', length),
  )
  stub.op('ret')
}
