// The tables against iced-x86's transcription of the same manual: mnemonic, operands, opcode, for every row and size.
import { CodeExt } from 'iced-x86'
import { expect, test } from 'vitest'
import { rowOperands } from '../src/encoding/row.ts'
import { Assembler } from '../src/index.ts'
import { rows } from '../src/insts/index.ts'
import { bits, emit, type Form, forms, isRm } from './forms.ts'
import { walk } from './iced.ts'

/** Mnemonics that differ by size: ours is that of the size 32. */
const bySize: Readonly<Record<string, readonly string[]>> = {
  cwde: ['', 'cbw', 'cwde', 'cdqe'],
  cdq: ['', 'cwd', 'cdq', 'cqo'],
  movd: ['', '', 'movd', 'movq'],
  vmovd: ['', '', 'vmovd', 'vmovq'],
  pinsrd: ['', '', 'pinsrd', 'pinsrq'],
  pextrd: ['', '', 'pextrd', 'pextrq'],
  ...Object.fromEntries(
    ['movs', 'stos', 'lods', 'scas', 'cmps'].map((name) => [name, ['b', 'w', 'd', 'q'].map((letter) => name + letter)]),
  ),
}

/** What iced should print for an operand of ours. */
function operand(form: Form, text: string): string {
  const width = bits(form.size)
  if (text === 'r' || text === 'v') return `r${width}`
  if (text === 'rm') return `r/m${width}`
  if (text === 'm') return form.name === 'Lea_r_m' ? 'm' : `m${width}`
  if (text === 'x' || text === 'vx' || text === 'sx') return 'xmm'
  if (text === 'cl') return 'CL'
  if (text === 'xmm0') return '<XMM0>'
  if (text === 'imm') return `imm${Math.min(width, 32)}`
  if (/^rm\d+-32$/.test(text)) return `r32/m${text.slice(2, -3)}`
  return text.replace(/^rm/, 'r/m').replace(/^xm(\d)/, 'xmm/m$1')
}

function expectedSyntax(form: Form): string {
  const name = form.syntax.split(' ')[0]!
  const mnemonic = (bySize[name]?.[form.size] ?? name).toUpperCase()
  const operands = form.operands.map((text) => operand(form, text))
  return operands.length === 0 ? mnemonic : `${mnemonic} ${operands.join(', ')}`
}

function expectedOpcode(form: Form): string {
  const { size } = form
  return form.encoding
    .split(' ')
    .filter((token) => token !== 'NP')
    .map((token) => {
      if (token.includes('|')) return token.split('|')[size === 0 ? 0 : 1]!
      if (token === 'iz') return ['ib', 'iw', 'id', 'id'][size]!
      return token.replace(/\.W$/, size === 3 ? '.W1' : '.W0').replace(/\.LZ\./, '.L0.')
    })
    .join(' ')
}

const printed = (text: string): string => text.replace(/\b(r32|r64|xmm)[123ab]\b/g, '$1')
const opcode = (text: string): string =>
  text
    .replace(/^(0F 9.) \/r$/, '$1 /0') // setcc: the field is ignored; we write 0
    .replace(/\b(o16|o32|o64|NP|NFx) /g, '')
    .replace(/\.LZ\./, '.L0.')
    .replace(/ \(mod=.*?\)/, '')

test('every row is one that iced-x86 knows, with the same operands and the same opcode', () => {
  const asm = new Assembler()
  const wrong: string[] = []
  for (const form of forms) {
    for (const memory of [false, true]) {
      if (memory ? !form.takesMemory : form.hasRm && !form.takesRegister) continue
      asm.reset()
      // An immediate that has no shorter form, and registers that have none.
      emit(asm, form, memory, { reg: 1, vvvv: 2, rm: 3, base: 3, index: -1, scaleLog2: 0, disp: 0, imm: 0x1234567 })
      let got = ''
      const count = walk(asm.bytes.subarray(0, asm.length), (instruction) => {
        const info = CodeExt.opCode(instruction.code)
        got = `${printed(info.instructionString)} | ${opcode(info.opCodeString)}`
        info.free()
      })
      const want = `${expectedSyntax(form)} | ${expectedOpcode(form)}`
      if (got !== want || count !== 1) wrong.push(`${form.name} ${bits(form.size)}: ${want}   iced: ${got}`)
    }
  }
  expect(wrong).toEqual([])
})

test('the name of a row is its mnemonic and its operands', () => {
  const letters = (text: string): string =>
    isRm(text) && text !== 'sx'
      ? text.replace(/[\d-]+$/, '')
      : text === 'v'
        ? 'r'
        : text === 'vx' || text === 'sx'
          ? 'x'
          : text.replace(/^(r|imm)\d+$/, '$1')
  for (const row of rows) {
    const [name, syntax] = row
    const [mnemonic, ...operands] = name.split('_')
    expect(mnemonic!.toLowerCase().replace(/(8|16)$/, ''), name).toBe(syntax.split(' ')[0]!.replace(/(8|16)$/, ''))
    expect(operands, name).toEqual(rowOperands(row).map(letters))
  }
  expect(new Set(rows.map(([name]) => name)).size).toBe(rows.length)
})
