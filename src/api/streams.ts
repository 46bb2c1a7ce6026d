import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { StreamListSchema, StreamParamsSchema, StreamQuerySchema, StreamSchema } from './schemas/stream.ts'
import { noContent } from './validation.ts'

const DEFAULT_LIMIT = 1000

/** Who publishes now, and disconnecting a publisher. */
export function registerStreams(app: App, { control }: Resources): void {
  app.get(
    `${API_PREFIX}/streams`,
    {
      config: { access: 'view' },
      schema: {
        summary: 'Who publishes now',
        tags: ['streams'],
        querystring: StreamQuerySchema,
        response: { 200: StreamListSchema },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query
      const principal = principalOf(request)
      const isVisible = (path: string) => principal.reaches(path)
      const page = control.streams.list({ limit, isVisible, ...(cursor === undefined ? {} : { cursor }) })
      return { streams: page.streams, nextCursor: page.nextCursor ?? null }
    },
  )

  app.get(
    `${API_PREFIX}/streams/*`,
    {
      config: { access: 'view' },
      schema: { summary: 'One stream', tags: ['streams'], params: StreamParamsSchema, response: { 200: StreamSchema } },
    },
    async (request) => {
      const path = request.params['*']
      principalOf(request).requireFor('view', path)
      return control.streams.describe(path)
    },
  )

  app.delete(
    `${API_PREFIX}/streams/*`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Disconnects the publisher',
        description: 'Its encoder may connect again; take its token away to keep it out.',
        tags: ['streams'],
        params: StreamParamsSchema,
        response: { 204: noContent('disconnected') },
      },
    },
    async (request, reply) => {
      const path = request.params['*']
      const principal = principalOf(request)
      principal.requireFor('manage', path)
      control.streams.disconnect(path, principal.name)
      return reply.code(204).send(undefined)
    },
  )
}
