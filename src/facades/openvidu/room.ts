import type { Runtime } from '#base/runtime.ts'
import type { Participant } from '#sessions/participant.ts'
import type { LeaveReason, UnpublishReason } from '#sessions/publication.ts'
import type { Session, SessionEvent } from '#sessions/session.ts'
import type { RecordingStopReason, SessionRecording } from '#sessions/session-recording.ts'
import type { Notification } from './configuration/settings.ts'
import { Connection, type ConnectionKind } from './connection.ts'
import { newIds } from './ids.ts'
import type { ConnectionProperties, SessionProperties } from './properties.ts'
import { coreRole } from './roles.ts'
import { streamObject } from './stream-object.ts'

/** The vendor's words for why somebody left or stopped publishing. spec section 6. */
const REASONS: Readonly<Record<UnpublishReason, string>> = {
  unpublished: 'unpublish',
  left: 'disconnect',
  lost: 'networkDisconnect',
  'evicted-by-user': 'forceDisconnectByUser',
  'evicted-by-server': 'forceDisconnectByServer',
  'session-closed': 'sessionClosedByServer',
  shutdown: 'openviduServerStopped',
}

/** spec section 5.3. */
const RECORDING_REASONS: Readonly<Record<RecordingStopReason, string>> = {
  requested: 'recordingStoppedByServer',
  'everybody-left': 'lastParticipantLeft',
  unused: 'automaticStop',
  'session-closed': 'sessionClosedByServer',
  shutdown: 'openviduServerStopped',
  failed: 'mediaServerDisconnect',
}

/** Why a recording ended, as the vendor says it. */
export function recordingReason(reason: RecordingStopReason): string {
  return RECORDING_REASONS[reason]
}

/** Why somebody left, as the vendor says it. */
export function leaveReason(reason: LeaveReason): string {
  return REASONS[reason]
}

/** Why a stream is no longer published, as the vendor says it: forced ends have words of their own. */
export function unpublishReason(reason: UnpublishReason, participantStays: boolean): string {
  if (participantStays && reason === 'evicted-by-user') return 'forceUnpublishByUser'
  if (participantStays && reason === 'evicted-by-server') return 'forceUnpublishByServer'
  return REASONS[reason]
}

/** Id of the one who records the room as a page shows it. spec section 8.3. */
export const RECORDER_ID = 'RECORDER'

/** One of the vendor's sessions: its options, its connections, and what those who are there are told. spec sections 3.4, 7.9. */
export class Room {
  readonly session: Session
  readonly properties: SessionProperties
  readonly #runtime: Runtime
  readonly #audience: Notification
  readonly #connections = new Map<string, Connection>()

  constructor(options: {
    readonly runtime: Runtime
    readonly session: Session
    readonly properties: SessionProperties
    readonly audience: Notification
  }) {
    this.session = options.session
    this.properties = options.properties
    this.#runtime = options.runtime
    this.#audience = options.audience
    this.session.events.listen((event) => this.#happened(event))
  }

  get id(): string {
    return this.session.id
  }

  get createdAtMs(): number {
    return this.session.createdAtMs
  }

  /** Tells two lives of one custom id apart. spec section 4.5. */
  get uniqueId(): string {
    return `${this.id}_${this.createdAtMs}`
  }

  /** Pending and active ones, without the recorder. */
  connections(): Connection[] {
    return [...this.#connections.values()].filter(({ isRecorder }) => !isRecorder)
  }

  /** Undefined: there is none, or it is the recorder. */
  connection(id: string): Connection | undefined {
    const found = this.#connections.get(id)
    return found?.isRecorder === true ? undefined : found
  }

  /** Active ones, the recorder among them. */
  present(): Connection[] {
    return [...this.#connections.values()].filter(({ arrival }) => arrival !== undefined)
  }

  /** In the hub, of a stream of this id. */
  streamPath(id: string): string {
    return `${this.session.streamPrefix}/${this.id}/${id}`
  }

  /** Who publishes this stream. */
  publisherOf(streamId: string): Connection | undefined {
    return this.present().find(({ published }) => published?.stream.id === streamId)
  }

  /** A place for somebody who will come with its token. @throws {SessionNotFoundError} @throws {TooManySessionsError} */
  invite(properties: ConnectionProperties): Connection {
    const id = newIds.connection('client')
    const invitation = this.session.invite({ id, role: coreRole(properties.role), isRecorded: properties.record })
    return this.#add(new Connection({ id, createdAtMs: this.#runtime.nowMs(), properties, invitation, kind: 'client' }))
  }

  /** A place for somebody who needs no token: the secret was shown, or the application wants a camera there. */
  place(properties: ConnectionProperties, kind: ConnectionKind): Connection {
    const id = kind === 'recorder' ? RECORDER_ID : newIds.connection(kind)
    return new Connection({ id, createdAtMs: this.#runtime.nowMs(), properties, invitation: undefined, kind })
  }

  /** He has come, and knows it: the others are told. */
  arrived(connection: Connection): void {
    this.#connections.set(connection.id, connection)
    if (connection.arrival === undefined || connection.isRecorder) return
    const { id, metadata } = connection
    this.tell('participantJoined', { id, createdAt: connection.arrival.activeAtMs, metadata }, connection)
  }

  /** It publishes, and knows it: the others are told. */
  announce(connection: Connection): void {
    const { published } = connection
    if (published === undefined || published.isAnnounced) return
    published.isAnnounced = true
    const told = { id: connection.id, streams: [streamObject(published.stream)] }
    this.tell('participantPublished', told, connection)
  }

  /** He is in no list any more; told so if it was not his own wish. Of the recorder nobody else hears. */
  gone(connection: Connection, why: LeaveReason): void {
    this.#connections.delete(connection.id)
    if (why === 'left' || why === 'lost') return
    const told = { connectionId: connection.id, reason: leaveReason(why) }
    connection.arrival?.notify('participantEvicted', told)
  }

  /** Whoever shows the room to a recording has no more to do here. */
  dismissRecorder(): void {
    const recorder = this.present().find(({ isRecorder }) => isRecorder)
    recorder?.arrival?.participant.leave('evicted-by-server')
  }

  /** The token of a pending connection is worth nothing any more. */
  revoke(connection: Connection): void {
    if (connection.invitation !== undefined) this.session.revoke(connection.invitation)
    if (connection.arrival === undefined) this.#connections.delete(connection.id)
  }

  /** Tells everybody, or everybody but one. */
  tell(method: string, params: object, except?: Connection): void {
    for (const each of this.present()) if (each !== except) each.arrival?.notify(method, params)
  }

  /**
   * A signal. spec sections 3.7, 7.8.
   * @param to ids of connections; empty: all
   * @param from undefined: the server
   * @returns false: an id of `to` is nobody's; nobody was told
   */
  signal(to: readonly string[], type: string, data: string, from?: Connection): boolean {
    const present = this.present()
    if (to.some((id) => !present.some((each) => each.id === id))) return false
    for (const each of present) {
      if (to.length > 0 && !to.includes(each.id)) continue
      const params = { data, type: signalType(type, each), ...(from !== undefined && { from: from.id }) }
      each.arrival?.notify('sendMessage', params)
    }
    return true
  }

  /** Tells those who may know that a recording has ended and its files are there: whoever hears it may fetch them. */
  recordingIsReady(recording: SessionRecording): void {
    const reason = recordingReason(recording.reason ?? 'requested')
    this.#tellRecording('recordingStopped', { ...recordingNames(recording), reason })
  }

  /** Who may know of recordings. spec section 5.4. */
  mayKnowOfRecordings({ isRecorder, role }: Connection): boolean {
    if (isRecorder) return false
    switch (this.#audience) {
      case 'none':
        return false
      case 'moderator':
        return role === 'MODERATOR'
      case 'publisher_moderator':
        return role !== 'SUBSCRIBER'
      case 'all':
        return true
    }
  }

  #add(connection: Connection): Connection {
    this.#connections.set(connection.id, connection)
    return connection
  }

  #happened(event: SessionEvent): void {
    switch (event.type) {
      case 'left':
        this.#left(event.participant, event.reason)
        break
      case 'unpublished':
        this.#unpublished(event.publication.participant, event.reason)
        break
      case 'recording-started':
        this.#tellRecording('recordingStarted', recordingNames(event.recording))
        break
      // What clients hear of the others is told where it is done.
      case 'joined':
      case 'published':
      case 'subscribed':
      case 'unsubscribed':
      case 'recording-stopping':
      case 'recording-stopped':
      case 'closed':
        break
    }
  }

  #left(participant: Participant, why: LeaveReason): void {
    const connection = this.#connections.get(participant.id)
    if (connection === undefined) return
    this.gone(connection, why)
    const { id } = connection
    this.tell('participantLeft', { connectionId: id, name: id, reason: leaveReason(why) })
  }

  #unpublished(participant: Participant, why: UnpublishReason): void {
    const connection = this.#connections.get(participant.id)
    if (connection?.published === undefined) return
    const { isAnnounced } = connection.published
    connection.published = undefined
    // Of whoever leaves, leaving is all that is told.
    if (participant.left !== undefined) return
    const isForced = why !== 'unpublished'
    const { id } = connection
    const params = { connectionId: id, name: id, reason: unpublishReason(why, true) }
    if (isAnnounced) this.tell('participantUnpublished', params, connection)
    if (isForced) connection.arrival?.notify('participantUnpublished', params)
  }

  #tellRecording(method: string, params: object): void {
    for (const each of this.present()) if (this.mayKnowOfRecordings(each)) each.arrival?.notify(method, params)
  }
}

/** What clients are told of a recording: its label `name` is the name. */
export function recordingNames({ id, request }: SessionRecording): { id: string; name: string } {
  return { id, name: request.labels?.['name'] ?? id }
}

/** Old libraries add `signal:` on arrival, new ones send it along. spec section 7.8. */
function signalType(type: string, { arrival }: Connection): string {
  const prefix = 'signal:'
  if (arrival === undefined) return type
  if (arrival.platform === '' && type.startsWith(prefix)) return type.slice(prefix.length)
  if (arrival.sdkVersion !== undefined && !type.startsWith(prefix)) return `${prefix}${type}`
  return type
}
