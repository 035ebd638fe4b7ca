// A function as a plain value, independent of ids: two functions that say the same have equal dumps.

import type { Block, Function as IrFunction } from '../src/index.ts'
import { FORMAT_ROWS, NO_INST, OPCODE_FORMAT, OPCODE_NAMES, printBlock, printValue, typeName } from '../src/index.ts'

type Row = Record<string, unknown>

export function dumpFunction(func: IrFunction): unknown {
  const { insts, values, blocks, blockCalls, layout } = func
  const value = (v: number): string => (v < -1 ? `arg${v}` : v === -1 ? '-' : printValue(func, v as never))
  const block = (b: number): string => (b < 0 ? '-' : printBlock(func, b as Block))
  const call = (c: number): unknown =>
    c < 0
      ? '-'
      : [
          block(blockCalls.block[c]),
          ...Array.from(
            func.blockArgs.subarray(blockCalls.argStart[c], blockCalls.argStart[c] + blockCalls.argCount[c]),
            value,
          ),
        ]
  const order: Row[] = []
  for (let b: number = layout.entry; b >= 0; b = blocks.nextBlock[b]) {
    const params = Array.from({ length: blocks.paramCount[b] }, (_, i) => [
      value(blocks.firstParam[b] + i),
      typeName(values.type[blocks.firstParam[b] + i]),
    ])
    const body: Row[] = []
    for (let i = blocks.firstInst[b]; i !== NO_INST; i = layout.nextInst[i]) {
      const opcode = OPCODE_NAMES[insts.opcode[i]]
      const results = Array.from({ length: insts.resultCount[i] }, (_, k) => [
        value(insts.firstResult[i] + k),
        typeName(values.type[insts.firstResult[i] + k]),
      ])
      const table = opcode.startsWith('try_call') ? func.exceptionTables[insts.imm[i]] : null
      const [, , fixed, , columns] = FORMAT_ROWS[OPCODE_FORMAT[insts.opcode[i]]]
      const { entity } = insts
      const uses = (column: string): boolean => new RegExp(`\\b${column}\\b`).test(columns)
      const start = insts.listStart[i]
      body.push({
        opcode,
        type: typeName(insts.ctrlType[i]),
        args: [insts.arg0[i], insts.arg1[i], insts.arg2[i]].slice(0, fixed).map(value),
        list: uses('list') ? Array.from(func.valueLists.subarray(start, start + insts.listLength[i]), value) : [],
        imm: [uses('imm') && table === null ? insts.imm[i] : 0, uses('immHigh') ? insts.immHigh[i] : 0],
        entity:
          opcode === 'br_table'
            ? Array.from(func.jumpTables[entity[i]], call)
            : opcode === 'shuffle'
              ? [...func.masks[entity[i]]]
              : opcode === 'get_exception_handler_address'
                ? block(insts.arg1[i])
                : uses('entity')
                  ? entity[i]
                  : -1,
        table:
          table === null
            ? null
            : [
                table.signature,
                call(table.normal),
                ...table.items.map((item) => (item.kind === 'context' ? value(item.value) : call(item.target))),
              ],
        targets: [uses('target0') ? call(insts.target0[i]) : null, uses('target1') ? call(insts.target1[i]) : null],
        results,
        location: insts.locationOf(i as never),
        tags: func.debugTags.get(i as never) ?? [],
        stackMap: func.stackMaps.get(i as never) ?? [],
      })
    }
    order.push({ block: block(b), params, cold: blocks.cold[b], body })
  }
  const aliases: string[] = []
  for (let v = 0; v < values.length; v++) {
    if (values.aliasOf !== null && values.aliasOf[v] >= 0) aliases.push(`${value(v)} -> ${value(values.aliasOf[v])}`)
  }
  return {
    name: func.name,
    signature: func.signature,
    order,
    aliases: aliases.sort(),
    stackSlots: func.stackSlots,
    dynamicStackSlots: func.dynamicStackSlots,
    aliasRegions: func.aliasRegions,
    globalValues: func.globalValues,
    signatures: func.signatures,
    funcRefs: func.funcRefs,
    constants: func.constants.map((bytes) => [...bytes]),
    stackLimit: func.stackLimit,
  }
}
