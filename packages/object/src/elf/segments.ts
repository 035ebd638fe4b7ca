// Program headers: what the system maps, and what it looks for in there. gABI, "Program Header".

import type { ByteReader } from '../byte-reader.ts'
import { ObjectError } from '../errors.ts'
import type { ImageRange, ImageSegment } from '../linked-image.ts'
import * as elf from './constants.ts'
import { atByte, expectField } from './headers.ts'

export interface Segments {
  /** PT_LOAD, ascending. */
  readonly loaded: readonly ImageSegment[]
  /** Address of the first loaded byte, at the start of its page. */
  readonly base: bigint
  readonly dynamic: ImageRange | null
  readonly ehFrameHdr: ImageRange | null
}

/** @throws ObjectError for segments out of the file, out of order or over one another. */
export function readSegments(reader: ByteReader): Segments {
  const start = reader.u64(32, 'e_phoff')
  const count = start === 0 ? 0 : reader.u16(56)
  if (count > 0) expectField('e_phentsize', reader.u16(54), elf.PHDR_SIZE, 54)
  reader.require(start, count * elf.PHDR_SIZE, 'the program headers')
  const loaded: ImageSegment[] = []
  let base = 0n
  let dynamic: ImageRange | null = null
  let ehFrameHdr: ImageRange | null = null
  for (let i = 0; i < count; i++) {
    const at = start + i * elf.PHDR_SIZE
    switch (reader.u32(at)) {
      case elf.PT_LOAD: {
        const segment = readSegment(reader, at)
        const last = loaded.at(-1)
        if (last === undefined) base = segment.address - (segment.address % pageOf(reader, at))
        else if (segment.address < last.address + BigInt(last.size)) {
          const expected = 'the address behind the segment in front of it, or one past that'
          const value = Number(segment.address)
          throw new ObjectError({ code: 'bad-field', what: 'p_vaddr', value, expected }, atByte(at + 16))
        }
        loaded.push(segment)
        break
      }
      case elf.PT_DYNAMIC:
        dynamic ??= readRange(reader, at)
        break
      case elf.PT_GNU_EH_FRAME:
        ehFrameHdr ??= readRange(reader, at)
        break
    }
  }
  return { loaded, base, dynamic, ehFrameHdr }
}

function readSegment(reader: ByteReader, at: number): ImageSegment {
  const range = readRange(reader, at)
  const size = reader.u64(at + 40, 'p_memsz')
  if (size < range.bytes.length) {
    const expected = `at least p_filesz, ${range.bytes.length}`
    throw new ObjectError({ code: 'bad-field', what: 'p_memsz', value: size, expected }, atByte(at + 40))
  }
  const flags = reader.u32(at + 4)
  return {
    ...range,
    size,
    readable: (flags & elf.PF_R) !== 0,
    writable: (flags & elf.PF_W) !== 0,
    executable: (flags & elf.PF_X) !== 0,
  }
}

function readRange(reader: ByteReader, at: number): ImageRange {
  const offset = reader.u64(at + 8, 'p_offset')
  const size = reader.u64(at + 32, 'p_filesz')
  return { address: reader.big64(at + 16), bytes: reader.view(offset, size, 'a segment') }
}

/** p_align: 0 and 1 ask for nothing. */
function pageOf(reader: ByteReader, at: number): bigint {
  const align = reader.big64(at + 48)
  return align === 0n ? 1n : align
}
