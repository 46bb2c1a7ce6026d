import { setTimeout as sleep } from 'node:timers/promises'
import { isRtcp, u16, u32 } from '#protocols/rtp/packet.ts'
import { parseRtcp, type ReportBlock, writeBye } from '#protocols/rtp/rtcp.ts'
import type { SourceUnit } from './elementary-source.ts'
import { OfferingTransport } from './webrtc-offerer.ts'
import {
  type Answer,
  OFFERED_CODECS,
  type OfferedCodec,
  type OfferedMedium,
  type OfferOptions,
  readAnswer,
  writeOffer,
} from './webrtc-sdp.ts'
import { ScriptedSource, type SourcePacket } from './webrtc-source.ts'

const TICK_MS = 5
const PAYLOAD_FEEDBACK = 206
const TRANSPORT_FEEDBACK = 205
const APPLICATION_LAYER = 15
const REMB = 0x52454d42 // "REMB"

/**
 * What the network does to the packets on their way, each by its chance of 0 to 1; the same seed does the same.
 * Duplicates are not among it: what is sent twice here are two packets of SRTP, and the network's are dropped there.
 */
export interface Impairments {
  readonly seed: number
  readonly loss?: number
  /** That many packets go out one to three packets later than they should. */
  readonly reordered?: number
}

export interface WebRtcPublisherOptions {
  /** One m-line each, in this order; what is not a list is the only codec of its line. Default: H.264 and Opus. */
  readonly media?: readonly (OfferedCodec | readonly OfferedCodec[])[]
  /** Default `sendonly`. */
  readonly direction?: OfferedMedium['direction']
  /** Default true: `a=ssrc` lines, as browsers write them. */
  readonly ssrcLines?: boolean
  /** Layers of simulcast for all video m-lines. */
  readonly rids?: readonly string[]
  /** Offered in place of the real one. */
  readonly fingerprint?: string
  /** Default true. */
  readonly bundle?: boolean
  /** Default true: RTX, NACK, PLI and transport-wide feedback are offered. */
  readonly feedback?: boolean
  /** Whether a NACK is answered. Default true. */
  readonly answersNack?: boolean
  readonly impairments?: Impairments
  /** Of each source; the default is shortly before it wraps around. */
  readonly firstSequenceNumber?: number
  /** Of each source. Default: shortly before it wraps around. */
  readonly firstTimestamp?: number
  /** Default 1000; 0: no sender reports. */
  readonly reportEveryMs?: number
  /** Changes the finished offer. */
  readonly rewriteOffer?: (sdp: string) => string
}

/** What the other side has asked and told. */
export interface Heard {
  /** Sequence numbers asked for once more, repetitions among them. */
  nacked: number
  pictureLosses: number
  /** Packets of transport-wide feedback. */
  transportFeedbacks: number
  /** Of transport-wide feedback: packets that it says have come. */
  transportReceived: number
  /** Last receiver estimated maximum bitrate, in bits per second; 0: none came. */
  rembBps: number
  receiverReports: number
  /** The last of each source. */
  readonly reports: Map<number, ReportBlock>
  byes: number
}

export interface PlayOptions {
  /** Multiple of real time. Default 1. */
  readonly speed?: number
  /** Only units for which this is true. */
  readonly only?: (unit: SourceUnit) => boolean
  readonly signal?: AbortSignal
}

/**
 * A WebRTC peer by script, over real ICE, DTLS and SRTP: offers, plays access units in real time, answers NACK by
 * retransmission, loses packets on purpose, and counts what it hears. One thread of a process only, whichever side of
 * the library is used in it.
 */
export class WebRtcPublisher implements AsyncDisposable {
  /** The offer. */
  readonly sdp: string
  readonly heard: Heard = {
    ...{ nacked: 0, pictureLosses: 0, transportFeedbacks: 0, transportReceived: 0, rembBps: 0 },
    ...{ receiverReports: 0, reports: new Map<number, ReportBlock>(), byes: 0 },
  }
  /** What was sent. Media packets, retransmissions, and which of either were lost on purpose. */
  readonly sent = { packets: 0, retransmissions: 0, lost: 0, lostRetransmissions: 0, accessUnits: 0 }
  /** What the network does from now on. */
  impairments: Omit<Impairments, 'seed'>
  /** RTP of the other side. */
  onRtp: (bytes: Uint8Array) => void = () => {}
  /** Called for each picture loss that the other side tells of. */
  onPictureLoss: () => void = () => {}
  readonly #transport: OfferingTransport
  readonly #options: WebRtcPublisherOptions
  readonly #offered: readonly OfferedMedium[]
  readonly #random: () => number
  /** Sequence numbers of media packets, by their SSRC, that have not got through; beyond 16 bits they count on. */
  readonly #missing = new Map<number, Set<number>>()
  #held: { readonly packet: SourcePacket; after: number }[] = []
  #sources: ScriptedSource[] = []
  #answer: Answer | undefined
  #transportSequence = 65_000
  #startedMs: number | undefined
  #reportedMs = 0
  #resource: { readonly url: string; readonly headers: Record<string, string> } | undefined
  #etag: string | undefined

  private constructor(transport: OfferingTransport, options: WebRtcPublisherOptions) {
    const { media = ['h264', 'opus'], ssrcLines = true, direction = 'sendonly', rids } = options
    this.#transport = transport
    this.#options = options
    this.#offered = media.map((entry, index) => {
      const codecs = typeof entry === 'string' ? [entry] : entry
      const isVideo = OFFERED_CODECS[codecs[0] ?? 'h264'].kind === 'video'
      return {
        codecs,
        mid: String(index),
        direction,
        ssrcs: ssrcLines && rids === undefined ? ssrcsOf(index, 0) : undefined,
        ...(isVideo && rids !== undefined && { rids }),
      }
    })
    const { bundle, feedback, fingerprint, rewriteOffer = (sdp) => sdp } = options
    const local = fingerprint === undefined ? transport.local : { ...transport.local, fingerprint }
    const offer: OfferOptions = {
      media: this.#offered,
      ...(bundle !== undefined && { bundle }),
      ...(feedback !== undefined && { feedback }),
    }
    this.sdp = rewriteOffer(writeOffer(local, offer))
    this.impairments = options.impairments ?? {}
    this.#random = randomNumbers(options.impairments?.seed ?? 1)
    transport.onPacket = (bytes) => this.#received(bytes)
  }

  /** Opens a port and writes the offer; hand its `sdp` over and the answer to `accept`. */
  static async offer(options: WebRtcPublisherOptions = {}): Promise<WebRtcPublisher> {
    return new WebRtcPublisher(await OfferingTransport.open(), options)
  }

  /** Publishes by WHIP (RFC 9725) and waits for the connection. @throws {WhipRefusal} */
  static async whip(
    url: string,
    options: WebRtcPublisherOptions & { readonly headers?: Record<string, string> } = {},
  ): Promise<WebRtcPublisher> {
    const publisher = await WebRtcPublisher.offer(options)
    try {
      await publisher.post(url, options.headers)
      await publisher.connected()
      return publisher
    } catch (error) {
      publisher.#transport[Symbol.dispose]()
      throw error
    }
  }

  /** Sends the offer to a WHIP or WHEP endpoint and takes the answer. @throws {WhipRefusal} */
  async post(url: string, headers: Record<string, string> = {}): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', ...headers },
      body: this.sdp,
    })
    const body = await response.text()
    const location = response.headers.get('location')
    if (response.status !== 201 || location === null) throw new WhipRefusal(response.status, body)
    this.#resource = { url: new URL(location, url).href, headers }
    this.#etag = response.headers.get('etag') ?? undefined
    this.accept(body)
  }

  /** Address of the session at the WHIP endpoint, and its entity tag. */
  get resource(): { readonly url: string; readonly etag: string | undefined } | undefined {
    return this.#resource === undefined ? undefined : { url: this.#resource.url, etag: this.#etag }
  }

  /** Takes the answer and begins to connect. @throws when it is none */
  accept(answer: string): void {
    const read = readAnswer(answer)
    this.#answer = read
    const { firstSequenceNumber = 65_500, firstTimestamp = 0xffff_0000, rids } = this.#options
    this.#sources = read.media.flatMap((medium, index) => {
      if (medium.isRejected) return []
      const layers = medium.kind === 'video' && rids !== undefined ? rids : [undefined]
      return layers.map((rid, layer) => {
        const { media, rtx } = ssrcsOf(index, layer)
        return new ScriptedSource({ medium, ssrc: media, rtxSsrc: rtx, rid, firstSequenceNumber, firstTimestamp })
      })
    })
    this.#transport.accept(read.transport)
  }

  /** What was agreed on. */
  get answer(): Answer {
    if (this.#answer === undefined) throw new Error('there is no answer yet')
    return this.#answer
  }

  /** One for each medium that was taken, and for each layer of it. */
  get sources(): readonly ScriptedSource[] {
    return this.#sources
  }

  get state(): string {
    return this.#transport.state
  }

  /** @throws when it does not come about */
  connected(timeoutMs?: number): Promise<void> {
    return this.#transport.reached('connected', timeoutMs)
  }

  /** The other side has ended it. */
  disconnected(timeoutMs?: number): Promise<void> {
    return this.#transport.reached('closed', timeoutMs)
  }

  /** Sequence numbers, in 16 bits, of a source's media packets that have not got through, not even repeated. */
  missing(source: ScriptedSource): readonly number[] {
    return [...(this.#missing.get(source.ssrc) ?? [])].map((sequence) => sequence & 0xffff)
  }

  /** Milliseconds since the first access unit was played. */
  get elapsedMs(): number {
    return this.#startedMs === undefined ? 0 : performance.now() - this.#startedMs
  }

  /** Plays access units as they come due, each on the sources of its kind; a later call goes on at the time that is then. */
  async play(units: readonly SourceUnit[], options: PlayOptions = {}): Promise<void> {
    const { speed = 1, only = () => true, signal } = options
    this.#startedMs ??= performance.now()
    const fromMs = this.elapsedMs * speed
    for (const unit of units) {
      const unitMs = (unit.dts * 1000) / unit.format.timescale
      while (this.elapsedMs * speed < fromMs + unitMs && signal?.aborted !== true) {
        this.#reportWhenDue(speed)
        await sleep(TICK_MS)
      }
      if (signal?.aborted === true) break
      if (only(unit)) this.unit(unit, fromMs + (unit.pts * 1000) / unit.format.timescale)
    }
    this.#release(Number.POSITIVE_INFINITY)
  }

  /** Sends one access unit on every source of its kind, with this time. */
  unit(unit: SourceUnit, atMs: number): void {
    for (const source of this.#sources) {
      if (source.medium.kind !== unit.format.kind) continue
      for (const packet of source.packetize(unit, atMs)) this.media(packet)
      this.sent.accessUnits++
    }
  }

  /** Sends a packet of media over the network there is. */
  media(packet: SourcePacket): void {
    const { loss = 0, reordered = 0 } = this.impairments
    if (packet.isRetransmission) this.sent.retransmissions++
    else this.sent.packets++
    if (this.#random() < loss) {
      if (packet.isRetransmission) this.sent.lostRetransmissions++
      else {
        this.sent.lost++
        const missing = this.#missing.get(packet.ssrc) ?? new Set()
        this.#missing.set(packet.ssrc, missing.add(packet.sequence))
      }
      return
    }
    if (this.#random() < reordered) {
      this.#held.push({ packet, after: 1 + Math.floor(this.#random() * 3) })
      return
    }
    this.#deliver(packet)
    this.#release(1)
  }

  /** Sends bytes as they are: RTP, RTCP or neither. */
  raw(bytes: Uint8Array): boolean {
    return this.#transport.send(bytes)
  }

  /** Sends sender reports of all sources now. */
  report(speed = 1): void {
    for (const source of this.#sources) {
      if (source.hasSent) this.raw(source.report(Date.now(), this.elapsedMs * speed))
    }
  }

  /** Sources say goodbye in RTCP. */
  bye(): void {
    for (const source of this.#sources) this.raw(writeBye(source.ssrc))
  }

  /** Ends the session at the WHIP endpoint; gives the status. */
  async delete(): Promise<number> {
    if (this.#resource === undefined) throw new Error('there is no resource')
    const { url, headers } = this.#resource
    const { status } = await fetch(url, { method: 'DELETE', headers })
    return status
  }

  /** Closes the connection with DTLS's goodbye, without telling the WHIP endpoint. */
  close(): void {
    this.#transport[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #reportWhenDue(speed: number): void {
    const { reportEveryMs = 1000 } = this.#options
    if (reportEveryMs === 0 || this.elapsedMs - this.#reportedMs < reportEveryMs) return
    this.#reportedMs = this.elapsedMs
    this.report(speed)
  }

  #release(packets: number): void {
    if (this.#held.length === 0) return
    for (const held of this.#held) held.after -= packets
    const due = this.#held.filter(({ after }) => after <= 0)
    this.#held = this.#held.filter(({ after }) => after > 0)
    for (const { packet } of due) this.#deliver(packet)
  }

  #deliver(packet: SourcePacket): void {
    const { bytes, transportWideAt, ssrc, sequence } = packet
    if (transportWideAt !== undefined) {
      const number = this.#transportSequence++
      bytes[transportWideAt] = number >>> 8
      bytes[transportWideAt + 1] = number
    }
    this.#transport.send(bytes)
    this.#missing.get(ssrc)?.delete(sequence)
  }

  #received(bytes: Uint8Array): void {
    if (!isRtcp(bytes)) {
      this.onRtp(bytes)
      return
    }
    const { heard } = this
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'nack') this.#nack(packet.ssrc, packet.sequenceNumbers)
      else if (packet.kind === 'pictureLoss') {
        heard.pictureLosses++
        this.onPictureLoss()
      } else if (packet.kind === 'bye') heard.byes++
      else if (packet.kind === 'receiverReport' || packet.kind === 'senderReport') {
        heard.receiverReports++
        for (const report of packet.reports) heard.reports.set(report.ssrc, report)
      }
    }
    this.#feedback(bytes)
  }

  #nack(ssrc: number, sequenceNumbers: readonly number[]): void {
    this.heard.nacked += sequenceNumbers.length
    if (this.#options.answersNack === false) return
    const source = this.#sources.find((each) => each.ssrc === ssrc)
    for (const sequenceNumber of sequenceNumbers) {
      const packet = source?.retransmission(sequenceNumber)
      if (packet !== undefined) this.media(packet)
    }
  }

  /** Transport-wide feedback and REMB, read here so that they are not judged by who wrote them. */
  #feedback(bytes: Uint8Array): void {
    for (let at = 0; at + 12 <= bytes.length; at += 4 + 4 * u16(bytes, at + 2)) {
      const format = (bytes[at] ?? 0) & 0x1f
      const type = bytes[at + 1]
      if (type === TRANSPORT_FEEDBACK && format === APPLICATION_LAYER) {
        this.heard.transportFeedbacks++
        this.heard.transportReceived += receivedPackets(bytes, at)
      }
      if (type === PAYLOAD_FEEDBACK && format === APPLICATION_LAYER && u32(bytes, at + 12) === REMB) {
        const exponent = (bytes[at + 17] ?? 0) >> 2
        this.heard.rembBps = (u32(bytes, at + 16) & 0x3ffff) * 2 ** exponent
      }
    }
  }
}

/** A WHIP endpoint did not take the offer. */
export class WhipRefusal extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, body: string) {
    super(`refused with status ${status}: ${body}`)
    this.status = status
    this.body = body
  }
}

function ssrcsOf(mediumIndex: number, layer: number): { media: number; rtx: number } {
  const media = 0x1000_0000 + 0x100_0000 * mediumIndex + 0x1_0000 * layer
  return { media, rtx: media + 1 }
}

/** Packets that a packet of transport-wide feedback reports as received (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). */
function receivedPackets(bytes: Uint8Array, start: number): number {
  const count = u16(bytes, start + 14)
  const symbols: number[] = []
  for (let at = start + 20; symbols.length < count && at + 2 <= bytes.length; at += 2) {
    const chunk = u16(bytes, at)
    if ((chunk & 0x8000) === 0) {
      for (let run = chunk & 0x1fff; run > 0; run--) symbols.push((chunk >> 13) & 3)
    } else if ((chunk & 0x4000) === 0) for (let bit = 13; bit >= 0; bit--) symbols.push((chunk >> bit) & 1)
    else for (let bit = 12; bit >= 0; bit -= 2) symbols.push((chunk >> bit) & 3)
  }
  return symbols.slice(0, count).filter((symbol) => symbol === 1 || symbol === 2).length
}

/** Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
