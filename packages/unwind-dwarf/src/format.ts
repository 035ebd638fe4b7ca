/** DWARF call-frame information as an `UnwindFormat` of frame-layout. */

import type {
  DecodedFunction,
  EncodeOptions,
  FrameRecord,
  FunctionUnwind,
  MachineState,
  ReadMemory,
  UnwindFormat,
  UnwindImage,
  UnwindRelocation,
  UnwindRow,
  UnwindSection,
  UnwoundFunction,
} from '@framewright/frame-layout'
import { type AddressBytes, conventionsOf, type DwarfArchitecture } from './architecture.ts'
import { ByteReader } from './byte-reader.ts'
import { DW_EH_PE_absptr, DW_EH_PE_indirect, DW_EH_PE_pcrel, DW_EH_PE_sdata4 } from './constants.ts'
import { decodeFrames } from './decode.ts'
import { assembleEhFrame } from './eh-frame.ts'
import { type PartProgram, ProgramEncoder } from './encode.ts'
import { DwarfUnwindError } from './errors.ts'
import { type FrameDescription, initialOperations } from './frame-section.ts'
import { type FrameReadOptions, findEntry, frameSections } from './lookup.ts'
import { type CallFrameInstruction, readProgram } from './operations.ts'
import type { EncodedSymbol } from './pointer-encoding.ts'
import { printProgram, printRows } from './print.ts'
import { dwarfX64 } from './registers.ts'
import { CallFrameMachine, type CallFrameRow, callFrameRows, sameMeaning } from './rows.ts'
import { type UnwindReader, unwindFrame } from './unwind.ts'
import { asUnwindRows } from './unwind-rows.ts'

/** Fixed when the format is made. */
export interface DwarfFormatOptions {
  /** Whose registers and factors: x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
  /**
   * Write rules for xmm registers, which only functions of the Windows convention save. Off by default: LLVM's libunwind
   * fails on any frame that has one, while everybody walks the frame without them, and System V callers expect nothing of
   * xmm registers. Turn it on where a caller of the Windows convention catches exceptions through such frames with a
   * reader of one's own.
   */
  readonly vectorRegisters?: boolean
  /** How code is addressed: 0x1b (pc-relative, 4 bytes) when left out. */
  readonly codeEncoding?: number
  /** Zero word at the end of the section, for code that is registered in memory. */
  readonly terminator?: boolean
  /** Whether relocations name sections with offsets, as assemblers do (the default), or functions. */
  readonly relocateBy?: 'section' | 'symbol'
  /** Whose limits `unwind` has; libgcc's when left out. */
  readonly reader?: UnwindReader
  /** AArch64: with which key return addresses are signed, which records do not say; A when left out. */
  readonly returnAddressKey?: 'A' | 'B'
  /** What text- and data-relative pointers count from, in sections that are read. */
  readonly text?: bigint
  readonly data?: bigint
}

/** The unwind data of one function: its call-frame program, and what its CIE has to say. */
export interface DwarfFunctionUnwind extends FunctionUnwind {
  readonly format: 'dwarf'
  /**
   * The program, without padding. Addresses stand in the headers that `assemble` writes, so it has no relocations. Of a
   * function in several parts: that of the first.
   */
  readonly bytes: Uint8Array
  /** Of a function in several parts: the program of each, in the record's order, the first included, and its own data. */
  readonly parts?: readonly PartProgram[]
  /** Whose registers and factors the program has, by name. */
  readonly architecture: string
  readonly signalFrame: boolean
  readonly personality: { readonly symbol: string } | null
  readonly languageData: { readonly symbol: string } | null
}

/** A state that a walk came to. */
export interface DwarfMachineState extends MachineState {
  /** The pc is a return address: unwind information is looked up for the byte before it. */
  readonly afterCall?: boolean
}

/**
 * How personality routines and their data are pointed at: pc-relative, routines through a pointer in a section of its own;
 * or by their addresses, where those are known.
 */
export type PointerForm = 'position-independent' | 'absolute'

/** How functions are described. */
export interface FrameDescriptionOptions {
  /** Of the section that the functions are for: x86-64 when left out. */
  readonly architecture?: DwarfArchitecture
  /** `'position-independent'` when left out. */
  readonly pointers?: PointerForm
}

/** See {@link createDwarfFormat}. */
export interface DwarfFormat extends UnwindFormat {
  readonly name: 'dwarf'
  encode(record: FrameRecord, options?: EncodeOptions): DwarfFunctionUnwind
  unwind(frame: DwarfMachineState, image: UnwindImage, memory: ReadMemory): DwarfMachineState
}

const NO_RELOCATIONS: readonly UnwindRelocation[] = []

/** The section with the pointer to a personality routine, which position-independent code reads it through. */
const POINTER_SECTION = '.data.rel.local.DW.ref.'

/**
 * Makes the format. It holds buffers that it uses again from call to call, and nothing else.
 *
 * `assemble` writes `.eh_frame`, and for each personality routine a section with its address, which the CIE points at:
 * the form that position-independent code needs.
 */
export function createDwarfFormat(options: DwarfFormatOptions = {}): DwarfFormat {
  const { vectorRegisters = false, reader = 'libgcc', architecture = dwarfX64, text, data } = options
  const programOptions = { vectorRegisters }
  const { toDwarf, returnAddress, addressBytes } = conventionsOf(architecture)
  const { programCounter } = architecture.frame
  const encoder = new ProgramEncoder(architecture)
  const readOptions: FrameReadOptions = {
    architecture,
    ...(text === undefined ? undefined : { text }),
    ...(data === undefined ? undefined : { data }),
  }
  return {
    name: 'dwarf',
    architectures: [architecture.frame.name],

    encode(record): DwarfFunctionUnwind {
      const parts = record.parts === undefined ? undefined : encoder.encodeParts(record, programOptions)
      return {
        format: 'dwarf',
        bytes: parts === undefined ? encoder.encode(record, programOptions) : parts[0]!.program,
        ...(parts === undefined ? undefined : { parts }),
        relocations: NO_RELOCATIONS,
        architecture: architecture.frame.name,
        signalFrame: record.kind === 'signal',
        personality: record.personality ?? null,
        languageData: record.languageData ?? null,
      }
    },

    assemble(functions): UnwindSection[] {
      const key = options.returnAddressKey === 'B' ? { signedWithKeyB: true } : undefined
      const descriptions = frameDescriptions(functions, { architecture }).map((one) => ({ ...one, ...key }))
      if (descriptions.length === 0) return []
      const pointers = new Set<string>()
      for (const { personality } of descriptions) if (personality !== undefined) pointers.add(personality.symbol)
      const { codeEncoding, terminator, relocateBy } = options
      const section = assembleEhFrame(descriptions, {
        architecture,
        ...(codeEncoding === undefined ? undefined : { codeEncoding }),
        ...(terminator === undefined ? undefined : { terminator }),
        ...(relocateBy === undefined ? undefined : { relocateBy }),
      })
      const relocations = section.relocations.map(({ offset, kind, symbol, addend }): UnwindRelocation => {
        if (kind === 'pc-relative-16' || kind === 'absolute-16') {
          throw new DwarfUnwindError({ code: 'pointer-encoding', encoding: codeEncoding ?? 0, use: 'code' })
        }
        return { offset, kind, symbol, addend }
      })
      return [{ ...section, relocations }, ...[...pointers].map((name) => pointerSection(name, addressBytes))]
    },

    decode(image): DecodedFunction[] {
      const functions: DecodedFunction[] = []
      for (const section of frameSections(image)) {
        const table = decodeFrames(section.bytes, {
          ...readOptions,
          address: section.address,
          debug: section.name === '.debug_frame',
        })
        for (const entry of table.entries) {
          if (entry.kind !== 'fde') continue
          functions.push({
            begin: entry.begin,
            end: entry.begin + BigInt(entry.size),
            rows: (): UnwindRow[] =>
              asUnwindRows(callFrameRows(table, entry), entry.cie.returnAddressRegister, architecture),
          })
        }
      }
      return functions
    },

    unwind(frame, image, memory): DwarfMachineState {
      const pc = frame.registers[programCounter]
      if (pc === undefined) throw new DwarfUnwindError({ code: 'unknown-register', register: returnAddress })
      const lookup = frame.afterCall === true ? pc - 1n : pc
      const found = findEntry(image, lookup, readOptions)
      if (found === null) throw new DwarfUnwindError({ code: 'no-entry', pc }, { in: 'frame', pc })
      const registers: (bigint | undefined)[] = []
      for (let i = 0; i < toDwarf.length; i++) {
        const dwarf = toDwarf[i]!
        if (dwarf >= 0) registers[dwarf] = frame.registers[i]
      }
      const caller = unwindFrame(found.table, found.entry, lookup, registers, memory, reader)
      return {
        registers: Array.from(toDwarf, (dwarf, i) => (i === programCounter ? caller.pc : caller.registers[dwarf])),
        afterCall: !caller.signalFrame,
      }
    },

    print(unwind): string[] {
      return printFunction(unwind, architecture)
    },
  }
}

/** The format with its defaults. */
export const dwarf: DwarfFormat = createDwarfFormat()

/**
 * Functions as `assembleEhFrame` and `assembleDebugFrame` take them; those without unwind data are left out, and those in
 * several parts are one each.
 *
 * @throws DwarfUnwindError for unwind data of another format or architecture, and parts that are not those encoded.
 */
export function frameDescriptions(
  functions: readonly UnwoundFunction[],
  options: FrameDescriptionOptions = {},
): FrameDescription[] {
  const descriptions: FrameDescription[] = []
  for (const one of functions) if (one.unwind !== null) descriptions.push(...describe(one, one.unwind, options))
  return descriptions
}

function describe(
  placed: UnwoundFunction,
  unwind: FunctionUnwind,
  { pointers = 'position-independent', architecture = dwarfX64 }: FrameDescriptionOptions,
): FrameDescription[] {
  if (!isDwarf(unwind)) {
    refuse(placed, `unwind data of the format '${unwind.format}'`)
  }
  const { personality, languageData } = unwind
  if (unwind.architecture !== architecture.frame.name) {
    refuse(placed, `a function of ${unwind.architecture} in a section of ${architecture.frame.name}`)
  }
  const header = {
    ...(unwind.signalFrame ? { signalFrame: true } : undefined),
    ...(personality === null ? undefined : { personality: personalityPointer(personality.symbol, pointers) }),
  }
  const parts: readonly Partial<PartProgram>[] = unwind.parts ?? [{ program: unwind.bytes }]
  const places = placed.parts ?? [placed]
  if (places.length !== parts.length) {
    refuse(placed, `${places.length} places for a function in ${parts.length} parts`)
  }
  return places.map(({ symbol, section, offset, codeSize }, i): FrameDescription => {
    const { program = unwind.bytes, languageData: own = languageData } = parts[i]!
    const pointer = own === null ? undefined : { languageData: dataPointer(own.symbol, pointers) }
    return { symbol, section, offset, size: codeSize, program, ...header, ...pointer }
  })
}

function refuse({ symbol }: UnwoundFunction, why: string): never {
  throw new DwarfUnwindError({ code: 'malformed', why }, { in: 'function', name: symbol, operation: -1 })
}

function isDwarf(unwind: FunctionUnwind): unwind is DwarfFunctionUnwind {
  return unwind.format === 'dwarf'
}

function personalityPointer(symbol: string, pointers: PointerForm): EncodedSymbol {
  if (pointers === 'absolute') return { encoding: DW_EH_PE_absptr, symbol }
  return { encoding: DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4, symbol: POINTER_SECTION + symbol }
}

function dataPointer(symbol: string, pointers: PointerForm): EncodedSymbol {
  return { encoding: pointers === 'absolute' ? DW_EH_PE_absptr : DW_EH_PE_pcrel | DW_EH_PE_sdata4, symbol }
}

function pointerSection(name: string, addressBytes: AddressBytes): UnwindSection {
  const symbol = name.slice(POINTER_SECTION.length)
  const kind = addressBytes === 8 ? 'absolute-64' : 'absolute-32'
  return {
    name,
    bytes: new Uint8Array(addressBytes),
    align: addressBytes,
    relocations: [{ offset: 0, kind, symbol, addend: 0 }],
  }
}

/** The rows of a function that was encoded but is not in a section yet, and its operations; part by part. */
function printFunction(unwind: FunctionUnwind, architecture: DwarfArchitecture): string[] {
  const parts = isDwarf(unwind) ? unwind.parts : undefined
  if (parts === undefined) return printOnePart(unwind.bytes, architecture)
  return parts.flatMap(({ begin, end, program }, i) => [
    ...(i === 0 ? [] : ['']),
    `part ${begin} ${end}`,
    ...printOnePart(program, architecture),
  ])
}

function printOnePart(program: Uint8Array, architecture: DwarfArchitecture): string[] {
  const instructions: CallFrameInstruction[] = []
  const machine = new CallFrameMachine(undefined, architecture.signsReturnAddress === true)
  for (const operation of initialOperations(conventionsOf(architecture))) machine.apply(operation, 0)
  machine.endOfInitialProgram()
  const rows: CallFrameRow[] = []
  let at = 0
  const add = (): void => {
    const row = machine.row(at)
    const last = rows.at(-1)
    if (last === undefined || !sameMeaning(last, row)) rows.push(row)
  }
  readProgram(
    new ByteReader(program),
    { ...architecture, architecture },
    0,
    (operation, location, place, length, opcode) => {
      instructions.push({ place, length, at: location, opcode, operation })
      if (operation === null) return
      if (location !== at) add()
      at = location
      machine.apply(operation, place)
    },
  )
  add()
  const lines = printRows(rows, architecture)
  return instructions.length === 0 ? lines : [...lines, '', ...printProgram(program, instructions, architecture)]
}
