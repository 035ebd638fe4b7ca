// The functions that the tests are made of: each way to make a frame that compilers and people know. Their unwind
// information is right.

import { systemV, type VerifiedRange, type VerifyInput, windows } from '../src/index.ts'
import { rangeOf, type Written, written } from './functions.ts'

export interface Case {
  readonly functions: readonly Written[]
  readonly input: VerifyInput
}

const returns = (): boolean => true

function caseOf(functions: readonly Written[], more: Partial<VerifyInput> = {}): Case {
  const ranges = functions.map((fn): VerifiedRange => rangeOf(fn))
  return { functions, input: { ranges, convention: systemV, returns, ...more } }
}

export const pushes: Case = caseOf([
  written(
    'pushes, and two exits',
    `
53                      | push rbx                    | rsp+8
41 54                   | push r12                    | rsp+16 rbx-16
48 83 ec 18             | sub rsp,0x18                | rsp+24 rbx-16 r12-24
48 89 fb                | mov rbx,rdi                 | rsp+48 rbx-16 r12-24
49 89 f4                | mov r12,rsi                 |
e8 ee ff ff ff          | call 0                      |
85 c0                   | test eax,eax                |
74 08                   | je short 0x1e               |
48 83 c4 18             | add rsp,0x18                |
41 5c                   | pop r12                     | rsp+24 rbx-16 r12-24
5b                      | pop rbx                     | rsp+16 rbx-16
c3                      | ret                         | rsp+8
48 89 5c 24 08          | mov [rsp+8],rbx             | rsp+48 rbx-16 r12-24
48 8b 44 24 08          | mov rax,[rsp+8]             |
48 83 c4 18             | add rsp,0x18                |
41 5c                   | pop r12                     | rsp+24 rbx-16 r12-24
5b                      | pop rbx                     | rsp+16 rbx-16
c3                      | ret                         | rsp+8
`,
  ),
])

export const framePointer: Case = caseOf([
  written(
    'a frame pointer, and an area whose size is not known',
    `
f3 0f 1e fa             | endbr64                     | rsp+8
55                      | push rbp                    |
48 89 e5                | mov rbp,rsp                 | rsp+16 rbp-16
53                      | push rbx                    | rbp+16 rbp-16
48 83 ec 08             | sub rsp,8                   | rbp+16 rbp-16 rbx-24
48 89 fb                | mov rbx,rdi                 |
48 8d 47 0f             | lea rax,[rdi+0xf]           |
48 83 e0 f0             | and rax,0xfffffffffffffff0  |
48 29 c4                | sub rsp,rax                 |
48 89 e7                | mov rdi,rsp                 |
e8 dd ff ff ff          | call 0                      |
48 8b 5d f8             | mov rbx,[rbp-8]             |
c9                      | leave                       |
c3                      | ret                         | rsp+8 rbx-24
`,
  ),
])

export const enter: Case = caseOf([
  written(
    'enter, and saves by mov',
    `
c8 10 00 00             | enter 0x10,0                | rsp+8
48 89 5d f8             | mov [rbp-8],rbx             | rbp+16 rbp-16
48 89 fb                | mov rbx,rdi                 | rbp+16 rbp-16 rbx-24
48 8b 5d f8             | mov rbx,[rbp-8]             |
48 8d 65 00             | lea rsp,[rbp]               | rbp+16 rbp-16
5d                      | pop rbp                     |
c3                      | ret                         | rsp+8
`,
  ),
])

export const realigned: Case = caseOf([
  written(
    'a stack that is realigned: the CFA is in memory',
    `
4c 8d 54 24 08          | lea r10,[rsp+8]             | rsp+8
48 83 e4 e0             | and rsp,0xffffffffffffffe0  | r10+0
41 ff 72 f8             | push qword ptr [r10-8]      |
55                      | push rbp                    |
48 89 e5                | mov rbp,rsp                 | r10+0 rbp@rsp+0
41 52                   | push r10                    | r10+0 rbp@rbp+0
48 83 ec 28             | sub rsp,0x28                | [rbp-8] rbp@rbp+0
49 89 fa                | mov r10,rdi                 |
e8 e1 ff ff ff          | call 0                      |
4c 8b 55 f8             | mov r10,[rbp-8]             |
c9                      | leave                       | r10+0 rbp@rbp+0
49 8d 62 f8             | lea rsp,[r10-8]             | r10+0
c3                      | ret                         | rsp+8
`,
  ),
])

export const probeLoop: Case = caseOf([
  written(
    'a loop that probes the stack page by page',
    `
4c 8d 9c 24 00 80 ff ff | lea r11,[rsp-0x8000]        | rsp+8
48 81 ec 00 10 00 00    | sub rsp,0x1000              | r11+32776
48 83 0c 24 00          | or qword ptr [rsp],0        |
4c 39 dc                | cmp rsp,r11                 |
75 ef                   | jne short 8                 |
48 83 ec 18             | sub rsp,0x18                | rsp+32776
e8 de ff ff ff          | call 0                      | rsp+32800
48 81 c4 18 80 00 00    | add rsp,0x8018              |
c3                      | ret                         | rsp+8
`,
  ),
])

export const probeCall: Case = caseOf(
  [
    written(
      'a probe by a call, and a saved vector register',
      `
b8 00 20 00 00          | mov eax,0x2000              | rsp+8
e8 f6 ff ff ff          | call 0                      |
48 29 c4                | sub rsp,rax                 |
0f 29 b4 24 e0 1f 00 00 | movaps [rsp+0x1fe0],xmm6    | rsp+8200
0f 57 f6                | xorps xmm6,xmm6             | rsp+8200 xmm6-40
0f 28 b4 24 e0 1f 00 00 | movaps xmm6,[rsp+0x1fe0]    |
48 81 c4 00 20 00 00    | add rsp,0x2000              | rsp+8200
c3                      | ret                         | rsp+8
`,
    ),
  ],
  { convention: windows },
)

export const movedBelow: Case = caseOf([
  written(
    'saves below the stack pointer, and a jump to another function',
    `
48 89 5c 24 f0          | mov [rsp-0x10],rbx          | rsp+8
48 89 6c 24 f8          | mov [rsp-8],rbp             |
48 83 ec 28             | sub rsp,0x28                | rsp+8 rbp-16 rbx-24
89 fb                   | mov ebx,edi                 | rsp+48 rbp-16 rbx-24
31 ed                   | xor ebp,ebp                 |
48 8b 5c 24 18          | mov rbx,[rsp+0x18]          |
48 8b 6c 24 20          | mov rbp,[rsp+0x20]          | rsp+48 rbp-16
48 83 c4 28             | add rsp,0x28                | rsp+48
eb de                   | jmp short 0                 | rsp+8
`,
  ),
])

export const shrinkWrapped: Case = caseOf([
  written(
    'a frame on one path alone',
    `
85 ff                   | test edi,edi                | rsp+8
74 07                   | je short 0xb                |
53                      | push rbx                    |
48 89 f3                | mov rbx,rsi                 | rsp+16 rbx-16
ff d6                   | call rsi                    |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
`,
  ),
])

export const pushedArguments: Case = caseOf([
  written(
    'arguments that are pushed',
    `
53                      | push rbx                    | rsp+8
48 89 e3                | mov rbx,rsp                 | rsp+16 rbx-16
6a 07                   | push 7                      | rbx+16 rbx-16
50                      | push rax                    |
e8 f4 ff ff ff          | call 0                      |
48 83 c4 10             | add rsp,0x10                |
48 89 dc                | mov rsp,rbx                 |
5b                      | pop rbx                     | rsp+16 rbx-16
c3                      | ret                         | rsp+8
`,
  ),
])

/** Distances from the table at 0x22 to offsets 0x18, 0x1c and 0x20. */
const table = [0x18 - 0x22, 0x1c - 0x22, 0x20 - 0x22]

export const jumpTable: Case = caseOf(
  [
    written(
      'a jump table',
      `
53                      | push rbx                    | rsp+8
89 fb                   | mov ebx,edi                 | rsp+16 rbx-16
83 ff 02                | cmp edi,2                   |
77 18                   | ja short 0x20               |
48 8d 05 13 00 00 00    | lea rax,[0x22]              |
48 63 14 b8             | movsxd rdx,[rax+rdi*4]      |
48 01 d0                | add rax,rdx                 |
ff e0                   | jmp rax                     |
89 d8                   | mov eax,ebx                 |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
f7 db                   | neg ebx                     | rsp+16 rbx-16
eb f8                   | jmp short 0x18              |
5b                      | pop rbx                     |
c3                      | ret                         | rsp+8
`,
    ),
  ],
  { readNumber: (address, bytes) => (bytes === 4 ? table[(address - 0x1022) / 4] : undefined) },
)

export const cases: readonly Case[] = [
  pushes,
  framePointer,
  enter,
  realigned,
  probeLoop,
  probeCall,
  movedBelow,
  shrinkWrapped,
  pushedArguments,
  jumpTable,
]
