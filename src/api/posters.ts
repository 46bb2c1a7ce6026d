import { Type } from 'typebox'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { recordingFor } from './recording-view.ts'
import { IdParamsSchema, TokenQuery } from './schemas/common.ts'

/** The first picture of a recording. */
export function registerPosters(app: App, { control }: Resources): void {
  app.route({
    method: ['GET', 'HEAD'],
    url: `${API_PREFIX}/recordings/:id/poster.jpg`,
    config: { access: 'view', tokenInQuery: true },
    schema: {
      summary: 'Its first picture, at most 640 pixels wide',
      description: '404 when there is none: no video, or nothing to decode yet.',
      tags: ['recordings'],
      params: IdParamsSchema,
      querystring: Type.Object(TokenQuery, { additionalProperties: false }),
      response: {
        200: {
          description: 'the picture',
          content: { 'image/jpeg': { schema: Type.Unsafe<Uint8Array>({ type: 'string', format: 'binary' }) } },
        },
      },
    },
    handler: async (request, reply) => {
      const { id } = await recordingFor(request, control.recorder, request.params.id, 'view')
      const picture = await control.posters.get(id)
      // The first picture of a recording never changes.
      return reply.header('cache-control', 'private, max-age=86400').type('image/jpeg').send(picture)
    },
  })
}
