/** Somebody in a room. spec section 9. */
export interface Participant {
  readonly login: string
  /** Streams he publishes there are recorded. */
  readonly record: boolean
  /** Names of the streams he publishes there now. */
  readonly streams: Set<string>
  readonly tell: (event: RoomEvent) => void
}

/** What those in a room are told. */
export interface RoomEvent {
  readonly roomName: string
  readonly name: 'STATE' | 'JOINED' | 'LEFT' | 'PUBLISHED' | 'UNPUBLISHED' | 'FAILED' | 'MESSAGE'
  readonly info: unknown
}

/** A participant's place in a room. */
export interface Membership {
  readonly room: string
  readonly participant: Participant
  published(streamName: string): void
  unpublished(streamName: string, how: 'UNPUBLISHED' | 'FAILED'): void
  /** Somebody there publishes a stream of this name. */
  has(streamName: string): boolean
  /** False: nobody there has this login. */
  send(to: string, text: string): boolean
  leave(): void
}

/** Who is where. A room is there while somebody is in it. */
export class Rooms {
  readonly #rooms = new Map<string, Map<string, Participant>>()

  /** Undefined: somebody of this login is in the room already. Everybody in it is told. */
  join(room: string, { login, record, tell }: Pick<Participant, 'login' | 'record' | 'tell'>): Membership | undefined {
    const others = this.#rooms.get(room)
    if (others?.has(login) === true) return undefined
    const participant: Participant = { login, record, tell, streams: new Set() }
    tell({ roomName: room, name: 'STATE', info: stateOf(others?.values() ?? []) })
    this.#tellAll(room, 'JOINED', login)
    if (others === undefined) this.#rooms.set(room, new Map([[login, participant]]))
    else others.set(login, participant)
    return this.#membership(room, participant)
  }

  get size(): number {
    return this.#rooms.size
  }

  #membership(room: string, participant: Participant): Membership {
    const { login, streams } = participant
    return {
      room,
      participant,
      published: (name) => {
        streams.add(name)
        this.#tellAll(room, 'PUBLISHED', { login, name }, participant)
      },
      unpublished: (name, how) => {
        if (streams.delete(name)) this.#tellAll(room, how, { login, name }, participant)
      },
      has: (name) => {
        const members = this.#rooms.get(room)?.values() ?? []
        return [...members].some((member) => member.streams.has(name))
      },
      send: (to, text) => {
        const recipient = this.#rooms.get(room)?.get(to)
        recipient?.tell({ roomName: room, name: 'MESSAGE', info: { from: login, text } })
        return recipient !== undefined
      },
      leave: () => {
        const members = this.#rooms.get(room)
        if (members?.get(login) !== participant) return
        members.delete(login)
        if (members.size === 0) this.#rooms.delete(room)
        this.#tellAll(room, 'LEFT', login)
      },
    }
  }

  #tellAll(roomName: string, name: RoomEvent['name'], info: unknown, except?: Participant): void {
    for (const participant of this.#rooms.get(roomName)?.values() ?? []) {
      if (participant !== except) participant.tell({ roomName, name, info })
    }
  }
}

/** A login alone, or once for each stream together with it. */
function stateOf(participants: Iterable<Participant>): readonly unknown[] {
  return Array.from(participants, ({ login, streams }) =>
    streams.size === 0 ? [login] : Array.from(streams, (name) => ({ login, name })),
  ).flat()
}
