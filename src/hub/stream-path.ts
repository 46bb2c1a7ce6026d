import { TapedeckError } from '#base/error.ts'

/** Longest path we accept. A component may be as long: names of folders and files are trimmed when they are made. */
export const MAX_STREAM_PATH_BYTES = 1024

export class StreamPathError extends TapedeckError {
  readonly code = 'stream/path-invalid'
  readonly origin = 'client'
  readonly path: string
  readonly reason: string
  constructor(path: string, reason: string) {
    super(
      `stream path ${JSON.stringify(path.slice(0, 200))} ${reason}: use app/name with letters, digits, "-", "_" or "."`,
    )
    this.path = path
    this.reason = reason
  }
}

const encoder = new TextEncoder()

/**
 * Checks a stream path (`app/stream`, any depth from one component) and returns it without leading and trailing
 * slashes. Paths name folders, so nothing that could leave the recording root passes.
 * @throws {StreamPathError} empty, too long, `.` or `..` components, control characters or backslashes
 */
export function normalizeStreamPath(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '')
  if (trimmed === '') throw new StreamPathError(path, 'is empty')
  if (encoder.encode(trimmed).length > MAX_STREAM_PATH_BYTES) {
    throw new StreamPathError(path, `is longer than ${MAX_STREAM_PATH_BYTES} bytes`)
  }
  for (const component of trimmed.split('/')) {
    if (component === '' || component === '.' || component === '..') {
      throw new StreamPathError(path, `has the component ${JSON.stringify(component)}`)
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (/[\u0000-\u001f\u007f\\]/.test(component))
      throw new StreamPathError(path, 'has control characters or backslashes')
  }
  return trimmed
}
