import { normalizeStreamPath } from '#hub/stream-path.ts'
import type { RecordingRequest } from '#recorder/request.ts'
import { API_PREFIX, type App, type Resources } from './app.ts'
import { principalOf } from './guards.ts'
import { recordingFor, toView } from './recording-view.ts'
import { IdParamsSchema } from './schemas/common.ts'
import {
  RecordingListSchema,
  RecordingPatchSchema,
  RecordingQuerySchema,
  RecordingRequestSchema,
  RecordingSchema,
} from './schemas/recording.ts'
import { noContent } from './validation.ts'

const RECORDINGS = `${API_PREFIX}/recordings`
const tags = ['recordings']

/** Starting, finding, stopping, cutting and deleting recordings. */
export function registerRecordings(app: App, resources: Resources): void {
  registerStart(app, resources)
  registerQueries(app, resources)
  registerCommands(app, resources)
  registerDelete(app, resources)
}

function registerStart(app: App, { control }: Resources): void {
  app.post(
    RECORDINGS,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Starts a recording',
        tags,
        body: RecordingRequestSchema,
        response: { 201: RecordingSchema },
      },
    },
    async (request, reply) => {
      const stream = normalizeStreamPath(request.body.stream)
      principalOf(request).requireFor('record', stream)
      const wanted: RecordingRequest = { ...request.body, stream }
      const recording = await control.recorder.start(wanted)
      return reply.code(201).header('location', `${RECORDINGS}/${recording.id}`).send(toView(recording))
    },
  )
}

function registerQueries(app: App, { control }: Resources): void {
  app.get(
    RECORDINGS,
    {
      config: { access: 'view' },
      schema: {
        summary: 'Recordings, newest first',
        description: 'With a token limited to paths, recordings of other streams are left out of each page.',
        tags,
        querystring: RecordingQuerySchema,
        response: { 200: RecordingListSchema },
      },
    },
    async (request) => {
      const principal = principalOf(request)
      const page = await control.recorder.list(request.query)
      const recordings = page.recordings.filter(({ stream }) => principal.reaches(stream)).map(toView)
      return { recordings, nextCursor: page.nextCursor ?? null }
    },
  )

  app.get(
    `${RECORDINGS}/:id`,
    {
      config: { access: 'view' },
      schema: {
        summary: 'One recording: state, parts, ledger, errors',
        tags,
        params: IdParamsSchema,
        response: { 200: RecordingSchema },
      },
    },
    async (request) => toView(await recordingFor(request, control.recorder, request.params.id, 'view')),
  )
}

function registerCommands(app: App, { control }: Resources): void {
  const { recorder } = control
  app.post(
    `${RECORDINGS}/:id/stop`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Stops a recording; answers when the file is final',
        tags,
        params: IdParamsSchema,
        response: { 200: RecordingSchema },
      },
    },
    async (request) => {
      const { id } = await recordingFor(request, recorder, request.params.id, 'record')
      return toView(await recorder.stop(id))
    },
  )

  app.post(
    `${RECORDINGS}/:id/split`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Cuts a new part at the next random access point',
        tags,
        params: IdParamsSchema,
        response: { 200: RecordingSchema },
      },
    },
    async (request) => {
      const { id } = await recordingFor(request, recorder, request.params.id, 'record')
      return toView(await recorder.split(id))
    },
  )

  app.patch(
    `${RECORDINGS}/:id`,
    {
      config: { access: 'record' },
      schema: {
        summary: 'Holds a recording against deletion, or lets go of it',
        tags,
        params: IdParamsSchema,
        body: RecordingPatchSchema,
        response: { 200: RecordingSchema },
      },
    },
    async (request) => {
      const { id } = await recordingFor(request, recorder, request.params.id, 'record')
      return toView(await recorder.setHeld(id, request.body.held))
    },
  )
}

function registerDelete(app: App, { control }: Resources): void {
  app.delete(
    `${RECORDINGS}/:id`,
    {
      config: { access: 'manage' },
      schema: {
        summary: 'Deletes files and row',
        description: '409 while it records or is held.',
        tags,
        params: IdParamsSchema,
        response: { 204: noContent('deleted') },
      },
    },
    async (request, reply) => {
      const { id } = await recordingFor(request, control.recorder, request.params.id, 'manage')
      await control.recorder.remove(id)
      return reply.code(204).send(undefined)
    },
  )
}
