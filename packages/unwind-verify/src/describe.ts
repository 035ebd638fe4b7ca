/** Findings and reasons in words. */

import { type CfaRule, RETURN_ADDRESS, type RegisterRule, x64 } from '@framewright/frame-layout'
import type { FindingProblem, UndecidedReason } from './report.ts'

/** One sentence: what the unwind information says, and what the instructions do. */
export function describeProblem(problem: FindingProblem): string {
  switch (problem.code) {
    case 'cfa': {
      const said = `the CFA is said to be ${cfaText(problem.rule)}`
      return problem.distance === null
        ? `${said}, which is ${problem.found}`
        : `${said}, which is ${Math.abs(problem.distance)} bytes too ${problem.distance < 0 ? 'low' : 'high'}`
    }
    case 'not-saved': {
      const held = problem.found === '' ? 'it was not stored there' : `there is ${problem.found}`
      return `${nameOf(problem.register)} is said to be ${ruleText(problem.rule)}, and ${held}`
    }
    case 'changed':
      return `${nameOf(problem.register)} is said to be unchanged, and is ${problem.found}`
    case 'overlap':
      return `${problem.other} is described from here on as well`
    case 'runs-out':
      return 'control goes on behind this instruction, where nothing is described'
  }
}

/** Why nothing was decided, as a note behind a number of instructions. */
export function describeReason(reason: UndecidedReason): string {
  switch (reason) {
    case 'unreached':
      return 'that no known path leads to'
    case 'no-instruction':
      return 'that cannot be decoded'
    case 'cfa-unknown':
      return 'where the CFA cannot be followed'
    case 'register-unknown':
      return 'where a saved register cannot be followed'
    case 'below-stack-pointer':
      return 'where a saved register lies below the stack pointer'
    case 'outermost':
      return 'that nobody called, by the unwind data'
    case 'no-row':
      return 'of which nothing is said'
  }
}

function nameOf(register: number): string {
  return register === RETURN_ADDRESS ? 'the return address' : (x64.registerNames[register] ?? `register ${register}`)
}

function plus(offset: number): string {
  return offset === 0 ? '' : offset > 0 ? `+${offset}` : `${offset}`
}

function cfaText(cfa: CfaRule): string {
  switch (cfa.rule) {
    case 'register':
      return `${nameOf(cfa.register)}${plus(cfa.offset)}`
    case 'memory':
      return `[${nameOf(cfa.register)}${plus(cfa.offset)}]${plus(cfa.add)}`
    case 'expression':
      return `the expression ${cfa.expression}`
  }
}

function ruleText(rule: RegisterRule): string {
  switch (rule.rule) {
    case 'cfa-offset':
      return `at cfa${plus(rule.offset)}`
    case 'cfa-value':
      return `cfa${plus(rule.offset)}`
    case 'register':
      return `in ${nameOf(rule.register)}`
    case 'memory':
      return `at ${nameOf(rule.register)}${plus(rule.offset)}`
    case 'expression':
      return `at the address of the expression ${rule.expression}`
    case 'value-expression':
      return `what the expression ${rule.expression} gives`
    case 'undefined':
      return 'lost'
    case 'unchanged':
      return 'unchanged'
  }
}
