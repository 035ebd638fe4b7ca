// Executes instructions. One array of words holds the values of all activations, one above the other; control keeps its own
// list of activations, so the depth of calls is bounded by the stack that was asked for and not by the host's.

import {
  argumentNumber,
  type Block,
  type BlockCall,
  type ExceptionTableData,
  type Inst,
  type Function as IrFunction,
  isDynamicVector,
  MemFlags,
  memFlagsTrapCode,
  Opcode,
  printExternalName,
  printInst,
  type Signature,
  TrapCode,
  Type,
  trapCodeName,
  typeBits,
  typeName,
  type Value,
} from '@framewright/ir'
import { bigIntToWords, Evaluator, isTrue, NOT_PURE, shuffle, wordCount, wordsToBigInt } from '@framewright/ir/evaluate'
import { Accesses, type AccessPlace, addressOf, pointerOperand } from './accesses.ts'
import { InterpreterError, type InterpreterProblem } from './errors.ts'
import { type HostFunction, LIBRARY, LibraryFault } from './library.ts'
import { Memory, readWords } from './memory.ts'
import { Stack } from './stack.ts'
import { alignUp, makeUnit, slotAlignment, type Unit } from './unit.ts'

const Op = Opcode

/** How an execution ended. Values are bit patterns: unsigned numbers of as many bits as their types, lane 0 lowest. */
export type Outcome =
  | { readonly kind: 'returned'; readonly values: readonly bigint[] }
  /** `code` as in `TrapCode`, `name` as in the text; `place` is `%f:inst3 (file.clif:7:5)`. */
  | { readonly kind: 'trapped'; readonly code: number; readonly name: string; readonly place: string }
  /** An exception that no handler took. */
  | { readonly kind: 'threw'; readonly tag: number; readonly payload: readonly bigint[] }
  | { readonly kind: 'out-of-fuel' }

/** Bytes that functions refer to by name. */
export interface DataObject {
  /** Without `%`. */
  readonly name: string
  /** Written to in place when the object is writable. */
  readonly bytes: Uint8Array
  readonly writable: boolean
}

/** What a machine runs with. */
export interface InterpreterOptions {
  /** Functions of the embedder, by name with `%`; they come before CLIF's own library. */
  readonly host?: ReadonlyMap<string, HostFunction>
  readonly data?: readonly DataObject[]
  /** Bytes of the stack; 8 MiB when left out. A call that does not fit traps with `stk_ovf`. */
  readonly stackBytes?: number
  /** Instructions that one call may execute; no limit when left out. */
  readonly fuel?: number
}

/** What a host function throws to throw in the program. */
export class HostException extends Error {
  override readonly name = 'HostException'
  readonly tag: number
  readonly payload: readonly bigint[]

  constructor(tag: number, payload: readonly bigint[]) {
    super(`exception with tag ${tag}`)
    this.tag = tag
    this.payload = payload
  }
}

interface Activation {
  readonly unit: Unit
  /** Its first word. */
  readonly base: number
  /** Address of its saved frame pointer; below it lie its stack slots. */
  readonly fp: number
  /** The lowest address of its slots. */
  readonly sp: number
  /** The call that it waits for. */
  inst: number
}

const CODE_BASE = 0x1000_0000
const DATA_BASE = 0x2000_0000
const STACK_TOP = 0x7000_0000
const HOST_BASE = 0x0f00_0000
const STACK_BYTES = 8 << 20
/** Words beyond the current activation that operations may use between two steps. */
const SCRATCH_WORDS = 2048
const THROW = '%__cranelift_throw'

/** An access or a call that failed, on its way to the outcome. */
class Trap {
  readonly code: number
  constructor(code: number) {
    this.code = code
  }
}

/** Functions that call each other, and the memory they share. */
export class Interpreter {
  readonly memory: Memory = new Memory()
  readonly #units: Map<string, Unit> = new Map()
  readonly #byAddress: Map<number, Unit> = new Map()
  readonly #host: ReadonlyMap<string, HostFunction>
  readonly #data: Map<string, number> = new Map()
  /** Names that only an address was taken of, or that the host defines, by their address and the other way. */
  readonly #hostNames: Map<number, string> = new Map()
  readonly #hostAddresses: Map<string, number> = new Map()
  readonly #evaluator: Evaluator = new Evaluator()
  readonly #accesses: Accesses
  readonly #place: AccessPlace = { words: new Int32Array(0), a: 0, b: 0, c: 0, out: 0, scratch: 0, sp: 0 }
  readonly #stack: Stack
  readonly #fuel: number
  #words: Int32Array = new Int32Array(4 * SCRATCH_WORDS)
  #activations: Activation[] = []
  #pinned = 0n

  /** @throws InterpreterError for two functions of one name. */
  constructor(functions: readonly IrFunction[], options: InterpreterOptions = {}) {
    this.#host = options.host ?? new Map()
    this.#fuel = options.fuel ?? Infinity
    let address = CODE_BASE
    for (const func of functions) {
      const unit = makeUnit(func, address)
      if (this.#units.has(unit.name)) throw new InterpreterError({ code: 'duplicate-function', name: unit.name })
      this.#units.set(unit.name, unit)
      this.#byAddress.set(address, unit)
      address += unit.codeBytes
    }
    this.memory.add({ base: CODE_BASE, bytes: new Uint8Array(address - CODE_BASE), writable: false })
    let place = DATA_BASE
    for (const { name, bytes, writable } of options.data ?? []) {
      this.#data.set(name, place)
      this.memory.add({ base: place, bytes, writable })
      // A gap, so that running over an object's end is noticed.
      place = alignUp(place + bytes.length + 64, 64)
    }
    this.#stack = new Stack(STACK_TOP, alignUp(options.stackBytes ?? STACK_BYTES, 16))
    this.memory.add(this.#stack)
    this.#accesses = new Accesses(this.memory, this.#stack, this.#evaluator)
  }

  /** Names of the functions, as in the text. */
  get names(): readonly string[] {
    return [...this.#units.keys()]
  }

  /** The signature of a function. @throws InterpreterError when there is none of that name. */
  signatureOf(name: string): Signature {
    return this.#unit(name).func.signature
  }

  /** Where a data object or function lies; null when there is none of that name (without `%`). */
  addressOf(name: string): bigint | null {
    const address = this.#data.get(name) ?? this.#units.get(`%${name}`)?.address
    return address === undefined ? null : BigInt(address)
  }

  /**
   * Calls a function.
   *
   * @param name - as in the text: `%f`, `u0:3`.
   * @param args - a bit pattern for each parameter.
   * @throws InterpreterError when the call cannot be made, or something is reached that cannot be executed.
   */
  call(name: string, args: readonly bigint[]): Outcome {
    const unit = this.#unit(name)
    const { params, returns } = unit.func.signature
    if (args.length !== params.length) {
      throw new InterpreterError({ code: 'arguments', expected: params.length, found: args.length })
    }
    this.#activations = []
    const scratch = 0
    let at = scratch
    params.forEach(({ type }, index) => {
      const bits = typeBits(type)
      const value = args[index]
      if (isDynamicVector(type) || value < 0n || value >> BigInt(bits) !== 0n) {
        throw new InterpreterError({ code: 'argument', index, type: typeName(type) })
      }
      bigIntToWords(value, this.#words, at, wordCount(type))
      at += wordCount(type)
    })
    const entry = this.#enter(unit, scratch)
    if (entry instanceof Trap) return this.#trapped(entry.code, unit, -1)
    const result = this.#run(entry)
    if (result !== null) return result
    const values = returns.map(({ type }): bigint => {
      const count = wordCount(type)
      const value = wordsToBigInt(this.#words, this.#returned, count)
      this.#returned += count
      return value
    })
    return { kind: 'returned', values }
  }

  /** Where the results of the outermost function lie. */
  #returned = 0

  #unit(name: string): Unit {
    const unit = this.#units.get(name)
    if (unit === undefined) throw new InterpreterError({ code: 'unknown-function', name })
    return unit
  }

  /** The first word that no activation uses. */
  #top(): number {
    const last = this.#activations.at(-1)
    return last === undefined ? 0 : last.base + last.unit.words
  }

  /** Makes an activation of a function whose arguments lie at `from`, one behind the other. */
  #enter(unit: Unit, from: number): Activation | Trap {
    const caller = this.#activations.at(-1)
    const { func } = unit
    if (unit.isDynamic) throw new InterpreterError({ code: 'unsupported', what: 'a dynamic vector' }, unit.name)
    const callerSp = caller?.sp ?? STACK_TOP
    const fp = callerSp - 16
    const align = slotAlignment(func)
    const sp = Math.floor((fp - unit.slotBytes) / align) * align
    if (!this.#stack.reach(sp)) return new Trap(TrapCode.StackOverflow)
    // The arguments move from above the caller's words to the callee's, which may begin there too.
    const base = this.#top()
    const entry = func.layout.entry
    const sizes = entry < 0 ? [] : func.signature.params.map(({ type }) => wordCount(type))
    const args = this.#words.slice(from, from + sizes.reduce((sum, size) => sum + size, 0))
    this.#reserve(base + unit.words + SCRATCH_WORDS)
    const words = this.#words
    words.fill(0, base, base + unit.words)
    let at = 0
    for (let i = 0; i < sizes.length; i++) {
      words.set(args.subarray(at, at + sizes[i]), base + unit.offsets[func.blocks.param(entry, i)])
      at += sizes[i]
    }
    this.#stack.enter(sp, fp, caller?.fp ?? 0, caller === undefined ? 0 : returnAddress(caller))
    const activation: Activation = { unit, base, fp, sp, inst: -1 }
    this.#activations.push(activation)
    return activation
  }

  #reserve(words: number): void {
    if (words <= this.#words.length) return
    const grown = new Int32Array(Math.max(words, 2 * this.#words.length))
    grown.set(this.#words)
    this.#words = grown
  }

  #trapped(code: number, unit: Unit, inst: number): Outcome {
    return { kind: 'trapped', code, name: trapCodeName(code), place: placeOf(unit, inst) }
  }

  /** Runs until the outermost function returns (null) or something else ends it. */
  #run(entry: Activation): Outcome | null {
    let activation = entry
    let { unit, base } = activation
    let { func, offsets } = unit
    let inst: number = func.layout.entry < 0 ? -1 : func.blocks.firstInst[func.layout.entry]
    let fuel = this.#fuel
    const load = (next: Activation): void => {
      activation = next
      unit = next.unit
      base = next.base
      func = unit.func
      offsets = unit.offsets
    }
    const fail = (problem: InterpreterProblem): never => {
      throw new InterpreterError(problem, placeOf(unit, inst))
    }
    const trap = (code: number): Outcome => this.#trapped(code, unit, inst)
    for (;;) {
      if (inst < 0) fail({ code: 'ill-formed', why: 'control runs off the end of a block' })
      if (fuel-- <= 0) return { kind: 'out-of-fuel' }
      const { insts } = func
      const opcode = insts.opcode[inst]
      const words = this.#words
      const a = insts.arg0[inst]
      const b = insts.arg1[inst]
      const _c = insts.arg2[inst]
      const type = insts.ctrlType[inst]
      const first = insts.firstResult[inst]
      const result = first < 0 ? 0 : base + offsets[first]
      switch (opcode) {
        case Op.Iconst:
        case Op.F64const:
          words[result] = insts.imm[inst]
          if (opcode === Op.F64const || typeBits(type) === 64) words[result + 1] = insts.immHigh[inst]
          break
        case Op.F32const:
        case Op.F16const:
          words[result] = insts.imm[inst]
          break
        case Op.F128const:
        case Op.Vconst: {
          const bytes = func.constants[insts.entity[inst]]
          const size = typeBits(func.values.type[first]) >> 3
          const whole = new Uint8Array(Math.max(4, size))
          whole.set(bytes.subarray(0, size))
          readWords(whole, 0, Math.max(4, size), false, words, result)
          break
        }
        case Op.Shuffle:
          shuffle(func.masks[insts.entity[inst]], words, base + offsets[a], base + offsets[b], result)
          break
        case Op.Jump:
          inst = this.#goto(activation, insts.target0[inst] as BlockCall, null)
          continue
        case Op.Brif: {
          const taken = isTrue(func.values.type[a], words, base + offsets[a])
            ? insts.target0[inst]
            : insts.target1[inst]
          inst = this.#goto(activation, taken as BlockCall, null)
          continue
        }
        case Op.BrTable: {
          const table = func.jumpTables[insts.entity[inst]]
          const index = words[base + offsets[a]] >>> 0
          inst = this.#goto(activation, (index < table.length ? table[index] : insts.target0[inst]) as BlockCall, null)
          continue
        }
        case Op.Trap:
          return trap(insts.imm[inst])
        case Op.Trapz:
        case Op.Trapnz:
          if (isTrue(func.values.type[a], words, base + offsets[a]) === (opcode === Op.Trapnz))
            return trap(insts.imm[inst])
          break
        case Op.Nop:
        case Op.Fence:
        case Op.SequencePoint:
        case Op.Debugtrap:
          break
        case Op.Return: {
          const list = insts.listStart[inst]
          const results = this.#gather(activation, list, insts.listLength[inst])
          this.#activations.pop()
          const caller = this.#activations.at(-1)
          if (caller === undefined) {
            this.#returned = results
            return null
          }
          load(caller)
          inst = this.#resumeCaller(caller, results)
          continue
        }
        case Op.Call:
        case Op.CallIndirect:
        case Op.TryCall:
        case Op.TryCallIndirect:
        case Op.ReturnCall:
        case Op.ReturnCallIndirect: {
          const name = this.#callee(activation, inst, fail)
          const args = this.#gather(activation, insts.listStart[inst], insts.listLength[inst])
          const signature = func.calleeSignature(inst as Inst) ?? fail({ code: 'ill-formed', why: 'no signature' })
          const tail = opcode === Op.ReturnCall || opcode === Op.ReturnCallIndirect
          activation.inst = inst
          if (typeof name !== 'string') {
            if (!fits(name.func.signature, signature)) {
              fail({ code: 'ill-formed', why: `${name.name} has another signature than the call` })
            }
            const place = unit
            if (tail) this.#activations.pop()
            const next = this.#enter(name, args)
            if (next instanceof Trap) return this.#trapped(next.code, place, inst)
            load(next)
            inst = func.layout.entry < 0 ? -1 : func.blocks.firstInst[func.layout.entry]
            continue
          }
          let thrown: HostException
          try {
            const results = this.#callHost(name, args, signature, fail)
            if (tail) {
              this.#activations.pop()
              const caller = this.#activations.at(-1)
              if (caller === undefined) {
                this.#returned = results
                return null
              }
              load(caller)
            }
            inst = this.#resumeCaller(activation, results)
            continue
          } catch (error) {
            if (error instanceof LibraryFault) return trap(TrapCode.HeapOutOfBounds)
            if (!(error instanceof HostException)) throw error
            thrown = error
          }
          const handler = this.#findHandler(thrown, tail)
          if (handler === null) return { kind: 'threw', tag: thrown.tag, payload: thrown.payload }
          load(this.#activations.at(-1)!)
          inst = this.#goto(activation, handler, (entry) => thrown.payload[argumentNumber(entry)])
          continue
        }
        case Op.FuncAddr:
          this.#setAddress(this.#addressOfFunction(func, insts.entity[inst]), type, result)
          break
        case Op.StackAddr:
          this.#setAddress(activation.sp + unit.slotOffsets[insts.entity[inst]] + insts.imm[inst], type, result)
          break
        case Op.GetFramePointer:
          this.#setAddress(activation.fp, type, result)
          break
        case Op.GetStackPointer:
          this.#setAddress(activation.sp, type, result)
          break
        case Op.GetReturnAddress: {
          const caller = this.#activations.at(-2)
          this.#setAddress(caller === undefined ? 0 : returnAddress(caller), type, result)
          break
        }
        case Op.GetExceptionHandlerAddress:
          this.#setAddress(unit.address + 16 * insts.arg1[inst] + 8, type, result)
          break
        case Op.GetPinnedReg:
          bigIntToWords(this.#pinned, words, result, wordCount(type))
          break
        case Op.SetPinnedReg:
          this.#pinned = wordsToBigInt(words, base + offsets[a], wordCount(type))
          break
        case Op.SymbolValue:
        case Op.TlsValue: {
          const value = this.#global(activation, insts.entity[inst], fail)
          if (value instanceof Trap) return trap(value.code)
          bigIntToWords(value, words, result, wordCount(type))
          break
        }
        case Op.StackSwitch:
        case Op.DynamicStackAddr:
        case Op.ExtractVector:
          fail({ code: 'unsupported', what: opcode === Op.StackSwitch ? 'stack_switch' : 'a dynamic vector' })
          break
        default: {
          const code = this.#compute(activation, inst, opcode, type)
          if (code === NOT_PURE) fail({ code: 'unsupported', what: printInst(func, inst as Inst).trim() })
          if (code !== 0) return trap(code)
        }
      }
      inst = func.layout.nextInst[inst]
    }
  }

  /** Everything that only reads operands and memory, and writes results and memory. @returns a trap code, 0, or NOT_PURE. */
  #compute({ unit, base, sp }: Activation, inst: number, opcode: number, type: Type): number {
    const { func, offsets } = unit
    const { insts, values } = func
    const a = insts.arg0[inst]
    const b = insts.arg1[inst]
    const c = insts.arg2[inst]
    const first = insts.firstResult[inst]
    const pointer = pointerOperand(opcode)
    const place = this.#place
    place.words = this.#words
    place.a = a < 0 ? 0 : base + offsets[a]
    place.b = b < 0 ? 0 : base + offsets[b]
    place.c = c < 0 ? 0 : base + offsets[c]
    place.out = first < 0 ? 0 : base + offsets[first]
    if (pointer >= 0) {
      place.scratch = this.#scratch()
      place.sp = sp
      return this.#accesses.execute(
        opcode,
        pointer === 0 && first >= 0 ? values.type[first] : values.type[a],
        values.type[pointer === 0 ? a : b],
        insts.imm[inst],
        insts.immHigh[inst],
        place,
      )
    }
    return this.#evaluator.evaluate(
      opcode,
      type,
      a < 0 ? type : values.type[a],
      opcode === Op.Bitcast ? insts.immHigh[inst] : insts.imm[inst],
      place.words,
      place.a,
      place.b,
      place.c,
      place.out,
      first >= 0 && insts.resultCount[inst] > 1 ? base + offsets[first + 1] : 0,
    )
  }

  /** Words that nobody's values lie in. */
  #scratch(): number {
    return this.#top() + SCRATCH_WORDS / 2
  }

  #setAddress(address: number, type: Type, at: number): void {
    this.#words[at] = address | 0
    if (typeBits(type) === 64) this.#words[at + 1] = 0
  }

  /** Copies values of the pool to free words, one behind the other. @returns where. */
  #gather({ unit, base }: Activation, start: number, length: number): number {
    const { func, offsets } = unit
    const from = this.#top()
    let at = from
    this.#reserve(from + SCRATCH_WORDS)
    for (let i = 0; i < length; i++) {
      const value = func.valueLists[start + i]
      const count = wordCount(func.values.type[value])
      this.#reserve(at + count + SCRATCH_WORDS)
      this.#words.copyWithin(at, base + offsets[value], base + offsets[value] + count)
      at += count
    }
    return from
  }

  /** Enters a block with its arguments, which are read before any parameter is written. @returns its first instruction. */
  #goto({ unit, base }: Activation, call: BlockCall, special: ((entry: number) => bigint) | null): number {
    const { func, offsets } = unit
    const block = func.blockCalls.block[call] as Block
    const start = func.blockCalls.argStart[call]
    const count = func.blockCalls.argCount[call]
    const from = this.#top()
    let at = from
    for (let i = 0; i < count; i++) {
      const entry = func.blockArgs[start + i]
      const type = func.values.type[func.blocks.param(block, i)]
      const size = wordCount(type)
      this.#reserve(at + size + SCRATCH_WORDS)
      if (entry >= 0) this.#words.copyWithin(at, base + offsets[entry], base + offsets[entry] + size)
      else bigIntToWords(special?.(entry) ?? 0n, this.#words, at, size)
      at += size
    }
    at = from
    for (let i = 0; i < count; i++) {
      const param = func.blocks.param(block, i)
      const size = wordCount(func.values.type[param])
      this.#words.copyWithin(base + offsets[param], at, at + size)
      at += size
    }
    return func.blocks.firstInst[block]
  }

  /** Gives a call its results, which lie at `from`. @returns the instruction that comes next. */
  #resumeCaller(caller: Activation, from: number): number {
    const { unit, base, inst } = caller
    const { func, offsets } = unit
    const { insts } = func
    const words = this.#words
    const opcode = insts.opcode[inst]
    const returns = func.calleeSignature(inst as Inst)?.returns ?? []
    if (opcode === Op.TryCall || opcode === Op.TryCallIndirect) {
      const results: bigint[] = []
      let at = from
      for (const { type } of returns) {
        results.push(wordsToBigInt(words, at, wordCount(type)))
        at += wordCount(type)
      }
      const { normal } = func.exceptionTables[insts.imm[inst]]
      return this.#goto(caller, normal, (entry) => results[argumentNumber(entry)])
    }
    let at = from
    for (let i = 0; i < returns.length; i++) {
      const size = wordCount(returns[i].type)
      const result = base + offsets[insts.firstResult[inst] + i]
      words.copyWithin(result, at, at + size)
      at += size
    }
    return func.layout.nextInst[inst]
  }

  /** Who is called: a function of the module, or the name of one that is none. */
  #callee({ unit, base }: Activation, inst: number, fail: (problem: InterpreterProblem) => never): Unit | string {
    const { func, offsets } = unit
    const { insts } = func
    const opcode = insts.opcode[inst]
    if (opcode === Op.Call || opcode === Op.TryCall || opcode === Op.ReturnCall) {
      const name = printExternalName(func.funcRefs[insts.entity[inst]].name)
      return this.#units.get(name) ?? name
    }
    const callee = insts.arg0[inst]
    const at = base + offsets[callee]
    const high = typeBits(func.values.type[callee]) === 64 ? this.#words[at + 1] : 0
    const address = this.#words[at] >>> 0
    const found = high === 0 ? (this.#byAddress.get(address) ?? this.#hostNames.get(address)) : undefined
    return found ?? fail({ code: 'ill-formed', why: 'a call of an address that is no function' })
  }

  #callHost(name: string, from: number, signature: Signature, fail: (problem: InterpreterProblem) => never): number {
    const args: bigint[] = []
    let at = from
    for (const { type } of signature.params) {
      args.push(wordsToBigInt(this.#words, at, wordCount(type)))
      at += wordCount(type)
    }
    if (name === THROW && !this.#host.has(THROW)) throw this.#thrown(args)
    const routine = this.#host.get(name) ?? LIBRARY.get(name)
    if (routine === undefined) return fail({ code: 'unknown-function', name })
    const results = routine(args, this.memory)
    if (results.length < signature.returns.length) {
      fail({ code: 'ill-formed', why: `${name} gave ${results.length} results of ${signature.returns.length}` })
    }
    at = from
    signature.returns.forEach(({ type }, i) => {
      const size = wordCount(type)
      this.#reserve(at + size + SCRATCH_WORDS)
      bigIntToWords(BigInt.asUintN(typeBits(type), results[i]), this.#words, at, size)
      at += size
    })
    return from
  }

  /** `%__cranelift_throw`: entry fp, exit fp, exit pc, tag, two payload words. */
  #thrown(args: readonly bigint[]): HostException {
    const [entryFp, exitFp, , tag, ...payload] = args
    const exit = this.#activations.findLastIndex(({ fp }) => BigInt(fp) === exitFp)
    const entry = this.#activations.findLastIndex(({ fp }) => BigInt(fp) === entryFp)
    this.#throwFrom = exit < 0 ? this.#activations.length - 1 : exit - 1
    this.#throwTo = Math.max(0, entry)
    return new HostException(Number(tag ?? 0n), payload)
  }

  /** Activations that the next throw visits, from the first index down to the second. */
  #throwFrom = -1
  #throwTo = 0

  /** Takes away the activations above the one with the handler. @returns where control goes; null when nobody handles it. */
  #findHandler({ tag }: HostException, tail: boolean): BlockCall | null {
    // A function that is left by a tail call is not there any more.
    const from = this.#throwFrom >= 0 ? this.#throwFrom : this.#activations.length - (tail ? 2 : 1)
    const to = this.#throwTo
    this.#throwFrom = -1
    this.#throwTo = 0
    for (let i = from; i >= to; i--) {
      const { unit, inst } = this.#activations[i]
      const { func } = unit
      const opcode = func.insts.opcode[inst]
      if (opcode !== Op.TryCall && opcode !== Op.TryCallIndirect) continue
      const target = targetOf(func.exceptionTables[func.insts.imm[inst]], tag)
      if (target === null) continue
      this.#activations.length = i + 1
      return target
    }
    return null
  }

  #addressOfFunction(func: IrFunction, ref: number): number {
    const name = printExternalName(func.funcRefs[ref].name)
    return this.#units.get(name)?.address ?? this.#hostAddress(name)
  }

  #hostAddress(name: string): number {
    const known = this.#hostAddresses.get(name)
    if (known !== undefined) return known
    const address = HOST_BASE + 16 * this.#hostAddresses.size
    this.#hostAddresses.set(name, address)
    this.#hostNames.set(address, name)
    return address
  }

  /** The value of a global. */
  #global(activation: Activation, index: number, fail: (problem: InterpreterProblem) => never): bigint | Trap {
    const { unit, base } = activation
    const { func, offsets } = unit
    const global = func.globalValues[index]
    switch (global.kind) {
      case 'vmctx': {
        const param = func.signature.params.findIndex(({ purpose }) => purpose === 'vmctx')
        if (param < 0) return fail({ code: 'ill-formed', why: 'no parameter is the vmctx' })
        const value: Value = func.blocks.param(func.layout.entry, param)
        return wordsToBigInt(this.#words, base + offsets[value], wordCount(func.values.type[value]))
      }
      case 'iadd_imm': {
        const from = this.#global(activation, global.base, fail)
        return from instanceof Trap ? from : BigInt.asUintN(typeBits(global.type), from + global.offset)
      }
      case 'load': {
        const from = this.#global(activation, global.base, fail)
        if (from instanceof Trap) return from
        const scratch = this.#scratch()
        bigIntToWords(from, this.#words, scratch, 2)
        const size = typeBits(global.type) >> 3
        const address = addressOf(this.#words, scratch, Type.I64, global.offset)
        const bytes = address < 0 ? null : this.memory.slice(address, size)
        if (bytes === null) return new Trap(memFlagsTrapCode(global.flags) || TrapCode.HeapOutOfBounds)
        readWords(bytes, 0, size, (global.flags & MemFlags.Big) !== 0, this.#words, scratch)
        return wordsToBigInt(this.#words, scratch, wordCount(global.type))
      }
      case 'symbol': {
        const name = printExternalName(global.name)
        const data = this.#data.get(name.replace(/^%/, ''))
        const address = data ?? this.#units.get(name)?.address ?? this.#hostAddress(name)
        return BigInt.asUintN(64, BigInt(address + global.offset))
      }
      case 'dyn_scale_target_const':
        return fail({ code: 'unsupported', what: 'a dynamic vector' })
    }
  }
}

function returnAddress({ unit, inst }: Activation): number {
  return unit.address + 16 * (inst + 1)
}

/** `%f:inst3 (file.clif:7:5)` */
function placeOf({ func, name }: Unit, inst: number): string {
  if (inst < 0) return name
  const { source } = func
  const offset = source?.instOffset(inst) ?? -1
  if (source === null || offset < 0) return `${name}:inst${inst}`
  const { line, column } = source.source.place(offset)
  return `${name}:inst${inst} (${source.source.file}:${line}:${column})`
}

/** Whether a function can be called by a signature: the same types in the same order. */
function fits(own: Signature, called: Signature): boolean {
  return (
    own.params.length === called.params.length &&
    own.returns.length === called.returns.length &&
    own.params.every(({ type }, i) => type === called.params[i].type) &&
    own.returns.every(({ type }, i) => type === called.returns[i].type)
  )
}

/** The handler that takes a tag; null for none. */
function targetOf({ items }: ExceptionTableData, tag: number): BlockCall | null {
  for (const item of items) {
    if (item.kind === 'default' || (item.kind === 'tag' && item.tag === tag)) return item.target
  }
  return null
}
