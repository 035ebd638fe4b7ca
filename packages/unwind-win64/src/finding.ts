/** What validation reports. */

/** What may be wrong, by a name that does not change. */
export type FindingCode =
  // The table.
  | 'table-size'
  | 'empty-range'
  | 'unsorted'
  | 'overlap'
  | 'parent-covers-child'
  | 'misaligned-record'
  | 'indirect-twice'
  | 'unreadable'
  // A record.
  | 'malformed'
  | 'prologue-past-range'
  | 'code-past-prologue'
  | 'spare-code'
  | 'reserved-info'
  | 'allocation'
  | 'push-rsp'
  | 'push-volatile'
  | 'push-order'
  | 'machine-frame-order'
  | 'frame-register-missing'
  | 'frame-register-unset'
  | 'frame-register-twice'
  | 'frame-register-number'
  | 'frame-register-r12'
  | 'frame-register-not-saved'
  | 'save-before-frame-register'
  | 'save-before-allocation'
  | 'save-unaligned'
  | 'save-on-return-address'
  | 'slots-overlap'
  | 'saved-twice'
  | 'vector-slot-misaligned'
  // Chains.
  | 'chain-too-long'
  | 'chained-operation'
  | 'chained-frame-register'
  | 'parent-unlisted'
  // Version 2 and 3.
  | 'epilogue-slots'
  | 'epilogue-size'
  | 'epilogue-outside'
  | 'epilogue-flags'
  // Handlers.
  | 'handler-outside'
  | 'scope'
  // Code.
  | 'ends-with-call'
  | 'call-before-epilogue'

/** One thing that the system would refuse or misread, or that is likely to be a mistake. */
export interface Finding {
  /**
   * `'error'`: refused, or unwound wrongly somewhere. `'warning'`: right in some uses or on some systems, or hardly what was
   * meant. `'note'`: right, and yet worth knowing.
   */
  readonly severity: 'error' | 'warning' | 'note'
  readonly code: FindingCode
  /** Where: distance from the image base (from the start of the bytes, where there is no image). */
  readonly at: number
  readonly message: string
  readonly cure: string
}

/** Adds a finding. */
export type Report = (
  severity: Finding['severity'],
  code: FindingCode,
  at: number,
  message: string,
  cure: string,
) => void
