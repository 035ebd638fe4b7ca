// One small program, in both formats: a function that calls, reads a constant, follows a pointer, writes a counter, and
// has unwind data. `answer()` is 40 + helper() + *pointer; it adds that to `counter`.

import type { ObjectFile, ObjectSymbol, Section } from '../src/index.ts'

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(/\s+/).filter(Boolean), (pair) => Number.parseInt(pair, 16))
}

export function hexDump(data: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < data.length; at += 16) {
    const row = [...data.subarray(at, at + 16)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`)
  }
  return `${lines.join('\n')}\n`
}

export const code: Uint8Array = bytes(
  `
  53                       push rbx
  48 83 ec 20              sub rsp, 32
  8b 1d 00 00 00 00        mov ebx, [rip + forty]
  e8 00 00 00 00           call helper
  01 d8                    add eax, ebx
  48 8b 0d 00 00 00 00     mov rcx, [rip + pointer]
  03 01                    add eax, [rcx]
  01 05 00 00 00 00        add [rip + counter], eax
  48 83 c4 20              add rsp, 32
  5b                       pop rbx
  c3                       ret
`.replace(/ {3,}[a-z].*$/gm, ''),
)

/** DWARF: CFA rsp+8; after the push rsp+16, rbx at CFA-16; after the sub rsp+48; and back at the end. */
const ehFrame = bytes(`
  14 00 00 00  00 00 00 00  01 7a 52 00 01 78 10 01 1b 0c 07 08 90 01 00 00
  1c 00 00 00  1c 00 00 00  00 00 00 00  27 00 00 00  00
  41 0e 10 83 02  44 0e 30  60 0e 10  41 0e 08 00
`)

const xdata = bytes('01 05 02 00 05 32 01 30')

const symbolIndex = { text: 0, rodata: 1, answer: 2, one: 3, counter: 4, helper: 5, xdata: 6 }

/** In ELF the section symbol of `.xdata` is absent, and with it the unwind sections of Windows. */
export function sample(format: 'elf' | 'coff'): ObjectFile {
  const text: Section = {
    name: '.text',
    kind: 'text',
    align: 16,
    bytes: code,
    relocations: [
      { offset: 7, kind: 'pc-relative-32', symbol: symbolIndex.rodata, addend: 4 - 4 },
      { offset: 12, kind: format === 'elf' ? 'plt-32' : 'pc-relative-32', symbol: symbolIndex.helper, addend: -4 },
      { offset: 21, kind: 'pc-relative-32', symbol: symbolIndex.one, addend: 8 - 4 },
      { offset: 29, kind: 'pc-relative-32', symbol: symbolIndex.counter, addend: -4 },
    ],
  }
  const rodata: Section = {
    name: format === 'elf' ? '.rodata' : '.rdata',
    kind: 'rodata',
    align: 4,
    bytes: bytes('00 00 00 00 28 00 00 00'),
    relocations: [],
  }
  const data: Section = {
    name: '.data',
    kind: 'data',
    align: 8,
    bytes: bytes('01 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00'),
    relocations: [{ offset: 8, kind: 'absolute-64', symbol: symbolIndex.one, addend: 0 }],
  }
  const bss: Section = { name: '.bss', kind: 'bss', align: 4, bytes: bytes(''), size: 4, relocations: [] }
  const image = (offset: number, symbol: number, addend = 0) =>
    ({ offset, kind: 'image-relative-32', symbol, addend }) as const
  const unwind: Section[] =
    format === 'elf'
      ? [
          {
            name: '.eh_frame',
            kind: 'unwind',
            align: 8,
            bytes: ehFrame,
            relocations: [{ offset: 32, kind: 'pc-relative-32', symbol: symbolIndex.text, addend: 0 }],
          },
        ]
      : [
          { name: '.xdata', kind: 'unwind', align: 4, bytes: xdata, relocations: [] },
          {
            name: '.pdata',
            kind: 'unwind',
            align: 4,
            bytes: bytes('00 00 00 00 00 00 00 00 00 00 00 00'),
            relocations: [
              image(0, symbolIndex.text),
              image(4, symbolIndex.text, code.length),
              image(8, symbolIndex.xdata),
            ],
          },
        ]
  const size = (bytes: number) => (format === 'elf' ? bytes : 0)
  const local = (name: string, section: number): ObjectSymbol => ({
    ...{ name, binding: 'local', type: 'section', section, value: 0, size: 0 },
  })
  const symbols: ObjectSymbol[] = [
    local('.text', 0),
    local(rodata.name, 1),
    { name: 'answer', binding: 'global', type: 'function', section: 0, value: 0, size: size(code.length) },
    { name: 'one', binding: 'global', type: format === 'elf' ? 'object' : 'none', section: 2, value: 0, size: size(4) },
    { name: 'a_counter_of_calls', binding: 'global', type: 'none', section: 3, value: 0, size: 0 },
    {
      name: 'helper',
      binding: 'global',
      type: format === 'elf' ? 'none' : 'function',
      section: 'undefined',
      value: 0,
      size: 0,
    },
    ...(format === 'elf' ? [] : [local('.xdata', 4)]),
  ]
  return { format, sections: [text, rodata, data, bss, ...unwind], symbols }
}

/** Exit code 42 when all is well. */
export const driver = `
extern int answer(void);
extern int one, a_counter_of_calls;
int helper(void) { return one; }
int MAIN(void) {
  int result = answer();
  return a_counter_of_calls == result && one == 1 ? result : 1;
}
`
