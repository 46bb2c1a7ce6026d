import { TapedeckError } from '#base/error.ts'
import type { Participant } from '#sessions/participant.ts'
import type { LeaveReason } from '#sessions/publication.ts'
import type { IceServer } from '../configuration/settings.ts'
import { type Connection, recordingLabels } from '../connection.ts'
import { defaultSessionProperties } from '../defaults.ts'
import type { Desk } from '../desk.ts'
import type { ConnectionProperties } from '../properties.ts'
import { coreRole } from '../roles.ts'
import { type Room, recordingNames } from '../room.ts'
import { streamObject } from '../stream-object.ts'
import { SERVER_VERSION, tokenOf } from '../token-url.ts'
import { isSecret, type Line } from './line.ts'
import { Member } from './member.ts'
import type { Reply } from './reply.ts'
import { RPC_CODES, type RpcParams, RpcRefusal } from './rpc.ts'

const MAX_TOKEN_CHARACTERS = 2_048
const MAX_METADATA_CHARACTERS = 10_000
const MAX_WORD_CHARACTERS = 512
/** What a client says of itself when it comes. */
interface Coming {
  readonly clientData: string
  readonly platform: string
  readonly sdkVersion: string | undefined
}

/** Lets a client in, or does not. spec sections 7.5 and 7.6. @throws {RpcRefusal} */
export function join(desk: Desk, line: Line, params: RpcParams): { readonly member: Member; readonly reply: Reply } {
  const metadata = params.raw('metadata') ?? ''
  const clientData = params.text('metadata', MAX_METADATA_CHARACTERS)
  if (metadata !== '' && clientData === undefined) {
    throw new RpcRefusal(RPC_CODES.metadata, `metadata are a text of at most ${MAX_METADATA_CHARACTERS} characters`)
  }
  const coming = {
    clientData: clientData ?? '',
    platform: params.text('platform', MAX_WORD_CHARACTERS) ?? '',
    sdkVersion: params.text('sdkVersion', MAX_WORD_CHARACTERS),
  }
  const sessionId = params.text('session', MAX_WORD_CHARACTERS) ?? ''
  const secret = params.text('secret', MAX_WORD_CHARACTERS) ?? ''
  return secret === ''
    ? withToken(desk, line, sessionId, tokenOf(params.text('token', MAX_TOKEN_CHARACTERS) ?? ''), coming)
    : withSecret(desk, line, { sessionId, secret, isRecorder: params.flag('recorder') === true }, coming)
}

function withToken(desk: Desk, line: Line, sessionId: string, token: string | undefined, coming: Coming) {
  const room = desk.rooms.get(sessionId)
  if (room === undefined) {
    const isModern = desk.settings.compat === 'modern'
    if (isModern) throw new RpcRefusal(RPC_CODES.roomNotFound, `session ${sessionId} not found`)
    throw badToken(sessionId)
  }
  const connection = room.connections().find(({ invitation }) => token !== undefined && invitation?.token === token)
  if (connection === undefined || connection.arrival !== undefined) throw badToken(sessionId)
  return arrive(desk, line, room, connection, coming, (left) => room.session.join(token ?? '', left))
}

function withSecret(
  desk: Desk,
  line: Line,
  {
    sessionId,
    secret,
    isRecorder,
  }: { readonly sessionId: string; readonly secret: string; readonly isRecorder: boolean },
  coming: Coming,
) {
  const { settings, rooms } = desk
  if (!isSecret(secret, settings.secret)) throw badToken(sessionId)
  const isModern = settings.compat === 'modern'
  let room = rooms.get(sessionId)
  if (room === undefined) {
    if (isModern || isRecorder) throw new RpcRefusal(RPC_CODES.roomNotFound, `session ${sessionId} not found`)
    room = createInsecure(desk, sessionId)
  }
  if (isRecorder) makeWayForRecorder(room)
  const role = isRecorder || isModern ? 'SUBSCRIBER' : 'PUBLISHER'
  const properties: ConnectionProperties = { role, data: '', record: true, kurentoOptions: null, customIceServers: [] }
  const connection = room.place(properties, isRecorder ? 'recorder' : 'client')
  const { session } = room
  return arrive(desk, line, room, connection, coming, (left) => {
    return session.admit({ id: connection.id, role: coreRole(role), isHidden: isRecorder, ...left })
  })
}

/** There is one at a time; one that has crashed is not waited for. @throws {RpcRefusal} */
function makeWayForRecorder(room: Room): void {
  const there = room.present().find(({ isRecorder }) => isRecorder)?.arrival
  if (there === undefined) return
  if (there.isReachable()) throw new RpcRefusal(RPC_CODES.alreadyThere, 'the session has a recorder already')
  there.participant.leave('lost')
}

/** spec section 7.5: who shows the secret needs no session to be there. */
function createInsecure({ rooms, settings }: Desk, sessionId: string): Room {
  try {
    return rooms.create({
      ...defaultSessionProperties(settings.compat),
      customSessionId: sessionId,
      recordingMode: 'ALWAYS',
    })
  } catch (error) {
    const reason = error instanceof TapedeckError ? error.message : 'it failed'
    throw new RpcRefusal(RPC_CODES.roomNotCreated, `session can't be created: ${reason}`)
  }
}

function arrive(
  desk: Desk,
  line: Line,
  room: Room,
  connection: Connection,
  { clientData, platform, sdkVersion }: Coming,
  admit: (arrival: { left: (reason: LeaveReason) => void; labels: Record<string, string> }) => Participant,
) {
  const member = new Member(desk, room, connection, line)
  const labels = recordingLabels(clientData, connection.properties.data)
  const left = (reason: LeaveReason) => {
    member.left(reason)
    // The room's own events are silent about who is hidden.
    if (connection.isRecorder) room.gone(connection, reason)
  }
  const participant = admit({ left, labels })
  connection.arrival = {
    participant,
    activeAtMs: participant.joinedAtMs,
    clientData,
    platform,
    sdkVersion,
    ip: line.caller.remoteAddress,
    isReachable: () => member.line !== undefined,
    notify: (method, params) => member.notify(method, params),
  }
  const others = room.present().filter((other) => other !== connection && !other.isRecorder)
  const result = joinResult(desk, room, connection, others)
  return { member, reply: { result, after: () => room.arrived(connection) } }
}

function joinResult(desk: Desk, room: Room, connection: Connection, others: readonly Connection[]): object {
  const { properties, arrival } = connection
  const { recording } = room.session
  const tellsRecording = recording?.state === 'started' && room.mayKnowOfRecordings(connection)
  const names = tellsRecording ? recordingNames(recording) : undefined
  const iceServers = iceServersFor(desk, properties)
  return {
    id: connection.id,
    finalUserId: connection.id,
    createdAt: arrival?.activeAtMs,
    metadata: connection.metadata,
    value: others.map(otherParticipant),
    session: room.id,
    role: connection.role,
    record: arrival?.participant.isRecorded,
    version: /^\d+\.\d+\.\d+/.exec(arrival?.sdkVersion ?? '')?.[0] ?? SERVER_VERSION,
    mediaServer: 'kurento',
    videoSimulcast: false,
    ...(iceServers.length > 0 && { customIceServers: iceServers }),
    ...(names !== undefined && { recordingId: names.id, recordingName: names.name }),
  }
}

/** The connection's own, else the vendor's property, else those of this server; none: the library's defaults. */
function iceServersFor({ settings, control }: Desk, { customIceServers }: ConnectionProperties): readonly IceServer[] {
  if (customIceServers.length > 0) return customIceServers
  if (settings.iceServers.length > 0) return settings.iceServers
  return (control.webrtc?.iceServers ?? []).flatMap(({ urls, username, credential }) =>
    urls.map((url) => ({
      url,
      ...(username !== undefined && { username }),
      ...(credential !== undefined && { credential }),
    })),
  )
}

/** Never with a role: late clients take whatever has one for themselves. spec section 7.6. */
function otherParticipant({ id, metadata, arrival, published }: Connection): object {
  const createdAt = arrival?.activeAtMs
  return {
    id,
    createdAt,
    metadata,
    ...(published?.isAnnounced === true && { streams: [streamObject(published.stream)] }),
  }
}

function badToken(sessionId: string): RpcRefusal {
  return new RpcRefusal(RPC_CODES.notAllowed, `unable to join session ${sessionId}: the token is not valid`)
}
