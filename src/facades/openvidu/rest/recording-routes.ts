import type { FastifyInstance } from 'fastify'
import type { Desk } from '../desk.ts'
import { NobodyConnectedError, NothingThereError, RecordingConflictError, RecordingOffError } from '../errors.ts'
import type { Recordings } from '../recording/recordings.ts'
import type { Room } from '../room.ts'
import { Body } from './body.ts'
import { readStartProperties } from './recording-properties.ts'

interface OneRecording {
  Params: { readonly id: string }
}

/**
 * The calls about recordings below a prefix. spec section 3.6.
 * @param recordings undefined: the module is off
 */
export function recordingRoutes(app: FastifyInstance, prefix: string, desk: Desk, recordings: Recordings | undefined) {
  const module = (): Recordings => {
    if (recordings === undefined) throw new RecordingOffError()
    return recordings
  }
  app.post(`${prefix}/recordings/start`, async (request) => {
    const started = module()
    const body = Body.parse(request.body)
    const id = body.requiredText('session')
    const room = desk.rooms.get(id)
    if (room === undefined) throw new NothingThereError('session', id)
    checkRecordable(room, desk)
    return await started.start(room, readStartProperties(body, room.properties.defaultRecordingProperties))
  })
  app.post<OneRecording>(`${prefix}/recordings/stop/:id`, (request) => module().stop(request.params.id))
  app.get(`${prefix}/recordings`, async () => {
    const items = await module().list()
    return { count: items.length, items }
  })
  app.get<OneRecording>(`${prefix}/recordings/:id`, (request) => module().get(request.params.id))
  app.delete<OneRecording>(`${prefix}/recordings/:id`, async (request, reply) => {
    await module().remove(request.params.id)
    return reply.code(204).send()
  })
}

/** Rows 4 and 5 of the vendor's table of checks. @throws {RecordingConflictError | NobodyConnectedError} */
function checkRecordable({ id, session, properties }: Room, { settings }: Desk): void {
  if (properties.mediaMode !== 'ROUTED') {
    throw new RecordingConflictError(`session ${id} is RELAYED: only what is ROUTED can be recorded`)
  }
  if (session.recording !== undefined) {
    throw new RecordingConflictError(`session ${id} is being recorded already: stop that recording first`)
  }
  if (session.participants().length > 0) return
  const classic = session.wasJoined ? 400 : 404
  throw new NobodyConnectedError(id, settings.compat === 'classic' ? classic : 406)
}
