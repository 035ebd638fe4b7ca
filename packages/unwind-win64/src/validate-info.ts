/**
 * One record: what the system would refuse or misread in it. The record has been decoded, so its lengths and operations
 * are sound; here is what they say that cannot be right.
 */

import { type Register, x64 } from '@framewright/frame-layout'
import {
  UNW_FLAG_CHAININFO,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_EPILOG,
  UWOP_PUSH_MACHFRAME,
  UWOP_PUSH_NONVOL,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_SET_FPREG,
  UWOP_SPARE_CODE,
} from './constants.ts'
import type { Finding, Report } from './finding.ts'
import type { AnyUnwindInfo } from './image.ts'
import { operandBytes, type UnwindInfo } from './unwind-info.ts'
import { epiloguesOf3, type UnwindInfo3 } from './version-3.ts'

/** What is known around a record. */
export interface ValidateInfoOptions {
  /** Bytes of the range that it is for. */
  readonly rangeSize?: number
  /** Of a chained record: the record it chains to, and so on up to the first. */
  readonly parents?: readonly AnyUnwindInfo[]
  /** Where it lies, for `at` of findings. */
  readonly at?: number
  /** Slots of EPILOG codes as stored, padding included. */
  readonly epilogueSlots?: number
}

/** @returns what is wrong with a record; empty: nothing. */
export function validateUnwindInfo(info: AnyUnwindInfo, options: ValidateInfoOptions = {}): Finding[] {
  const findings: Finding[] = []
  const at = options.at ?? 0
  const report: Report = (severity, code, place, message, cure) => {
    findings.push({ severity, code, at: place, message, cure })
  }
  checkRange(info, options, report, at)
  const steps = info.version === 3 ? stepsOf3(info) : stepsOf(info)
  if ((info.flags & UNW_FLAG_CHAININFO) !== 0) checkChained(info, steps, options.parents ?? [], report, at)
  checkSteps(info, steps, options.parents ?? [], report, at)
  if (info.version === 3) checkEpilogues3(info, options.rangeSize, report, at)
  else if (info.version === 2) checkEpilogues2(info, options, report, at)
  return findings
}

/** An operation of either layout, in the order of the prologue. */
interface Step {
  readonly kind: 'push' | 'allocate' | 'set-frame' | 'save' | 'machine-frame' | 'spare'
  readonly at: number
  readonly register: Register
  readonly bytes: number
  readonly info: number
}

function stepsOf(info: UnwindInfo): Step[] {
  return info.codes
    .map((code): Step => {
      const step = { at: code.codeOffset, register: code.info, bytes: operandBytes(code), info: code.info }
      switch (code.operation) {
        case UWOP_PUSH_NONVOL:
          return { ...step, kind: 'push' }
        case UWOP_ALLOC_LARGE:
        case UWOP_ALLOC_SMALL:
          return { ...step, kind: 'allocate' }
        case UWOP_SET_FPREG:
          return { ...step, kind: 'set-frame', register: info.frameRegister }
        case UWOP_SAVE_NONVOL:
        case UWOP_SAVE_NONVOL_FAR:
          return { ...step, kind: 'save' }
        case UWOP_SAVE_XMM128:
        case UWOP_SAVE_XMM128_FAR:
          return { ...step, kind: 'save', register: code.info + 16 }
        case UWOP_PUSH_MACHFRAME:
          return { ...step, kind: 'machine-frame' }
        default:
          return { ...step, kind: 'spare', info: code.operation }
      }
    })
    .reverse()
}

/** Registers above 15 are r16 and on; here they need not be told from vector registers. */
function stepsOf3(info: UnwindInfo3): Step[] {
  const steps: Step[] = []
  for (let i = info.offsets.length - 1; i >= 0; i--) {
    const { kind, register, second, operand } = info.pool[i]!
    const step = { at: info.offsets[i]!, register, bytes: operand, info: 0 }
    const general = (number: number): number => (number < 16 ? number : number + 100)
    if (kind === 'PUSH_NONVOL') steps.push({ ...step, kind: 'push', register: general(register) })
    else if (kind === 'PUSH2' || kind === 'PUSH_CONSECUTIVE_2') {
      const other = kind === 'PUSH2' ? second : register + 1
      steps.push({ ...step, kind: 'push', register: general(register) })
      steps.push({ ...step, kind: 'push', register: general(other) })
    } else if (kind === 'SET_FPREG') steps.push({ ...step, kind: 'set-frame' })
    else if (kind === 'SAVE_NONVOL' || kind === 'SAVE_NONVOL_FAR') {
      steps.push({ ...step, kind: 'save', register: general(register) })
    } else if (kind === 'SAVE_XMM128' || kind === 'SAVE_XMM128_FAR') {
      steps.push({ ...step, kind: 'save', register: register + 16 })
    } else if (kind === 'PUSH_CANONICAL_FRAME') steps.push({ ...step, kind: 'machine-frame', info: operand })
    else steps.push({ ...step, kind: 'allocate' })
  }
  return steps
}

function checkRange(info: AnyUnwindInfo, { rangeSize }: ValidateInfoOptions, report: Report, at: number): void {
  if (rangeSize !== undefined && info.prologueSize > rangeSize) {
    const message = `the prologue takes ${info.prologueSize} bytes, the range ${rangeSize}`
    report(
      'warning',
      'prologue-past-range',
      at,
      message,
      'end the prologue in its range; saves behind it need a record of theirs',
    )
  }
}

const VOLATILE = new Set([0, 1, 2, 8, 9, 10, 11])

const nameOf = (register: Register): string => x64.registerNames[register] ?? `r${register - 100}`

/** The operations one by one, as the prologue did them. */
function checkSteps(
  info: AnyUnwindInfo,
  steps: readonly Step[],
  parents: readonly AnyUnwindInfo[],
  report: Report,
  at: number,
): void {
  const chained = (info.flags & UNW_FLAG_CHAININFO) !== 0
  let framed = false
  let depth = 8
  let baseDepth = -1
  let last: Step | null = null
  let pushesEnded = false
  let past = false
  let firstSave = -1
  let lastMove = -1
  const saved = new Map<Register, Step>()
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!
    const { kind, register, bytes } = step
    if (step.at > info.prologueSize && !past) {
      past = true
      const message = `an operation at ${step.at} lies behind the prologue, which ends at ${info.prologueSize}`
      const cure =
        'let the prologue end behind its last operation: up to there no handler is called, and the frame register is looked for'
      report('error', 'code-past-prologue', at, message, cure)
    }
    switch (kind) {
      case 'push':
        if (register === 4)
          report(
            'error',
            'push-rsp',
            at,
            'rsp is pushed as a register to be restored',
            'describe it as an allocation of 8',
          )
        if (VOLATILE.has(register)) {
          report(
            'warning',
            'push-volatile',
            at,
            `the volatile register ${nameOf(register)} is restored`,
            'describe its push as an allocation of 8',
          )
        }
        if (pushesEnded) {
          const message = `${nameOf(register)} is pushed behind another operation`
          // The walk through an epilogue of version 2 takes pushes that follow one another.
          const severity = info.version === 2 && info.epilogues !== null ? 'error' : 'note'
          report(
            severity,
            'push-order',
            at,
            message,
            'push registers first: epilogues of the documented form mirror that',
          )
        }
        depth += 8
        lastMove = i
        noteSaved(step)
        break
      case 'allocate':
        if (bytes < 8 || bytes % 8 !== 0) {
          report('error', 'allocation', at, `${bytes} bytes are allocated`, 'allocate a multiple of 8')
        }
        depth += bytes
        lastMove = i
        pushesEnded = true
        break
      case 'set-frame':
        if (framed) report('error', 'frame-register-twice', at, 'the frame register is set twice', 'set it once')
        if (register === 0) {
          const message = 'SET_FPREG, but the header names no frame register: rsp would be taken from rax'
          report('error', 'frame-register-missing', at, message, 'name it in the header')
        }
        if (info.version !== 3 && step.info !== 0) {
          report('warning', 'reserved-info', at, `SET_FPREG has ${step.info} in a reserved field`, 'write 0')
        }
        if (firstSave >= 0) {
          // Until then offsets count from rsp, which is the same place if rsp has not moved in between; not so on Wine 8.
          const moved = lastMove > firstSave
          const names = [...saved].filter(([, { kind: how }]) => how === 'save').map(([one]) => nameOf(one))
          const what = `${names.join(', ')} saved before the frame register is set${moved ? ', and rsp moves in between' : ''}`
          const cure = 'describe the saves at the offset of SET_FPREG, in front of it in the array'
          report(moved ? 'error' : 'warning', 'save-before-frame-register', at, what, cure)
        }
        framed = true
        baseDepth = depth
        pushesEnded = true
        break
      case 'save':
        checkSave(step)
        if (firstSave < 0) firstSave = i
        noteSaved(step)
        pushesEnded = true
        break
      case 'machine-frame':
        if (i !== 0) {
          report(
            'error',
            'machine-frame-order',
            at,
            'a machine frame is not the first operation',
            'let it come first: the processor pushed it',
          )
        }
        depth = step.info === 0 ? 40 : 48
        break
      case 'spare': {
        const name =
          step.info === UWOP_SPARE_CODE ? 'SPARE_CODE' : step.info === UWOP_EPILOG ? 'EPILOG' : `operation ${step.info}`
        report('error', 'spare-code', at, `${name} has no meaning here`, 'leave it out')
        break
      }
    }
    last = step
  }
  if (last === null && info.frameRegister === 0) return
  checkFrameRegister()
  if (!framed && !chained) checkAllocationOrder()
  checkSlots()

  function noteSaved(step: Step): void {
    if (saved.has(step.register)) {
      const message = `${nameOf(step.register)} is saved twice; the one that was saved first is restored`
      report('warning', 'saved-twice', at, message, 'describe the one that holds the value of the caller')
    } else saved.set(step.register, step)
  }

  function checkSave({ register, bytes }: Step): void {
    const scale = register >= 16 && register < 32 ? 16 : 8
    if (register === 4) report('error', 'push-rsp', at, 'rsp is saved as a register to be restored', 'leave it out')
    if (bytes % scale !== 0) {
      report(
        'error',
        'save-unaligned',
        at,
        `${nameOf(register)} is saved at ${bytes}`,
        `save it at a multiple of ${scale}`,
      )
    }
  }

  function checkFrameRegister(): void {
    const { frameRegister } = info
    if (frameRegister === 0) return
    const name = nameOf(frameRegister)
    if (frameRegister === 4) report('error', 'frame-register-number', at, 'rsp is the frame register', 'choose another')
    if (frameRegister === 12) {
      const message = 'r12 is the frame register: lea rsp, [r12 + n] is no epilogue to the system'
      report('warning', 'frame-register-r12', at, message, 'choose another, such as rbp')
    }
    if (chained) return
    if (!framed) {
      const message = `${name} is the frame register, but no SET_FPREG says where it is set: the system reads past the array`
      report('error', 'frame-register-unset', at, message, 'describe where it is set')
    }
    if (!saved.has(frameRegister) && !VOLATILE.has(frameRegister)) {
      const message = `the frame register ${name} is set and not saved before`
      report('warning', 'frame-register-not-saved', at, message, `push ${name} first: the caller wants it back`)
    }
  }

  /** Without a frame register the base of saves is rsp when all has been allocated. */
  function checkAllocationOrder(): void {
    const lastMove = steps.findLast(({ kind }) => kind === 'push' || kind === 'allocate')
    if (lastMove === undefined) return
    const moveIndex = steps.lastIndexOf(lastMove)
    for (let i = 0; i < moveIndex; i++) {
      const step = steps[i]!
      if (step.kind !== 'save') continue
      const message = `${nameOf(step.register)} is saved before rsp is where the offset counts from`
      const cure = 'describe the save at the offset of the last allocation, in front of it in the array'
      report('error', 'save-before-allocation', at, message, cure)
    }
  }

  /** Slots against the return address, each other, and, of vectors, their alignment. */
  function checkSlots(): void {
    // In chained records the depth is the first record's; its slots were checked there.
    const base = chained ? depthOf(parents) : framed ? baseDepth : depth
    if (base < 0) return
    const taken = new Map<number, Register>()
    for (const step of steps) {
      if (step.kind !== 'save') continue
      const { register, bytes } = step
      const words = register >= 16 && register < 32 ? 2 : 1
      const fromCfa = base - bytes
      for (let word = 0; word < words; word++) {
        const place = fromCfa - 8 * word
        if (place === 8) {
          const message = `${nameOf(register)} is saved where the return address lies`
          report(
            'error',
            'save-on-return-address',
            at,
            message,
            'correct the offset, which counts from the bottom of the allocation',
          )
        }
        const other = taken.get(place)
        if (other !== undefined && other !== register) {
          report(
            'warning',
            'slots-overlap',
            at,
            `${nameOf(register)} and ${nameOf(other)} share a slot`,
            'give each register a slot of its own',
          )
        }
        taken.set(place, register)
      }
      if (words === 2 && fromCfa % 16 !== 0) {
        const message = `the slot of ${nameOf(register)} is not aligned to 16 bytes, where movaps faults`
        report('warning', 'vector-slot-misaligned', at, message, 'allocate 8 bytes more or less, or store with movups')
      }
    }
  }
}

/** CFA - base of the first record of a chain; -1 where it is not known. */
function depthOf(parents: readonly AnyUnwindInfo[]): number {
  const first = parents.at(-1)
  if (first === undefined) return -1
  let depth = 8
  let base = -1
  for (const { kind, bytes, info } of first.version === 3 ? stepsOf3(first) : stepsOf(first)) {
    if (kind === 'push') depth += 8
    else if (kind === 'allocate') depth += bytes
    else if (kind === 'machine-frame') depth = info === 0 ? 40 : 48
    else if (kind === 'set-frame') base = depth
  }
  return base < 0 ? depth : base
}

function checkChained(
  info: AnyUnwindInfo,
  steps: readonly Step[],
  parents: readonly AnyUnwindInfo[],
  report: Report,
  at: number,
): void {
  for (const { kind } of steps) {
    if (kind === 'save' || kind === 'spare') continue
    const message = `a chained record has an operation '${kind}'`
    report('error', 'chained-operation', at, message, 'let chained records hold saves alone')
  }
  const [parent] = parents
  if (parent === undefined || info.version === 3) return
  if (info.frameRegister !== parent.frameRegister || info.frameOffset !== parent.frameOffset) {
    const described = (one: AnyUnwindInfo): string =>
      one.frameRegister === 0 ? 'none' : `${nameOf(one.frameRegister)} at ${one.frameOffset}`
    const message = `the frame register is ${described(info)}, the parent's is ${described(parent)}`
    report(
      'error',
      'chained-frame-register',
      at,
      message,
      'repeat the frame register and offset of the parent: the system reads them here',
    )
  }
}

function checkEpilogues2(info: UnwindInfo, options: ValidateInfoOptions, report: Report, at: number): void {
  const { epilogues } = info
  if (options.epilogueSlots !== undefined && options.epilogueSlots % 2 !== 0) {
    const message = `${options.epilogueSlots} EPILOG codes: the walk through the prologue takes them in pairs`
    report('error', 'epilogue-slots', at, message, 'pad them to an even number with 00 06')
  }
  if (epilogues === null) return
  const withPushes = [info, ...(options.parents ?? [])].find(
    (one): one is UnwindInfo => one.version !== 3 && one.codes.some(({ operation }) => operation === UWOP_PUSH_NONVOL),
  )
  let size = 1
  for (const { operation, info: register } of withPushes?.codes ?? []) {
    if (operation === UWOP_PUSH_NONVOL) size += register < 8 ? 1 : 2
  }
  const outermost = withPushes?.codes.at(-1)
  const flags = outermost?.operation === UWOP_ALLOC_SMALL && outermost.info === 0
  if (flags && withPushes !== undefined) {
    report(
      'warning',
      'epilogue-flags',
      at,
      '8 bytes allocated before the pushes are taken for pushed flags that epilogues pop',
      'allocate them behind the pushes',
    )
  }
  if (epilogues.size !== size && !(flags && epilogues.size === size + 1)) {
    const message = `epilogues of ${epilogues.size} bytes, where the pops and the first byte of the exit take ${size}`
    report('error', 'epilogue-size', at, message, 'pop exactly what was pushed, without superfluous prefixes')
  }
  const { rangeSize } = options
  if (rangeSize === undefined) return
  for (const distance of epilogues.distances) {
    if (distance > rangeSize || distance < epilogues.size) {
      const message = `an epilogue ${distance} bytes before the end of a range of ${rangeSize} does not lie in it`
      report('error', 'epilogue-outside', at, message, 'count distances from the end of the own range')
    }
  }
  if (epilogues.atEnd && epilogues.size > rangeSize) {
    report('error', 'epilogue-outside', at, 'the epilogue at the end begins in front of the range', 'correct its size')
  }
}

function checkEpilogues3(info: UnwindInfo3, rangeSize: number | undefined, report: Report, at: number): void {
  const [first] = info.epilogues
  for (const { offset } of info.epilogues) {
    if (first !== undefined && offset !== 0 && offset < 0 !== first.offset < 0) {
      report(
        'error',
        'epilogue-outside',
        at,
        'offsets of epilogues have both signs',
        'count all from the start, or all from the end',
      )
      break
    }
  }
  if (rangeSize === undefined) return
  for (const { start, steps } of epiloguesOf3(info, rangeSize)) {
    if (start < 0 || start + steps.terminator >= rangeSize) {
      const message = `an epilogue from ${start} to ${start + steps.terminator} does not lie in the range of ${rangeSize} bytes`
      report('error', 'epilogue-outside', at, message, 'correct its offset')
    }
  }
}
