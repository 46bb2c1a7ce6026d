import type { Stream, StreamEnd } from '#hub/stream.ts'
import type { WebRtcSession } from '#hub/webrtc.ts'
import type { Fields } from './fields.ts'
import { infoOfError, type Outcome, type SessionEnd } from './stream-info.ts'

/** What a client says of a stream that it is about to publish or play. spec section 8.1. */
export interface MediumRequest {
  readonly mediaSessionId: string
  readonly name: string
  readonly sdp: string
  readonly hasVideo: boolean
  readonly hasAudio: boolean
  readonly record: boolean
  readonly custom: Fields
}

/** Sends its client a message. */
export type Tell = (message: string, ...data: readonly unknown[]) => void

/** One stream of a client's, published or played, from its offer to its last status. */
export abstract class Medium {
  readonly request: MediumRequest
  readonly #tell: Tell
  #session: WebRtcSession | undefined
  #asked: StreamEnd | undefined

  constructor(request: MediumRequest, tell: Tell) {
    this.request = request
    this.#tell = tell
  }

  /** Lives its life; resolves when the client was told how it ended. Never rejects. */
  async run(): Promise<void> {
    let outcome: Outcome
    try {
      outcome = await this.#live()
    } catch (error) {
      outcome = { status: 'FAILED', info: infoOfError(error) }
      this.refused(error)
    }
    this.over(outcome)
  }

  /** Ends it; the client is told when what was recorded is final. Idempotent. */
  close(end: StreamEnd): void {
    this.#asked ??= end
    this.#session?.close(this.#asked)
  }

  async #live(): Promise<Outcome> {
    const session = await this.open()
    this.#session = session
    if (this.#asked !== undefined) session.close(this.#asked)
    const over = Promise.withResolvers<void>()
    let isConnected = false
    let isFlowing = false
    const look = () => {
      if (!isConnected && session.stream !== undefined) {
        isConnected = true
        this.connected(session.stream)
      }
      if (!isFlowing && session.state === 'flowing') {
        isFlowing = true
        this.flowing()
      }
      if (session.state === 'ended') over.resolve()
    }
    using _ = session.stateChanged.listen(look)
    if (session.state !== 'ended') this.#tell('setRemoteSDP', this.request.mediaSessionId, session.answer)
    look()
    await over.promise
    const { ended = { end: { cause: 'lost', message: '' }, reason: 'error' } } = session
    return this.ended(ended)
  }

  /** spec section 8.3. */
  protected tellStatus(status: string, facts: Readonly<Record<string, unknown>>): void {
    const { mediaSessionId, name, hasVideo, hasAudio } = this.request
    this.#tell('notifyStreamStatusEvent', { mediaSessionId, name, status, hasVideo, hasAudio, ...facts })
  }

  /** @throws TapedeckError the client may not, or nothing came of it */
  protected abstract open(): Promise<WebRtcSession>
  /** It was refused: for the log. */
  protected abstract refused(error: unknown): void
  /** The stream is there. */
  protected abstract connected(stream: Stream): void
  /** Media comes through. */
  protected abstract flowing(): void
  /** Resolves when the client may be told. */
  protected abstract ended(end: SessionEnd): Promise<Outcome>
  /** Tells the client; the last thing that happens. */
  protected abstract over(outcome: Outcome): void
}
