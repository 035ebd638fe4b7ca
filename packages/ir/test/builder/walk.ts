// Runs the few opcodes that tests of the builder need. Calls of fn0 record their argument; calls of fn1 take the next
// choice.

import { IntCC, type Function as IrFunction, OPCODE_NAMES, Opcode, typeBits } from '../../src/index.ts'

export interface Walk {
  /** Arguments of the calls of fn0, unsigned. */
  readonly seen: bigint[]
  /** What the function returned; null when the steps ran out. */
  readonly returned: bigint[] | null
}

export function walk(func: IrFunction, args: readonly bigint[], choices: readonly number[], maxSteps = 2000): Walk {
  const { insts, blocks, blockCalls, layout, values } = func
  const env: bigint[] = new Array(values.length)
  const seen: bigint[] = []
  let chosen = 0
  args.forEach((arg, i) => {
    env[blocks.firstParam[layout.entry] + i] = arg
  })
  const go = (call: number): number => {
    const block = blockCalls.block[call]
    const start = blockCalls.argStart[call]
    // All arguments are read before a parameter is written: a block may pass its own on to itself.
    const passed = Array.from(func.blockArgs.subarray(start, start + blockCalls.argCount[call]), (v) => env[v])
    passed.forEach((value, i) => {
      env[blocks.firstParam[block] + i] = value
    })
    return blocks.firstInst[block]
  }
  let inst = blocks.firstInst[layout.entry]
  for (let step = 0; step < maxSteps; step++) {
    const x = env[insts.arg0[inst]]
    const y = env[insts.arg1[inst]]
    const result = insts.firstResult[inst]
    const bits = result >= 0 ? typeBits(values.type[result]) : 0
    const list = Array.from(
      func.valueLists.subarray(insts.listStart[inst], insts.listStart[inst] + insts.listLength[inst]),
    )
    const opcode = insts.opcode[inst]
    switch (opcode) {
      case Opcode.Iconst:
        env[result] = (BigInt(insts.immHigh[inst] >>> 0) << 32n) | BigInt(insts.imm[inst] >>> 0)
        break
      case Opcode.Isub:
        env[result] = BigInt.asUintN(bits, x - y)
        break
      case Opcode.Iadd:
        env[result] = BigInt.asUintN(bits, x + y)
        break
      case Opcode.Uextend:
      case Opcode.Ireduce:
        env[result] = BigInt.asUintN(bits, x)
        break
      case Opcode.Icmp: {
        const holds = insts.imm[inst] === IntCC.Ult ? x < y : x === y
        env[result] = holds ? 1n : 0n
        break
      }
      case Opcode.Call:
        if (insts.entity[inst] === 0) seen.push(env[list[0]])
        else env[result] = BigInt(choices[chosen++] ?? 0)
        break
      case Opcode.Jump:
        inst = go(insts.target0[inst])
        continue
      case Opcode.Brif:
        inst = go(x !== 0n ? insts.target0[inst] : insts.target1[inst])
        continue
      case Opcode.BrTable: {
        const table = func.jumpTables[insts.entity[inst]]
        inst = go(x < BigInt(table.length) ? table[Number(x)] : insts.target0[inst])
        continue
      }
      case Opcode.Return:
        return { seen, returned: list.map((v) => env[v]) }
      default:
        throw new Error(`walk cannot run ${OPCODE_NAMES[opcode]}`)
    }
    inst = layout.nextInst[inst]
  }
  return { seen, returned: null }
}
