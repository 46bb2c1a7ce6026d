import type { Readable } from 'node:stream'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { toView } from './recording-view.ts'
import { RecordingSchema } from './schemas/recording.ts'
import { UploadQuerySchema } from './schemas/upload.ts'

/** Media files that were recorded elsewhere become recordings. */
export function registerUploads(app: App, { control }: Resources): void {
  void app.register(async (scope: App) => {
    // The body is the file itself, whatever it is called: what it holds is found out by reading it.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
    scope.post(
      `${API_PREFIX}/uploads`,
      {
        config: { access: 'record', takesLargeBodies: true },
        schema: {
          summary: 'Makes a recording of a media file',
          description:
            'The body is the file, of any size up to limits.uploadBytes. Answers when the recording is ready.',
          tags: ['recordings'],
          querystring: UploadQuerySchema,
          response: { 201: RecordingSchema },
        },
        // Whoever is refused shall not send the rest.
        onError: async (_request, reply) => void reply.header('connection', 'close'),
        preParsing: async (request, _reply, body) => {
          // Before a byte is read: a stranger's file is not received to be refused.
          principalOf(request).requireFor('record', normalizeStreamPath(streamOf(request.query)))
          return body
        },
      },
      async (request, reply) => {
        const { stream, name, startedAt } = request.query
        const length = request.headers['content-length']
        const wanted = {
          stream,
          name,
          startedAtMs: startedAt === undefined ? undefined : Date.parse(startedAt),
          expectedBytes: length === undefined ? undefined : Number(length),
        }
        const recording = await control.uploads.upload(wanted, (request.body as Readable | undefined) ?? request.raw)
        return reply.code(201).header('location', `${API_PREFIX}/recordings/${recording.id}`).send(toView(recording))
      },
    )
  })
}

/** The query is checked after this; what is missing then is refused there. */
function streamOf(query: unknown): string {
  const stream = query !== null && typeof query === 'object' && 'stream' in query ? query.stream : undefined
  return typeof stream === 'string' && stream !== '' ? stream : 'unknown'
}
