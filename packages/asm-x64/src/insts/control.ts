// Indirect control flow, the stack, string operations and the rest of the system's edge. Direct branches, calls and the
// one-byte push and pop are methods of the assembler. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'

export const control: readonly EncodingRow[] = [
  // Near, indirect; 64 bits wide without a prefix (Intel SDM vol. 2, 2.2.1.7)
  ['Call_rm', 'call rm64', 'FF /2', ''],
  ['Jmp_rm', 'jmp rm64', 'FF /4', ''],
  ['Push_rm', 'push rm64', 'FF /6', ''],
  ['Pop_rm', 'pop rm64', '8F /0', ''],
  ['Leave', 'leave', 'C9', ''],
  ['Pushfq', 'pushfq', '9C', ''],
  ['Popfq', 'popfq', '9D', ''],
  // String operations: rdi, rsi, rcx and rax are implied; `rep` is a method of the assembler
  ['Movs', 'movs', 'A4|A5', sized],
  ['Stos', 'stos', 'AA|AB', sized],
  ['Lods', 'lods', 'AC|AD', sized],
  ['Scas', 'scas', 'AE|AF', sized],
  ['Cmps', 'cmps', 'A6|A7', sized],
  ['Cld', 'cld', 'FC', ''],
  ['Std', 'std', 'FD', ''],
  ['Hlt', 'hlt', 'F4', ''],
  ['Syscall', 'syscall', '0F 05', ''],
  ['Cpuid', 'cpuid', '0F A2', ''],
  ['Rdtsc', 'rdtsc', '0F 31', ''],
  // MXCSR
  ['Ldmxcsr_m', 'ldmxcsr m32', '0F AE /2', ''],
  ['Stmxcsr_m', 'stmxcsr m32', '0F AE /3', ''],
]
