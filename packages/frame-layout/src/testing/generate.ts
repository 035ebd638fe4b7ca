/**
 * Random functions: a frame record, and machine code that does what the record says. Choices are small numbers and flags,
 * so counterexamples shrink towards a function without any of it.
 */

import fc from 'fast-check'
import type { Register } from '../architecture.ts'
import type { FrameRecord } from '../record.ts'
import { R12, R13, R14, R15, RAX, RBP, RBX, RDI, RSI, RSP, XMM0 } from '../registers-x64.ts'
import { CodeWriter } from './machine-code.ts'

/** A function of the generator. */
export interface GeneratedFunction {
  readonly record: FrameRecord
  readonly code: Uint8Array
  /** Offsets at which instructions start. */
  readonly boundaries: readonly number[]
}

/** Which functions to make. */
export interface GenerateOptions {
  /**
   * `'windows'`: only prologues and epilogues of the forms that Windows documents, and SP moves in the body only with a
   * frame register. `'any'` (when left out): others too, such as `lea rsp, [rsp + n]`, restores between pops, pushed arguments.
   */
  readonly forms?: 'any' | 'windows'
  /** Functions that the processor enters by an interrupt, now and then; false when left out. */
  readonly machineFrames?: boolean
  /** Personality and language data, now and then; false when left out. */
  readonly handlers?: boolean
  /** Functions in two parts, now and then; false when left out. */
  readonly parts?: boolean
  /** States taken over from labels that stand further on, now and then; false when left out. */
  readonly labelsAhead?: boolean
  /** Registers that functions save, general and vector ones; those of the Windows convention when left out. */
  readonly saved?: readonly Register[]
}

interface Choices {
  readonly pushes: readonly Register[]
  readonly frame: 'none' | 'after-push' | 'after-allocation'
  readonly frameRegister: Register
  readonly pushesAfterFrame: boolean
  readonly allocation: number
  readonly probed: boolean
  readonly generalSaves: readonly Register[]
  readonly vectorSaves: readonly Register[]
  readonly spread: number
  readonly frameBased: boolean
  readonly frameOffset: number
  readonly dynamic: boolean
  readonly pushedArguments: number
  readonly epilogues: readonly EpilogueChoices[]
  readonly machineFrame: number
  readonly handler: number
  readonly padding: number
  readonly realigned: boolean
  readonly ahead: boolean
  readonly cold: ColdPart
}

/** A second part: none, one with the body's state, one that is left by an epilogue, one that is entered like a function. */
type ColdPart = 'none' | 'body' | 'exit' | 'entry'

interface EpilogueChoices {
  readonly form: number
  readonly tailJump: boolean
  readonly restoresInBody: boolean
  readonly restoresReversed: boolean
  readonly resume: boolean
  readonly nops: number
}

const nonvolatile: readonly Register[] = [RBX, RSI, RDI, R12, R13, R14, R15]
const vectors: readonly Register[] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((number) => XMM0 + number)

/** An arbitrary of functions. */
export function generatedFunctions(options: GenerateOptions = {}): fc.Arbitrary<GeneratedFunction> {
  const windows = options.forms === 'windows'
  const { saved = [...nonvolatile, ...vectors] } = options
  const general = saved.filter((register) => register < XMM0)
  const vector = saved.filter((register) => register >= XMM0)
  const epilogue: fc.Arbitrary<EpilogueChoices> = fc.record({
    form: fc.nat(3),
    tailJump: fc.boolean(),
    restoresInBody: fc.boolean(),
    restoresReversed: fc.boolean(),
    resume: fc.boolean(),
    nops: fc.nat(2),
  })
  return fc
    .record<Choices>({
      pushes: fc.shuffledSubarray(general),
      frame: fc.constantFrom('none', 'after-push', 'after-allocation'),
      frameRegister: fc.constantFrom(RBP, RBP, RBP, RBX, R13),
      pushesAfterFrame: fc.boolean(),
      allocation: fc.oneof(
        fc.constant(0),
        fc.nat(20).map((n) => n * 8),
        fc.constantFrom(120, 128, 136, 240, 256, 4096, 70_000, 524_280, 524_288, 600_000, 0x20_0000),
      ),
      probed: fc.boolean(),
      generalSaves: fc.shuffledSubarray(general),
      vectorSaves: fc.oneof(fc.constant([]), fc.shuffledSubarray(vector)),
      spread: fc.constantFrom(0, 0, 16, 512, 70_000, 1_048_576),
      frameBased: fc.boolean(),
      frameOffset: fc.nat(15),
      dynamic: fc.boolean(),
      pushedArguments: fc.constantFrom(0, 0, 1, 2),
      epilogues: fc.array(epilogue, { maxLength: 3 }),
      machineFrame: fc.constantFrom(0, 0, 0, 0, 1, 2),
      handler: fc.nat(3),
      padding: fc.nat(2),
      realigned: fc.constantFrom(false, false, true),
      ahead: fc.boolean(),
      cold: fc.constantFrom<ColdPart>('none', 'none', 'body', 'exit', 'entry'),
    })
    .map((choices) => build(windows ? documented(choices) : choices, windows, options))
}

/** With `alloca` Windows wants the frame register set after the allocation, so that saves lie above what it can reach. */
function documented(choices: Choices): Choices {
  return choices.dynamic || choices.pushedArguments > 0
    ? { ...choices, frame: choices.frame === 'after-push' ? 'after-allocation' : choices.frame }
    : choices
}

function build(choices: Choices, windows: boolean, options: GenerateOptions): GeneratedFunction {
  const code = new CodeWriter()
  const { recorder } = code
  const machineFrame = options.machineFrames === true ? choices.machineFrame : 0
  // Chains of frames that are entered by an interrupt leave by another way than `ret`.
  const exits = machineFrame === 0 ? choices.epilogues : []
  if (machineFrame !== 0) recorder.machineFrame(machineFrame === 2)
  const cold = options.parts === true && (machineFrame === 0 || choices.cold === 'body') ? choices.cold : 'none'
  const entry = cold === 'entry' ? recorder.label(0) : -1
  const ahead = options.labelsAhead === true && choices.ahead ? recorder.newLabel() : -1

  const framed = choices.frame !== 'none'
  const { frameRegister } = choices
  const others = choices.pushes.filter((register) => !framed || register !== frameRegister)
  const pushed: Register[] = []
  let depth = machineFrame === 0 ? 8 : machineFrame === 2 ? 48 : 40 // CFA - SP
  let frameDepth = 0 // CFA - frame register
  const push = (register: Register): void => {
    code.push(register)
    pushed.push(register)
    depth += 8
  }
  if (framed && choices.frame === 'after-push') {
    push(frameRegister)
    // Other pushes in front of the frame register's own are legal too.
    if (!choices.pushesAfterFrame) for (const register of others) push(register)
    code.setFrame(frameRegister, 0)
    frameDepth = depth
    if (choices.pushesAfterFrame) for (const register of others) push(register)
  } else {
    if (framed) push(frameRegister)
    for (const register of others) push(register)
  }
  for (let i = 0; i < choices.padding; i++) code.nop()

  // What is not pushed may be stored: vectors first, at multiples of 16 once the frame is aligned.
  const general = choices.generalSaves.filter((register) => !pushed.includes(register))
  const vector = choices.vectorSaves
  const saveBytes = general.length * 8 + vector.length * 16 + 16
  const wanted = choices.allocation + (general.length + vector.length > 0 ? saveBytes + choices.spread : 0)
  const allocation = wanted === 0 ? 0 : Math.ceil((wanted + depth) / 16) * 16 - depth
  const bottom = allocation + depth // CFA - SP from here
  if (allocation > 0) {
    if (choices.probed && allocation >= 4096) code.allocateProbed(allocation)
    else code.adjustSp(-allocation)
    depth = bottom
  }
  if (framed && choices.frame === 'after-allocation') {
    const offset = Math.min(choices.frameOffset * 16, allocation & ~15)
    code.setFrame(frameRegister, offset)
    frameDepth = depth - offset
  }
  const realigned = framed && choices.realigned && !windows
  if (realigned) code.realign(32)
  const dynamic = framed && choices.dynamic
  const spKnown = !realigned
  const base = framed && (choices.frameBased || !spKnown) ? 'frame' : 'sp'
  const baseRegister = base === 'frame' ? frameRegister : RSP
  // Slot k from the bottom of the allocation, as an offset from the base.
  const toBase = base === 'frame' ? frameDepth - bottom : 0
  const slots: { register: Register; offset: number }[] = []
  let slot = general.length + vector.length > 0 ? choices.spread - (choices.spread % 16) : 0
  for (const register of vector) {
    slots.push({ register, offset: slot + toBase })
    slot += 16
  }
  for (const register of general) {
    slots.push({ register, offset: slot + toBase })
    slot += 8
  }
  for (const { register, offset } of slots) code.save(register, base, baseRegister, offset)
  recorder.prologueEnd(code.at)
  const label = recorder.label(code.at)

  code.nop()
  if (dynamic) code.allocateDynamic()
  const pushedArguments = windows && !framed ? 0 : choices.pushedArguments
  for (let i = 0; i < pushedArguments; i++) code.push(RAX, false)
  if (pushedArguments > 0) recorder.callArgs(code.at, pushedArguments * 8)
  code.call()
  if (pushedArguments > 0) {
    code.adjustSp(pushedArguments * 8)
    recorder.callArgs(code.at, 0)
  }
  code.nop()

  const pops = [...pushed].reverse()
  const leave = (exit: EpilogueChoices): void => {
    for (let k = 0; k < exit.nops; k++) code.nop()
    const restores = exit.restoresReversed ? [...slots].reverse() : slots
    // A base of SP is of no use once SP has moved for good.
    const canRestore = base === 'frame' || !dynamic
    const restore = (): void => {
      if (canRestore) for (const { register, offset } of restores) code.restore(register, base, baseRegister, offset)
      else {
        // From the frame register, then: the same slots.
        for (const { register, offset } of restores) {
          code.restore(register, 'frame', frameRegister, offset + frameDepth - bottom)
        }
      }
    }
    if (exit.restoresInBody) restore()
    recorder.epilogueBegin(code.at)
    if (!exit.restoresInBody) restore()
    leaveFrame(code, {
      exit,
      framed,
      frameRegister,
      frameDepth,
      pops,
      allocation,
      windows,
      spKnown: spKnown && !dynamic,
    })
    if (exit.tailJump) code.tailJump()
    else code.ret()
  }
  for (let i = 0; i < exits.length; i++) {
    const exit = exits[i]!
    if (i > 0 && exit.resume && !dynamic) recorder.resume(code.at, ahead < 0 ? label : ahead)
    leave(exit)
  }
  code.nop()
  if (ahead >= 0) {
    recorder.resume(code.at, label)
    code.nop()
    recorder.label(code.at, ahead)
    code.nop()
  }
  const split = code.at
  if (cold !== 'none') {
    recorder.resume(split, cold === 'entry' ? entry : label)
    code.nop()
    if (cold === 'exit' && !dynamic) leave(exits[0] ?? plainExit)
    code.nop()
  }

  const handled = options.handlers === true ? choices.handler : 0
  const record = recorder.finish({
    codeSize: code.at,
    ...(cold === 'none'
      ? {}
      : {
          parts: [
            { begin: 0, end: split },
            { begin: split, end: code.at },
          ],
        }),
    ...(handled > 1 ? { personality: { symbol: 'personality' } } : {}),
    ...(handled > 2 ? { languageData: { symbol: 'languageData' } } : {}),
  })
  return { record, code: Uint8Array.from(code.bytes), boundaries: code.boundaries }
}

const plainExit: EpilogueChoices = {
  form: 0,
  tailJump: false,
  restoresInBody: false,
  restoresReversed: false,
  resume: false,
  nops: 0,
}

interface Leaving {
  readonly exit: EpilogueChoices
  readonly framed: boolean
  readonly frameRegister: Register
  readonly frameDepth: number
  readonly pops: readonly Register[]
  readonly allocation: number
  readonly windows: boolean
  readonly spKnown: boolean
}

/** From the body's SP to the return address. */
function leaveFrame(code: CodeWriter, leaving: Leaving): void {
  const { exit, framed, frameRegister, frameDepth, pops, allocation, windows, spKnown } = leaving
  const pushedTo = 8 + 8 * pops.length // CFA - SP where the pops start
  if (framed) {
    if (exit.form === 1 && frameDepth === 16 && pops.at(-1) === frameRegister && pops.length === 1) {
      if (frameRegister === RBP) {
        code.leave(RBP)
        return
      }
      code.restoreSpByMove(frameRegister)
    } else if (exit.form === 2 && frameDepth === pushedTo) code.restoreSpByMove(frameRegister)
    else if (exit.form === 0 || !spKnown) code.restoreSpByLea(frameRegister, frameDepth - pushedTo)
    else if (allocation > 0) code.adjustSp(allocation)
  } else if (allocation > 0) {
    if (exit.form === 3 && !windows) code.adjustSpByLea(allocation)
    else if (exit.form === 2 && !windows && allocation > 16) {
      code.adjustSp(8)
      code.nop()
      code.adjustSp(allocation - 8)
    } else if (exit.form === 1 && allocation === 8) code.pop(RAX, false)
    else code.adjustSp(allocation)
  }
  for (const register of pops) code.pop(register)
}
