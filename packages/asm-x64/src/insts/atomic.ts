// Exchanges and fences. The `lock` prefix is a method of the assembler; xchg with memory locks by itself. Intel SDM vol. 2.
import type { EncodingRow } from '../encoding/row.ts'

const sized = '8 16 32 64'

export const atomic: readonly EncodingRow[] = [
  ['Xchg_rm_r', 'xchg rm, r', '86|87 /r', sized],
  ['Xadd_rm_r', 'xadd rm, r', '0F C0|C1 /r', sized],
  ['Cmpxchg_rm_r', 'cmpxchg rm, r', '0F B0|B1 /r', sized],
  ['Cmpxchg8b_m', 'cmpxchg8b m64', '0F C7 /1', ''],
  ['Cmpxchg16b_m', 'cmpxchg16b m128', '0F C7 /1', '64'], // feature CMPXCHG16B
  ['Lfence', 'lfence', '0F AE E8', ''],
  ['Mfence', 'mfence', '0F AE F0', ''],
  ['Sfence', 'sfence', '0F AE F8', ''],
  ['Pause', 'pause', 'F3 90', ''],
  // PREFETCHh, CLFLUSH
  ['Prefetchnta_m', 'prefetchnta m8', '0F 18 /0', ''],
  ['Prefetcht0_m', 'prefetcht0 m8', '0F 18 /1', ''],
  ['Prefetcht1_m', 'prefetcht1 m8', '0F 18 /2', ''],
  ['Prefetcht2_m', 'prefetcht2 m8', '0F 18 /3', ''],
  ['Prefetchw_m', 'prefetchw m8', '0F 0D /1', ''],
  ['Clflush_m', 'clflush m8', '0F AE /7', ''],
]
