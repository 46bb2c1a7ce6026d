import { TapedeckError } from '#base/error.ts'

/** The build of FFmpeg that is installed lacks the encoder that the configuration names. */
export class EncoderMissingError extends TapedeckError {
  readonly code = 'transcode/encoder-missing'
  readonly origin = 'operator'
  readonly encoder: string
  constructor(encoder: string, present: readonly string[]) {
    const others = present.length === 0 ? 'none' : present.join(', ')
    super(`the FFmpeg of node-av has no encoder ${encoder} (it has: ${others}); set recordings.aacEncoder to aac`)
    this.encoder = encoder
  }
}

/** The process that transcodes ended by itself, or was ended because it did not answer. */
export class TranscoderEndedError extends TapedeckError {
  readonly code = 'transcode/process-ended'
  readonly origin = 'internal'
  /** Of its own doing, as far as anybody can tell: not killed from outside. */
  readonly isCrash: boolean
  constructor(how: string, output: string, isCrash: boolean) {
    const said = output.trim() === '' ? '' : `: ${output.trim()}`
    super(`the process that transcodes sound ${how}${said}; another one goes on, the ledger counts what was lost`)
    this.isCrash = isCrash
  }
}

/** Sound of this track has ended the transcoding process again and again. */
export class TrackGivenUpError extends TapedeckError {
  readonly code = 'transcode/track-given-up'
  readonly origin = 'publisher'
  readonly times: number
  constructor(codec: string, times: number) {
    super(
      `${codec} sound ended the transcoding process ${times} times: the rest of the track is left out; record it as it is with audio codec copy`,
    )
    this.times = times
  }
}

/** The source's sound, or some of it, can't be decoded. */
export class UndecodableSoundError extends TapedeckError {
  readonly code = 'transcode/undecodable'
  readonly origin = 'publisher'
  readonly accessUnits: number
  constructor(codec: string, accessUnits: number, reason: string) {
    super(`${accessUnits} access units of ${codec} could not be decoded (${reason}); check the encoder`)
    this.accessUnits = accessUnits
  }
}
