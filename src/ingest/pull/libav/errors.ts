import { TapedeckError } from '#base/error.ts'

/** The process that reads a source has ended, or does not do what it should. */
export class PullReaderError extends TapedeckError {
  readonly code = 'pull/reader-failed'
  readonly origin = 'internal'
  readonly reason: string
  constructor(reason: string) {
    super(`the process that reads the source failed (${reason}): it is started again; please report this if it goes on`)
    this.reason = reason
  }
}

/** What answers is no media that can be read. */
export class PullFormatError extends TapedeckError {
  readonly code = 'pull/format-unknown'
  readonly origin = 'publisher'
  readonly url: string
  readonly reason: string
  constructor(url: string, reason: string) {
    super(
      `${url} is no media that can be read (${reason}): give the address of HLS, MPEG-TS, FLV, MP4 or Matroska itself`,
    )
    this.url = url
    this.reason = reason
  }
}

/** A file that may not be pulled. */
export class PullFileForbiddenError extends TapedeckError {
  readonly code = 'pull/file-forbidden'
  readonly origin = 'client'
  readonly path: string
  constructor(path: string, hasFolders: boolean) {
    super(
      `${path} may not be pulled: ${hasFolders ? 'move it to one of the folders of pullFolders, or add its folder there' : 'files are not read unless pullFolders names their folder'}`,
    )
    this.path = path
  }
}

/** Every pull of this kind is a process, and there are enough of them. */
export class TooManyPullProcessesError extends TapedeckError {
  readonly code = 'pull/too-many-processes'
  readonly origin = 'operator'
  readonly limit: number
  constructor(limit: number) {
    super(`${limit} processes read sources, which is the limit: raise limits.pullProcesses, or remove a pull`)
    this.limit = limit
  }
}
