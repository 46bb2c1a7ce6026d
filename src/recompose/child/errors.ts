/** A part can't be read: why, and of what. */
export class UnreadablePartError extends Error {
  readonly recordingId: string
  readonly path: string
  /** It is not there. */
  readonly isGone: boolean
  constructor(recordingId: string, path: string, isGone: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.recordingId = recordingId
    this.path = path
    this.isGone = isGone
  }
}
