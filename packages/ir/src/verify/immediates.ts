// literals: Opcode, Format
// Checks of immediates: constants in the width of their type, lanes, masks, and numbers that stand for names.

import type { Inst } from '../entities.ts'
import { MemFlags } from '../memory-flags.ts'
import { OPCODE_FLAGS, OPCODE_FORMAT, Opcode, OpcodeFlag } from '../opcode.ts'
import { laneCount, typeBits, typeName } from '../types.ts'
import type { BodyVerifier } from './body.ts'

/** Checks what an instruction holds beside operands. @returns false after a report that ends CLIF's own verification. */
export function verifyImmediates(verifier: BodyVerifier, inst: Inst, opcode: number): boolean {
  const { func, report } = verifier
  const { insts, values } = func
  switch (OPCODE_FORMAT[opcode]) {
    case 35 /* Format.UnaryImm */:
      {
        const bits = typeBits(values.type[insts.firstResult[inst]])
        const low = insts.imm[inst]
        const fits = bits >= 64 || (insts.immHigh[inst] === 0 && (bits === 32 || low >>> 0 < 2 ** bits))
        if (fits) break
        report.inst(inst, 'constant immediate is out of bounds') // D85
        return false
      }
    case 22 /* Format.Store */:
    case 23 /* Format.StoreNoOffset */:
      if ((insts.immHigh[inst] & MemFlags.Readonly) === 0) break
      report.inst(inst, 'A store instruction cannot have the `readonly` MemFlag') // D81
      return false
    case 3 /* Format.BinaryImm8 */:
    case 25 /* Format.TernaryImm8 */:
      {
        const type = values.type[insts.arg0[inst]]
        const lane = insts.imm[inst]
        if (opcode === 162 /* Opcode.ExtractVector */ || (lane >= 0 && lane < laneCount(type))) break
        report.inst(inst, `The lane ${lane} does not index into the type ${typeName(type)}`) // D82
        return false
      }
    case 20 /* Format.Shuffle */:
      if (!mask(verifier, inst)) return false
      break
    case 14 /* Format.IntCompare */:
      return within(verifier, inst, 10, 'an integer condition')
    case 11 /* Format.FloatCompare */:
      return within(verifier, inst, 14, 'a float condition')
    case 1 /* Format.AtomicRmw */:
      return within(verifier, inst, 11, 'an atomic operation')
    case 26 /* Format.Trap */:
    case 8 /* Format.CondTrap */:
    case 13 /* Format.IntAddTrap */:
      return insts.imm[inst] !== 0
        ? within(verifier, inst, 256, 'a trap code')
        : within(verifier, inst, 0, 'a trap code')
  }
  return func.debugTags.size === 0 || tags(verifier, inst, opcode)
}

/** Immediates that the text cannot spell but a table can hold. Not among CLIF's reports. */
function within(verifier: BodyVerifier, inst: Inst, limit: number, what: string): boolean {
  const imm = verifier.func.insts.imm[inst]
  if (imm >= 0 && imm < limit)
    return verifier.func.debugTags.size === 0 || tags(verifier, inst, verifier.func.insts.opcode[inst])
  verifier.report.inst(inst, `the immediate ${imm} is not ${what}`)
  return false
}

function mask(verifier: BodyVerifier, inst: Inst): boolean {
  const mask = verifier.func.masks[verifier.func.insts.entity[inst]]
  if (mask?.length !== 16) {
    verifier.report.inst(inst, "the shuffle immediate wasn't 16-bytes long") // D83
    return false
  }
  const large = mask.find((lane) => lane > 31)
  if (large === undefined) return true
  verifier.report.inst(inst, `shuffle immediate index ${large} is larger than the maximum 31`) // D84
  return false
}

function tags(verifier: BodyVerifier, inst: Inst, opcode: number): boolean {
  if (!verifier.func.debugTags.has(inst)) return true
  if ((OPCODE_FLAGS[opcode] & OpcodeFlag.Call) !== 0 || opcode === Opcode.SequencePoint) return true
  verifier.report.inst(inst, 'debug tags present on non-call, non-sequence point instruction') // D94
  return false
}
