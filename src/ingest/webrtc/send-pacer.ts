/** A pause between two turns; timers are no finer. */
const TURN_MS = 5

/** Sent at once: receivers have buffers for some 90 packets, and one key frame may be more. */
const BURST_BYTES = 24 * 1024

/** At least so fast, whatever the stream's bitrate … */
const MIN_BYTES_PER_MS = 3_000
/** … and so many times faster than it is, so that what has to be caught up is. */
const SPEED_UP = 3

export interface SendPacerOptions {
  readonly monotonicMs: () => number
  /** Of what is sent in the long run, bits per second. */
  readonly bitrateBps: () => number
  readonly send: (packet: Uint8Array) => void
  /** Everything that waited is sent. */
  readonly drained: () => void
}

/** Packets on their way out, no faster than networks and receivers take them: a token bucket. */
export class SendPacer implements Disposable {
  readonly #options: SendPacerOptions
  readonly #waiting: Uint8Array[] = []
  #next = 0
  #waitingBytes = 0
  #allowedBytes = BURST_BYTES
  #allowedAtMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(options: SendPacerOptions) {
    this.#options = options
    this.#allowedAtMs = options.monotonicMs()
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Its memory is the pacer's until it is sent. */
  add(packet: Uint8Array): void {
    this.#waiting.push(packet)
    this.#waitingBytes += packet.length
  }

  /** Sends what may be sent now; the rest follows by itself. */
  flush(): void {
    if (this.#timer === undefined) this.#send()
  }

  #send(): void {
    const { monotonicMs, bitrateBps, send } = this.#options
    const nowMs = monotonicMs()
    const bytesPerMs = Math.max(MIN_BYTES_PER_MS, (SPEED_UP * bitrateBps()) / 8000)
    this.#allowedBytes = Math.min(
      Math.max(BURST_BYTES, bytesPerMs * TURN_MS),
      this.#allowedBytes + (nowMs - this.#allowedAtMs) * bytesPerMs,
    )
    this.#allowedAtMs = nowMs
    while (this.#next < this.#waiting.length && this.#allowedBytes > 0) {
      const packet = this.#waiting[this.#next++]
      if (packet === undefined) break
      this.#allowedBytes -= packet.length
      this.#waitingBytes -= packet.length
      send(packet)
    }
    if (this.#next < this.#waiting.length) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#send()
        if (this.#timer === undefined) this.#options.drained()
      }, TURN_MS)
      return
    }
    this.#waiting.length = 0
    this.#next = 0
  }

  /** What waits is never sent. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#waiting.length = 0
    this.#next = 0
    this.#waitingBytes = 0
  }
}
