import { TapedeckError } from '#base/error.ts'

/** A client's request that can't be followed, in the vendor's words. */
export class SignallingRefusedError extends TapedeckError {
  readonly code = 'flashphoner/signalling-refused'
  readonly origin = 'client'
  /** One of INFO. */
  readonly info: string
  constructor(info: string, reason: string) {
    super(`${info}: ${reason}`)
    this.info = info
  }
}
