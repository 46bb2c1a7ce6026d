import { type FileHandle, open } from 'node:fs/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { PartDocument, RecordingDocument } from '#storage/recording-document.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { ifRangeHolds, isNotModified, parseRange, type Validators } from './byte-range.ts'
import { attachment } from './content-disposition.ts'
import { PartFileMissingError, RangeNotSatisfiableError } from './errors.ts'
import { mediaTypeOf } from './media-types.ts'
import { recordingFor } from './recording-view.ts'
import { PartParamsSchema, TokenQuery } from './schemas/common.ts'
import { watchForStall } from './stall-watch.ts'
import { noContent } from './validation.ts'

/** Read at once from the disk and held per download. */
const READ_BYTES = 256 * 1024
/** A paused player keeps its connection without reading: it may for as long as a coffee takes, and comes back by itself. */
const STALL_TIMEOUT_MS = 10 * 60_000

const PartQuerySchema = Type.Object(
  { ...TokenQuery, download: Type.Optional(Type.Boolean({ description: '1: save under a name instead of playing' })) },
  { additionalProperties: false },
)

const binary = Type.Unsafe<unknown>({ type: 'string', format: 'binary' })

/** The files of recordings, for players and downloads. */
export function registerPlayback(app: App, { control }: Resources): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: `${API_PREFIX}/recordings/:id/parts/:n`,
    config: { access: 'view', tokenInQuery: true },
    schema: {
      summary: "A part's file",
      description:
        'Range, If-Range, ETag and HEAD as in RFC 9110. A part still being recorded is served at its present size.',
      tags: ['recordings'],
      params: PartParamsSchema,
      querystring: PartQuerySchema,
      response: {
        200: { description: 'the whole file', content: { 'video/mp4': { schema: binary } } },
        206: { description: 'the range asked for', content: { 'video/mp4': { schema: binary } } },
        304: noContent('the client has it already'),
      },
    },
    handler: async (request, reply) => {
      const { id, n } = request.params
      await recordingFor(request, control.recorder, id, 'view')
      const { path, part, recording } = await control.recorder.partFile(id, n)
      const file = await openPart(path, id, n)
      try {
        reply.header('content-disposition', request.query.download === true ? attachment(downloadName(part)) : 'inline')
        return await sendPart(request, reply, file, part, recording)
      } catch (error) {
        await file.close()
        throw error
      }
    },
  })
}

async function openPart(path: string, id: string, index: number): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new PartFileMissingError(id, index, error)
  }
}

/** Takes the file over, except when it throws. */
async function sendPart(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileHandle,
  part: PartDocument,
  recording: RecordingDocument,
): Promise<FastifyReply> {
  const { size, mtimeMs } = await file.stat()
  // While it is written, the same range gives other bytes a moment later: nothing of it may be kept or combined.
  const validators = part.state === 'open' ? undefined : validatorsOf(size, mtimeMs)
  reply.type(mediaTypeOf(recording.format, part)).header('accept-ranges', 'bytes')
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

/** The path made flat: two cameras' files of the same second get different names in one download folder. */
function downloadName(part: PartDocument): string {
  return part.path.replaceAll('/', '_')
}

/** Node's type allows several of any header; for this one it gives the first. */
function firstValue(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0]
}
