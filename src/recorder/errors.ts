import { TapedeckError } from '#base/error.ts'

export class RecordingNotFoundError extends TapedeckError {
  readonly code = 'recorder/recording-not-found'
  readonly origin = 'client'
  readonly recordingId: string
  constructor(recordingId: string) {
    super(`there is no recording ${recordingId}: GET /api/v1/recordings lists them`)
    this.recordingId = recordingId
  }
}

export class PartNotFoundError extends TapedeckError {
  readonly code = 'recorder/part-not-found'
  readonly origin = 'client'
  readonly recordingId: string
  readonly index: number
  constructor(recordingId: string, index: number) {
    super(`recording ${recordingId} has no part ${index}: its parts are listed in the recording`)
    this.recordingId = recordingId
    this.index = index
  }
}

export class StreamNotFoundError extends TapedeckError {
  readonly code = 'recorder/stream-not-found'
  readonly origin = 'client'
  readonly stream: string
  constructor(stream: string) {
    super(`nobody publishes ${stream}: start the encoder first, or pass waitForStream`)
    this.stream = stream
  }
}

export class RecordingBusyError extends TapedeckError {
  readonly code = 'recorder/recording-busy'
  readonly origin = 'client'
  readonly recordingId: string
  constructor(recordingId: string, state: string) {
    super(`recording ${recordingId} is ${state}: stop it first`)
    this.recordingId = recordingId
  }
}

export class RecordingHeldError extends TapedeckError {
  readonly code = 'recorder/recording-held'
  readonly origin = 'client'
  readonly recordingId: string
  constructor(recordingId: string) {
    super(`recording ${recordingId} is held, so its files stay: release the hold first`)
    this.recordingId = recordingId
  }
}

export class RecordingNotRunningError extends TapedeckError {
  readonly code = 'recorder/recording-not-running'
  readonly origin = 'client'
  readonly recordingId: string
  readonly state: string
  constructor(recordingId: string, state: string) {
    super(`recording ${recordingId} is ${state}, so there is nothing to split: start a new one`)
    this.recordingId = recordingId
    this.state = state
  }
}

/** The chosen container can't hold a codec of the stream. */
export class CodecNotCarriedError extends TapedeckError {
  readonly code = 'recorder/codec-not-carried'
  readonly origin = 'client'
  readonly codec: string
  readonly format: string
  constructor(codec: string, format: string, alternatives: readonly string[]) {
    super(
      `${format} can't hold ${codec}: record as ${alternatives.join(' or ')}, or leave that track out with "tracks"`,
    )
    this.codec = codec
    this.format = format
  }
}

/** Stopped, or ended by its publisher, before anything worth a file arrived. */
export class NothingRecordedError extends TapedeckError {
  readonly code = 'recorder/nothing-recorded'
  readonly origin = 'publisher'
  constructor(stream: string) {
    super(`${stream} sent no access unit while the recording waited: check the encoder`)
  }
}

export class RuleNotFoundError extends TapedeckError {
  readonly code = 'recorder/rule-not-found'
  readonly origin = 'client'
  readonly ruleId: string
  constructor(ruleId: string) {
    super(`there is no rule ${ruleId}: GET /api/v1/rules lists them`)
    this.ruleId = ruleId
  }
}

export class RuleReadOnlyError extends TapedeckError {
  readonly code = 'recorder/rule-read-only'
  readonly origin = 'client'
  readonly ruleId: string
  constructor(ruleId: string) {
    super(`rule ${ruleId} comes from the configuration file: change it there and restart`)
    this.ruleId = ruleId
  }
}

export class RuleInvalidError extends TapedeckError {
  readonly code = 'recorder/rule-invalid'
  readonly origin = 'client'
  readonly reason: string
  constructor(reason: string) {
    super(`the rule ${reason}`)
    this.reason = reason
  }
}

/** A rule keeps everybody from recording the stream. */
export class RecordingNotAllowedError extends TapedeckError {
  readonly code = 'recording/not-allowed'
  readonly origin = 'client'
  readonly stream: string
  readonly ruleId: string
  constructor(stream: string, ruleId: string) {
    super(`rule ${ruleId} says that ${stream} is never recorded: change that rule, or record another stream`)
    this.stream = stream
    this.ruleId = ruleId
  }
}

export class RequestInvalidError extends TapedeckError {
  readonly code = 'recorder/request-invalid'
  readonly origin = 'client'
  readonly field: string
  constructor(field: string, found: unknown, expected: string) {
    super(`${field} is ${JSON.stringify(found)}: give ${expected}`)
    this.field = field
  }
}

/** The server is going down and takes no new work. */
export class RecorderClosedError extends TapedeckError {
  readonly code = 'recorder/closed'
  readonly origin = 'operator'
  constructor() {
    super('the server is shutting down: ask again when it is back')
  }
}

/** A finished file holds less than was written to it: another program has changed it meanwhile. */
export class PartAlteredError extends TapedeckError {
  readonly code = 'recorder/part-altered'
  readonly origin = 'storage'
  readonly path: string
  readonly accessUnits: number
  constructor(path: string, accessUnits: number) {
    super(
      `${path} lacks ${accessUnits} access units that were written to it: something else changed the file; find out what`,
    )
    this.path = path
    this.accessUnits = accessUnits
  }
}

/** What a part was to be called at its end can't be read from its document any more. */
export class NameRecipeError extends TapedeckError {
  readonly code = 'recorder/name-recipe-invalid'
  readonly origin = 'storage'
  readonly reason: string
  constructor(reason: string) {
    super(`the recipe of a part's name can't be read (${reason}): the file keeps the name it has; rename it by hand`)
    this.reason = reason
  }
}

/** The disk refused a part's last bytes for so long that the part was closed without them. */
export class DrainTimeoutError extends TapedeckError {
  readonly code = 'recorder/drain-timeout'
  readonly origin = 'storage'
  readonly path: string
  readonly patienceMs: number
  constructor(path: string, patienceMs: number) {
    super(`the last bytes of ${path} could not be written within ${patienceMs} ms of its end; check the disk`)
    this.path = path
    this.patienceMs = patienceMs
  }
}
