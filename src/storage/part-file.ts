import type { PartBytes } from '#containers/container.ts'

/** A part's file on disk. Closing twice is fine. Every failure is a StorageError of errors.ts with the path. */
export interface PartFile extends PartBytes, AsyncDisposable {
  readonly path: string
  /** Bytes are on the device when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}
