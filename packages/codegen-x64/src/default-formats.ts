// The one file that knows the default unwind formats: which one a function of each calling convention is described in.

import { dwarf } from '@framewright/unwind-dwarf'
import { win64Format } from '@framewright/unwind-win64'
import type { UnwindFormats } from './options.ts'

/** System V functions get DWARF call-frame information, Windows functions UNWIND_INFO, on either system. */
export const defaultFormats: UnwindFormats = { system_v: dwarf, windows_fastcall: win64Format }
