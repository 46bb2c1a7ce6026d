import type { WebRtcSession } from '#hub/webrtc.ts'
import { type MediaSession, sessionId } from '../media-sessions.ts'
import { pathOfName } from '../stream-path.ts'
import { type Desk, WEBRTC_APP } from './desk.ts'
import { SignallingRefusedError } from './errors.ts'
import { ROOM_APP } from './introduction.ts'
import { Medium, type MediumRequest, type Tell } from './medium.ts'
import type { PlayerFacts } from './playing.ts'
import type { Membership } from './rooms.ts'
import { INFO, type Outcome, publisherOutcome, type SessionEnd } from './stream-info.ts'

/** Who publishes. */
export interface PublisherFacts extends PlayerFacts {
  readonly login: string
  readonly appKey: string
  /** The room the stream is published in. */
  readonly membership: Membership | undefined
}

/** A stream that a client publishes. spec sections 8.1 to 8.6. */
export class Publishing extends Medium {
  readonly #desk: Desk
  readonly #facts: PublisherFacts
  #announcement: Disposable | undefined
  #session: MediaSession | undefined
  #recordName: string | undefined

  constructor(desk: Desk, request: MediumRequest, facts: PublisherFacts, tell: Tell) {
    super(request, tell)
    this.#desk = desk
    this.#facts = facts
  }

  /** The stream, while it is there. */
  get session(): MediaSession | undefined {
    return this.#session
  }

  protected async open(): Promise<WebRtcSession> {
    const { access, sessions, codecs } = this.#desk
    const { mediaSessionId, name, sdp } = this.request
    const { caller, credentials, login, appKey } = this.#facts
    const webrtc = this.#desk.webrtc()
    const path = pathOfName(WEBRTC_APP, name)
    if (webrtc === undefined) throw new SignallingRefusedError(INFO.error, 'WebRTC is off: set webrtc.udp')
    if (path === undefined) throw new SignallingRefusedError(INFO.error, 'the stream has no name')
    const { remoteAddress, remotePort, localAddress, localPort, userAgent, query } = caller
    await access.authorize({
      action: 'publish',
      path,
      protocol: 'webrtc',
      remoteAddress: caller.trustedAddress,
      query: credentials,
    })
    // Names are one for all, however their streams come.
    if (sessions.named(name) !== undefined) throw new SignallingRefusedError(INFO.nameInUse, name)
    const connection = { remoteAddress, remotePort, localAddress, localPort }
    const offer = { path, sdp, ...connection, encoder: userAgent, query, app: WEBRTC_APP, codecs }
    const session = await webrtc.publish(offer)
    // Parts of a room's stream could not be merged with those of the others.
    const isInRoom = appKey === ROOM_APP
    // In time: the browser has not been answered yet.
    const facts = { mediaSessionId, name, login, appKey, isInRoom, sessionId: sessionId(connection) }
    this.#announcement = sessions.announce(session.connectionId, facts)
    return session
  }

  protected refused(error: unknown): void {
    const { mediaSessionId, name } = this.request
    this.#desk.refusals.occurred({ what: 'publishing', mediaSessionId, name, err: error })
  }

  protected connected(): void {
    const { sessions, recordings, runtime } = this.#desk
    const { mediaSessionId, record } = this.request
    this.#announcement?.[Symbol.dispose]()
    const session = sessions.get(mediaSessionId)
    this.#session = session
    const isAsked = record || this.#facts.membership?.participant.record === true
    if (session === undefined || !isAsked || !recordings.isOn) return
    recordings.start(session).catch((error: unknown) => {
      runtime.log.error({ event: 'facade.record-failed', mediaSessionId, stream: session.stream.path, err: error })
    })
  }

  protected flowing(): void {
    this.#tellStatus('PUBLISHING')
    this.#facts.membership?.published(this.request.name)
  }

  protected async ended(end: SessionEnd): Promise<Outcome> {
    // The page asks for the file as soon as it knows the name, and never again.
    if (this.#session !== undefined) this.#recordName = await this.#desk.recordings.complete(this.#session)
    return publisherOutcome(end)
  }

  protected over({ status, info }: Outcome): void {
    this.#announcement?.[Symbol.dispose]()
    const { ticket } = this.#facts.caller
    if (ticket !== undefined && this.#recordName !== undefined) this.#desk.tickets?.add(ticket, this.#recordName)
    this.#tellStatus(status, {
      ...(info !== undefined && { info }),
      ...(this.#recordName !== undefined && { recordName: this.#recordName }),
    })
    this.#facts.membership?.unpublished(this.request.name, status === 'FAILED' ? status : 'UNPUBLISHED')
  }

  #tellStatus(status: string, more: Readonly<Record<string, unknown>> = {}): void {
    const muted = this.#session?.muted ?? { audio: false, video: false }
    this.tellStatus(status, {
      published: true,
      record: this.request.record,
      audioState: { muted: muted.audio },
      videoState: { muted: muted.video },
      ...more,
    })
  }
}
