import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream } from '#hub/stream.ts'
import { type StreamItem, StreamQueue } from '#hub/stream-queue.ts'
import { type MediaMessage, StreamToRtmp } from './from-stream.ts'
import type { Peer } from './peer.ts'

/** Media waiting for a slow player: about ten seconds of 5 Mbit/s. What does not fit is lost in whole GOPs. */
const QUEUE_BYTES = 6 * 1024 * 1024

/** Bytes handed to the socket and not yet sent; beyond it the queue waits (and bounds). */
const MAX_UNSENT_BYTES = 512 * 1024

/** One player of one stream: starts at the remembered random access point, then follows live. */
export class PlaySession {
  readonly kind = 'play'
  readonly #peer: Pick<Peer, 'send' | 'unsentBytes'>
  readonly #stream: Stream
  readonly #messageStreamId: number
  readonly #onEnded: () => void
  readonly #log: Logger
  readonly #queue: StreamQueue
  readonly #attachment: Disposable
  readonly #output = new StreamToRtmp()
  #wantsAudio = true
  #wantsVideo = true
  #isPaused = false
  #isScheduled = false
  /** Sequence starts, and what was said before the first access unit, held back until onMetaData has gone out. */
  #waitingStarts: MediaMessage[] | undefined = []
  #isClosed = false

  constructor(options: {
    peer: Pick<Peer, 'send' | 'unsentBytes'>
    stream: Stream
    messageStreamId: number
    log: Logger
    /** The stream ended and the player has been sent all of it. */
    onEnded: () => void
  }) {
    this.#peer = options.peer
    this.#stream = options.stream
    this.#messageStreamId = options.messageStreamId
    this.#onEnded = options.onEnded
    this.#log = options.log
    this.#queue = new StreamQueue(QUEUE_BYTES, () => this.#schedule())
    this.#attachment = this.#stream.attach(this.#queue, { from: 'memory', live: true })
  }

  receive(kind: 'audio' | 'video', isWanted: boolean): void {
    if (kind === 'audio') this.#wantsAudio = isWanted
    else this.#wantsVideo = isWanted
  }

  /** While paused nothing is sent; what was queued meanwhile is dropped, so that playing goes on live. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused
  }

  /** The socket has room again. */
  drained(): void {
    this.#schedule()
  }

  /** Items arrive on the publisher's call: they are sent afterwards, many at once. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (!this.#isClosed) this.#flush()
    })
  }

  #flush(): void {
    if (this.#peer.unsentBytes > MAX_UNSENT_BYTES) return // drained() comes
    for (const item of this.#queue.takeAll()) this.#send(item)
  }

  #send(item: StreamItem): void {
    switch (item.kind) {
      case 'format': {
        const start = this.#attempt(() => this.#output.format(item.format))
        if (this.#waitingStarts === undefined) this.#put(start)
        else if (start !== undefined) this.#waitingStarts.push(start)
        return
      }
      case 'accessUnit': {
        const { accessUnit } = item
        const isWanted = accessUnit.format.kind === 'audio' ? this.#wantsAudio : this.#wantsVideo
        if (isWanted && !this.#isPaused) {
          this.#sendStarts()
          this.#put(this.#attempt(() => this.#output.accessUnit(accessUnit)))
        }
        accessUnit.release()
        return
      }
      case 'data': {
        const message = this.#output.data(item.message)
        if (this.#waitingStarts !== undefined) this.#waitingStarts.push(message)
        else if (!this.#isPaused) this.#put(message)
        return
      }
      case 'lost': {
        const { accessUnits, bytes } = item
        this.#log.warn({ event: 'rtmp.player-lagging', accessUnits, bytes }, 'player too slow, whole GOPs dropped')
        return
      }
      case 'ended': {
        this.#onEnded()
        return
      }
    }
  }

  /** Players expect onMetaData before the sequence starts; it can be written when all tracks are known. */
  #sendStarts(): void {
    if (this.#waitingStarts === undefined) return
    this.#put(this.#output.metadata())
    for (const start of this.#waitingStarts) this.#put(start)
    this.#waitingStarts = undefined
  }

  /** RTMP can't carry every track (G.711 beside another audio track): the others are still sent. */
  #attempt(make: () => MediaMessage | undefined): MediaMessage | undefined {
    try {
      return make()
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.#log.debug({ event: 'rtmp.play-skipped', reason: errorMessage(error) })
      return undefined
    }
  }

  #put(message: MediaMessage | undefined): void {
    if (message !== undefined) this.#peer.send({ ...message, messageStreamId: this.#messageStreamId })
  }

  /** Idempotent. */
  end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#attachment[Symbol.dispose]()
    this.#queue[Symbol.dispose]()
  }
}
