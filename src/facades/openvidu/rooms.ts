import type { Runtime } from '#base/runtime.ts'
import type { SessionRecordingRequest } from '#sessions/session-recording.ts'
import type { SessionsApi } from '#sessions/sessions.ts'
import type { OpenViduSettings } from './configuration/settings.ts'
import { newIds } from './ids.ts'
import type { SessionProperties } from './properties.ts'
import { Room } from './room.ts'

/** Streams of the facade's sessions: the first part of their paths. */
export const STREAM_PREFIX = 'openvidu'

/** How a session is recorded by itself (recordingMode ALWAYS). */
export type AutomaticRecording = (room: Room) => SessionRecordingRequest

export interface RoomsOptions {
  readonly runtime: Runtime
  readonly sessions: SessionsApi
  readonly settings: OpenViduSettings
}

/** Every session of the vendor's that there is. */
export class Rooms implements Disposable {
  /** Set by what records; undefined: nothing is recorded by itself. */
  automatic: AutomaticRecording | undefined
  /** Told of every new one, before anybody can join it. */
  created: (room: Room) => void = () => {}
  readonly #options: RoomsOptions
  readonly #rooms = new Map<string, Room>()
  #garbage: NodeJS.Timeout | undefined

  constructor(options: RoomsOptions) {
    const { garbageIntervalSeconds, garbageThresholdSeconds } = options.settings
    this.#options = options
    if (garbageIntervalSeconds === 0) return
    this.#garbage = setInterval(
      () => this.#closeNeverJoined(garbageThresholdSeconds * 1000),
      garbageIntervalSeconds * 1000,
    )
    this.#garbage.unref()
  }

  /** @throws {SessionExistsError} @throws {SessionIdInvalidError} @throws {TooManySessionsError} */
  create(properties: SessionProperties): Room {
    const { runtime, sessions, settings } = this.#options
    const { compat, autostopSeconds, recording, notification } = settings
    const isAutomatic = recording && properties.recordingMode === 'ALWAYS' && properties.mediaMode === 'ROUTED'
    const { automatic } = this
    const classic = properties.recordingMode === 'ALWAYS' ? 0 : 'never'
    const session = sessions.create({
      id: properties.customSessionId === '' ? newIds.session(compat) : properties.customSessionId,
      streamPrefix: STREAM_PREFIX,
      origin: STREAM_PREFIX,
      makeToken: newIds.token,
      // spec sections 5.1 and 5.2
      recording: {
        ...(isAutomatic && automatic !== undefined && { automatic: () => automatic(room) }),
        startsAgain: compat === 'classic',
        stopsUnusedAfterMs: compat === 'classic' ? classic : autostopSeconds * 1000,
      },
    })
    const room: Room = new Room({ runtime, session, properties, audience: notification })
    this.#rooms.set(room.id, room)
    session.events.listen(({ type }) => {
      if (type === 'closed') this.#rooms.delete(room.id)
    })
    this.created(room)
    return room
  }

  /** Undefined: there is none now. */
  get(id: string): Room | undefined {
    return this.#rooms.get(id)
  }

  list(): Iterable<Room> {
    return this.#rooms.values()
  }

  /** Everybody has to leave. */
  [Symbol.dispose](): void {
    clearInterval(this.#garbage)
    for (const { session } of [...this.#rooms.values()]) session.close('shutdown')
  }

  /** spec section 1.2: OPENVIDU_SESSIONS_GARBAGE_*. */
  #closeNeverJoined(thresholdMs: number): void {
    const before = this.#options.runtime.nowMs() - thresholdMs
    for (const { session } of [...this.#rooms.values()]) {
      if (!session.wasJoined && session.createdAtMs < before) session.close('never-joined')
    }
  }
}
