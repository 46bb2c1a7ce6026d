import { randomUUID } from 'node:crypto'
import { trimToBytes } from '#storage/part-name.ts'
import type { Caller } from './caller.ts'
import type { Desk } from './desk.ts'
import { Fields } from './fields.ts'
import { type Frame, readFrame, writeFrame } from './frame.ts'
import { Introduction, ROOM_APP } from './introduction.ts'
import type { Medium, MediumRequest } from './medium.ts'
import { type PlayerFacts, Playing, playable } from './playing.ts'
import { Publishing } from './publishing.ts'
import { RoomCommands } from './room-commands.ts'
import { INFO, infoOfError } from './stream-info.ts'

/** A page publishes one stream and plays those of a room. */
const MAX_MEDIA = 64
/** What is being asked of others, such as who may play, for one client at a time. */
const MAX_UNANSWERED = 64

const MAX_ID_CHARACTERS = 128
/** More than anybody has named a stream; of longer names the beginning counts. */
const MAX_NAME_CHARACTERS = 8_192
const MAX_NAME_BYTES = 1_000
const MAX_SDP_CHARACTERS = 128 * 1024

/** Pings in a row that may stay without any answer. spec section 7.2. */
const MAX_MISSED_PINGS = 10

/** Nothing is to be done about it, and nobody waits for an answer. */
const UNHEARD = ['pong', 'pushLogs', 'submitBugReport', 'sessionDebug']

/** The way to a client. */
export interface Line {
  send(text: string): void
  close(reason: string): void
}

/** What is known of a client that has said "connection". */
interface Client {
  readonly introduction: Introduction
  readonly rooms: RoomCommands
}

/** A WebSocket of a client's: its session, its streams and its rooms. spec sections 7 to 9. */
export class Connection {
  readonly #desk: Desk
  readonly #caller: Caller
  readonly #line: Line
  #client: Client | undefined
  readonly #media = new Map<string, Medium>()
  readonly #running = new Set<Promise<void>>()
  #missedPings = 0
  #unanswered = 0
  #isGone = false

  constructor(desk: Desk, caller: Caller, line: Line) {
    this.#desk = desk
    this.#caller = caller
    this.#line = line
  }

  /** It has said who it is. */
  get isIntroduced(): boolean {
    return this.#client !== undefined
  }

  /** Takes a text frame. Never throws. */
  receive(text: string): void {
    this.#missedPings = 0
    if (this.#isGone) return
    const frame = readFrame(text)
    if (frame === undefined) this.#line.close('not a message')
    else if (frame.message === 'connection') this.#introduce(frame.data)
    else if (this.#client === undefined) this.#line.close('the first message is "connection"')
    else this.#handle(frame, this.#client)
  }

  /** Something came that is no message. */
  isAlive(): void {
    this.#missedPings = 0
  }

  /** Asks whether it is there; whoever does not answer for long is not. */
  ping(): void {
    if (this.#missedPings++ >= MAX_MISSED_PINGS) this.#line.close('Terminated by keep-alive')
    else this.#tell('ping')
  }

  /** The client has gone, or the server goes: resolves when its streams have ended and their files are final. */
  async leave(cause: 'lost' | 'shutdown'): Promise<void> {
    if (cause === 'lost') this.#isGone = true
    this.#client?.rooms.leaveAll()
    for (const medium of this.#media.values()) medium.close({ cause, message: INFO.disconnected })
    await Promise.all(this.#running)
  }

  #introduce(data: Fields): void {
    if (this.#client !== undefined) {
      this.#line.close('"connection" is said once')
      return
    }
    const introduction = new Introduction(data)
    const rooms = new RoomCommands(this.#desk, introduction.login, (payload) => this.#tell('OnDataEvent', { payload }))
    this.#client = { introduction, rooms }
    this.#tell('getUserData', { ...introduction.echo, authToken: randomUUID() })
  }

  #handle({ message, data }: Frame, client: Client): void {
    switch (message) {
      case 'ping':
        this.#tell('pong', null)
        break
      case 'publishStream':
        this.#publish(data, client)
        break
      case 'playStream':
        this.#play(data, client)
        break
      case 'unPublishStream':
      case 'stopStream':
        this.#medium(data)?.close({ cause: 'unpublished', message: INFO.user })
        break
      case 'availableStream':
        this.#answer(() => this.#available(data, client))
        break
      case 'sendStreamEvent':
        this.#streamEvent(data)
        break
      case 'sendData':
        this.#answer(() => this.#data(data, client))
        break
      default:
        if (!UNHEARD.includes(message)) this.#fail(message, data)
    }
  }

  #publish(data: Fields, client: Client): void {
    const { introduction, rooms } = client
    const request = this.#request(data)
    if (request === undefined) return
    const { mediaSessionId, name, custom } = request
    // Two offers of one client for one name would be told apart by nothing.
    if (this.#publishings().some((other) => other.request.name === name)) {
      this.#refuse(mediaSessionId, INFO.nameInUse)
      return
    }
    const facts = {
      ...this.#playerFacts(client, custom),
      login: introduction.login,
      appKey: introduction.appKey,
      membership: rooms.membershipOf(name, custom),
    }
    this.#run(new Publishing(this.#desk, request, facts, this.#tell))
  }

  #play(data: Fields, client: Client): void {
    const request = this.#request(data)
    if (request === undefined) return
    this.#run(new Playing(this.#desk, request, this.#playerFacts(client, request.custom), this.#tell))
  }

  /** Undefined: it was refused. spec section 8.6. */
  #request(data: Fields): MediumRequest | undefined {
    const mediaSessionId = data.text('mediaSessionId', MAX_ID_CHARACTERS)
    if (mediaSessionId === undefined) {
      this.#tell('fail', { apiMethod: 'StreamStatusEvent', id: null, status: 'FAILED', info: INFO.noId })
      return undefined
    }
    const { media, sessions } = this.#desk
    const isTaken = media.has(mediaSessionId) || sessions.get(mediaSessionId) !== undefined
    const name = streamName(data)
    const sdp = data.text('sdp', MAX_SDP_CHARACTERS)
    if (isTaken || name === undefined || sdp === undefined || this.#media.size >= MAX_MEDIA) {
      this.#refuse(mediaSessionId, isTaken ? INFO.idInUse : INFO.error)
      return undefined
    }
    const [hasVideo, hasAudio] = [data.flag('hasVideo'), data.flag('hasAudio')]
    return { mediaSessionId, name, sdp, hasVideo, hasAudio, record: data.flag('record'), custom: data.of('custom') }
  }

  #refuse(mediaSessionId: string, info: string): void {
    this.#tell('notifyStreamStatusEvent', { mediaSessionId, status: 'FAILED', info })
  }

  #run(medium: Medium): void {
    const { mediaSessionId } = medium.request
    this.#media.set(mediaSessionId, medium)
    this.#desk.media.set(mediaSessionId, medium)
    const running = medium.run().finally(() => {
      this.#media.delete(mediaSessionId)
      this.#desk.media.delete(mediaSessionId)
      this.#running.delete(running)
    })
    this.#running.add(running)
  }

  async #available(data: Fields, client: Client): Promise<void> {
    const id = data.text('mediaSessionId', MAX_ID_CHARACTERS) ?? null
    const name = streamName(data) ?? ''
    try {
      await playable(this.#desk, name, this.#playerFacts(client))
      // A text: the client compares with one.
      this.#tell('availableStream', { id, status: 'true' })
    } catch (error) {
      this.#tell('availableStream', { id, status: 'false', info: infoOfError(error) })
    }
  }

  /** What a publisher says of its own stream goes to everybody who plays it. */
  #streamEvent(data: Fields): void {
    const type = data.text('type', MAX_ID_CHARACTERS)
    const medium = this.#medium(data)
    if (type === undefined || !(medium instanceof Publishing) || medium.session === undefined) return
    const { session } = medium
    if (type === 'audioMuted' || type === 'audioUnmuted') session.muted.audio = type === 'audioMuted'
    if (type === 'videoMuted' || type === 'videoUnmuted') session.muted.video = type === 'videoMuted'
    for (const player of this.#desk.media.values()) {
      if (player instanceof Playing && player.played === session) player.tellEvent(type, data.raw('payload'))
    }
  }

  async #data(data: Fields, client: Client): Promise<void> {
    const { introduction, rooms } = client
    const operationId = data.text('operationId', MAX_ID_CHARACTERS) ?? null
    const payload = data.of('payload')
    const command = payload.text('command', MAX_ID_CHARACTERS) ?? ''
    let info: string | undefined = 'No application takes this'
    try {
      if (introduction.appKey === ROOM_APP)
        info = await rooms.run(command, payload.of('options'), this.#playerFacts(client))
    } catch (error) {
      info = infoOfError(error)
    }
    const status = info === undefined ? 'ACCEPTED' : 'FAILED'
    this.#tell('DataStatusEvent', { operationId, status, ...(info !== undefined && { info }) })
  }

  #fail(message: string, data: Fields): void {
    const [mediaSessionId, callId] = ['mediaSessionId', 'callId'].map((name) => data.text(name, MAX_ID_CHARACTERS))
    const apiMethod = message.slice(0, MAX_ID_CHARACTERS)
    this.#tell('fail', { apiMethod, id: mediaSessionId ?? callId ?? null, status: 'FAILED', info: 'Not supported' })
  }

  /** So many answers at a time may be waited for. */
  #answer(work: () => Promise<void>): void {
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#line.close('too many requests at a time')
      return
    }
    this.#unanswered++
    work()
      .catch((error: unknown) => this.#desk.runtime.log.error({ event: 'facade.signalling-failed', err: error }))
      .finally(() => this.#unanswered--)
  }

  #playerFacts({ introduction, rooms }: Client, custom: Fields = Fields.of({})): PlayerFacts {
    const credentials = introduction.credentials(custom, this.#caller.query)
    return { caller: this.#caller, credentials, shares: (name) => rooms.shares(name) }
  }

  #medium(data: Fields): Medium | undefined {
    const mediaSessionId = data.text('mediaSessionId', MAX_ID_CHARACTERS)
    return mediaSessionId === undefined ? undefined : this.#media.get(mediaSessionId)
  }

  #publishings(): Publishing[] {
    return [...this.#media.values()].filter((medium) => medium instanceof Publishing)
  }

  readonly #tell = (message: string, ...data: readonly unknown[]): void => {
    if (!this.#isGone) this.#line.send(writeFrame(message, ...data))
  }
}

function streamName(data: Fields): string | undefined {
  const name = data.text('name', MAX_NAME_CHARACTERS)
  return name === undefined ? undefined : trimToBytes(name, MAX_NAME_BYTES)
}
