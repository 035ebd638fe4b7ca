/** The conformance kit for unwind formats, and its parts. Needs fast-check. */

export { loadImage } from '../load-image.ts'
export { type ConformanceOptions, type ConformanceReport, checkConformance, evaluateRow } from './conformance.ts'
export { type GeneratedFunction, type GenerateOptions, generatedFunctions } from './generate.ts'
export { realignedFunctions } from './generate-realigned.ts'
export { type ShrinkWrapOptions, shrinkWrappedFunctions } from './generate-shrink-wrapped.ts'
export { CodeWriter } from './machine-code.ts'
export { type SimulatedPoint, type SimulationPlace, simulate } from './simulate.ts'
