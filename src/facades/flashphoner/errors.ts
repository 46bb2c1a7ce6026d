import { TapedeckError } from '#base/error.ts'

/** One setting of the vendor's that can't be followed. */
export interface SettingProblem {
  readonly key: string
  readonly found: string
  readonly expected: string
}

/** Settings that can't be followed, all at once. */
export class FlashphonerSettingsError extends TapedeckError {
  readonly code = 'flashphoner/settings-invalid'
  readonly origin = 'operator'
  readonly problems: readonly SettingProblem[]
  constructor(source: string, problems: readonly SettingProblem[]) {
    const lines = problems.map(({ key, found, expected }) => `${key}=${JSON.stringify(found)}: expected ${expected}`)
    super(
      `${source} can't be followed: ${lines.join('; ')}. Change the lines there, or give other values in facades.flashphoner.override`,
    )
    this.problems = problems
  }
}

/** The vendor's configuration file can't be read. */
export class PropertiesFileError extends TapedeckError {
  readonly code = 'flashphoner/properties-unreadable'
  readonly origin = 'operator'
  readonly file: string
  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`can't read ${file} (${reason}): check facades.flashphoner.properties`, { cause })
    this.file = file
  }
}

/** The REST caller must prove himself. */
export class RestUnauthenticatedError extends TapedeckError {
  readonly code = 'flashphoner/unauthenticated'
  readonly origin = 'client'
  constructor(reason: string) {
    super(`${reason}: send the password of facades.flashphoner as Basic or Bearer credential`)
  }
}

/** A browser was made to ask by a page of another site, or for a name that is not this server's. */
export class RestForeignRequestError extends TapedeckError {
  readonly code = 'flashphoner/foreign-request'
  readonly origin = 'client'
  constructor(reason: string) {
    super(
      `${reason}: without a credential only this machine's programs and this server's own pages may ask; set facades.flashphoner.password`,
    )
  }
}

export class RestBodyError extends TapedeckError {
  readonly code = 'flashphoner/body-invalid'
  readonly origin = 'client'
  constructor(reason: string) {
    super(`the request can't be followed: ${reason}`)
  }
}

export class RestMethodUnknownError extends TapedeckError {
  readonly code = 'flashphoner/method-unknown'
  readonly origin = 'client'
  constructor(path: string) {
    super(`there is nothing at ${path}: methods are below /rest-api, records below /client/records`)
  }
}

export class MediaSessionUnknownError extends TapedeckError {
  readonly code = 'flashphoner/media-session-unknown'
  readonly origin = 'client'
  readonly mediaSessionId: string
  constructor(mediaSessionId: string) {
    super(`no stream is published with the mediaSessionId ${mediaSessionId}: /stream/find_all lists those that are`)
    this.mediaSessionId = mediaSessionId
  }
}

export class NothingFoundError extends TapedeckError {
  readonly code = 'flashphoner/nothing-found'
  readonly origin = 'client'
  constructor(what: string) {
    super(`no ${what} found`)
  }
}

/** `record_streams=false`: nothing is recorded, whoever asks. */
export class RecordingSwitchedOffError extends TapedeckError {
  readonly code = 'flashphoner/recording-switched-off'
  readonly origin = 'operator'
  constructor() {
    super('recording is switched off by record_streams=false: set it to true to record')
  }
}

export class RecorderUriTakenError extends TapedeckError {
  readonly code = 'flashphoner/recorder-uri-taken'
  readonly origin = 'client'
  readonly uri: string
  constructor(uri: string) {
    super(`${uri} is recording already: terminate it first, or choose another uri`)
    this.uri = uri
  }
}

export class RecorderUriUnknownError extends TapedeckError {
  readonly code = 'flashphoner/recorder-uri-unknown'
  readonly origin = 'client'
  readonly uri: string
  constructor(uri: string) {
    super(`there is no recorder ${uri}: /multipleRecorder/find_all lists those that are`)
    this.uri = uri
  }
}

export class MixerUriTakenError extends TapedeckError {
  readonly code = 'flashphoner/mixer-uri-taken'
  readonly origin = 'client'
  readonly uri: string
  readonly streamName: string
  constructor(uri: string, streamName: string) {
    super(`a mixer ${uri} runs already, or a stream ${streamName} is published: terminate it, or choose others`)
    this.uri = uri
    this.streamName = streamName
  }
}

export class MixerUriUnknownError extends TapedeckError {
  readonly code = 'flashphoner/mixer-uri-unknown'
  readonly origin = 'client'
  readonly uri: string
  constructor(uri: string) {
    super(`there is no mixer ${uri}: /mixer/find_all lists those that are`)
    this.uri = uri
  }
}

/** No record has this name: never made, still being written under another, or taken away by a hook. */
export class RecordUnknownError extends TapedeckError {
  readonly code = 'flashphoner/record-unknown'
  readonly origin = 'client'
  constructor(name: string) {
    super(`there is no record ${JSON.stringify(name.slice(0, 300))}`)
  }
}
