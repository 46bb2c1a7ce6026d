import { TapedeckError } from '#base/error.ts'
import { type AgoraErrorNumber, ERROR_TEXTS } from './error-numbers.ts'

/** Refused with one of the vendor's error numbers. */
export class AgoraRefusedError extends TapedeckError {
  readonly code = 'agora/refused'
  readonly origin = 'client'
  readonly error: AgoraErrorNumber
  constructor(error: AgoraErrorNumber, detail: string = ERROR_TEXTS[error]) {
    super(detail)
    this.error = error
  }
}

/** vendorKey and signKey don't go together, or are none. */
export class AgoraKeysError extends TapedeckError {
  readonly code = 'agora/keys-invalid'
  readonly origin = 'operator'
  readonly key: string
  constructor(key: string) {
    super(`facades.agora.${key} must be 32 hex digits, as the vendor's dashboard shows it`)
    this.key = key
  }
}

/** A file of a recording can't become an MP4. */
export class ConversionError extends TapedeckError {
  readonly code = 'agora/not-convertible'
  readonly origin = 'storage'
  readonly path: string
  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path} can't become an MP4: ${reason}; it is left as it is`, { cause })
    this.path = path
  }
}

/** Another job is at work on the same recordings. */
export class JobRunningError extends TapedeckError {
  readonly code = 'agora/job-running'
  readonly origin = 'operator'
  readonly lock: string
  constructor(lock: string) {
    super(`another conversion is at work (${lock} is its lock): wait until it has ended`)
    this.lock = lock
  }
}

/** An option of a command is missing, or can't be. */
export class AgoraOptionError extends TapedeckError {
  readonly code = 'agora/option-invalid'
  readonly origin = 'operator'
  readonly option: string
  constructor(option: string, expected: string) {
    super(`--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: expected ${expected}`)
    this.option = option
  }
}

/** `deploy` would overwrite somebody's own configuration. */
export class ForeignConfigError extends TapedeckError {
  readonly code = 'agora/config-not-ours'
  readonly origin = 'operator'
  readonly file: string
  constructor(file: string) {
    super(`${file} was not written by deploy: add facades.agora to it by hand, or write another file with --config`)
    this.file = file
  }
}
