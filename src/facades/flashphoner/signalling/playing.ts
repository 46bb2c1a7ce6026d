import type { WebRtcSession } from '#hub/webrtc.ts'
import type { VideoFormat } from '#media/track.ts'
import type { MediaSession } from '../media-sessions.ts'
import { pathOfName } from '../stream-path.ts'
import type { Caller } from './caller.ts'
import { type Desk, WEBRTC_APP } from './desk.ts'
import { SignallingRefusedError } from './errors.ts'
import { Medium, type MediumRequest, type Tell } from './medium.ts'
import { INFO, type Outcome, playerOutcome, type SessionEnd } from './stream-info.ts'

/** Who plays, or asks for something else that players may. */
export interface PlayerFacts {
  readonly caller: Caller
  /** What he shows to be admitted: query parameters. */
  readonly credentials: Readonly<Record<string, string>>
  /** He is in the room that the stream of this name is published in. */
  readonly shares: (streamName: string) => boolean
}

/** A stream that a client plays. spec section 9. */
export class Playing extends Medium {
  readonly #desk: Desk
  readonly #facts: PlayerFacts
  readonly #tellClient: Tell
  #played: MediaSession | undefined

  constructor(desk: Desk, request: MediumRequest, facts: PlayerFacts, tell: Tell) {
    super(request, tell)
    this.#desk = desk
    this.#facts = facts
    this.#tellClient = tell
  }

  /** What it plays; undefined until it may. */
  get played(): MediaSession | undefined {
    return this.#played
  }

  /** The publisher says something to those who play him. */
  tellEvent(type: string, payload: unknown): void {
    this.#tellClient('notifyStreamEvent', { mediaSessionId: this.request.mediaSessionId, type, payload })
  }

  protected async open(): Promise<WebRtcSession> {
    const { sdp, name } = this.request
    const { caller, credentials } = this.#facts
    const webrtc = this.#desk.webrtc()
    if (webrtc === undefined) throw new SignallingRefusedError(INFO.error, 'WebRTC is off: set webrtc.udp')
    const session = await playable(this.#desk, name, this.#facts)
    this.#played = session
    const { remoteAddress, remotePort, localAddress, localPort, userAgent: encoder } = caller
    const connection = { remoteAddress, remotePort, localAddress, localPort }
    return webrtc.play({ path: session.stream.path, sdp, ...connection, encoder, query: credentials })
  }

  protected refused(error: unknown): void {
    const { mediaSessionId, name } = this.request
    this.#desk.refusals.occurred({ what: 'playing', mediaSessionId, name, err: error })
  }

  protected connected(): void {}

  protected flowing(): void {
    const formats = [...(this.#played?.stream.formats.values() ?? [])]
    const video = formats.find((format): format is VideoFormat => format.kind === 'video')
    this.#tellStatus('PLAYING', {
      ...(video !== undefined && { width: video.widthPixels, height: video.heightPixels }),
    })
  }

  protected ended(end: SessionEnd): Promise<Outcome> {
    return Promise.resolve(playerOutcome(end))
  }

  protected over({ status, info }: Outcome): void {
    this.#played = undefined
    this.#tellStatus(status, { ...(info !== undefined && { info }) })
  }

  #tellStatus(status: string, more: Readonly<Record<string, unknown>>): void {
    const muted = this.#played?.muted ?? { audio: false, video: false }
    this.tellStatus(status, {
      published: false,
      record: false,
      audioState: { muted: muted.audio },
      videoState: { muted: muted.video },
      ...more,
    })
  }
}

/**
 * The stream of this name, for somebody who may play it.
 * @throws {SignallingRefusedError} there is none @throws TapedeckError he may not
 */
export async function playable(
  { sessions, access }: Desk,
  name: string,
  { caller, credentials, shares }: PlayerFacts,
): Promise<MediaSession> {
  const path = sessions.named(name)?.stream.path ?? pathOfName(WEBRTC_APP, name)
  if (path === undefined) throw new SignallingRefusedError(INFO.noStream, 'it has no name')
  // First, so that who may not play does not learn what there is.
  if (!shares(name)) {
    const { trustedAddress: remoteAddress } = caller
    await access.authorize({ action: 'play', path, protocol: 'webrtc', remoteAddress, query: credentials })
  }
  const session = sessions.named(name)
  if (session?.stream.path !== path) throw new SignallingRefusedError(INFO.noStream, name)
  return session
}
