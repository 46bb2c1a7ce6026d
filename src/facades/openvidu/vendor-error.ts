import { TapedeckError } from '#base/error.ts'

/** An error that the vendor's REST API has a status of its own for; clients look at nothing else. spec section 3.1. */
export abstract class VendorError extends TapedeckError {
  abstract readonly status: number
}
