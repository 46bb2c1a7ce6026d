import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RoomComposer } from './composing.ts'
import { SessionExistsError, SessionNotFoundError, TooManySessionsError } from './errors.ts'
import { Session, type SessionEvent, type SessionRequest } from './session.ts'

export interface SessionsOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly recorder: Pick<RecorderApi, 'start' | 'stop' | 'get'>
  /** Undefined: nothing composes, or not yet. */
  readonly composer: () => RoomComposer | undefined
  readonly maxSessions?: number
  readonly maxParticipants?: number
}

const MAX_SESSIONS = 10_000
const MAX_PARTICIPANTS = 1_000

/** What happens in rooms, and that there is a new one. */
export type SessionsEvent = SessionEvent | { readonly type: 'opened'; readonly session: Session }

/** The rooms as front ends see them. */
export interface SessionsApi {
  /** Of all rooms. */
  readonly events: Signal<SessionsEvent>
  /** @throws {SessionExistsError} @throws {SessionIdInvalidError} @throws {TooManySessionsError} */
  create(request: SessionRequest): Session
  /** Undefined: there is none of this id now. */
  get(id: string): Session | undefined
  /** @throws {SessionNotFoundError} */
  require(id: string): Session
  list(): Iterable<Session>
}

/** Every room there is, by id. */
export class Sessions implements SessionsApi, Disposable {
  readonly events: Signal<SessionsEvent>
  readonly #options: SessionsOptions
  readonly #sessions = new Map<string, Session>()
  readonly #following: Disposable

  constructor(options: SessionsOptions) {
    this.#options = options
    const { log } = options.runtime
    this.events = new Signal((err) => log.error({ event: 'session.listener-failed', err }))
    this.#following = options.hub.streamStarted.listen((stream) => {
      const [, id] = /\/([^/]+)\/[^/]+$/.exec(stream.path) ?? []
      const session = id === undefined ? undefined : this.#sessions.get(id)
      session?.streamStarted(stream)
    })
  }

  create(request: SessionRequest): Session {
    const { runtime, hub, recorder, composer } = this.#options
    const { maxSessions = MAX_SESSIONS, maxParticipants = MAX_PARTICIPANTS } = this.#options
    if (request.id !== undefined && this.#sessions.has(request.id)) throw new SessionExistsError(request.id)
    if (this.#sessions.size >= maxSessions) throw new TooManySessionsError('sessions', maxSessions)
    const ended = ({ id }: Session) => void this.#sessions.delete(id)
    const session = new Session(request, { runtime, hub, recorder, composer, maxParticipants, ended })
    this.#sessions.set(session.id, session)
    this.events.emit({ type: 'opened', session })
    session.events.listen((event) => this.events.emit(event))
    return session
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  require(id: string): Session {
    const session = this.#sessions.get(id)
    if (session === undefined) throw new SessionNotFoundError(id)
    return session
  }

  list(): Iterable<Session> {
    return this.#sessions.values()
  }

  /** Closes them all; what they record is finished by the recorder's own end. */
  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
    for (const session of [...this.#sessions.values()]) session.close('shutdown')
  }
}
