// Functions to canonical CLIF text (CLIF reference, section 2.5). What it prints, the parser reads back to the same
// function, with exceptions that lie in the language: dynamic types have no spelling, constants of more than 16
// bytes none that the reader takes, and atomic_rmw and atomic_cas are printed without their flags.

import { argumentNumber, isExceptionArgument } from '../block-table.ts'
import { FLOAT_CC_NAMES, INT_CC_NAMES } from '../condition-codes.ts'
import { NO_BYTES } from '../empty.ts'
import type { Block, Inst, Value } from '../entities.ts'
import { type GlobalValueData, printExternalName } from '../externals.ts'
import { ATOMIC_RMW_OPS, FORMAT_HAS_LIST, FORMAT_VALUES, Format } from '../format.ts'
import { type Function as IrFunction, operandPlace } from '../function.ts'
import { printMemFlags } from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, OPCODE_NAMES, Opcode, OpcodeFlag } from '../opcode.ts'
import { printSignature } from '../signature.ts'
import { trapCodeName } from '../trap-codes.ts'
import { CONTROLLING_OPERAND, CONTROLLING_SET } from '../type-constraints.ts'
import { hasFloatLanes, laneBits, laneCount, Type, typeBits, typeBytes, typeName } from '../types.ts'
import { MAX_HEX_BYTES } from './constants.ts'
import { bitsOfBytes, type FloatWidth, printFloatBits, printFloatWords } from './floats.ts'
import { printInteger, printOffset } from './integers.ts'

/** How a function is printed. */
export interface PrintOptions {
  /**
   * Prints the memory flags of `atomic_rmw` and `atomic_cas` too. Canonical text leaves them out, so that reading it back
   * loses them.
   */
  readonly atomicFlags?: boolean
}

/** The canonical text of a function, with a line break at the end. */
export function printFunction(func: IrFunction, options: PrintOptions = {}): string {
  return new Printer(func, options.atomicFlags ?? false).function()
}

/** How one instruction is printed. */
export interface PrintInstOptions {
  /** Adds the values of operands that are constants, as in the text of a function. Default false. */
  readonly constants?: boolean
  /** Spells the controlling type even where an operand shows it. Default false. */
  readonly suffix?: boolean
}

/** The text of one instruction, without indentation and source location. */
export function printInst(func: IrFunction, inst: Inst, { constants, suffix }: PrintInstOptions = {}): string {
  const printer = new Printer(func)
  return printer.inst(inst, suffix) + (constants === true ? printer.constantsOf(inst) : '')
}

/** The line that heads a block: `block1(v2: i32) cold:`. */
export function printBlockHeader(func: IrFunction, block: Block): string {
  return new Printer(func).blockHeader(block)
}

/** The name of a value: `v7`. */
export function printValue(func: IrFunction, value: Value): string {
  const number = func.values.numberOf(value)
  if (number < 0 || number >= KEPT_NAMES) return `v${number}`
  return (VALUE_NAMES[number] ??= `v${number}`)
}

// Most values have small numbers, and are printed many times.
const KEPT_NAMES = 4096
const VALUE_NAMES: string[] = []

/** The name of a block: `block7`. */
export function printBlock(func: IrFunction, block: Block): string {
  return `block${func.blocks.numberOf(block)}`
}

const INDENT = 4
/** Instructions stand here when any has a source location or tags. */
const WIDE_INDENT = 36

/** Opcodes that make a constant: 1 for these. */
const IS_CONSTANT = new Uint8Array(256)
for (const opcode of [
  ...[Opcode.Iconst, Opcode.F16const, Opcode.F32const, Opcode.F64const, Opcode.F128const, Opcode.Vconst],
]) {
  IS_CONSTANT[opcode] = 1
}

class Printer {
  readonly #func: IrFunction
  readonly #atomicFlags: boolean
  /** Aliases by what they directly stand for, as lists of values. */
  readonly #aliases: Map<number, number[]> = new Map()

  constructor(func: IrFunction, atomicFlags = false) {
    this.#func = func
    this.#atomicFlags = atomicFlags
    const { aliasOf, length } = func.values
    if (aliasOf === null) return
    for (let alias = 0; alias < length; alias++) {
      if (!(aliasOf[alias] >= 0)) continue
      const list = this.#aliases.get(aliasOf[alias])
      if (list === undefined) this.#aliases.set(aliasOf[alias], [alias])
      else list.push(alias)
    }
  }

  function(): string {
    const func = this.#func
    const { blocks, layout } = func
    const lines = [`function ${printExternalName(func.name)}${printSignature(func.signature)} {`]
    this.#preamble(lines)
    const indent = this.#indent()
    const margin = ' '.repeat(indent)
    const plain = indent === INDENT
    for (let block: number = layout.entry; block >= 0; block = blocks.nextBlock[block]) {
      if (lines.length > 1) lines.push('')
      lines.push(' '.repeat(indent - INDENT) + this.blockHeader(block as Block))
      for (let i = 0; i < blocks.paramCount[block]; i++) this.#pushAliases(lines, blocks.firstParam[block] + i, margin)
      for (let inst = blocks.firstInst[block]; inst >= 0; inst = layout.nextInst[inst]) {
        const left = plain ? margin : this.#prefix(inst as Inst).padEnd(indent)
        lines.push(left + this.inst(inst as Inst) + this.constantsOf(inst as Inst))
        const first = func.insts.firstResult[inst]
        for (let i = 0; i < func.insts.resultCount[inst]; i++) this.#pushAliases(lines, first + i, margin)
      }
    }
    lines.push('}', '')
    return lines.join('\n')
  }

  blockHeader(block: Block): string {
    const { blocks, values } = this.#func
    const params: string[] = []
    for (let i = 0; i < blocks.paramCount[block]; i++) {
      const param = blocks.firstParam[block] + i
      params.push(`${this.#value(param)}: ${typeName(values.type[param])}`)
    }
    const list = params.length === 0 ? '' : `(${params.join(', ')})`
    return `${printBlock(this.#func, block)}${list}${blocks.cold[block] === 1 ? ' cold' : ''}:`
  }

  inst(inst: Inst, spelled = false): string {
    const { insts } = this.#func
    const opcode = insts.opcode[inst]
    const first = insts.firstResult[inst]
    const results = insts.resultCount[inst]
    let left = results === 0 ? '' : this.#value(first)
    for (let i = 1; i < results; i++) left += `, ${this.#value(first + i)}`
    if (results > 0) left += ' = '
    const wanted = spelled ? insts.ctrlType[inst] !== 0 : this.#needsSuffix(inst)
    const suffix = wanted ? `.${typeName(insts.ctrlType[inst])}` : ''
    return `${left}${OPCODE_NAMES[opcode]}${suffix}${this.#operands(inst)}`
  }

  #preamble(lines: string[]): void {
    const func = this.#func
    const add = (name: string, text: string): void => void lines.push(`    ${name} = ${text}`)
    func.dynamicStackSlots.forEach(({ dynamicType }, i) => {
      if (dynamicType >= 0) add(`dss${i}`, `explicit_dynamic_slot dt${dynamicType}`)
    })
    func.stackSlots.forEach(({ size, alignLog2, key }, i) => {
      const align = alignLog2 === 0 ? '' : `, align = ${2 ** alignLog2}`
      add(`ss${i}`, `explicit_slot ${size}${align}${key === null ? '' : `, key = ${key}`}`)
    })
    func.aliasRegions.forEach(({ userId, description }, i) => {
      add(`region${i}`, `${userId} "${description}"`)
    })
    func.globalValues.forEach((data, i) => {
      add(`gv${i}`, printGlobalValue(data))
    })
    func.signatures.forEach((signature, i) => {
      add(`sig${i}`, printSignature(signature))
    })
    func.funcRefs.forEach(({ name, signature, colocated, patchable }, i) => {
      if (signature < 0) return
      const words = (colocated ? 'colocated ' : '') + (patchable ? 'patchable ' : '')
      add(`fn${i}`, `${words}${printExternalName(name)} sig${signature}`)
    })
    func.constants.forEach((bytes, i) => {
      if (bytes.length > 0 && bytes.length <= MAX_HEX_BYTES) add(`const${i}`, printBytes(bytes))
    })
    if (func.stackLimit >= 0) add('stack_limit', `gv${func.stackLimit}`)
  }

  #indent(): number {
    const { insts, debugTags } = this.#func
    if (debugTags.size > 0) return WIDE_INDENT
    const located = insts.sourceLocation
    for (let inst = 0; located !== null && inst < insts.length; inst++) if (located[inst] !== -1) return WIDE_INDENT
    return INDENT
  }

  /** Tags and source location. */
  #prefix(inst: Inst): string {
    const { insts, debugTags } = this.#func
    const tags = debugTags.get(inst)
    const location = insts.locationOf(inst)
    let text = ''
    if (tags !== undefined)
      text = `<${tags.map((tag) => (tag.kind === 'user' ? tag.tag : `ss${tag.slot}`)).join(', ')}> `
    return location === -1 ? text : `${text}@${(location >>> 0).toString(16).padStart(4, '0')} `
  }

  #pushAliases(lines: string[], target: number, margin: string): void {
    if (this.#aliases.size === 0) return
    const todo = [target]
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      for (const alias of this.#aliases.get(at) ?? []) {
        lines.push(`${margin}${this.#value(alias)} -> ${this.#value(at)}`)
        todo.push(alias)
      }
    }
  }

  /** The type must be spelled when no operand in the same block shows it. */
  #needsSuffix(inst: Inst): boolean {
    const { insts, values, layout } = this.#func
    const opcode = insts.opcode[inst]
    if (CONTROLLING_SET[opcode] < 0) return false
    const operand = CONTROLLING_OPERAND[opcode]
    if (operand < 0) return true
    const value = this.#func.resolve(
      (operand === 0 ? insts.arg0 : operand === 1 ? insts.arg1 : insts.arg2)[inst] as Value,
    )
    if (value < 0 || value >= values.length) return true
    const definition = values.definingInst(value)
    const block = definition >= 0 ? layout.instBlock[definition] : values.paramBlock(value)
    if (block < 0 || block !== layout.instBlock[inst]) return true
    // In unreachable code an operand may be defined further down, where the reader does not know its type yet. Ids are
    // mostly in the order of the block, so that nothing has to be looked for.
    return definition >= inst && !this.#isAbove(definition, inst)
  }

  /** Whether an instruction stands above another of its block: looked for both ways at once, for it is mostly near. */
  #isAbove(above: number, inst: number): boolean {
    const { nextInst, prevInst } = this.#func.layout
    let up: number = inst
    let down: number = inst
    while (up >= 0 && down >= 0) {
      up = prevInst[up]
      if (up === above) return true
      down = nextInst[down]
      if (down === above) return false
    }
    return down < 0 && above !== inst
  }

  #value(value: number): string {
    return printValue(this.#func, value as Value)
  }

  /** An operand as the text spelled it: an alias that still stands for what the column says. */
  #operand(value: number, place: number): string {
    const func = this.#func
    const spelled = func.aliasSpellings.size === 0 ? undefined : func.aliasSpellings.get(place)
    return this.#value(spelled !== undefined && func.resolve(spelled) === value ? spelled : value)
  }

  #fixed(inst: Inst, index: number): string {
    const { insts } = this.#func
    const column = index === 0 ? insts.arg0 : index === 1 ? insts.arg1 : insts.arg2
    return this.#operand(column[inst], operandPlace.fixed(inst, index))
  }

  #list(inst: Inst): string {
    const { insts, valueLists, valueListsLength } = this.#func
    const start = insts.listStart[inst]
    // Tables that the verifier reports must still print.
    const end = Math.min(start + insts.listLength[inst], valueListsLength)
    const texts: string[] = []
    for (let i = start; i < end; i++) {
      texts.push(this.#operand(valueLists[i], operandPlace.list(i)))
    }
    return texts.join(', ')
  }

  #blockCall(call: number): string {
    const { blockCalls, blockArgs } = this.#func
    if (call < 0 || call >= blockCalls.length) return 'block?'
    const name = printBlock(this.#func, blockCalls.block[call] as Block)
    if (blockCalls.argCount[call] === 0) return name
    const start = blockCalls.argStart[call]
    const texts: string[] = []
    for (let i = start; i < start + blockCalls.argCount[call]; i++) {
      const entry = blockArgs[i]
      if (entry >= -1) texts.push(this.#operand(entry, operandPlace.blockArg(i)))
      else texts.push((isExceptionArgument(entry) ? 'exn' : 'ret') + argumentNumber(entry))
    }
    return `${name}(${texts.join(', ')})`
  }

  #exceptionTable(index: number): string {
    const table = this.#func.exceptionTables[index]
    if (table === undefined) return 'extable?'
    const items = table.items.map((item, i) => {
      if (item.kind === 'context') return `context ${this.#operand(item.value, operandPlace.context(index, i))}`
      return `${item.kind === 'tag' ? `tag${item.tag}` : 'default'}: ${this.#blockCall(item.target)}`
    })
    return `sig${table.signature}, ${this.#blockCall(table.normal)}, [ ${items.join(', ')} ]`
  }

  #stackMap(inst: Inst): string {
    const entries = this.#func.stackMaps.get(inst)
    if (entries === undefined) return ''
    const texts = entries.map(({ type, slot, offset }) => `${typeName(type)} @ ss${slot}+${offset}`)
    return `, stack_map=[${texts.join(', ')}]`
  }

  /** What follows the opcode, from the space on. */
  #operands(inst: Inst): string {
    const func = this.#func
    const { insts } = func
    const opcode = insts.opcode[inst]
    const imm = insts.imm[inst]
    const entity = insts.entity[inst]
    const flags = (): string => printMemFlags(insts.immHigh[inst])
    const arg = (index: number): string => this.#fixed(inst, index)
    switch (OPCODE_FORMAT[opcode]) {
      case Format.NullAry:
        return ' '
      case Format.Unary:
        return ` ${arg(0)}`
      case Format.Binary:
        return ` ${arg(0)}, ${arg(1)}`
      case Format.Ternary:
        return ` ${arg(0)}, ${arg(1)}, ${arg(2)}`
      case Format.MultiAry:
        return insts.listLength[inst] === 0 ? '' : ` ${this.#list(inst)}`
      case Format.BinaryImm8:
        return ` ${arg(0)}, ${imm}`
      case Format.TernaryImm8:
        return ` ${arg(0)}, ${arg(1)}, ${imm}`
      case Format.IntCompare:
        return ` ${INT_CC_NAMES[imm]} ${arg(0)}, ${arg(1)}`
      case Format.FloatCompare:
        return ` ${FLOAT_CC_NAMES[imm]} ${arg(0)}, ${arg(1)}`
      case Format.Load:
        return `${flags()} ${arg(0)}${printOffset(imm)}`
      case Format.LoadNoOffset:
        return `${flags()} ${arg(0)}`
      case Format.Store:
        return `${flags()} ${arg(0)}, ${arg(1)}${printOffset(imm)}`
      case Format.StoreNoOffset:
        return `${flags()} ${arg(0)}, ${arg(1)}`
      case Format.AtomicRmw:
        return `${this.#atomicFlags ? flags() : ''} ${ATOMIC_RMW_OPS[imm]} ${arg(0)}, ${arg(1)}`
      case Format.AtomicCas:
        return `${this.#atomicFlags ? flags() : ''} ${arg(0)}, ${arg(1)}, ${arg(2)}`
      case Format.Trap:
        return ` ${trapCodeName(imm)}`
      case Format.CondTrap:
        return ` ${arg(0)}, ${trapCodeName(imm)}`
      case Format.IntAddTrap:
        return ` ${arg(0)}, ${arg(1)}, ${trapCodeName(imm)}`
      case Format.Jump:
        return ` ${this.#blockCall(insts.target0[inst])}`
      case Format.Brif:
        return ` ${arg(0)}, ${this.#blockCall(insts.target0[inst])}, ${this.#blockCall(insts.target1[inst])}`
      case Format.BranchTable: {
        const calls = Array.from(func.jumpTables[entity] ?? [], (call) => this.#blockCall(call))
        return ` ${arg(0)}, ${this.#blockCall(insts.target0[inst])}, [${calls.join(', ')}]`
      }
      case Format.Call:
        return ` fn${entity}(${this.#list(inst)})${this.#stackMap(inst)}`
      case Format.CallIndirect:
        return ` sig${entity}, ${arg(0)}(${this.#list(inst)})${this.#stackMap(inst)}`
      case Format.TryCall:
        return ` fn${entity}(${this.#list(inst)}), ${this.#exceptionTable(imm)}${this.#stackMap(inst)}`
      case Format.TryCallIndirect:
        return ` ${arg(0)}(${this.#list(inst)}), ${this.#exceptionTable(imm)}${this.#stackMap(inst)}`
      case Format.FuncAddr:
        return ` fn${entity}`
      case Format.StackAddr:
        return ` ss${entity}${printOffset(imm)}`
      case Format.DynamicStackAddr:
        return ` dss${entity}`
      case Format.UnaryGlobalValue:
        return ` gv${entity}`
      case Format.UnaryConst:
        return ` ${this.#lanes(inst) ?? `const${entity}`}`
      case Format.Shuffle:
        return ` ${arg(0)}, ${arg(1)}, ${printBytes(func.masks[entity] ?? new Uint8Array(0))}`
      case Format.ExceptionHandlerAddress:
        return ` ${printBlock(func, insts.arg1[inst] as Block)}, ${printInteger(imm, insts.immHigh[inst])}`
      default:
        return ` ${this.#constant(inst)}`
    }
  }

  /** The value of a constant instruction, as printed behind it and behind its users. */
  #constant(inst: Inst): string {
    const { insts, constants } = this.#func
    const low = insts.imm[inst]
    const high = insts.immHigh[inst]
    switch (insts.opcode[inst]) {
      case Opcode.Iconst: {
        const bits = typeBits(insts.ctrlType[inst])
        if (bits >= 64 || bits === 0) return printInteger(low, high)
        const signed = (low << (32 - bits)) >> (32 - bits)
        return printInteger(signed, signed >> 31)
      }
      case Opcode.F16const:
        return printFloatBits(BigInt(low & 0xffff), 16)
      case Opcode.F32const:
        return printFloatWords(low, 0, 32)
      case Opcode.F64const:
        return printFloatWords(low, high, 64)
      case Opcode.F128const: {
        const bytes = constants[insts.entity[inst]]
        return bytes?.length === 16 ? printFloatBits(bitsOfBytes(bytes), 128) : `const${insts.entity[inst]}`
      }
      case Opcode.Vconst:
        return this.#lanes(inst) === null ? `const${insts.entity[inst]}` : ''
      default:
        return ''
    }
  }

  /** The lanes of a constant that is too long for a declaration; null for others, and where the lanes have no literals. */
  #lanes(inst: Inst): string | null {
    const { insts, constants, values } = this.#func
    const bytes = constants[insts.entity[inst]] ?? NO_BYTES
    const type = values.type[insts.firstResult[inst]] ?? Type.Invalid
    const bits = laneBits(type)
    if (bytes.length <= MAX_HEX_BYTES || bytes.length !== typeBytes(type)) return null
    if (!hasFloatLanes(type) && bits > 64) return null
    const lanes = Array.from({ length: laneCount(type) }, (_, lane) => {
      const value = bitsOfBytes(bytes.subarray((lane * bits) / 8, ((lane + 1) * bits) / 8))
      return hasFloatLanes(type) ? printFloatBits(value, bits as FloatWidth) : String(BigInt.asIntN(bits, value))
    })
    return `[${lanes.join(' ')}]`
  }

  /** `  ; v1 = 5, v2 = 6`: the operands that are constants. */
  constantsOf(inst: Inst): string {
    const { insts, valueLists, valueListsLength, exceptionTables, jumpTables } = this.#func
    if (!this.#mayReadConstants(inst)) return ''
    const texts: string[] = []
    const operand = (value: number, place: number): void => {
      const definition = value >= 0 ? this.#func.values.definingInst(value as Value) : -1
      const text = definition < 0 ? '' : this.#constant(definition as Inst)
      if (text !== '') texts.push(`${this.#operand(value, place)} = ${text}`)
    }
    const format = OPCODE_FORMAT[insts.opcode[inst]]
    for (let index = 0; index < FORMAT_VALUES[format]; index++) {
      const column = index === 0 ? insts.arg0 : index === 1 ? insts.arg1 : insts.arg2
      operand(column[inst], operandPlace.fixed(inst, index))
    }
    if (FORMAT_HAS_LIST[format] !== 0) {
      const start = insts.listStart[inst]
      const end = Math.min(start + insts.listLength[inst], valueListsLength)
      for (let i = start; i < end; i++) operand(valueLists[i], operandPlace.list(i))
    }
    switch (insts.opcode[inst]) {
      case Opcode.Jump:
        this.#callOperands(insts.target0[inst], operand)
        break
      case Opcode.Brif:
        this.#callOperands(insts.target0[inst], operand)
        this.#callOperands(insts.target1[inst], operand)
        break
      case Opcode.BrTable:
        this.#callOperands(insts.target0[inst], operand)
        for (const call of jumpTables[insts.entity[inst]] ?? []) this.#callOperands(call, operand)
        break
      case Opcode.TryCall:
      case Opcode.TryCallIndirect: {
        const index = insts.imm[inst]
        const table = exceptionTables[index]
        if (table === undefined) break
        const { items, normal } = table
        for (const item of items) if (item.kind !== 'context') this.#callOperands(item.target, operand)
        this.#callOperands(normal, operand)
        items.forEach((item, i) => {
          if (item.kind === 'context') operand(item.value, operandPlace.context(index, i))
        })
      }
    }
    return texts.length === 0 ? '' : `  ; ${texts.join(', ')}`
  }

  /** Whether an operand is a constant, as far as a look at the fixed ones tells: they are all that most have. */
  #mayReadConstants(inst: Inst): boolean {
    const { insts } = this.#func
    const opcode = insts.opcode[inst]
    const format = OPCODE_FORMAT[opcode]
    if (FORMAT_HAS_LIST[format] !== 0 || (OPCODE_FLAGS[opcode] & OpcodeFlag.Branch) !== 0) return true
    const fixed = FORMAT_VALUES[format]
    return (
      (fixed > 0 && this.#isConstant(insts.arg0[inst])) ||
      (fixed > 1 && this.#isConstant(insts.arg1[inst])) ||
      (fixed > 2 && this.#isConstant(insts.arg2[inst]))
    )
  }

  #isConstant(value: number): boolean {
    const { values, insts } = this.#func
    const definition = value >= 0 ? values.definition[value] : -1
    return definition >= 0 && IS_CONSTANT[insts.opcode[definition]] === 1
  }

  #callOperands(call: number, operand: (value: number, place: number) => void): void {
    const { blockCalls, blockArgs } = this.#func
    if (call < 0) return
    const start = blockCalls.argStart[call]
    for (let i = start; i < start + blockCalls.argCount[call]; i++) operand(blockArgs[i], operandPlace.blockArg(i))
  }
}

/** What stands behind `gvN =`. */
export function printGlobalValue(data: GlobalValueData): string {
  switch (data.kind) {
    case 'vmctx':
      return 'vmctx'
    case 'load':
      return `load.${typeName(data.type)}${printMemFlags(data.flags)} gv${data.base}${printOffset(data.offset)}`
    case 'iadd_imm': {
      const bits = BigInt.asIntN(64, data.offset)
      const imm = printInteger(Number(BigInt.asIntN(32, bits)), Number(BigInt.asIntN(32, bits >> 32n)))
      return `iadd_imm.${typeName(data.type)} gv${data.base}, ${imm}`
    }
    case 'symbol': {
      const words = (data.colocated ? 'colocated ' : '') + (data.tls ? 'tls ' : '')
      return `symbol ${words}${printExternalName(data.name)}${printOffset(data.offset)}`
    }
    case 'dyn_scale_target_const':
      return `dyn_scale_target_const.${typeName(data.vectorType)}`
  }
}

/** Bytes as one hexadecimal number, most significant first. */
function printBytes(bytes: Uint8Array): string {
  let text = '0x'
  for (let i = bytes.length - 1; i >= 0; i--) text += bytes[i].toString(16).padStart(2, '0')
  return text
}
