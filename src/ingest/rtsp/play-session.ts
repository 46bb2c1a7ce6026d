import type { Socket } from 'node:dgram'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Logger } from '#base/runtime.ts'
import type { Stream, StreamEnd } from '#hub/stream.ts'
import { type StreamItem, StreamQueue } from '#hub/stream-queue.ts'
import { TrackSender } from '#ingest/rtp/track-sender.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import { type Pair, parseTransport, type TransportSpec } from '#protocols/rtsp/transport.ts'
import { RtspIdleError, RtspRequestError, RtspTransportError } from './errors.ts'
import { type OfferedTrack, offeredTracks, trackIdOf } from './offer.ts'
import type { Peer, RtspSession, Surroundings } from './peer.ts'
import { interleaved } from './publish-session.ts'
import type { UdpPair } from './udp-ports.ts'

/** Media waiting for a slow player: about ten seconds of 5 Mbit/s. What does not fit is lost in whole GOPs. */
const QUEUE_BYTES = 6 * 1024 * 1024

/** Bytes handed to the socket and not yet sent; beyond it the queue waits (and bounds). */
const MAX_UNSENT_BYTES = 512 * 1024

/**
 * Sent over UDP at once: receivers have buffers for some 90 packets, and one key frame may be more, all the more what a
 * GOP brings at the beginning.
 */
const BURST_BYTES = 48 * 1024
const BURST_EVERY_MS = 5

/** How often players are told which moment of the wall clock is sent. RFC 3550 §6.2. */
const REPORT_EVERY_MS = 5_000

/** Payload of a packet: with every header around it, it passes networks of 1500 bytes, tunnels included. */
const MAX_PAYLOAD_BYTES = 1400

/** Room before each packet for the head of an interleaved frame. */
const FRAME_HEAD_BYTES = 4

type Way = { readonly channels: Pair } | { readonly udp: UdpPair }

interface PlayedTrack {
  readonly offer: OfferedTrack
  readonly sender: TrackSender
  readonly way: Way
  reportedMs: number
}

/** One player of one stream: starts at the remembered random access point, then follows live. */
export class PlaySession implements RtspSession {
  readonly kind = 'play'
  readonly id: string
  readonly path: string
  readonly #peer: Peer
  readonly #stream: Stream
  readonly #surroundings: Surroundings
  readonly #log: Logger
  readonly #offers: readonly OfferedTrack[]
  readonly #tracks = new Map<number, PlayedTrack>()
  readonly #owned = new DisposableStack()
  #queue: StreamQueue | undefined
  #items: StreamItem[] = []
  #nextItem = 0
  /** Datagrams of one access unit, on their way. */
  readonly #datagrams: { readonly socket: Socket; readonly bytes: Uint8Array }[] = []
  #nextDatagram = 0
  #batch: Uint8Array[] = []
  #batchBytes = 0
  #isPlaying = false
  /** After a pause: up to the next random access point nothing can be shown. */
  #waitsForStart = false
  #isScheduled = false
  #isEnded = false
  /** Everything was sent that there will be. */
  #isOver = false
  #usesUdp = false
  /** Wall clock of the stream's zero, by the first access unit sent. */
  #zeroWallClockMs: number | undefined
  #lastActivityMs: number

  constructor(options: {
    readonly id: string
    readonly stream: Stream
    readonly peer: Peer
    readonly surroundings: Surroundings
  }) {
    const { id, stream, peer, surroundings } = options
    this.id = id
    this.path = stream.path
    this.#peer = peer
    this.#stream = stream
    this.#surroundings = surroundings
    this.#log = surroundings.runtime.log.child({ stream: stream.path })
    this.#lastActivityMs = surroundings.runtime.monotonicMs()
    this.#offers = offeredTracks(stream)
  }

  get isActive(): boolean {
    return this.#isPlaying
  }

  async setup(uri: string, transport: string) {
    if (this.#queue !== undefined) throw new RtspRequestError('SETUP', 455, 'playing has begun')
    const trackId = trackIdOf(uri)
    const offer = this.#offers.find(({ format }) => format.trackId === trackId) ?? this.#onlyOffer(trackId)
    if (offer === undefined) throw new RtspRequestError('SETUP', 404, 'the stream has no such track')
    if (this.#tracks.has(offer.format.trackId)) throw new RtspRequestError('SETUP', 455, 'this track was set up before')
    for (const spec of parseTransport(transport)) {
      if (spec.isMulticast || !spec.profile.startsWith('RTP/AVP')) continue
      if (spec.lower === 'tcp') return this.#setupChannels(offer, spec)
      const { udpPorts } = this.#surroundings
      const { clientPorts } = spec
      if (udpPorts === undefined || clientPorts === undefined) continue
      return await this.#setupUdp(offer, clientPorts, udpPorts.open(this.#peer.localAddress))
    }
    throw new RtspTransportError(transport, this.#surroundings.udpPorts === undefined)
  }

  #onlyOffer(trackId: number | undefined): OfferedTrack | undefined {
    return trackId === undefined && this.#offers.length === 1 ? this.#offers[0] : undefined
  }

  #setupChannels(offer: OfferedTrack, { interleaved: wanted }: TransportSpec) {
    const taken = [...this.#tracks.values()].flatMap(({ way }) => ('channels' in way ? way.channels : []))
    const isUsable = wanted !== undefined && wanted[0] !== wanted[1] && !wanted.some((each) => taken.includes(each))
    const next = 2 * this.#tracks.size
    const channels: Pair = isUsable ? wanted : [next, next + 1]
    if (!isUsable && taken.includes(next)) throw new RtspRequestError('SETUP', 400, 'the channels are taken')
    return { lower: 'tcp', interleaved: channels, ssrc: this.#add(offer, { channels }) } as const
  }

  async #setupUdp(offer: OfferedTrack, clientPorts: Pair, opening: Promise<UdpPair>) {
    const udp = await opening
    if (this.#isEnded) {
      udp[Symbol.dispose]()
      throw new RtspRequestError('SETUP', 454, 'the session has ended')
    }
    this.#owned.use(udp)
    // Connected: nobody else's datagrams come in, and sending needs no look-up. Only ever to the one who asks.
    udp.rtp.connect(clientPorts[0], this.#peer.remoteAddress)
    udp.rtcp.connect(clientPorts[1], this.#peer.remoteAddress)
    udp.rtcp.on('message', () => this.touch(this.#surroundings.runtime.monotonicMs()))
    this.#usesUdp = true
    return { lower: 'udp', clientPorts, serverPorts: udp.ports, ssrc: this.#add(offer, { udp }) } as const
  }

  #add(offer: OfferedTrack, way: Way): number {
    const { format, payloadFormat, payloadType } = offer
    const sender = new TrackSender({
      format,
      payloadFormat,
      payloadType,
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
      headroomBytes: FRAME_HEAD_BYTES,
    })
    this.#tracks.set(offer.format.trackId, { offer, sender, way, reportedMs: Number.NEGATIVE_INFINITY })
    return sender.ssrc
  }

  /** Begins or goes on, always live. Gives the value of RTP-Info. @throws {RtspRequestError} nothing is set up */
  play(base: string): string {
    if (this.#tracks.size === 0) throw new RtspRequestError('PLAY', 455, 'no track was set up')
    if (this.#isPlaying) return this.#rtpInfo(base)
    this.#isPlaying = true
    if (this.#queue === undefined) {
      this.#queue = new StreamQueue(QUEUE_BYTES, () => this.#schedule())
      this.#owned.use(this.#queue)
      this.#owned.use(this.#stream.attach(this.#queue, { from: 'memory', live: true }))
      this.#log.info({ event: 'rtsp.play-started' }, 'player accepted')
    } else {
      this.#waitsForStart = true
    }
    return this.#rtpInfo(base)
  }

  /** RFC 2326 §12.33; without times, which sender reports tell better. */
  #rtpInfo(base: string): string {
    return [...this.#tracks.values()]
      .map(({ offer, sender }) => `url=${base}/${offer.control};seq=${sender.sequenceNumber}`)
      .join(',')
  }

  /** While paused nothing is sent; what comes meanwhile is dropped, so that playing goes on live. */
  pause(): void {
    this.#isPlaying = false
  }

  /** Receiver reports: the player is there. */
  frame(channel: number, _bytes: Uint8Array, _start: number, _end: number, arrivalMs: number): boolean {
    this.touch(arrivalMs)
    return [...this.#tracks.values()].some(({ way }) => 'channels' in way && way.channels.includes(channel))
  }

  touch(nowMs: number): void {
    this.#lastActivityMs = nowMs
  }

  drained(): void {
    this.#schedule()
  }

  check(nowMs: number): void {
    const { sessionTimeoutMs } = this.#surroundings.limits
    const idleMs = nowMs - this.#lastActivityMs
    // Over TCP the connection itself tells whether somebody takes what is sent.
    const mayBeSilent = this.#isPlaying && !this.#usesUdp
    if (!mayBeSilent && idleMs > sessionTimeoutMs) throw new RtspIdleError(idleMs, 'rtsp.sessionTimeoutMs')
    this.#leaveWhenOver()
  }

  /** Items arrive on the publisher's call: they are sent afterwards, many at once. */
  #schedule(): void {
    if (this.#isScheduled || this.#isEnded) return
    this.#isScheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    if (this.#isEnded) return
    try {
      this.#flush()
    } catch (error) {
      this.#peer.fail(error)
    }
  }

  #flush(): void {
    let burstBytes = this.#usesUdp ? this.#burstBytes() : Number.POSITIVE_INFINITY
    while (this.#peer.unsentBytes <= MAX_UNSENT_BYTES) {
      burstBytes -= this.#sendDatagrams(burstBytes)
      if (burstBytes <= 0) {
        this.#isScheduled = true
        setTimeout(() => this.#run(), BURST_EVERY_MS)
        break
      }
      const item = this.#takeNext()
      if (item === undefined) break
      this.#send(item)
      if (this.#isEnded) return
      if (this.#batchBytes > MAX_UNSENT_BYTES / 4) this.#writeBatch()
    }
    this.#writeBatch()
    this.#leaveWhenOver()
  }

  /** Sends what is on its way, up to a bound; gives the bytes. */
  #sendDatagrams(maxBytes: number): number {
    let sentBytes = 0
    while (this.#nextDatagram < this.#datagrams.length && sentBytes < maxBytes) {
      const datagram = this.#datagrams[this.#nextDatagram++]
      datagram?.socket.send(datagram.bytes, () => {})
      sentBytes += datagram?.bytes.length ?? 0
    }
    if (this.#nextDatagram === this.#datagrams.length) {
      this.#datagrams.length = 0
      this.#nextDatagram = 0
    }
    return sentBytes
  }

  /** Never less than twice what the stream brings in the time. */
  #burstBytes(): number {
    return Math.max(BURST_BYTES, (this.#stream.bitrate.bitsPerSecond / 8000) * BURST_EVERY_MS * 2)
  }

  #takeNext(): StreamItem | undefined {
    if (this.#nextItem >= this.#items.length) {
      this.#items = this.#queue?.takeAll() ?? []
      this.#nextItem = 0
    }
    return this.#items[this.#nextItem++]
  }

  #send(item: StreamItem): void {
    switch (item.kind) {
      case 'format': {
        const track = this.#tracks.get(item.format.trackId)
        if (track === undefined || track.sender.continues(item.format)) return
        this.#peer.disconnect({ cause: 'unpublished', message: 'the stream has become another one: ask for it again' })
        return
      }
      case 'accessUnit': {
        const { accessUnit, startsGop } = item
        if (startsGop) this.#waitsForStart = false
        if (this.#isPlaying && !this.#waitsForStart) this.#sendAccessUnit(accessUnit)
        accessUnit.release()
        return
      }
      case 'data':
        return // for which RTSP has no place
      case 'lost': {
        const { accessUnits, bytes } = item
        this.#log.warn({ event: 'rtsp.player-lagging', accessUnits, bytes }, 'player too slow, whole GOPs dropped')
        return
      }
      case 'ended': {
        const zeroMs = this.#zeroWallClockMs ?? this.#surroundings.runtime.nowMs()
        for (const { sender, way } of this.#tracks.values()) this.#sendReport(way, sender.goodbye(zeroMs))
        this.#isOver = true
        return
      }
    }
  }

  #sendAccessUnit(accessUnit: AccessUnit): void {
    const { format, dts, pts } = accessUnit
    const track = this.#tracks.get(format.trackId)
    if (track === undefined) return
    const { runtime } = this.#surroundings
    this.#zeroWallClockMs ??= runtime.nowMs() - (dts * 1000) / format.timescale
    const { sender, way } = track
    const nowMs = runtime.monotonicMs()
    // The first one before any media: FFmpeg times what comes before it by guess, and then jumps.
    if (nowMs - track.reportedMs >= REPORT_EVERY_MS) {
      track.reportedMs = nowMs
      this.#sendReport(way, sender.report(this.#zeroWallClockMs, pts / format.timescale))
    }
    try {
      if ('channels' in way) {
        const [channel] = way.channels
        sender.packetize(accessUnit, (framed) => this.#putFrame(channel, framed))
      } else {
        const socket = way.udp.rtp
        sender.packetize(accessUnit, (framed) => {
          this.#datagrams.push({ socket, bytes: framed.subarray(FRAME_HEAD_BYTES) })
        })
      }
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.#log.debug({ event: 'rtsp.play-skipped', reason: errorMessage(error) })
    }
  }

  #putFrame(channel: number, framed: Uint8Array): void {
    const bytes = framed.length - FRAME_HEAD_BYTES
    framed[0] = 0x24
    framed[1] = channel
    framed[2] = bytes >>> 8
    framed[3] = bytes
    this.#put(framed)
  }

  #sendReport(way: Way, report: Uint8Array): void {
    if ('channels' in way) this.#put(interleaved(way.channels[1], report))
    else this.#datagrams.push({ socket: way.udp.rtcp, bytes: report })
  }

  #put(bytes: Uint8Array): void {
    this.#batch.push(bytes)
    this.#batchBytes += bytes.length
  }

  #writeBatch(): void {
    if (this.#batchBytes === 0) return
    this.#peer.write(Buffer.concat(this.#batch, this.#batchBytes))
    this.#batch = []
    this.#batchBytes = 0
  }

  /** RTSP has no word for it: the connection ends when the goodbyes are out. */
  #leaveWhenOver(): void {
    if (!this.#isOver || this.#peer.unsentBytes > 0 || this.#datagrams.length > 0) return
    this.#peer.disconnect({ cause: 'unpublished', message: 'the stream ended' })
  }

  end(end: StreamEnd): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#isPlaying = false
    for (const item of this.#items.slice(this.#nextItem)) if (item.kind === 'accessUnit') item.accessUnit.release()
    this.#items = []
    this.#owned[Symbol.dispose]()
    this.#log.info({ event: 'rtsp.play-ended', cause: end.cause }, end.message)
  }
}
