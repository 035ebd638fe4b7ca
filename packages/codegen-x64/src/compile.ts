// The whole of code generation, as a list of calls.

import type { Function } from '@framewright/ir'
import { Allocator, checkAllocation, type RegisterEnvironment } from '@framewright/regalloc'
import { assign } from './abi/assign.ts'
import type { Convention } from './abi/convention.ts'
import { planFunctionFrame } from './abi/frame.ts'
import { defaultFormats } from './default-formats.ts'
import { emitFunction } from './emit/emit.ts'
import { Emitter } from './emit/emitter.ts'
import { type CompiledFunction, collectResult } from './emit/result.ts'
import { assert, CodegenError } from './errors.ts'
import { Lowering } from './lower/context.ts'
import { lowerFunction } from './lower/index.ts'
import type { Platform } from './lower/values.ts'
import { BufferFull } from './machine/buffer.ts'
import { printMachineCode } from './machine/printer.ts'
import { platformOf, type TargetTriple, type UnwindFormats } from './options.ts'
import { defaultSettings, type Settings } from './settings.ts'

export interface CompileOptions {
  /** Decides the default calling convention and how symbols are reached. `x86_64-unknown-linux-gnu` when left out. */
  readonly target?: TargetTriple
  /** All defaults when left out; see `applySetting`. */
  readonly settings?: Readonly<Settings>
  /** Format by calling convention; DWARF for System V and UNWIND_INFO for Windows functions when left out. */
  readonly unwindFormats?: UnwindFormats
  /** As the setting `regalloc_checker`, which it overrides. */
  readonly check?: boolean
  /** Is shown the machine code of every function, a line a record: over virtual registers, then over their locations. */
  readonly trace?: (stage: 'lowered' | 'allocated', lines: readonly string[]) => void
}

/** Times of the stages of one compilation, in milliseconds; filled when given to `compile`. */
export interface StageTimes {
  analyse: number
  lower: number
  allocate: number
  emit: number
  unwind: number
}

const clock: { now(): number } = (globalThis as unknown as { performance: { now(): number } }).performance

/**
 * A code generator with its scratch memory. Compiles one function at a time, any number after each other; functions share nothing, so
 * several compilers may run in parallel workers.
 */
export class Compiler {
  readonly #lowering: Lowering
  readonly #allocator: Allocator
  readonly #emitter: Emitter
  readonly #settings: Readonly<Settings>
  readonly #platform: Platform
  readonly #formats: UnwindFormats
  readonly #check: boolean
  readonly #trace: CompileOptions['trace']
  readonly #environments: Map<Convention, readonly [plain: RegisterEnvironment, framed: RegisterEnvironment]> =
    new Map()

  constructor(options: CompileOptions = {}) {
    this.#allocator = new Allocator()
    this.#lowering = new Lowering(this.#allocator)
    this.#emitter = new Emitter()
    this.#settings = options.settings ?? defaultSettings()
    this.#platform = platformOf(options.target ?? 'x86_64-unknown-linux-gnu')
    this.#formats = options.unwindFormats ?? defaultFormats
    this.#check = options.check ?? this.#settings.regallocChecker
    this.#trace = options.trace
  }

  /**
   * Compiles a verified function.
   *
   * @param times - when given, the time of each stage is added to it.
   * @throws CodegenError for what this version does not support, with its place; the unwind format's error for a frame that it cannot
   *   express. Nothing partial is returned.
   */
  compile(func: Function, times?: StageTimes): CompiledFunction {
    const c = this.#lowering
    const start = times === undefined ? 0 : clock.now()
    c.bind(func, this.#settings, this.#platform)
    if (func.layout.entry < 0) {
      throw new CodegenError({ code: 'ill-formed', detail: 'the function has no blocks' }, c.place())
    }
    if (func.stackLimit >= 0) {
      throw new CodegenError(
        { code: 'unsupported-setting', setting: 'stack_limit', detail: 'stack limits are not implemented' },
        c.place(),
      )
    }
    const convention = c.convention(func.signature.callConv)
    c.own = assign(func.signature, convention, c.place())
    this.#placeSlots(func)
    c.order.compute(func)
    c.uses.compute(func, c.order)
    const analysed = times === undefined ? 0 : clock.now()

    const environment = this.#environment(convention)
    this.#lower(environment)
    const lowered = times === undefined ? 0 : clock.now()

    this.#trace?.('lowered', printMachineCode(c.buffer.code, c.buffer.start, false))
    if (this.#check) this.#allocateChecked(environment)
    else this.#allocator.allocate()
    this.#trace?.('allocated', printMachineCode(c.buffer.code, c.buffer.start, true))
    const allocated = times === undefined ? 0 : clock.now()

    const frame = planFunctionFrame(c)
    const emitter = this.#emitter
    emitFunction(emitter, c, frame)
    emitter.asm.finish()
    const emitted = times === undefined ? 0 : clock.now()

    const format = this.#settings.unwindInfo ? this.#formats[convention.name] : null
    const result = collectResult(c, emitter, format)
    if (times !== undefined) {
      times.analyse += analysed - start
      times.lower += lowered - analysed
      times.allocate += allocated - lowered
      times.emit += emitted - allocated
      times.unwind += clock.now() - emitted
    }
    return result
  }

  /** Lowers; when the buffer is too small, with a larger one from the start. */
  #lower(environment: RegisterEnvironment): void {
    const c = this.#lowering
    if (this.#check) c.buffer.recording = { clobbers: [], classes: [], blockStart: [], blockEnd: [] }
    for (;;) {
      try {
        lowerFunction(c, environment)
        return
      } catch (error) {
        if (!(error instanceof BufferFull)) throw error
        c.buffer.grow()
      }
    }
  }

  #allocateChecked(environment: RegisterEnvironment): void {
    const { buffer, order } = this.#lowering
    const before = buffer.code.slice()
    this.#allocator.allocate()
    const { recording } = buffer
    assert(recording !== null, 'nothing was recorded for the checker')
    const mistakes = checkAllocation(
      { environment, graph: order, code: before, ...recording },
      { ...results(this.#allocator), code: buffer.code },
    )
    assert(mistakes.length === 0, `register allocation: ${JSON.stringify(mistakes.slice(0, 3))}`)
  }

  /** Stack slots, in order, each aligned; those aligned to more than the stack get room to be aligned by hand. */
  #placeSlots(func: Function): void {
    const c = this.#lowering
    const offsets: number[] = []
    let top = 0
    let align = 8
    for (const { size, alignLog2 } of func.stackSlots) {
      const wanted = Math.max(8, Math.min(16, 2 ** alignLog2))
      align = Math.max(align, size >= 16 && wanted < 16 ? 8 : wanted)
      top = Math.ceil(top / wanted) * wanted
      offsets.push(top)
      top += size + (alignLog2 > 4 ? 2 ** alignLog2 : 0)
    }
    top = Math.ceil(top / 8) * 8
    if (top > 0x7fff0000) {
      throw new CodegenError({ code: 'limit', what: 'size of the stack slots in bytes', limit: 0x7fff0000 }, c.place())
    }
    c.slotOffsets = offsets
    c.slotBytes = top
    c.slotAlign = align
  }

  /** What the allocator may use: everything but rsp and r11, and rbp where it is the frame pointer. */
  #environment(convention: Convention): RegisterEnvironment {
    let pair = this.#environments.get(convention)
    if (pair === undefined) {
      const plain: RegisterEnvironment = {
        order: [convention.integerOrder, convention.floatOrder],
        calleeSaved: convention.calleeSaved,
      }
      const framed: RegisterEnvironment = {
        order: [convention.integerOrder.filter((register) => register !== 5), convention.floatOrder],
        calleeSaved: convention.calleeSaved,
      }
      pair = [plain, framed]
      this.#environments.set(convention, pair)
    }
    return pair[this.#settings.preserveFramePointers ? 1 : 0]
  }
}

function results(allocator: Allocator): Omit<Parameters<typeof checkAllocation>[1], 'code'> {
  const { usedRegisters, slotCount, moveCount, movePoint, moveGroup, moveFrom, moveTo } = allocator
  return { usedRegisters, slotCount, moveCount, movePoint, moveGroup, moveFrom, moveTo }
}

/** Compiles one function; `Compiler` is the better way for more than one. */
export function compileFunction(func: Function, options: CompileOptions = {}): CompiledFunction {
  return new Compiler(options).compile(func)
}
