import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { recordingFor } from './recording-view.ts'
import { IdParamsSchema } from './schemas/common.ts'
import { NewRecompositionSchema, RecompositionListSchema, RecompositionSchema } from './schemas/recomposition.ts'

const JOBS = `${API_PREFIX}/compose-jobs`
const tags = ['recordings', 'compositions']

/** Compositions of what was recorded: begun at a recording, then jobs until they are recordings themselves. */
export function registerRecompositions(app: App, { control }: Resources): void {
  const { recompositions, recorder } = control
  app.post(
    `${API_PREFIX}/recordings/:id/compose`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Composes kept tracks again',
        description: 'Of a room, composed or a track of it: all tracks that were kept. Answered with the job.',
        tags,
        params: IdParamsSchema,
        body: NewRecompositionSchema,
        response: { 202: RecompositionSchema },
      },
    },
    async (request, reply) => {
      const { id } = await recordingFor(request, recorder, request.params.id, 'view')
      const principal = principalOf(request)
      const wanted = { ...request.body, recording: id }
      const job = await recompositions.begin(wanted, (permission, stream) => principal.requireFor(permission, stream))
      return reply.code(202).header('location', `${JOBS}/${job.id}`).send(job)
    },
  )

  app.get(
    JOBS,
    {
      config: { access: 'view' },
      schema: {
        summary: 'What is composed of recordings, and what was lately',
        tags,
        response: { 200: RecompositionListSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request)
      return { jobs: recompositions.list().filter(({ stream }) => principal.reaches(stream)) }
    },
  )

  app.get(
    `${JOBS}/:id`,
    {
      config: { access: 'view' },
      schema: { summary: 'How far a job is', tags, params: IdParamsSchema, response: { 200: RecompositionSchema } },
    },
    async (request) => {
      const job = recompositions.get(request.params.id)
      principalOf(request).requireFor('view', job.stream)
      return job
    },
  )

  app.delete(
    `${JOBS}/:id`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Cancels a job; answered when nothing of it is left',
        tags,
        params: IdParamsSchema,
        response: { 200: RecompositionSchema },
      },
    },
    async (request) => {
      const { id } = request.params
      principalOf(request).requireFor('record', recompositions.get(id).stream)
      return await recompositions.cancel(id)
    },
  )
}
