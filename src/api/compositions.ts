import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { IdParamsSchema } from './schemas/common.ts'
import {
  CompositionListSchema,
  CompositionPatchSchema,
  CompositionSchema,
  NewCompositionSchema,
} from './schemas/composition.ts'
import { noContent } from './validation.ts'

const COMPOSITIONS = `${API_PREFIX}/compositions`
const tags = ['compositions']

/** Several streams as one picture and one sound. Begun ones cost CPU time, so that only an admin may begin them. */
export function registerCompositions(app: App, { control }: Resources): void {
  const { compositions } = control
  app.get(
    COMPOSITIONS,
    {
      config: { access: 'view' },
      schema: { summary: 'What is composed now', tags, response: { 200: CompositionListSchema } },
    },
    async (request) => {
      const principal = principalOf(request)
      return { compositions: compositions.list().filter(({ output }) => principal.reaches(output)) }
    },
  )

  app.post(
    COMPOSITIONS,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Composes streams into one',
        description: 'Answered with its first picture or sound. It lasts until it is ended, or the server is.',
        tags,
        body: NewCompositionSchema,
        response: { 201: CompositionSchema },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request)
      principal.requireFor('manage', request.body.output)
      const composition = await compositions.create(request.body, (path) => principal.reaches(path))
      return reply.code(201).header('location', `${COMPOSITIONS}/${composition.id}`).send(composition)
    },
  )

  app.get(
    `${COMPOSITIONS}/:id`,
    {
      config: { access: 'view' },
      schema: { summary: 'One composition', tags, params: IdParamsSchema, response: { 200: CompositionSchema } },
    },
    async (request) => {
      const composition = compositions.get(request.params.id)
      principalOf(request).requireFor('view', composition.output)
      return composition
    },
  )

  app.patch(
    `${COMPOSITIONS}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Arranges its tiles otherwise',
        tags,
        params: IdParamsSchema,
        body: CompositionPatchSchema,
        response: { 200: CompositionSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      principalOf(request).requireFor('manage', compositions.get(id).output)
      return compositions.setLayout(id, request.body.layout)
    },
  )

  app.delete(
    `${COMPOSITIONS}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Ends a composition and its stream',
        tags,
        params: IdParamsSchema,
        response: { 204: noContent('ended') },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      principalOf(request).requireFor('manage', compositions.get(id).output)
      await compositions.end(id)
      return reply.code(204).send(undefined)
    },
  )
}
