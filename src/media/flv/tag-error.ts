import { TapedeckError } from '#base/error.ts'

/** A tag body that contradicts its own lengths or the specification. */
export class FlvTagError extends TapedeckError {
  readonly code = 'flv/tag-malformed'
  readonly origin = 'publisher'
  /** Bytes the tag has. */
  readonly bytes: number
  constructor(what: string, bytes: number) {
    super(`${what} (tag of ${bytes} bytes): the encoder or file is damaged`)
    this.bytes = bytes
  }
}
