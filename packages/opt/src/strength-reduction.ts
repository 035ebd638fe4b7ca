// Strength reduction of addresses: what an access computes from an induction variable in every round becomes a pointer
// that is advanced once a round, or an index on an address that does not change in the loop.
//
// An address is taken apart into a sum (linear-form.ts). Its terms are either invariant in the loop or products of one
// induction variable p with something invariant: address = R + p * C + k, with R and C invariant and k a constant.
//
// - C is 1, 2, 4 or 8: the access becomes `R + (p << c)`, which selection merges into it whole. R is computed in front
//   of the loop.
// - C is anything else: p's header gets one more parameter, which starts as R + p's initial value * C and which every
//   way round advances by p's step * C. This is the running pointer; accesses that differ in k alone share it.
//
// k goes into the access's own offset. All of it holds modulo 2^64, so wrapping changes nothing, and every access still
// reads or writes the address that it did, when it did.
//
//   block1(v1: i64):                        block1(v1: i64, v9: i64):
//     v2 = imul v1, v0                        v5 = load.f64 v9
//     v3 = ishl v2, 3                         v6 = iadd v1, 1
//     v4 = iadd v7, v3                        v10 = iadd v9, v8          ; v8 = v0 << 3, in front of the loop
//     v5 = load.f64 v4                        jump block1(v6, v10)
//     v6 = iadd v1, 1
//     jump block1(v6)
//
// The pointer is advanced at the end of the round: its old and new value then never live at the same time, and one
// register serves both (measured on a matrix product: 1.10 of gcc's time with the addition in the middle, 0.9 at the end).
//
// It pays when it saves instructions: when what will be dead in the loop (savings.ts) is more than the additions to the
// pointers.
//
// Relies on: loop-entries, loop-invariants; no dead code, as that would seem to use values. Leaves true: nothing new.
// Loops are done from the inside out; what is computed in front of an inner loop is not reduced again in the outer one.

import { type Block, type Function, type Inst, Opcode, Type } from '@framewright/ir'
import { type InductionVariable, inductionVariables } from './analysis/induction.ts'
import { addressOf, definitionBlock, type ValueUses, valueUses } from './analysis/uses.ts'
import type { PassContext } from './context.ts'
import { InvariantBuilder } from './invariant-builder.ts'
import { FormReader, LinearForm } from './linear-form.ts'
import { FIXED_OPERANDS, TRAITS, Trait } from './opcode-traits.ts'
import { setArguments } from './operands.ts'
import { Savings } from './savings.ts'

/** Each holds a register through its loop. */
const MOST_POINTERS = 6
/** Sums that are told apart in one loop; an address beyond them is left as it is. */
const MOST_GROUPS = 16

/** Runs the pass. */
export function reduceAddresses(func: Function, context: PassContext): void {
  const loops = context.loops()
  if (loops.count === 0) return
  const accesses = accessesByLoop(func, context)
  let uses: ValueUses | null = null
  let builder: InvariantBuilder | null = null
  for (let loop = 0; loop < loops.count; loop++) {
    if (accesses[loop].length === 0 || loops.preheader[loop] < 0) continue
    uses ??= valueUses(func, context.order())
    builder ??= new InvariantBuilder(func, context)
    new LoopReduction(func, context, loop, uses, builder).run(accesses[loop])
  }
  context.rewriteAll()
}

/** The accesses of each loop, those of loops inside it left out, whose address is computed in the loop. */
function accessesByLoop(func: Function, context: PassContext): number[][] {
  const loops = context.loops()
  const order = context.order()
  const { blocks, layout, insts, values } = func
  const found: number[][] = Array.from({ length: loops.count }, () => [])
  for (let i = 0; i < order.length; i++) {
    const loop = loops.ofBlock[order[i]]
    if (loop < 0 || blocks.cold[order[i]] !== 0) continue
    for (let inst = blocks.firstInst[order[i]]; inst >= 0; inst = layout.nextInst[inst]) {
      if ((TRAITS[insts.opcode[inst]] & Trait.Access) === 0) continue
      const address = addressOf(func, inst)
      if (values.definition[address] < 0 || values.type[address] !== Type.I64) continue
      if (loops.contains(loop, definitionBlock(func, address))) found[loop].push(inst)
    }
  }
  return found
}

/** Accesses whose addresses differ by constants. */
interface Group {
  readonly form: LinearForm
  readonly variable: InductionVariable
  /** R. */
  readonly base: LinearForm
  /** C. */
  readonly factor: LinearForm
  /** The c of C = 1 << c when an addressing mode has it and R is not empty, -1 when it takes a pointer. */
  readonly scale: number
  /** Whether every round gets to one of the accesses. */
  certain: boolean
  readonly members: { readonly inst: number; readonly offset: number }[]
}

interface Pointer {
  readonly initial: number
  readonly step: number
  readonly members: readonly { readonly inst: number; readonly offset: number }[]
}

class LoopReduction {
  readonly #func: Function
  readonly #context: PassContext
  readonly #loop: number
  readonly #uses: ValueUses
  readonly #builder: InvariantBuilder
  readonly #variables: readonly InductionVariable[]
  readonly #reader: FormReader
  readonly #groups: Group[] = []

  constructor(func: Function, context: PassContext, loop: number, uses: ValueUses, builder: InvariantBuilder) {
    this.#func = func
    this.#context = context
    this.#loop = loop
    this.#uses = uses
    this.#builder = builder
    this.#variables = inductionVariables(func, context, loop)
    this.#reader = new FormReader(func, context.folder, (value) => this.#isLeaf(value))
  }

  run(accesses: readonly number[]): void {
    if (this.#variables.length === 0) return
    for (const inst of accesses) this.#collect(inst)
    if (this.#groups.length === 0) return
    const chosen = this.#chosen()
    if (chosen.length === 0) return
    this.#builder.enter(this.#loop)
    const pointers: Pointer[] = []
    for (const group of chosen) {
      if (group.scale >= 0) this.#index(group)
      else if (pointers.length < MOST_POINTERS) pointers.push(this.#pointer(group))
    }
    if (pointers.length > 0) this.#addPointers(pointers)
  }

  /** Puts an access into its group. */
  #collect(inst: number): void {
    const { insts, layout } = this.#func
    const form = this.#reader.read(addressOf(this.#func, inst))
    if (form === null) return
    // The constant joins the offset of the access.
    const offset = insts.imm[inst] + form.low
    if (form.high !== form.low >> 31 || offset !== (offset | 0)) return
    let group = this.#groups.find((other) => other.form.sameTerms(form))
    if (group === undefined) {
      if (this.#groups.length === MOST_GROUPS) return
      const split = this.#split(form)
      if (split === null) return
      const scale = split.base.terms.length > 0 ? indexScale(split.factor) : -1
      group = { form, ...split, scale, certain: false, members: [] }
      this.#groups.push(group)
    }
    group.certain ||= this.#isCertain(layout.instBlock[inst])
    group.members.push({ inst, offset })
  }

  /** The groups that it pays to rewrite: those that pay alone, then the others if together they do. */
  #chosen(): Group[] {
    const loops = this.#context.loops()
    const { instBlock } = this.#func.layout
    const savings = new Savings(this.#func, this.#uses, (inst) => loops.contains(this.#loop, instBlock[inst]))
    const accesses = (groups: readonly Group[]): number[] =>
      groups.flatMap(({ members }) => members.map(({ inst }) => inst))
    const cost = (groups: readonly Group[]): number => groups.reduce((sum, { scale }) => sum + (scale < 0 ? 1 : 0), 0)
    const possible = this.#groups.filter(({ scale, certain }) => scale >= 0 || certain)
    const alone = possible.filter((group) => savings.of(accesses([group])) > cost([group]))
    const others = possible.filter((group) => !alone.includes(group))
    if (others.length === 0) return alone
    const together = savings.of(accesses(possible)) - savings.of(accesses(alone))
    return together > cost(others) ? possible : alone
  }

  #isLeaf(value: number): boolean {
    const loops = this.#context.loops()
    return (
      this.#variables.some((variable) => variable.value === value) ||
      !loops.contains(this.#loop, definitionBlock(this.#func, value))
    )
  }

  /** R, C and p of a sum; null when it has no induction variable, or several, or one squared. */
  #split(form: LinearForm): { variable: InductionVariable; base: LinearForm; factor: LinearForm } | null {
    const { folder } = this.#context
    const base = new LinearForm()
    const factor = new LinearForm()
    let variable: InductionVariable | undefined
    for (const { a, b, low, high } of form.terms) {
      const first = this.#variables.find(({ value }) => value === a)
      const second = this.#variables.find(({ value }) => value === b)
      if (first !== undefined && second !== undefined) return null
      const own = first ?? second
      if (own === undefined) {
        base.add(folder, a, b, low, high)
        continue
      }
      if (variable !== undefined && variable !== own) return null
      variable = own
      if (b < 0) factor.addConstant(folder, low, high)
      else factor.add(folder, first === undefined ? a : b, -1, low, high)
    }
    return variable === undefined ? null : { variable, base, factor }
  }

  /** Whether every way round the loop goes through the block. */
  #isCertain(block: number): boolean {
    const loops = this.#context.loops()
    const tree = this.#context.tree()
    const { start, from } = this.#context.incoming()
    const header = loops.header[this.#loop]
    for (let c = start[header]; c < start[header + 1]; c++) {
      if (from[c] !== loops.preheader[this.#loop] && !tree.dominates(block as Block, from[c] as Block)) return false
    }
    return true
  }

  /** Rewrites accesses to R + (p << scale). */
  #index({ base, variable, members, scale }: Group): void {
    const invariant = this.#builder.sum(base)
    const amount = scale === 0 ? -1 : this.#builder.constant(scale, 0)
    for (const { inst, offset } of members) {
      const context = this.#context
      const index =
        amount < 0 ? variable.value : context.binaryBefore(Opcode.Ishl, Type.I64, variable.value, amount, inst)
      const address = context.binaryBefore(Opcode.Iadd, Type.I64, invariant, index, inst)
      setAddress(this.#func, inst, address, offset)
    }
  }

  /** Computes where a running pointer starts and what it advances by. */
  #pointer({ base, factor, variable, members }: Group): Pointer {
    const { folder } = this.#context
    const initial = new LinearForm()
    const step = new LinearForm()
    for (const { a, b, low, high } of base.terms) initial.add(folder, a, b, low, high)
    this.#addProduct(initial, factor, variable.initial)
    this.#addProduct(step, factor, variable.step)
    return { initial: this.#withConstant(initial), step: this.#withConstant(step), members }
  }

  /** form += factor * value. */
  #addProduct(form: LinearForm, factor: LinearForm, value: number): void {
    const { insts, values } = this.#func
    const { folder } = this.#context
    const inst = values.definition[value]
    const isConstant = inst >= 0 && insts.opcode[inst] === Opcode.Iconst
    for (const { a, low, high } of factor.terms) {
      if (isConstant) {
        folder.binary(Opcode.Imul, 64, low, high, insts.imm[inst], insts.immHigh[inst])
        form.add(folder, a, -1, folder.low, folder.high)
      } else form.add(folder, a, value, low, high)
    }
    if (isConstant) {
      folder.binary(Opcode.Imul, 64, factor.low, factor.high, insts.imm[inst], insts.immHigh[inst])
      form.addConstant(folder, folder.low, folder.high)
    } else form.add(folder, value, -1, factor.low, factor.high)
  }

  #withConstant(form: LinearForm): number {
    const sum = this.#builder.sum(form)
    if (sum < 0) return this.#builder.constant(form.low, form.high)
    if (form.low === 0 && form.high === 0) return sum
    return this.#builder.binary(Opcode.Iadd, sum, this.#builder.constant(form.low, form.high))
  }

  /** Gives the header its new parameters, and every branch to it the arguments for them. */
  #addPointers(pointers: readonly Pointer[]): void {
    const func = this.#func
    const context = this.#context
    const { blocks, values, blockCalls } = func
    const loops = context.loops()
    const header = loops.header[this.#loop]
    const count = blocks.paramCount[header]
    const old = blocks.firstParam[header]
    const types: Type[] = []
    for (let i = 0; i < count; i++) types.push(values.type[old + i])
    for (let i = 0; i < pointers.length; i++) types.push(Type.I64)
    const first = context.setParameters(header as Block, types)
    for (let i = 0; i < count; i++) context.replace(old + i, first + i)
    pointers.forEach(({ members }, i) => {
      for (const { inst, offset } of members) setAddress(func, inst, first + count + i, offset)
    })
    const { start, calls, from } = context.incoming()
    for (let c = start[header]; c < start[header + 1]; c++) {
      const call = calls[c]
      const at = blockCalls.argStart[call]
      const args = Array.from(func.blockArgs.subarray(at, at + count))
      const entered = from[c] === loops.preheader[this.#loop]
      pointers.forEach(({ initial, step }, i) => {
        const end = blocks.lastInst[from[c]]
        args.push(entered ? initial : context.binaryBefore(Opcode.Iadd, Type.I64, first + count + i, step, end))
      })
      setArguments(func, call, args)
    }
  }
}

function setAddress({ insts }: Function, inst: number, address: number, offset: number): void {
  if (FIXED_OPERANDS[insts.opcode[inst as Inst]] === 1) insts.arg0[inst] = address
  else insts.arg1[inst] = address
  insts.imm[inst] = offset
}

/** The c of a factor 1 << c that addressing modes have; -1. */
function indexScale({ terms, low, high }: LinearForm): number {
  if (terms.length > 0 || high !== 0) return -1
  return low === 1 || low === 2 || low === 4 || low === 8 ? 31 - Math.clz32(low) : -1
}
