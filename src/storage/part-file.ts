import type { PartBytes } from '#containers/container.ts'

/**
 * A part's file on disk. Operations run one at a time, in the order of the calls. Closing twice is fine. Every failure
 * is one of errors.ts with the path.
 *
 * A failed `apply` leaves the file no longer than before the call, so the same changes may be applied again once the
 * disk takes bytes; changes that replace bytes may have been made.
 */
export interface PartFile extends PartBytes, AsyncDisposable {
  /** Absolute. Changes in moveTo(), and in commit() when the part replaces an existing file. */
  readonly path: string
  /** Relative to the root it was created in, with forward slashes; the file name when it was opened by path alone. */
  readonly relativePath: string
  /** The catalog has the file, so that a start after a crash finds it. Idempotent. */
  known(): void
  /** Bytes are on the device when it resolves. */
  sync(): Promise<void>
  /**
   * Rejects when the name no longer leads to this file. Writing to a file whose folder was deleted succeeds on POSIX
   * systems, so a recorder asks about once a second.
   * @throws {StorageVanishedError}
   */
  checkInPlace(): Promise<void>
  /**
   * The file is final. One that replaces another is synced and moved over it; any other stays where it is, unsynced, so
   * that a stop never waits for a slow disk: call sync() when it need not be quick. Idempotent.
   */
  commit(): Promise<void>
  /**
   * Gives the file another name below the root, with its folders, and never another file's: false when it is taken.
   * Synced; while it is open for writing, and when it is closed.
   * @throws {OutsideRootError}
   */
  moveTo(root: string, relativePath: string): Promise<boolean>
  /** Closes and deletes the file: nothing worth keeping reached it. Does nothing after commit(). */
  discard(): Promise<void>
  close(): Promise<void>
}
