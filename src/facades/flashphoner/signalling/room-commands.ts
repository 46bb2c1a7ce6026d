import { pathOfName } from '../stream-path.ts'
import { type Desk, WEBRTC_APP } from './desk.ts'
import type { Fields } from './fields.ts'
import type { PlayerFacts } from './playing.ts'
import type { Membership, RoomEvent } from './rooms.ts'

const MAX_ROOMS = 16
const MAX_NAME_CHARACTERS = 256
const MAX_TEXT_CHARACTERS = 64 * 1024

/** Why a command was not followed. The vendor documents no words for it. */
const NO_ROOM = 'A room name and a login are needed'
const THERE = 'Already in the room'
const NOT_THERE = 'Not in the room'

/** One client's places in rooms, and the commands of the vendor's room application about them. spec section 9. */
export class RoomCommands {
  readonly #desk: Desk
  readonly #login: string
  readonly #tell: (event: RoomEvent) => void
  readonly #memberships = new Map<string, Membership>()
  #isGone = false

  constructor(desk: Desk, login: string, tell: (event: RoomEvent) => void) {
    this.#desk = desk
    this.#login = login
    this.#tell = tell
  }

  /** Undefined: done; else why not. @throws TapedeckError he may not be in the room */
  async run(command: string, options: Fields, client: PlayerFacts): Promise<string | undefined> {
    switch (command) {
      case 'join':
        return this.#join(options, client)
      case 'leave':
        return this.#leave(options)
      case 'sendMessage':
        return this.#sendMessage(options)
      default:
        return 'Not supported'
    }
  }

  /** Names of a room's streams begin with the room's; the client also says which room it means. */
  membershipOf(streamName: string, custom: Fields): Membership | undefined {
    const said = this.#membership(custom)
    if (said !== undefined) return said
    return [...this.#memberships.values()].find(({ room }) => streamName.startsWith(`${room}-`))
  }

  /** Those in a room may play what is published in it. */
  shares(streamName: string): boolean {
    return [...this.#memberships.values()].some((membership) => membership.has(streamName))
  }

  /** The client has gone. */
  leaveAll(): void {
    this.#isGone = true
    for (const membership of this.#memberships.values()) membership.leave()
    this.#memberships.clear()
  }

  async #join(options: Fields, { caller, credentials }: PlayerFacts): Promise<string | undefined> {
    const room = options.text('name', MAX_NAME_CHARACTERS)
    const path = pathOfName(WEBRTC_APP, `${room}-${this.#login}`)
    if (room === undefined || this.#login === '' || path === undefined) return NO_ROOM
    // Whoever may publish or play under his name there may be there.
    const asked = { path, protocol: 'webrtc', remoteAddress: caller.trustedAddress, query: credentials }
    const { access } = this.#desk
    await access.authorize({ ...asked, action: 'play' }).catch(() => access.authorize({ ...asked, action: 'publish' }))
    if (this.#isGone || this.#memberships.has(room)) return THERE
    if (this.#memberships.size >= MAX_ROOMS) return `No more than ${MAX_ROOMS} rooms`
    const member = { login: this.#login, record: options.flag('record'), tell: this.#tell }
    const membership = this.#desk.rooms.join(room, member)
    if (membership === undefined) return THERE
    this.#memberships.set(room, membership)
    return undefined
  }

  #leave(options: Fields): string | undefined {
    const membership = this.#membership(options)
    if (membership === undefined) return NOT_THERE
    this.#memberships.delete(membership.room)
    membership.leave()
    return undefined
  }

  #sendMessage(options: Fields): string | undefined {
    const membership = this.#membership(options.of('roomConfig'))
    const to = options.text('to', MAX_NAME_CHARACTERS)
    const text = options.text('text', MAX_TEXT_CHARACTERS)
    if (membership === undefined) return NOT_THERE
    return to !== undefined && text !== undefined && membership.send(to, text) ? undefined : 'Recipient not found'
  }

  #membership(options: Fields): Membership | undefined {
    const room = options.text('name', MAX_NAME_CHARACTERS)
    return room === undefined ? undefined : this.#memberships.get(room)
  }
}
