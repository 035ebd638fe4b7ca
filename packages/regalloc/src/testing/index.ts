export { type RandomGraph, randomGraph } from './graphs.ts'
export { makeProblem, type Problem, type ProblemOptions, randomOptions } from './problems.ts'
export { Random } from './random.ts'
export { allocateProblem, walkProblem } from './run.ts'
