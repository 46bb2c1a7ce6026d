import { type FileHandle, open } from 'node:fs/promises'
import { Type } from 'typebox'
import { type PartDocument, partFormat } from '#storage/recording-document.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { attachment } from './content-disposition.ts'
import { PartFileMissingError } from './errors.ts'
import { mediaTypeOf } from './media-types.ts'
import { recordingFor } from './recording-view.ts'
import { PartParamsSchema, TokenQuery } from './schemas/common.ts'
import { sendFile } from './send-file.ts'
import { noContent } from './validation.ts'

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
        const mediaType = mediaTypeOf(partFormat(recording, part), part)
        return await sendFile(request, reply, file, { mediaType, isChanging: part.state === 'open' })
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

/** The path made flat: two cameras' files of the same second get different names in one download folder. */
function downloadName(part: PartDocument): string {
  return part.path.replaceAll('/', '_')
}
