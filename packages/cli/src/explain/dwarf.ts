// What .eh_frame and .debug_frame say of one address: the entry that covers it, and the operations that its row comes from.

import type { UnwindRow } from '@framewright/frame-layout'
import {
  asUnwindRows,
  decodeEhFrameHdr,
  decodeFrames,
  type ExplainedInstruction,
  explainRow,
  type FrameDescriptionEntry,
  hardwareRegister,
  printOperation,
  type RowExplanation,
  registerName,
} from '@framewright/unwind-dwarf'
import type { FileSection, LoadedFile } from '../listing/loaded-file.ts'
import { type Explanation, type Group, type Reason, registerText, rowGroups } from './explanation.ts'

/**
 * One explanation for each entry that covers the address, in any section of call-frame information.
 *
 * @throws DwarfUnwindError on malformed data.
 */
export function explainDwarf(file: LoadedFile, address: bigint, place: (address: bigint) => string): Explanation[] {
  return file.sections.flatMap((section) => {
    const debug = section.name === '.debug_frame'
    if (!debug && section.name !== '.eh_frame') return []
    const table = decodeFrames(section.bytes, { address: section.address, debug })
    const covering = table.entries.filter(
      (entry): entry is FrameDescriptionEntry =>
        entry.kind === 'fde' && address >= entry.begin && address < entry.begin + BigInt(entry.size),
    )
    return covering.map((fde): Explanation => {
      const explained = explainRow(table, fde, Number(address - fde.begin))
      const [row] = asUnwindRows([explained.row], fde.cie.returnAddressRegister, fde.cie.architecture)
      const end = fde.begin + BigInt(fde.size)
      const at = (offset: number) => offset.toString(16).padStart(2, '0')
      return {
        ...{ format: 'dwarf', source: section.name },
        summary: `the FDE at ${at(fde.offset)} covers ${place(fde.begin)} to ${place(end)}; its CIE is at ${at(fde.cie.offset)}`,
        row,
        from: fde.begin + BigInt(explained.row.at),
        to: fde.begin + BigInt(explained.end),
        groups: [
          {
            name: 'found',
            value: '',
            reasons: [...searchTable(file, section, fde, place), ...range(section, fde, place)],
          },
          ...rules(section, explained, row),
        ],
        words: [],
      }
    })
  })
}

/** And, with the bit for signs, sleb128. */
const DW_EH_PE_uleb128 = 1

/** The entry of `.eh_frame_hdr` that leads there, where entries have a fixed size. */
function searchTable(
  { sections, kind }: LoadedFile,
  frames: FileSection,
  fde: FrameDescriptionEntry,
  place: (address: bigint) => string,
): Reason[] {
  const header = sections.find(({ name }) => name === '.eh_frame_hdr')
  if (header === undefined || kind === 'object' || frames.name !== '.eh_frame') return []
  const { functions } = decodeEhFrameHdr(header.bytes, header.address)
  const entry = frames.address + BigInt(fde.offset)
  const index = functions?.findIndex((each) => each.entry === entry) ?? -1
  if (functions === null || index < 0) return []
  // Four bytes of encodings, two numbers, then two pointers an entry.
  const [, pointer, count, table] = header.bytes
  if ([pointer, count, table].some((encoding) => (encoding & 7) === DW_EH_PE_uleb128)) return []
  const width = 2 * encodedSize(table, 8)
  const offset = 4 + encodedSize(pointer, 8) + encodedSize(count, 8) + width * index
  return [
    {
      ...{ section: header.name, offset, bytes: header.stored.subarray(offset, offset + width), name: 'search table' },
      meaning: `${place(functions[index].begin)} is described at ${frames.name}+${fde.offset.toString(16)}`,
    },
  ]
}

/** The two fields that say which code it is. */
function range(section: FileSection, fde: FrameDescriptionEntry, place: (address: bigint) => string): Reason[] {
  const { beginPlace, cie, begin, size } = fde
  const width = encodedSize(cie.codeEncoding, cie.addressSize)
  const field = (offset: number, name: string, meaning: string): Reason => {
    return { section: section.name, offset, bytes: section.stored.subarray(offset, offset + width), name, meaning }
  }
  return [field(beginPlace, 'first byte', place(begin)), field(beginPlace + width, 'code size', `${size} bytes`)]
}

function rules(section: FileSection, explained: RowExplanation, row: UnwindRow): Group[] {
  const reasons = (instructions: readonly ExplainedInstruction[]): Reason[] =>
    instructions.map((instruction) => reasonOf(section, instruction))
  const byNumber = new Map([...explained.registers].map(([register, list]) => [hardwareRegister(register), list]))
  const groups = rowGroups(row, (register) =>
    reasons(register === 'cfa' ? explained.cfa : (byNumber.get(register) ?? [])),
  )
  // Registers that were saved and are back in their place have no rule, but operations that say so.
  for (const [register, list] of explained.registers) {
    const number = hardwareRegister(register)
    if (number !== undefined && row.registers.has(number)) continue
    const name = number === undefined ? registerName(register) : registerText(number)
    groups.push({ name, value: 'unchanged', reasons: reasons(list) })
  }
  const { advance, argumentBytes } = explained
  if (argumentBytes !== null) {
    groups.push({ name: 'args', value: `${explained.row.argumentBytes} bytes`, reasons: reasons([argumentBytes]) })
  }
  if (advance !== null) groups.push({ name: 'begins', value: '', reasons: reasons([advance]) })
  return groups
}

function reasonOf(section: FileSection, instruction: ExplainedInstruction): Reason {
  const { place, length, operation, opcode, at, entry } = instruction
  const own = entry.kind === 'cie' ? ' (CIE)' : ''
  return {
    ...{ section: section.name, offset: place, bytes: section.stored.subarray(place, place + length) },
    name: `DW_CFA_${operation?.op ?? (opcode === 1 ? 'set_loc' : 'advance_loc')}`,
    meaning: `${operation === null ? `from 0x${at.toString(16)} on` : printOperation(operation)}${own}`,
  }
}

/** Bytes of a pointer of fixed size (DW_EH_PE_udata2, udata4, udata8 and their signed kin; absptr). */
function encodedSize(encoding: number, addressSize: number): number {
  return { 2: 2, 3: 4, 4: 8 }[encoding & 7] ?? addressSize
}
