import { TapedeckError } from '#base/error.ts'

/** What the vendor's Cloud Recording answers when it refuses. */
export interface CloudRefusal {
  /** HTTP. */
  readonly status: number
  /** The vendor's; undefined: the answer has only a `message`. */
  readonly vendorCode?: number
  readonly reason: string
}

/** Refused, in the words of the vendor's Cloud Recording. spec section 7. */
export class CloudRefusedError extends TapedeckError {
  readonly code = 'agora/cloud-refused'
  readonly origin = 'client'
  readonly refusal: CloudRefusal
  constructor(refusal: CloudRefusal) {
    super(refusal.reason)
    this.refusal = refusal
  }
}

/** An argument can't be, or is missing. @param call as the vendor begins its reasons: `Acquire`, `Start` */
export function invalidParameter(call: string, reason: string): CloudRefusedError {
  return new CloudRefusedError({ status: 400, vendorCode: 2, reason: `${call}: ${reason}` })
}

/** No recording of these ids goes on. */
export function workerNotFound(): CloudRefusedError {
  return new CloudRefusedError({ status: 404, vendorCode: 404, reason: 'failed to find worker' })
}
