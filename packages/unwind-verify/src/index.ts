/** Unwind information held against machine code. */

export { type Convention, systemV, windows } from './convention.ts'
export { describeProblem, describeReason } from './describe.ts'
export type { LandingPad, VerifiedRange, VerifyInput } from './input.ts'
export type { Finding, FindingProblem, FunctionReport, UndecidedReason, VerifyReport } from './report.ts'
export { verifyUnwind } from './verify.ts'
