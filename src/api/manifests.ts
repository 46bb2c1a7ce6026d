import { Type } from 'typebox'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { recordingFor } from './recording-view.ts'
import { IdParamsSchema, TokenQuery } from './schemas/common.ts'

/** The file that says what a recording holds, as it lies on the disk; `tapedeck verify` works from it. */
export function registerManifests(app: App, { control }: Resources): void {
  app.get(
    `${API_PREFIX}/recordings/:id/manifest`,
    {
      config: { access: 'view', tokenInQuery: true },
      schema: {
        summary: 'Its manifest, as written to the disk',
        tags: ['recordings'],
        params: IdParamsSchema,
        querystring: Type.Object(TokenQuery, { additionalProperties: false }),
        response: { 200: Type.Unsafe<string>({ type: 'object', description: 'a recording and the schema version' }) },
      },
    },
    async (request, reply) => {
      const recording = await recordingFor(request, control.recorder, request.params.id, 'view')
      const text = await control.manifest(recording)
      return reply.header('cache-control', 'no-store').type('application/json').serializer(String).send(text)
    },
  )
}
