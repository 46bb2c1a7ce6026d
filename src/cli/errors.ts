import { TapedeckError } from '#base/error.ts'

/** Nothing answers at the server's address. */
export class ServerUnreachableError extends TapedeckError {
  readonly code = 'cli/server-unreachable'
  readonly origin = 'operator'
  readonly server: string
  constructor(server: string, cause: unknown) {
    super(`no server answers at ${server}: start one with "tapedeck serve", or give its address with --server`, {
      cause,
    })
    this.server = server
  }
}

/** A server answered with a problem; code and message are the server's. */
export class ServerRefusedError extends TapedeckError {
  readonly code: string = 'cli/server-refused'
  readonly origin = 'client'
  readonly httpStatus: number
  constructor(httpStatus: number, code: string | undefined, message: string) {
    super(httpStatus === 401 ? `${message} (give a token with --token or TAPEDECK_TOKEN)` : message)
    this.httpStatus = httpStatus
    if (code !== undefined) this.code = code
  }
}

/** An argument or option that can't be used. */
export class UsageError extends TapedeckError {
  readonly code = 'cli/usage'
  readonly origin = 'operator'
}

/** A file named on the command line is not there. */
export class FileNotFoundError extends TapedeckError {
  readonly code = 'cli/file-not-found'
  readonly origin = 'operator'
  readonly path: string
  constructor(path: string, problem = 'is not there') {
    super(`${path} ${problem}: check the path`)
    this.path = path
  }
}

/** Neither a file nor a recording of this node's data folder. */
export class RecordingNotKnownError extends TapedeckError {
  readonly code = 'cli/recording-not-known'
  readonly origin = 'operator'
  readonly id: string
  constructor(id: string, dataFolder: string) {
    super(`${id} is neither a file nor a recording with a manifest in ${dataFolder}: give a path, or --data`)
    this.id = id
  }
}

/** A file of a kind that Tapedeck does not write. */
export class UnknownFileTypeError extends TapedeckError {
  readonly code = 'cli/file-type-unknown'
  readonly origin = 'operator'
  readonly path: string
  constructor(path: string, extensions: readonly string[]) {
    super(`can't tell the format of ${path}: its name must end in ${extensions.join(', ')}`)
    this.path = path
  }
}

/** The source of `tapedeck record` can't be opened or broke off. */
export class SourceFailedError extends TapedeckError {
  readonly code = 'cli/source-failed'
  readonly origin = 'publisher'
  readonly url: string
  constructor(url: string, reason: string) {
    super(`${url}: ${reason}`)
    this.url = url
  }
}

/** `tapedeck record` ended with its recording in the state failed. */
export class RecordingFailedError extends TapedeckError {
  readonly code = 'cli/recording-failed'
  readonly origin = 'operator'
}
