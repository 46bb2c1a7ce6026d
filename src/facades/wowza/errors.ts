import { TapedeckError } from '#base/error.ts'

/** A call, a page or a recorder is about a stream nobody publishes. */
export class UnknownStreamError extends TapedeckError {
  readonly code = 'wowza/stream-not-found'
  readonly origin = 'client'
  readonly streamName: string
  constructor(application: string, streamName: string) {
    super(`stream ${streamName} is not published in application ${application}: start the encoder first`)
    this.streamName = streamName
  }
}

/** The application is configured with recordMode none. */
export class RecordingNotPermittedError extends TapedeckError {
  readonly code = 'wowza/recording-not-permitted'
  readonly origin = 'client'
  readonly application: string
  constructor(application: string) {
    super(`application ${application} does not permit recording: set its recordMode to demand or always`)
    this.application = application
  }
}

/** What a caller asked for has no meaning here. */
export class OptionInvalidError extends TapedeckError {
  readonly code = 'wowza/option-invalid'
  readonly origin = 'client'
  readonly option: string
  constructor(option: string, found: unknown, expected: string) {
    super(`${option} is ${String(JSON.stringify(found)).slice(0, 200)}: give ${expected}`)
    this.option = option
  }
}

/** H.264 without the prefix, and the configuration wants that refused. */
export class PrefixMissingError extends TapedeckError {
  readonly code = 'wowza/prefix-missing'
  readonly origin = 'publisher'
  readonly streamName: string
  constructor(streamName: string) {
    super(`${streamName} carries H.264 and is not called mp4:…: publish mp4:${streamName}, or turn strictNames off`)
    this.streamName = streamName
  }
}

export class RecorderUnknownError extends TapedeckError {
  readonly code = 'wowza/recorder-not-found'
  readonly origin = 'client'
  readonly recorderName: string
  constructor(recorderName: string) {
    super(`there is no recorder ${recorderName}: GET …/streamrecorders lists them`)
    this.recorderName = recorderName
  }
}

export class RecorderExistsError extends TapedeckError {
  readonly code = 'wowza/recorder-exists'
  readonly origin = 'client'
  readonly recorderName: string
  constructor(recorderName: string) {
    super(`there is a recorder ${recorderName} already: stop it first`)
    this.recorderName = recorderName
  }
}

export class PasswordFileError extends TapedeckError {
  readonly code = 'wowza/password-file-unusable'
  readonly origin = 'operator'
  readonly file: string
  constructor(file: string, reason: string, cause?: unknown) {
    super(`facades.wowza.passwordFile ${file} can't be used (${reason}): give lines of a name and a password`, {
      cause,
    })
    this.file = file
  }
}

export class NotAuthenticatedError extends TapedeckError {
  readonly code = 'wowza/not-authenticated'
  readonly origin = 'client'
  constructor() {
    super('authentication is required: use a user of facades.wowza.users, or a token of auth.tokens')
  }
}

export class FolderOutsideRootsError extends TapedeckError {
  readonly code = 'wowza/folder-outside-roots'
  readonly origin = 'operator'
  readonly folder: string
  constructor(folder: string, roots: readonly string[]) {
    super(`the folder ${folder} lies in none of the recording roots (${roots.join(', ')}): add one to recordings.root`)
    this.folder = folder
  }
}
