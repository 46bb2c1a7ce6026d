import { TapedeckError } from '#base/error.ts'
import type { Codec } from './codec.ts'

/** A codec configuration record (avcC, hvcC, AudioSpecificConfig …) can't be understood. */
export class CodecConfigurationError extends TapedeckError {
  readonly code = 'media/configuration-invalid'
  readonly origin = 'publisher'
  readonly codec: Codec
  readonly reason: string
  constructor(codec: Codec, reason: string, options?: ErrorOptions) {
    super(`the ${codec} configuration ${reason}: check the encoder's output, or let it publish again`, options)
    this.codec = codec
    this.reason = reason
  }
}

/** Coded bytes of one access unit, parameter set or frame header that break their codec's syntax. */
export class BitstreamError extends TapedeckError {
  readonly code = 'media/bitstream-invalid'
  readonly origin = 'publisher'
  /** What was being read, in the spec's words: `H.264 SPS`, `ADTS header`. */
  readonly subject: string
  readonly reason: string
  constructor(subject: string, reason: string) {
    super(`${subject} ${reason}: the encoder or the way here damaged it`)
    this.subject = subject
    this.reason = reason
  }
}

/** Runs `parse`, telling a broken bitstream inside a configuration record as what it is to the caller: a bad record. */
export function asConfiguration<Value>(codec: Codec, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof BitstreamError)) throw error
    throw new CodecConfigurationError(codec, `holds a bad ${error.subject}, which ${error.reason}`, { cause: error })
  }
}
