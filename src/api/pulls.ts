import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { PullIdParamsSchema } from './schemas/common.ts'
import { NewPullSchema, PullListSchema, PullSchema } from './schemas/pull.ts'
import { noContent } from './validation.ts'

const PULLS = `${API_PREFIX}/pulls`
const tags = ['pulls']

/**
 * Streams fetched from other servers. Adding one lets this server connect to any address it can reach, so that only an
 * admin may.
 */
export function registerPulls(app: App, { control }: Resources): void {
  const { pulls } = control
  app.get(
    PULLS,
    {
      config: { access: 'view' },
      schema: { summary: 'What is fetched from other servers', tags, response: { 200: PullListSchema } },
    },
    async (request) => {
      const principal = principalOf(request)
      return { pulls: pulls.list().filter(({ path }) => principal.reaches(path)) }
    },
  )

  app.post(
    PULLS,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Fetches a stream from another server',
        description: 'It begins at once, and again after every restart; how it goes is in its state.',
        tags,
        body: NewPullSchema,
        response: { 201: PullSchema },
      },
    },
    async (request, reply) => {
      principalOf(request).requireFor('manage', request.body.path)
      const pull = await pulls.add(request.body)
      return reply.code(201).header('location', `${PULLS}/${pull.id}`).send(pull)
    },
  )

  app.get(
    `${PULLS}/:id`,
    {
      config: { access: 'view' },
      schema: { summary: 'One pull', tags, params: PullIdParamsSchema, response: { 200: PullSchema } },
    },
    async (request) => {
      const pull = pulls.get(request.params.id)
      principalOf(request).requireFor('view', pull.path)
      return pull
    },
  )

  app.delete(
    `${PULLS}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Ends a pull and its stream',
        tags,
        params: PullIdParamsSchema,
        response: { 204: noContent('ended and forgotten') },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      principalOf(request).requireFor('manage', pulls.get(id).path)
      await pulls.remove(id)
      return reply.code(204).send(undefined)
    },
  )
}
