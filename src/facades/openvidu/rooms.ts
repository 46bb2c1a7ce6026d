import type { Runtime } from '#base/runtime.ts'
import type { Role } from '#sessions/roles.ts'
import type { SessionRecordingRequest } from '#sessions/session-recording.ts'
import type { SessionsApi } from '#sessions/sessions.ts'
import type { Configuration } from './configuration.ts'
import { newIds } from './ids.ts'
import type { SessionProperties } from './properties.ts'
import { Room } from './room.ts'

/** Streams of the facade's sessions: the first part of their paths. */
export const STREAM_PREFIX = 'openvidu'

export interface RoomsOptions {
  readonly runtime: Runtime
  readonly sessions: SessionsApi
  readonly configuration: Configuration
  /** What a session is recorded as by itself (recordingMode ALWAYS). Undefined: not at all. */
  readonly automatic: (room: Room) => SessionRecordingRequest | undefined
}

/** Every session of the vendor's that there is. */
export class Rooms {
  readonly #options: RoomsOptions
  readonly #rooms = new Map<string, Room>()

  constructor(options: RoomsOptions) {
    this.#options = options
  }

  /** @throws {SessionExistsError} @throws {SessionIdInvalidError} @throws {TooManySessionsError} */
  create(properties: SessionProperties): Room {
    const { runtime, sessions, configuration } = this.#options
    const { compat, recording } = configuration
    const isAutomatic = recording.isOn && properties.recordingMode === 'ALWAYS' && properties.mediaMode === 'ROUTED'
    const unusedMs = recording.autostopSeconds * 1000
    const classicMs = properties.recordingMode === 'ALWAYS' ? 0 : 'never'
    const session = sessions.create({
      id: properties.customSessionId === '' ? newIds.session(compat) : properties.customSessionId,
      streamPrefix: STREAM_PREFIX,
      origin: 'openvidu',
      makeToken: newIds.token,
      recording: {
        ...(isAutomatic && { automatic: () => this.#options.automatic(room) }),
        startsAgain: compat === 'classic',
        stopsUnusedAfterMs: compat === 'classic' ? classicMs : unusedMs,
      },
    })
    const room = new Room({ runtime, session, properties, configuration })
    this.#rooms.set(room.id, room)
    session.events.listen(({ type }) => {
      if (type === 'closed') this.#rooms.delete(room.id)
    })
    return room
  }

  /** Undefined: there is none now. */
  get(id: string): Room | undefined {
    return this.#rooms.get(id)
  }

  list(): Iterable<Room> {
    return this.#rooms.values()
  }

  closeAll(): void {
    for (const { session } of [...this.#rooms.values()]) session.close('shutdown')
  }
}

/** The core's word for the vendor's. */
export function coreRole(role: 'SUBSCRIBER' | 'PUBLISHER' | 'MODERATOR'): Role {
  return role === 'MODERATOR' ? 'moderator' : role === 'PUBLISHER' ? 'publisher' : 'subscriber'
}
