import type { RtmpMessage } from '#protocols/rtmp/message.ts'
import type { Peer } from './peer.ts'

/**
 * Holds a connection while it is being decided whether it may publish or play: nothing more is read, and what the same
 * read brought besides waits, in order. At most one read's worth of bytes.
 */
export class Decision {
  readonly #peer: Pick<Peer, 'stopReading' | 'resumeReading' | 'fail'>
  readonly #deliver: (message: RtmpMessage) => void
  #waiting: RtmpMessage[] | undefined
  #isCancelled = false

  constructor(peer: Pick<Peer, 'stopReading' | 'resumeReading' | 'fail'>, deliver: (message: RtmpMessage) => void) {
    this.#peer = peer
    this.#deliver = deliver
  }

  get isPending(): boolean {
    return this.#waiting !== undefined
  }

  /** Waits for the work; `onRefused` takes what it throws. */
  begin(work: Promise<void>, onRefused: (error: unknown) => void): void {
    this.#waiting = []
    this.#peer.stopReading()
    void work
      .catch(onRefused)
      .then(() => this.#decided())
      .catch((error: unknown) => this.#peer.fail(error))
  }

  /** Keeps a message for later; false when nothing is pending. */
  hold(message: RtmpMessage): boolean {
    this.#waiting?.push({ ...message, body: message.body.slice() })
    return this.#waiting !== undefined
  }

  /** The connection is gone. */
  cancel(): void {
    this.#isCancelled = true
    this.#waiting = undefined
  }

  #decided(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (this.#isCancelled) return
    // A second publish or play among them begins a new decision, for which the rest is held again.
    for (const message of waiting) if (!this.hold(message)) this.#deliver(message)
    if (!this.isPending) this.#peer.resumeReading()
  }
}
