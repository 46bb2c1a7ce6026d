import type { Readable } from 'node:stream'
import type { RecordingDocument } from '#storage/recording-document.ts'

/** A media file that was recorded elsewhere, as its sender describes it. */
export interface UploadRequest {
  /** Path of the stream it is filed under; nobody need publish it. */
  readonly stream: string
  /** File name, taken literally below the stream's folder; its extension follows from what it holds. Default: the template. */
  readonly name?: string | undefined
  /** Milliseconds since 1970 UTC. Default: as long ago as it lasts. */
  readonly startedAtMs?: number | undefined
  /** Bytes announced; undefined when the sender doesn't say. */
  readonly expectedBytes?: number | undefined
}

/** Makes recordings of files that were recorded elsewhere. */
export interface UploadsApi {
  /**
   * Resolves with the finished recording. Whatever goes wrong, nothing is left of the upload; the body may be unread then.
   * @throws {TapedeckError} it is no media, too large, too much for the disk, or broken off
   */
  upload(request: UploadRequest, body: Readable): Promise<RecordingDocument>
}
