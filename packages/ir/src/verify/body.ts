// literals: Opcode, Format
// Checks of blocks and instructions. This runs on every compile: the loop reads columns and makes nothing until there is
// something to report.

import type { DominatorTree } from '../dominators.ts'
import type { Block, Inst, Value } from '../entities.ts'
import { FORMAT_HAS_LIST, FORMAT_VALUES } from '../format.ts'
import type { Function as IrFunction } from '../function.ts'
import { DEFAULT_MEM_FLAGS, MemFlags, memFlagsRegion } from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_LIMIT, Opcode, OpcodeFlag } from '../opcode.ts'
import { printBlock, printValue } from '../text/index.ts'
import {
  CONSTRAINT_CONCRETE,
  CONSTRAINT_FREE,
  CONTROLLING_OPERAND,
  CONTROLLING_SET,
  constrainedType,
  Derived,
  OPERAND_CONSTRAINTS,
  printTypeSet,
  RESULT_CONSTRAINTS,
  RESULT_COUNT,
  satisfies,
  TYPE_SETS_OF,
  type TypeSet,
} from '../type-constraints.ts'
import { laneCount, type Type, typeBits, typeBytes, typeName } from '../types.ts'
import { paramDefinition } from '../value-table.ts'
import { verifyCall } from './calls.ts'
import { globalValueType } from './declarations.ts'
import { verifyImmediates } from './immediates.ts'
import type { VerifyOptions } from './index.ts'
import type { Report } from './report.ts'
import { isId, isRange } from './tables.ts'

/** Checks the blocks of one function. */
export class BodyVerifier {
  readonly func: IrFunction
  readonly report: Report
  readonly options: VerifyOptions
  readonly pointer: Type
  readonly #tree: DominatorTree
  /** 1 for instructions of the current and earlier blocks that have been passed. */
  readonly #passed: Uint8Array
  #block: Block = -1 as Block
  #reachable = false

  constructor(func: IrFunction, tree: DominatorTree, report: Report, options: VerifyOptions) {
    this.func = func
    this.report = report
    this.options = options
    this.pointer = options.pointerType ?? 0
    this.#tree = tree
    this.#passed = new Uint8Array(func.insts.length)
  }

  run(): void {
    const { blocks, layout, insts } = this.func
    const { report } = this
    // A list of instructions that a pass has tied into a circle must not hang the verifier.
    let left = insts.length
    for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
      this.#block = block as Block
      this.#reachable = this.#tree.enter[block] >= 0
      this.#params(block as Block)
      if (blocks.firstInst[block] < 0) {
        report.block(block as Block, `${printBlock(this.func, block as Block)} cannot be empty`) // D96
        report.stop()
      }
      let last = -1
      for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) {
        if (report.stopped) return
        if (--left < 0 || inst >= insts.length) {
          report.block(block as Block, `the list of instructions is broken after inst${last}`)
          return
        }
        if (!this.#inst(inst as Inst)) report.stop()
        this.#passed[inst] = 1
        last = inst
      }
      if (last !== blocks.lastInst[block]) {
        report.block(block as Block, `the last instruction is inst${last}, not inst${blocks.lastInst[block]}`)
      }
      if (report.stopped) return
    }
  }

  #params(block: Block): void {
    const { blocks, values } = this.func
    const first = blocks.firstParam[block]
    const definition = paramDefinition(block)
    for (let i = first; i < first + blocks.paramCount[block]; i++) {
      if (values.definition[i] === definition) continue
      const wrong = values.definition[i] >= 0 ? 'expected an argument, found a result' : null // D12
      const message = wrong ?? `does not belong to ${printBlock(this.func, block)}` // D11
      this.report.value(printValue(this.func, i as Value), block, message)
      this.report.stop()
    }
  }

  /** @returns false after a finding that ends CLIF's own verification: the rest of the instruction is then left. */
  #inst(inst: Inst): boolean {
    const { insts } = this.func
    const opcode = insts.opcode[inst]
    if (opcode === 0 || opcode >= OPCODE_LIMIT) {
      this.report.inst(inst, "instruction opcode doesn't match instruction format") // D13
      return false
    }
    return (
      this.#place(inst, opcode) &&
      this.#resultCount(inst, opcode) &&
      this.#values(inst, opcode) &&
      this.#references(inst, opcode as Opcode) &&
      this.#types(inst, opcode as Opcode) &&
      verifyImmediates(this, inst, opcode)
    )
  }

  /** Terminators end blocks, and nothing else does. */
  #place(inst: Inst, opcode: number): boolean {
    const { layout } = this.func
    const block = this.#block
    const last = layout.nextInst[inst] < 0
    const terminator = (OPCODE_FLAGS[opcode] & 1) /* OpcodeFlag.Terminator */ !== 0
    if (terminator !== last) {
      if (terminator) {
        // D8; D99 says the same of branches and never comes alone.
        const name = printBlock(this.func, block)
        this.report.inst(inst, `a terminator instruction was encountered before the end of ${name}`)
      } else this.report.block(block, 'block does not end in a terminator instruction') // D9
      return false
    }
    if (layout.instBlock[inst] !== block) {
      const found = layout.instBlock[inst] < 0 ? 'none' : printBlock(this.func, layout.instBlock[inst] as Block)
      this.report.inst(inst, `should belong to ${printBlock(this.func, block)} not ${found}`) // D10
      return false
    }
    return true
  }

  #resultCount(inst: Inst, opcode: number): boolean {
    const { insts, values } = this.func
    const expected = RESULT_COUNT[opcode]
    const found = insts.resultCount[inst]
    if (expected >= 0) {
      if (expected !== found) {
        this.report.inst(inst, `expected ${expected} result values, found ${found}`) // D14
        return false
      }
    }
    const first = insts.firstResult[inst]
    for (let i = first; i < first + found; i++) {
      if (isId(i, values.length) && values.definition[i] === inst) continue
      const name = printValue(this.func, i as Value)
      this.report.inst(inst, `instruction result ${name} is not defined by the instruction`) // D43
      return false
    }
    return true
  }

  /** Every operand is a value whose definition comes before. */
  #values(inst: Inst, opcode: number): boolean {
    const { func } = this
    const { insts } = func
    const fixed = FORMAT_VALUES[OPCODE_FORMAT[opcode]]
    let good = true
    if (fixed > 0) good = this.#value(inst, insts.arg0[inst])
    if (fixed > 1) good = this.#value(inst, insts.arg1[inst]) && good
    if (fixed > 2) good = this.#value(inst, insts.arg2[inst]) && good
    if (FORMAT_HAS_LIST[OPCODE_FORMAT[opcode]] !== 0) {
      const start = insts.listStart[inst]
      const count = insts.listLength[inst]
      if (!isRange(start, count, func.valueListsLength)) {
        this.report.inst(inst, `invalid value list reference ${start} and ${count} more`) // D28
        return false
      }
      for (let i = start; i < start + count; i++) good = this.#value(inst, func.valueLists[i]) && good
    }
    switch (opcode) {
      case 1 /* Opcode.Jump */:
        return this.#callValues(inst, insts.target0[inst]) && good
      case 2 /* Opcode.Brif */:
        good = this.#callValues(inst, insts.target0[inst]) && good
        return this.#callValues(inst, insts.target1[inst]) && good
      case 3 /* Opcode.BrTable */:
        {
          good = this.#callValues(inst, insts.target0[inst]) && good
          const table = func.jumpTables[insts.entity[inst]]
          if (table !== undefined) for (const call of table) good = this.#callValues(inst, call) && good
          return good
        }
      case 14 /* Opcode.TryCall */:
      case 15 /* Opcode.TryCallIndirect */:
        {
          const table = func.exceptionTables[insts.imm[inst]]
          if (table === undefined) return good
          for (const item of table.items) {
            good =
              (item.kind === 'context' ? this.#value(inst, item.value) : this.#callValues(inst, item.target)) && good
          }
          return this.#callValues(inst, table.normal) && good
        }
      default:
        return good
    }
  }

  #callValues(inst: Inst, call: number): boolean {
    const { blockCalls, blockArgs } = this.func
    if (call < 0 || call >= blockCalls.length) return true
    const start = blockCalls.argStart[call]
    let good = true
    for (let i = start; i < start + blockCalls.argCount[call]; i++) {
      // Entries below -1 are retN and exnN.
      if (blockArgs[i] >= -1) good = this.#value(inst, blockArgs[i]) && good
    }
    return good
  }

  #value(inst: Inst, value: number): boolean {
    const { values, insts, layout, blocks } = this.func
    const block = this.#block
    if (value < 0 || value >= values.length) {
      this.report.inst(inst, `invalid value reference v${value}`) // D35
      return false
    }
    const definition = values.definition[value]
    if (definition >= 0) {
      if (definition < insts.length) {
        const from = layout.instBlock[definition]
        if (from === block) {
          if (this.#passed[definition] === 1 || !this.#reachable) return true
        } else if (from >= 0) {
          if (!this.#reachable || this.#dominates(from)) return true
        }
      }
    } else if (definition < -1) {
      const from = -2 - definition
      if (from === block) return true
      if (from < blocks.length && layout.hasBlock(from as Block) && (!this.#reachable || this.#dominates(from)))
        return true
    }
    this.report.inst(inst, this.#misuse(inst, value as Value, definition))
    return false
  }

  #dominates(from: number): boolean {
    const { enter, leave } = this.#tree
    const at = enter[this.#block]
    return enter[from] >= 0 && enter[from] <= at && at <= leave[from]
  }

  /** What is wrong with the use of a value, in words. */
  #misuse(inst: Inst, value: Value, definition: number): string {
    const { insts, layout, blocks } = this.func
    const name = printValue(this.func, value)
    if (definition >= 0) {
      if (definition >= insts.length) return `${name} is defined by invalid instruction inst${definition}` // D36
      if (layout.instBlock[definition] < 0) return `${name} is defined by inst${definition} which has no block` // D37
      if (definition === inst) return `uses value ${name} from itself` // D39
      return `uses value ${name} from non-dominating inst${definition}` // D38
    }
    if (definition === -1) return `argument ${name} -> ${name} is not attached` // D15
    const from = (-2 - definition) as Block
    if (from >= blocks.length) return `${name} is defined by invalid block block${from}` // D40
    const block = printBlock(this.func, from)
    if (!layout.hasBlock(from)) return `${name} is defined by ${block} which is not in the layout` // D41
    return `uses value arg from non-dominating ${block}` // D42
  }

  /** What the instruction refers to beside values. */
  #references(inst: Inst, opcode: Opcode): boolean {
    const { func, report } = this
    const { insts } = func
    const entity = insts.entity[inst]
    switch (OPCODE_FORMAT[opcode]) {
      case 16 /* Format.Load */:
      case 1 /* Format.AtomicRmw */:
      case 0 /* Format.AtomicCas */:
        this.#memory(inst, insts.arg0[inst])
        return true
      case 22 /* Format.Store */:
      case 23 /* Format.StoreNoOffset */:
        this.#memory(inst, insts.arg1[inst])
        return true
      case 17 /* Format.LoadNoOffset */:
        if (opcode === 129 /* Opcode.Bitcast */) return this.#bitcast(inst)
        this.#memory(inst, insts.arg0[inst])
        return true
      case 21 /* Format.StackAddr */:
        if (entity < 0 || entity >= func.stackSlots.length) report.inst(inst, `invalid stack slot ss${entity}`) // D25
        return true
      case 9 /* Format.DynamicStackAddr */:
        if (entity < 0 || entity >= func.dynamicStackSlots.length) {
          report.inst(inst, `invalid dynamic stack slot dss${entity}`) // D26
        }
        return true
      case 31 /* Format.UnaryGlobalValue */:
        if (entity < 0 || entity >= func.globalValues.length) report.inst(inst, `invalid global value gv${entity}`) // D27
        return true
      case 30 /* Format.UnaryConst */:
        return this.#constantSize(inst)
      case 15 /* Format.Jump */:
      case 5 /* Format.Brif */:
      case 4 /* Format.BranchTable */:
      case 6 /* Format.Call */:
      case 7 /* Format.CallIndirect */:
      case 12 /* Format.FuncAddr */:
      case 10 /* Format.ExceptionHandlerAddress */:
      case 27 /* Format.TryCall */:
      case 28 /* Format.TryCallIndirect */:
        return verifyCall.references(this, inst, opcode)
      default:
        return this.#machineState(inst, opcode)
    }
  }

  #memory(inst: Inst, address: number): void {
    const { func, report, pointer } = this
    const region = memFlagsRegion(func.insts.immHigh[inst])
    if (region >= func.aliasRegions.length) report.inst(inst, `undefined alias region region${region}`) // D16
    if (pointer === 0) return
    const type = func.values.type[address]
    if (type === pointer) return
    const widths = `(got ${typeBits(type)}, expected ${typeBits(pointer)})`
    report.inst(inst, `invalid pointer width ${widths} encountered ${printValue(func, address as Value)}`) // D50
  }

  #bitcast(inst: Inst): boolean {
    const { func, report } = this
    const { insts, values } = func
    const from = values.type[insts.arg0[inst]]
    const to = values.type[insts.firstResult[inst]]
    const flags = insts.immHigh[inst]
    const little = DEFAULT_MEM_FLAGS | MemFlags.Little
    const big = DEFAULT_MEM_FLAGS | MemFlags.Big
    if (typeBits(from) !== typeBits(to)) {
      const name = printValue(func, insts.arg0[inst] as Value)
      const sizes = `${typeBits(from)} bits, which doesn't match an expected type of ${typeBits(to)} bits`
      report.inst(inst, `The bitcast argument ${name} has a type of ${sizes}`) // D46
    } else if (flags !== DEFAULT_MEM_FLAGS && flags !== little && flags !== big) {
      report.inst(inst, 'The bitcast instruction only accepts the `big` or `little` memory flags') // D47
    } else if (flags === DEFAULT_MEM_FLAGS && laneCount(from) !== laneCount(to)) {
      report.inst(inst, 'Byte order specifier required for bitcast instruction changing lane count') // D48
    } else return true
    return false
  }

  #constantSize(inst: Inst): boolean {
    const { func } = this
    const entity = func.insts.entity[inst]
    const found = func.constants[entity]?.length ?? 0
    const expected = typeBytes(func.values.type[func.insts.firstResult[inst]])
    if (found === expected) return true
    const sizes = `${expected} bytes but it has ${found}`
    this.report.inst(inst, `The instruction expects const${entity} to have a size of ${sizes}`) // D49
    return false
  }

  /** Opcodes that need the machine's consent. */
  #machineState(inst: Inst, opcode: Opcode): boolean {
    const { options, pointer, report } = this
    if (opcode === Opcode.GetPinnedReg || opcode === Opcode.SetPinnedReg) {
      if (options.pinnedRegister !== true) {
        report.inst(inst, 'GetPinnedReg/SetPinnedReg cannot be used without enable_pinned_reg') // D17
        return false
      }
      if (pointer !== 0) return true
      report.inst(inst, 'GetPinnedReg/SetPinnedReg need an ISA!') // D18
      return false
    }
    if (opcode === Opcode.GetFramePointer || opcode === Opcode.GetReturnAddress) {
      if (options.framePointers !== true) {
        const message = 'cannot be used without enabling `preserve_frame_pointers`'
        report.inst(inst, `\`get_frame_pointer\`/\`get_return_address\` ${message}`) // D19
        return false
      }
      if (pointer !== 0) return true
      report.inst(inst, '`get_frame_pointer`/`get_return_address` require an ISA!') // D20
      return false
    }
    return true
  }

  #types(inst: Inst, opcode: Opcode): boolean {
    const { insts, values } = this.func
    const { type } = values
    let controlling = 0
    const set = CONTROLLING_SET[opcode]
    if (set >= 0) {
      const operand = CONTROLLING_OPERAND[opcode]
      const value =
        operand < 0
          ? insts.firstResult[inst]
          : operand === 0
            ? insts.arg0[inst]
            : operand === 1
              ? insts.arg1[inst]
              : insts.arg2[inst]
      controlling = type[value]
      if (((TYPE_SETS_OF[controlling] >>> set) & 1) === 0 || controlling !== insts.ctrlType[inst]) {
        this.#controllingType(inst, set, controlling)
      }
    }
    const results = RESULT_COUNT[opcode]
    if (results > 0) {
      const first = insts.firstResult[inst]
      const constraint = RESULT_CONSTRAINTS[2 * opcode]
      const expected = constraint === 0 ? controlling : constrainedType(constraint, controlling)
      if (type[first] !== expected || expected === 0) {
        this.#resultType(inst, 0, constraint, controlling)
      }
      if (results === 2 && type[first + 1] !== constrainedType(RESULT_CONSTRAINTS[2 * opcode + 1], controlling)) {
        this.#resultType(inst, 1, RESULT_CONSTRAINTS[2 * opcode + 1], controlling)
      }
    }
    const fixed = FORMAT_VALUES[OPCODE_FORMAT[opcode]]
    for (let i = 0; i < fixed; i++) {
      const value = i === 0 ? insts.arg0[inst] : i === 1 ? insts.arg1[inst] : insts.arg2[inst]
      const constraint = OPERAND_CONSTRAINTS[3 * opcode + i]
      if (constraint === 0 ? type[value] === controlling : satisfies(constraint, type[value], controlling)) continue
      this.#operandType(inst, i, value as Value, constraint, controlling)
    }
    // Calls, returns and branches, which have lists of operands, and symbol_value.
    if ((OPCODE_FLAGS[opcode] & (OpcodeFlag.Call | OpcodeFlag.Return | OpcodeFlag.Branch)) !== 0) {
      verifyCall.types(this, inst, opcode)
    } else if (OPCODE_FORMAT[opcode] === 31 /* Format.UnaryGlobalValue */) this.#globalType(inst, controlling)
    return true
  }

  #controllingType(inst: Inst, set: number, type: Type): void {
    const own = this.func.insts.ctrlType[inst]
    if (((TYPE_SETS_OF[type] >>> set) & 1) === 0) {
      const allowed = `(allowed set is ${printTypeSet(set as TypeSet)})`
      this.report.inst(inst, `has an invalid controlling type ${typeName(type)} ${allowed}`) // D57
    }
    // Not one of CLIF's: there the type is computed whenever it is asked for.
    if (own !== type)
      this.report.inst(inst, `is tabled with the controlling type ${typeName(own)}, not ${typeName(type)}`)
  }

  #resultType(inst: Inst, index: number, constraint: number, controlling: Type): void {
    const { func } = this
    const result = func.result(inst, index)
    const type = constrainedType(constraint, controlling)
    if (type === 0) {
      // Not one of CLIF's: there no instruction is made without a type. With a controlling type that is none, that is said.
      const reason = `there is no result ${index} for the controlling type ${typeName(controlling)}`
      if (controlling !== 0) this.report.inst(inst, reason)
      return
    }
    const expected = typeName(type)
    const found = typeName(func.values.type[result])
    const name = printValue(func, result)
    this.report.inst(inst, `expected result ${index} (${name}) to have type ${expected}, found ${found}`) // D58
  }

  #operandType(inst: Inst, index: number, value: Value, constraint: number, controlling: Type): void {
    const { func, report } = this
    const name = printValue(func, value)
    const type = typeName(func.values.type[value])
    const free = (constraint & CONSTRAINT_FREE) !== 0
    if (free || constraint === Derived.Narrower || constraint === Derived.Wider) {
      const set = free
        ? printTypeSet((constraint & 0x1ff) as TypeSet)
        : `${constraint === Derived.Narrower ? 'narrower' : 'wider'} than ${typeName(controlling)}`
      report.inst(inst, `arg ${index} (${name}) with type ${type} failed to satisfy type set ${set}`) // D62
      return
    }
    // Nothing follows from a controlling type that is none.
    if (controlling === 0 && (constraint & CONSTRAINT_CONCRETE) === 0) return
    const expected = typeName(constrainedType(constraint, controlling))
    report.inst(inst, `arg ${index} (${name}) has type ${type}, expected ${expected}`) // D61
  }

  #globalType(inst: Inst, type: Type): void {
    const { func, pointer } = this
    if (pointer === 0) return
    const found = globalValueType(func.globalValues[func.insts.entity[inst]], pointer)
    if (found === type) return
    const types = `type ${typeName(type)} references global value with type ${typeName(found)}`
    this.report.inst(inst, `global_value instruction with ${types}`) // D76
  }
}
