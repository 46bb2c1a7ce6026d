import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Connection } from '../connection.ts'
import type { Desk } from '../desk.ts'
import { CameraStreamError, NobodyToSignalError, NothingThereError, VendorRequestError } from '../errors.ts'
import type { EventSink } from '../events/event-sink.ts'
import { addCamera } from '../ip-cameras.ts'
import { type ConnectionProperties, VENDOR_ROLES } from '../properties.ts'
import { coreRole } from '../roles.ts'
import type { Room } from '../room.ts'
import { tokenUrl } from '../token-url.ts'
import { Body } from './body.ts'
import { connectionObject, pageOf, sessionObject } from './objects.ts'
import { readCameraProperties, readConnectionProperties, readSessionProperties } from './session-properties.ts'

interface OneSession {
  Params: { readonly session: string }
}
interface OneConnection {
  Params: { readonly session: string; readonly connection: string }
}
interface OneStream {
  Params: { readonly session: string; readonly stream: string }
}

/** The calls about sessions and connections below a prefix. spec sections 3.4, 3.5 and 3.7. */
export function sessionRoutes(app: FastifyInstance, prefix: string, desk: Desk, events: EventSink): void {
  const { rooms, settings, runtime } = desk
  const address = () => desk.publicAddress()
  /** @param status 400: as the vendor answers where a call is about something in the session */
  const roomOf = (id: string, status: 400 | 404 = 404): Room => {
    const room = rooms.get(id)
    if (room === undefined) throw new NothingThereError('session', id, status)
    return room
  }
  const connectionOf = (room: Room, id: string): Connection => {
    const connection = room.connection(id)
    if (connection === undefined) throw new NothingThereError('connection', id)
    return connection
  }

  app.post(`${prefix}/sessions`, async (request) => {
    const room = rooms.create(readSessionProperties(Body.parse(request.body), settings))
    return sessionObject(room, address(), { pending: true })
  })
  app.get(`${prefix}/sessions`, async (request) => {
    const pending = isAsked(request, 'pendingConnections', false)
    return pageOf([...rooms.list()].map((room) => sessionObject(room, address(), { pending })))
  })
  app.get<OneSession>(`${prefix}/sessions/:session`, async (request) => {
    const pending = isAsked(request, 'pendingConnections', false)
    return sessionObject(roomOf(request.params.session), address(), { pending })
  })
  app.delete<OneSession>(`${prefix}/sessions/:session`, async (request, reply) => {
    roomOf(request.params.session).session.close('requested')
    return reply.code(204).send()
  })

  app.post(`${prefix}/tokens`, async (request) => {
    const body = Body.parse(request.body)
    const room = roomOf(body.requiredText('session'), settings.compat === 'classic' ? 400 : 404)
    const connection = room.invite(readConnectionProperties(body))
    const { role } = connection
    const token = tokenUrl(address(), { session: room.id, token: connection.invitation?.token ?? '', role })
    const { data, kurentoOptions } = connection.properties
    return {
      id: token,
      token,
      session: room.id,
      role,
      data,
      createdAt: connection.createdAtMs,
      connectionId: connection.id,
      ...(kurentoOptions !== null && { kurentoOptions }),
    }
  })

  app.post<OneSession>(`${prefix}/sessions/:session/connection`, async (request) => {
    const room = roomOf(request.params.session)
    const body = Body.parse(request.body)
    const properties = readConnectionProperties(body)
    const camera = readCameraProperties(body)
    const connection =
      camera === undefined ? room.invite(properties) : await addCamera(desk, room, { ...properties, camera })
    return connectionObject(room, connection, address())
  })
  app.get<OneSession>(`${prefix}/sessions/:session/connection`, async (request) => {
    const room = roomOf(request.params.session)
    const pending = isAsked(request, 'pendingConnections', true)
    const connections = room.connections().filter(({ status }) => pending || status === 'active')
    return pageOf(connections.map((connection) => connectionObject(room, connection, address())))
  })
  app.get<OneConnection>(`${prefix}/sessions/:session/connection/:connection`, async ({ params }) => {
    const room = roomOf(params.session, 400)
    return connectionObject(room, connectionOf(room, params.connection), address())
  })
  app.patch<OneConnection>(`${prefix}/sessions/:session/connection/:connection`, async ({ params, body }) => {
    const room = roomOf(params.session, 400)
    const connection = connectionOf(room, params.connection)
    change(connection, Body.parse(body))
    return connectionObject(room, connection, address())
  })
  app.delete<OneConnection>(`${prefix}/sessions/:session/connection/:connection`, async ({ params }, reply) => {
    const room = roomOf(params.session, 400)
    const connection = connectionOf(room, params.connection)
    room.revoke(connection)
    connection.arrival?.participant.leave('evicted-by-server')
    return reply.code(204).send()
  })
  app.delete<OneStream>(`${prefix}/sessions/:session/stream/:stream`, async ({ params }, reply) => {
    const publisher = roomOf(params.session, 400).publisherOf(params.stream)
    if (publisher?.published === undefined) throw new NothingThereError('stream', params.stream)
    if (publisher.kind === 'camera') throw new CameraStreamError(publisher.id)
    publisher.published.publication.end('evicted-by-server')
    return reply.code(204).send()
  })

  app.post(`${prefix}/signal`, async (request, reply) => {
    const body = Body.parse(request.body)
    const room = roomOf(body.requiredText('session'))
    const present = room.present().map(({ id }) => id)
    const asked = body.texts('to') ?? []
    const to = asked.filter((id) => present.includes(id))
    const type = body.text('type') ?? ''
    const data = body.text('data', SIGNAL_CHARACTERS) ?? ''
    if (room.session.participants().length === 0 || (asked.length > 0 && to.length === 0)) {
      throw new NobodyToSignalError(room.id)
    }
    room.signal(to, type, data)
    const { id: sessionId, uniqueId: uniqueSessionId } = room
    events.emit({
      name: 'signalSent',
      body: { sessionId, uniqueSessionId, timestamp: runtime.nowMs(), to, type, data },
    })
    return reply.send()
  })
}

/** A signal is a message, not a file. */
const SIGNAL_CHARACTERS = 128 * 1024

/** While somebody is there. spec section 3.5: only his role and whether he is recorded can be changed. */
function change(connection: Connection, body: Body): void {
  const role = body.oneOf('role', VENDOR_ROLES)
  const record = body.flag('record')
  const { arrival } = connection
  const isSame =
    (role ?? connection.role) === connection.role && (record ?? isRecorded(connection)) === isRecorded(connection)
  if (isSame) return
  if (arrival === undefined) {
    throw new VendorRequestError('the connection is pending, and only active ones can be changed: create another one')
  }
  const { participant } = arrival
  const told = (property: keyof ConnectionProperties, newValue: unknown) =>
    arrival.notify('connectionPropertyChanged', { property, newValue })
  if (role !== undefined && role !== connection.role) {
    participant.role = coreRole(role)
    told('role', role)
  }
  if (record !== undefined && record !== participant.isRecorded) {
    participant.isRecorded = record
    told('record', record)
  }
}

function isRecorded({ arrival, properties }: Connection): boolean {
  return arrival?.participant.isRecorded ?? properties.record
}

function isAsked({ query }: Pick<FastifyRequest, 'query'>, name: string, byDefault: boolean): boolean {
  const value = (query as Readonly<Record<string, unknown>>)[name]
  return typeof value === 'string' ? value === 'true' : byDefault
}
