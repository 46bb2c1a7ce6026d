import { RtpPacket } from './packet.ts'

/** Slots for packets that came before their turn; a power of two. 1024 packets are a second of 10 Mbit/s. */
const CAPACITY = 1024

/**
 * A sequence number this far ahead or behind is no loss and no late packet: the source has restarted, or it is a stray
 * packet. Only a second one right behind it decides (RFC 3550 appendix A.1).
 */
const MAX_DROPOUT = 3000
const MAX_MISORDER = 100

/** More than this many are not held for what may come before them. */
const MAX_FIRST_PACKETS = 64

/** Takes packets in order. `lostBefore`: this many before it did not come and will not. */
export type PacketReceiver = (packet: RtpPacket, lostBefore: number, arrivedMs: number) => void

export interface JitterBufferOptions {
  /** How long a missing packet is waited for once a later one has come. */
  readonly maxDelayMs: number
  /** Bound of what is held meanwhile; beyond it the missing packet is given up. */
  readonly maxBytes: number
  /**
   * What comes first is held this long, for one before it that comes after it: what describes a stream often comes first.
   * Default 0.
   */
  readonly firstHoldMs?: number
  /** … and not more packets than this. Default 64. */
  readonly maxFirstPackets?: number
  /** So many numbers behind, a packet is late, or came twice; further behind, the source may have begun anew. Default 100. */
  readonly maxLate?: number
  readonly receive: PacketReceiver
  /** The source began anew: its sequence (and perhaps its timestamps) have nothing to do with what came before. */
  readonly restarted?: () => void
}

/**
 * Puts the packets of one source (SSRC) into the order of their sequence numbers. What comes in order goes straight
 * through; what comes early waits for those before it, bounded in time, bytes and number. What waits is copied.
 */
export class JitterBuffer {
  readonly #options: JitterBufferOptions
  readonly #slots: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(CAPACITY).fill(undefined)
  readonly #arrivedMs = new Float64Array(CAPACITY)
  readonly #held = new RtpPacket()
  /** The sequence number whose turn it is; -1 before the first packet. */
  #next = -1
  /** When the first packet came, while it is held. */
  #beganMs: number | undefined
  #heldPackets = 0
  #heldBytes = 0
  #suspect = -1
  #lostPackets = 0
  #duplicates = 0
  #reordered = 0

  constructor(options: JitterBufferOptions) {
    this.#options = options
  }

  /** Packets given up. */
  get lostPackets(): number {
    return this.#lostPackets
  }

  /** Packets that came twice, or after they had been given up. */
  get duplicates(): number {
    return this.#duplicates
  }

  /** Packets that came after a later one, and in time. */
  get reordered(): number {
    return this.#reordered
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * @param packet borrowed; it must be all of its `bytes`
   * @param isRepeated it was sent before (RFC 4588), so that it tells nothing of where the source is now
   */
  push(packet: RtpPacket, nowMs: number, isRepeated = false): void {
    const { sequenceNumber } = packet
    if (this.#next === -1) {
      if (isRepeated) return
      this.#next = sequenceNumber
      if ((this.#options.firstHoldMs ?? 0) > 0) this.#beganMs = nowMs
    }
    const ahead = distance(this.#next, sequenceNumber)
    if (ahead > MAX_DROPOUT || ahead < -(this.#options.maxLate ?? MAX_MISORDER)) {
      if (isRepeated) this.#duplicates++
      else this.#strange(packet, nowMs)
      return
    }
    if (this.#beganMs !== undefined) {
      this.#holdFirst(packet, ahead, nowMs)
      return
    }
    if (ahead === 0) {
      if (this.#heldPackets > 0) this.#reordered++
      this.#suspect = -1
      this.#deliver(packet, 0, nowMs)
      if (this.#heldPackets > 0) this.#drain()
      return
    }
    if (ahead < 0) {
      this.#duplicates++
      return
    }
    this.#suspect = -1
    // No place for it: what is before it will not be waited for any longer.
    while (distance(this.#next, sequenceNumber) >= CAPACITY && this.#heldPackets > 0) this.#giveUp()
    if (distance(this.#next, sequenceNumber) >= CAPACITY) {
      this.#skipTo(packet, nowMs)
      return
    }
    this.#hold(packet, nowMs)
    while (this.#heldBytes > this.#options.maxBytes) this.#giveUp()
  }

  /** Whether a packet could still take its place. */
  isMissing(sequenceNumber: number): boolean {
    if (this.#next === -1) return false
    const ahead = distance(this.#next, sequenceNumber)
    return ahead >= 0 && ahead < CAPACITY && this.#slots[sequenceNumber & (CAPACITY - 1)] === undefined
  }

  /** Gives up what was waited for too long; call it every few tens of milliseconds. */
  tick(nowMs: number): void {
    if (this.#beganMs !== undefined && nowMs - this.#beganMs >= (this.#options.firstHoldMs ?? 0)) this.#begin()
    if (this.#beganMs !== undefined) return
    while (this.#heldPackets > 0) {
      const first = this.#firstHeld()
      if (nowMs - (this.#arrivedMs[first & (CAPACITY - 1)] ?? 0) < this.#options.maxDelayMs) return
      this.#giveUp()
    }
  }

  /** Nothing more will come: hands over what is held. */
  flush(): void {
    if (this.#beganMs !== undefined) this.#begin()
    while (this.#heldPackets > 0) this.#giveUp()
  }

  #holdFirst(packet: RtpPacket, ahead: number, nowMs: number): void {
    if (ahead < 0) {
      this.#reordered++
      this.#next = packet.sequenceNumber
    }
    this.#hold(packet, nowMs)
    const { maxBytes, firstHoldMs = 0, maxFirstPackets = MAX_FIRST_PACKETS } = this.#options
    const isOver = nowMs - (this.#beganMs ?? nowMs) >= firstHoldMs
    if (isOver || this.#heldPackets >= maxFirstPackets || this.#heldBytes > maxBytes) this.#begin()
  }

  /** Whether what came first is being held, and since when; undefined: it is not. */
  get beganMs(): number | undefined {
    return this.#beganMs
  }

  /** Nothing will come before what is first now. */
  begin(): void {
    if (this.#beganMs !== undefined) this.#begin()
  }

  #begin(): void {
    this.#beganMs = undefined
    this.#drain()
  }

  #strange(packet: RtpPacket, nowMs: number): void {
    const { sequenceNumber } = packet
    if (sequenceNumber !== this.#suspect) {
      this.#suspect = (sequenceNumber + 1) & 0xffff
      return
    }
    this.flush()
    this.#suspect = -1
    this.#options.restarted?.()
    this.#next = sequenceNumber
    this.#deliver(packet, 0, nowMs)
  }

  #hold(packet: RtpPacket, nowMs: number): void {
    const slot = packet.sequenceNumber & (CAPACITY - 1)
    if (this.#slots[slot] !== undefined) {
      this.#duplicates++
      return
    }
    // Its memory is the sender's again soon, and what has to wait is rare.
    const bytes = packet.bytes.slice()
    this.#slots[slot] = bytes
    this.#arrivedMs[slot] = nowMs
    this.#heldPackets++
    this.#heldBytes += bytes.length
  }

  /** Goes on behind the first gap. */
  #giveUp(): void {
    const first = this.#firstHeld()
    const lost = distance(this.#next, first)
    this.#lostPackets += lost
    this.#next = first
    this.#deliverHeld(lost)
    this.#drain()
  }

  #skipTo(packet: RtpPacket, nowMs: number): void {
    const lost = distance(this.#next, packet.sequenceNumber)
    this.#lostPackets += lost
    this.#next = packet.sequenceNumber
    this.#deliver(packet, lost, nowMs)
  }

  #drain(): void {
    while (this.#heldPackets > 0 && this.#slots[this.#next & (CAPACITY - 1)] !== undefined) this.#deliverHeld(0)
  }

  #firstHeld(): number {
    let sequenceNumber = this.#next
    while (this.#slots[sequenceNumber & (CAPACITY - 1)] === undefined) sequenceNumber = (sequenceNumber + 1) & 0xffff
    return sequenceNumber
  }

  #deliverHeld(lostBefore: number): void {
    const slot = this.#next & (CAPACITY - 1)
    const bytes = this.#slots[slot]
    if (bytes === undefined) return
    this.#slots[slot] = undefined
    this.#heldPackets--
    this.#heldBytes -= bytes.length
    // It was a packet when it came.
    this.#held.parse(bytes)
    this.#deliver(this.#held, lostBefore, this.#arrivedMs[slot] ?? 0)
  }

  #deliver(packet: RtpPacket, lostBefore: number, arrivedMs: number): void {
    this.#next = (packet.sequenceNumber + 1) & 0xffff
    this.#options.receive(packet, lostBefore, arrivedMs)
  }
}

/** From one sequence number to another, the shorter way round: -32768 to 32767. */
export function distance(from: number, to: number): number {
  return ((to - from) << 16) >> 16
}
