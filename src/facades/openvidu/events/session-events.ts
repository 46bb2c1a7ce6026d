import type { Runtime } from '#base/runtime.ts'
import type { CloseReason, SessionEvent } from '#sessions/session.ts'
import type { Connection } from '../connection.ts'
import type { PublishedStream } from '../properties.ts'
import { leaveReason, type Room, unpublishReason } from '../room.ts'
import type { EventSink } from './event-sink.ts'

/** Why a session ended, as the vendor says it. spec section 6. */
const CLOSE_REASONS: Readonly<Record<CloseReason, string>> = {
  empty: 'lastParticipantLeft',
  requested: 'sessionClosedByServer',
  'never-joined': 'sessionClosedByServer',
  unused: 'automaticStop',
  shutdown: 'openviduServerStopped',
}

/** Tells what happens in a session, but for its recordings. The one who records is subject of nothing. spec section 6. */
export function followSession(room: Room, runtime: Runtime, events: EventSink): void {
  const told = new SessionEvents(room, runtime, events)
  told.emit('sessionCreated', {})
  room.session.events.listen((event) => told.happened(event))
}

/** Something that began and will end. */
interface Begun {
  readonly facts: Readonly<Record<string, unknown>>
  readonly atMs: number
}

class SessionEvents {
  readonly #room: Room
  readonly #runtime: Runtime
  readonly #events: EventSink
  /** By participant, stream or subscription: what ends is no longer in the room when it is told. */
  readonly #begun = new Map<unknown, Begun>()

  constructor(room: Room, runtime: Runtime, events: EventSink) {
    this.#room = room
    this.#runtime = runtime
    this.#events = events
  }

  emit(name: string, body: object): void {
    const { id: sessionId, uniqueId: uniqueSessionId } = this.#room
    this.#events.emit({ name, body: { sessionId, uniqueSessionId, timestamp: this.#runtime.nowMs(), ...body } })
  }

  happened(event: SessionEvent): void {
    switch (event.type) {
      case 'joined': {
        const { participant } = event
        // His front end notes who he is right after this.
        queueMicrotask(() => {
          this.#began(participant, 'participantJoined', participantFacts(participant.id, this.#room))
        })
        break
      }
      case 'left':
        this.#ended(event.participant, 'participantLeft', leaveReason(event.reason))
        break
      case 'published': {
        const { publication } = event
        // Its front end notes what it is right after this.
        queueMicrotask(() => {
          const connection = this.#room.connection(publication.participant.id)
          const facts = { ...streamFacts(connection, publication), connection: 'INBOUND' }
          this.#began(publication, 'webrtcConnectionCreated', facts)
        })
        break
      }
      case 'unpublished': {
        const { publication, reason } = event
        const stays = publication.participant.left === undefined
        this.#ended(publication, 'webrtcConnectionDestroyed', unpublishReason(reason, stays))
        break
      }
      case 'subscribed': {
        const { participant, subscription } = event
        const { publication } = subscription
        const publisher = this.#room.connection(publication.participant.id)
        const who = { participantId: participant.id, connectionId: participant.id }
        const facts = { ...streamFacts(publisher, publication), ...who, connection: 'OUTBOUND' }
        const receivingFrom = publication.participant.id
        this.#began(subscription, 'webrtcConnectionCreated', { ...facts, receivingFrom })
        break
      }
      case 'unsubscribed': {
        const { participant, subscription } = event
        const { ended } = subscription.publication
        const byOther = ended === undefined ? 'unsubscribe' : unpublishReason(ended, true)
        const reason = participant.left === undefined ? byOther : leaveReason(participant.left)
        this.#ended(subscription, 'webrtcConnectionDestroyed', reason)
        break
      }
      case 'closed': {
        const startTime = this.#room.createdAtMs
        const duration = seconds(this.#runtime.nowMs() - startTime)
        this.emit('sessionDestroyed', { startTime, duration, reason: CLOSE_REASONS[event.reason] })
        break
      }
      // They are told by who makes them.
      case 'recording-started':
      case 'recording-stopping':
      case 'recording-stopped':
        break
    }
  }

  #began(key: unknown, name: string, facts: Readonly<Record<string, unknown>>): void {
    this.#begun.set(key, { facts, atMs: this.#runtime.nowMs() })
    this.emit(name, facts)
  }

  #ended(key: unknown, name: string, reason: string): void {
    const begun = this.#begun.get(key)
    if (begun === undefined) return
    this.#begun.delete(key)
    const duration = seconds(this.#runtime.nowMs() - begun.atMs)
    this.emit(name, { ...begun.facts, startTime: begun.atMs, duration, reason })
  }
}

function participantFacts(id: string, room: Room): Readonly<Record<string, unknown>> {
  const connection = room.connection(id)
  return {
    participantId: id,
    connectionId: id,
    location: 'unknown',
    ip: connection?.arrival?.ip ?? '',
    platform: connection?.arrival?.platform ?? '',
    clientData: connection?.arrival?.clientData ?? '',
    serverData: connection?.properties.data ?? '',
  }
}

function streamFacts(
  publisher: Connection | undefined,
  publication: {
    readonly id: string
    readonly hasAudio: boolean
    readonly hasVideo: boolean
    readonly participant: { readonly id: string }
  },
): Readonly<Record<string, unknown>> {
  const stream: PublishedStream | undefined = publisher?.published?.stream
  return {
    streamId: publication.id,
    participantId: publication.participant.id,
    connectionId: publication.participant.id,
    audioEnabled: publication.hasAudio,
    videoEnabled: publication.hasVideo,
    ...(publication.hasVideo && {
      videoSource: stream?.typeOfVideo ?? 'CAMERA',
      videoFramerate: stream?.frameRate ?? null,
      videoDimensions: stream?.videoDimensions ?? '',
    }),
  }
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1000))
}
