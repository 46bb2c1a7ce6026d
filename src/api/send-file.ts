import type { FileHandle } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ifRangeHolds, isNotModified, parseRange, type Validators } from './byte-range.ts'
import { RangeNotSatisfiableError } from './errors.ts'
import { watchForStall } from './stall-watch.ts'

/** Read at once from the disk and held per download. */
const READ_BYTES = 256 * 1024
/** A paused player keeps its connection without reading: it may for as long as a coffee takes, and comes back by itself. */
const STALL_TIMEOUT_MS = 10 * 60_000

/** What a file is sent as. */
export interface SentFile {
  readonly mediaType: string
  /** It is being written: served at its present size. */
  readonly isChanging: boolean
}

/**
 * Answers GET and HEAD with a file or a range of it; ETag, If-Range and conditions as in RFC 9110. Takes the file over,
 * except when it throws.
 * @throws {RangeNotSatisfiableError}
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileHandle,
  { mediaType, isChanging }: SentFile,
): Promise<FastifyReply> {
  const { size, mtimeMs } = await file.stat()
  // While it is written, the same range gives other bytes a moment later: nothing of it may be kept or combined.
  const validators = isChanging ? undefined : validatorsOf(size, mtimeMs)
  reply.type(mediaType).header('accept-ranges', 'bytes')
  reply.header('cache-control', validators === undefined ? 'no-store' : 'private, no-cache')
  if (validators !== undefined) reply.headers({ etag: validators.etag, 'last-modified': validators.lastModified })
  const { headers } = request
  if (isNotModified(headers, validators)) return sendNothing(reply.code(304), file)
  const range = ifRangeHolds(firstValue(headers['if-range']), validators) ? parseRange(headers.range, size) : 'whole'
  if (range === 'unsatisfiable') throw new RangeNotSatisfiableError(size)
  const first = range === 'whole' ? 0 : range.first
  const last = range === 'whole' ? size - 1 : range.last
  if (range !== 'whole') reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`)
  reply.header('content-length', last - first + 1)
  if (request.method === 'HEAD' || size === 0) return sendNothing(reply, file)
  const body = file.createReadStream({ start: first, end: last, highWaterMark: READ_BYTES })
  const stall = watchForStall(request.socket, STALL_TIMEOUT_MS)
  body.once('close', () => stall[Symbol.dispose]())
  return reply.send(body)
}

async function sendNothing(reply: FastifyReply, file: FileHandle): Promise<FastifyReply> {
  await file.close()
  return reply.send()
}

/** Size and time of the file, not its digest: that one is computed later, and a download begun before must not break. */
function validatorsOf(sizeBytes: number, mtimeMs: number): Validators {
  return {
    etag: `"${sizeBytes.toString(36)}-${Math.round(mtimeMs).toString(36)}"`,
    lastModified: new Date(mtimeMs).toUTCString(),
  }
}

/** Node's type allows several of any header; for this one it gives the first. */
function firstValue(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}
