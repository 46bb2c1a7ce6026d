/** Something that brings one source to the private server of `tapedeck record`. */
export interface SourceReader {
  /** Resolves when the source is over or was stopped. @throws {SourceFailedError} it can't be read */
  readonly ended: Promise<void>
  /** Takes leave; ends it when it can't. Idempotent. */
  stop(): void
}
