import { isRtcp, put32, RtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormat } from '#protocols/rtp/payloads/all.ts'
import { ArraySink } from '#protocols/rtp/payloads/array-sink.test-data.ts'
import { parseRtcp, type SenderReport, writePictureLoss, writeReceiverReport } from '#protocols/rtp/rtcp.ts'
import { OfferingTransport } from './webrtc-offerer.ts'
import { WhipRefusal } from './webrtc-publisher.ts'
import { type AnsweredMedium, OFFERED_CODECS, type OfferedCodec, readAnswer, writeOffer } from './webrtc-sdp.ts'

const OWN_SSRC = 0x70_6c_61_79
const TICK_MS = 20
const REPORT_EVERY_MS = 1_000

export interface WebRtcPlayerOptions {
  /** One m-line each. Default: everything there is, pictures before sound. */
  readonly media?: readonly (readonly OfferedCodec[])[]
  /** Of what comes, this share is thrown away at first; the same each time. */
  readonly loss?: number
  /** Default true: RTX, NACK and PLI are offered. */
  readonly feedback?: boolean
  /** Default true: each second, so that the server knows that somebody is there. */
  readonly reports?: boolean
}

/** What came in one m-line. */
export class PlayedMedium {
  readonly answered: AnsweredMedium
  readonly ssrc: number
  readonly rtxSsrc: number | undefined
  /** By sequence number, which counts on beyond 16 bits. */
  readonly packets = new Map<number, Uint8Array>()
  readonly reports: SenderReport[] = []
  /** Sequence numbers, counting on. */
  readonly missing = new Set<number>()
  highest: number | undefined
  repaired = 0
  ended = false

  constructor(answered: AnsweredMedium) {
    this.answered = answered
    const group = answered.lines.find((line) => line.startsWith('a=ssrc-group:FID '))
    const [ssrc, rtx] = group?.split(' ').slice(1).map(Number) ?? []
    const first = answered.lines.find((line) => line.startsWith('a=ssrc:')) ?? ''
    this.ssrc = ssrc ?? Number(/^a=ssrc:(\d+)/.exec(first)?.[1] ?? 0)
    this.rtxSsrc = rtx
  }

  /** Whole access units, in order, with their times in ticks since the first. */
  units(): { readonly bytes: Uint8Array; readonly ticks: number }[] {
    const sink = new ArraySink()
    const codec = OFFERED_CODECS[this.answered.codec ?? 'opus']
    const [encoding = '', rate = ''] = codec.map.split('/')
    const depacketizer = payloadFormat(encoding)?.depacketizer({
      parameters: new Map(),
      clockRateHz: Number(rate),
      channels: 2,
      sink,
      configured: () => {},
    })
    let last: number | undefined
    const packet = new RtpPacket()
    for (const [number, bytes] of [...this.packets].sort(([a], [b]) => a - b)) {
      if (packet.parse(bytes) && packet.payloadBytes > 0) {
        depacketizer?.push(packet, last === undefined ? 0 : number - last - 1)
      }
      last = number
    }
    depacketizer?.flush()
    const firstTime = sink.units[0]?.facts.rtpTimestamp ?? 0
    return sink.units.map(({ bytes, facts }) => ({ bytes, ticks: (facts.rtpTimestamp - firstTime) | 0 }))
  }
}

/** A player by script, over real ICE, DTLS and SRTP: takes what comes, loses some of it, and asks for it again. */
export class WebRtcPlayer implements Disposable {
  /** The offer. */
  readonly sdp: string
  readonly #transport: OfferingTransport
  readonly #options: WebRtcPlayerOptions
  readonly #packet = new RtpPacket()
  #media: readonly PlayedMedium[] = []
  #random = 1
  #timer: NodeJS.Timeout | undefined
  #reportedMs = 0
  #resource: string | undefined

  private constructor(transport: OfferingTransport, options: WebRtcPlayerOptions) {
    this.#transport = transport
    this.#options = options
    const {
      media = [
        ['vp8', 'h264', 'vp9', 'av1'],
        ['opus', 'pcmu', 'pcma', 'g722'],
      ],
      feedback = true,
    } = options
    const lines = media.map((codecs, index) => ({ codecs, mid: String(index), direction: 'recvonly' }) as const)
    this.sdp = writeOffer(transport.local, { media: lines, feedback })
    transport.onPacket = (bytes) => this.#received(bytes)
  }

  /** Writes the offer; hand its `sdp` over and the answer to `accept`. */
  static async offer(options: WebRtcPlayerOptions = {}): Promise<WebRtcPlayer> {
    return new WebRtcPlayer(await OfferingTransport.open(), options)
  }

  /** Plays by WHEP and waits for the connection. @throws {WhipRefusal} */
  static async whep(
    url: string,
    options: WebRtcPlayerOptions & { readonly headers?: Record<string, string> } = {},
  ): Promise<WebRtcPlayer> {
    const player = await WebRtcPlayer.offer(options)
    try {
      const headers = { 'content-type': 'application/sdp', ...options.headers }
      const response = await fetch(url, { method: 'POST', headers, body: player.sdp })
      const body = await response.text()
      const location = response.headers.get('location')
      if (response.status !== 201 || location === null) throw new WhipRefusal(response.status, body)
      player.#resource = new URL(location, url).href
      player.accept(body)
      await player.#transport.reached('connected')
      return player
    } catch (error) {
      player[Symbol.dispose]()
      throw error
    }
  }

  /** Address of the session. */
  get resource(): string {
    return this.#resource ?? ''
  }

  accept(answer: string): void {
    const { transport, media } = readAnswer(answer)
    this.#media = media.map((each) => new PlayedMedium(each))
    this.#transport.accept(transport)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  get media(): readonly PlayedMedium[] {
    return this.#media
  }

  get video(): PlayedMedium {
    return this.#mediumOf('video')
  }

  get audio(): PlayedMedium {
    return this.#mediumOf('audio')
  }

  #mediumOf(kind: string): PlayedMedium {
    const medium = this.#media.find(({ answered }) => answered.kind === kind)
    if (medium === undefined) throw new Error(`no ${kind} was answered`)
    return medium
  }

  /** Asks for a random access point. */
  losePicture(): void {
    this.#transport.send(writePictureLoss(OWN_SSRC, this.video.ssrc))
  }

  #received(bytes: Uint8Array): void {
    if (isRtcp(bytes)) {
      this.#rtcp(bytes)
      return
    }
    if (!this.#packet.parse(bytes)) return
    const { ssrc } = this.#packet
    const medium = this.#media.find((each) => each.ssrc === ssrc || each.rtxSsrc === ssrc)
    if (medium === undefined) return
    if (medium.rtxSsrc === ssrc) this.#repeated(medium, bytes)
    else if (this.#isKept() || this.#options.loss === undefined) this.#took(medium, bytes, this.#packet.sequenceNumber)
  }

  /** Not by unwrapRetransmission(), which would be judged by its own counterpart. */
  #repeated(medium: PlayedMedium, bytes: Uint8Array): void {
    const { payloadStart, marker } = this.#packet
    if (!this.#isKept() || bytes.length < payloadStart + 2) return
    const [high = 0, low = 0] = bytes.subarray(payloadStart)
    const original = Uint8Array.of(...bytes.subarray(0, payloadStart), ...bytes.subarray(payloadStart + 2))
    original.set([(marker ? 0x80 : 0) | medium.answered.payloadType, high, low], 1)
    put32(original, 8, medium.ssrc)
    this.#took(medium, original, (high << 8) | low)
  }

  #took(medium: PlayedMedium, bytes: Uint8Array, sequenceNumber: number): void {
    const { highest } = medium
    const number = highest === undefined ? sequenceNumber : highest + (((sequenceNumber - highest) << 16) >> 16)
    medium.packets.set(number, Uint8Array.from(bytes))
    if (medium.missing.delete(number)) medium.repaired++
    if (highest !== undefined) for (let i = highest + 1; i < number; i++) medium.missing.add(i)
    if (highest === undefined || number > highest) medium.highest = number
  }

  /** A small generator of its own (xorshift), so that every run loses the same. */
  #isKept(): boolean {
    this.#random ^= this.#random << 13
    this.#random ^= this.#random >>> 17
    this.#random ^= this.#random << 5
    return (this.#random >>> 0) / 2 ** 32 >= (this.#options.loss ?? 0)
  }

  #rtcp(bytes: Uint8Array): void {
    for (const packet of parseRtcp(bytes)) {
      if (packet.kind === 'senderReport') this.#media.find(({ ssrc }) => ssrc === packet.ssrc)?.reports.push(packet)
      if (packet.kind !== 'bye') continue
      for (const medium of this.#media) if (packet.ssrcs.includes(medium.ssrc)) medium.ended = true
    }
  }

  #tick(): void {
    for (const { ssrc, missing, answered } of this.#media) {
      if (missing.size > 0 && answered.feedback.includes('nack')) this.#transport.send(nack(ssrc, [...missing]))
    }
    if (this.#options.reports === false || performance.now() - this.#reportedMs < REPORT_EVERY_MS) return
    this.#reportedMs = performance.now()
    this.#transport.send(writeReceiverReport(OWN_SSRC, [], 'scripted'))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#transport[Symbol.dispose]()
  }
}

/** RFC 4585 §6.2.1, one entry a packet. */
function nack(ssrc: number, numbers: readonly number[]): Uint8Array {
  const few = numbers.slice(0, 200)
  const bytes = new Uint8Array(12 + 4 * few.length)
  bytes.set([0x81, 205, 0, 2 + few.length])
  put32(bytes, 4, OWN_SSRC)
  put32(bytes, 8, ssrc)
  for (const [i, number] of few.entries()) put32(bytes, 12 + 4 * i, (number & 0xffff) * 65_536)
  return bytes
}
