import { Buffer } from 'node:buffer'
import { AV_NOPTS_VALUE, AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_FLAG_CORRUPT } from 'node-av/constants'
import type { Packet, Stream } from 'node-av/lib'
import { TapedeckError } from '#base/error.ts'
import { type Codec, isVideoCodec } from '#media/codec.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { InBandDescription } from '#media/in-band.ts'
import { randomAccessCheck } from '#media/random-access.ts'
import { reorderDepth } from '#media/reorder-depth.ts'
import type { TrackFormat } from '#media/track.ts'
import type { MediaTaker } from './frame-writer.ts'
import { type PayloadForm, payloadForm } from './payload-form.ts'
import { TickUnwrapper } from './tick-unwrapper.ts'
import { MAX_UNIT_BYTES, type TrackFrame } from './wire.ts'

/** Encoders reorder less than this, and who waits for more pictures waits too long. */
const MAX_FIRST_PICTURES = 8

/** Codecs whose pictures may be decoded in another order than they are shown in. */
const REORDERING: ReadonlySet<Codec> = new Set<Codec>(['h264', 'h265', 'mpeg4'])

/** One track of a source: its packets → frames for the server. */
export class SourceTrack {
  readonly #stream: Stream
  readonly #codec: Codec
  readonly #trackId: number
  readonly #writer: MediaTaker
  readonly #isLossy: boolean
  readonly #timescale: number
  /** Ticks of a unit of libavformat's time base: 1, but in AVI. */
  readonly #unitTicks: number
  readonly #unwrapper = new TickUnwrapper()
  readonly #head = { trackId: 0, dts: 0, pts: 0, isRandomAccess: false, isDamaged: false, isUnusable: false }
  #form: PayloadForm
  #isRandomAccess: ((payload: Uint8Array) => boolean) | undefined
  #lastDts = -1
  /** Kept until it is clear when they are decoded; undefined once it was. */
  #firstPictures: Packet[] | undefined = []
  /** Unknown before the configuration is. */
  #reorderDepth = Number.POSITIVE_INFINITY
  #wasMarked = false

  constructor(options: { stream: Stream; codec: Codec; trackId: number; writer: MediaTaker; isLossy: boolean }) {
    const { stream, codec, trackId, writer, isLossy } = options
    this.#isLossy = isLossy
    this.#stream = stream
    this.#codec = codec
    this.#trackId = trackId
    this.#writer = writer
    this.#head.trackId = trackId
    this.#timescale = stream.timeBase.den
    this.#unitTicks = stream.timeBase.num
    this.#form = this.#makeForm(copied(stream.codecpar.extradata))
  }

  /** Where a packet lies on the source's clock, milliseconds; undefined when it doesn't say. */
  positionMs(packet: Packet): number | undefined {
    const ticks = packet.dts === AV_NOPTS_VALUE ? packet.pts : packet.dts
    return ticks === AV_NOPTS_VALUE ? undefined : (Number(ticks) * this.#unitTicks * 1000) / this.#timescale
  }

  /** What is needed later is kept. */
  take(packet: Packet): void {
    const first = this.#firstPictures
    if (first === undefined || (first.length === 0 && !this.#mayBeMisdated(packet))) {
      this.#firstPictures = undefined
      this.#take(packet)
      return
    }
    const kept = packet.clone()
    if (kept !== null) first.push(kept)
    if (first.length >= Math.min(MAX_FIRST_PICTURES, this.#reorderDepth + 2)) this.flush()
  }

  /** Nothing more comes, or enough has. */
  flush(): void {
    const packets = this.#firstPictures ?? []
    this.#firstPictures = undefined
    date(packets)
    for (const packet of packets) {
      this.#take(packet)
      packet.free()
    }
  }

  /** Pictures are reordered, and the first says only when it is shown. */
  #mayBeMisdated({ dts, pts }: Packet): boolean {
    return REORDERING.has(this.#codec) && this.#reorderDepth > 0 && pts !== AV_NOPTS_VALUE && dts <= pts
      ? dts === AV_NOPTS_VALUE || dts === pts
      : false
  }

  #take(packet: Packet): void {
    const { data } = packet
    if (data === null || data.length === 0) return
    const extradata = packet.getSideData(AV_PKT_DATA_NEW_EXTRADATA)
    if (extradata !== null && extradata.length > 0) this.#form = this.#makeForm(copied(extradata))
    this.#setTimes(packet)
    const isMarked = this.#isLossy && packet.hasFlags(AV_PKT_FLAG_CORRUPT)
    // libavformat's parsers hand a picture over when the next has come, and mark it with what befell that one.
    this.#head.isDamaged = isMarked || this.#wasMarked
    this.#wasMarked = isMarked
    try {
      this.#form(data, packet.isKeyframe)
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      // One damaged access unit is no reason to lose the others: it is passed on as what it is, so that it counts.
      this.#head.isUnusable = true
      this.#send(data, 0)
      this.#head.isUnusable = false
    }
  }

  #makeForm(extradata: Uint8Array): PayloadForm {
    return payloadForm({
      codecId: this.#stream.codecpar.codecId,
      extradata,
      timescale: this.#timescale,
      configured: (configuration, hints) => this.#configured(configuration, hints),
      unit: (payload, laterTicks) => this.#send(payload, laterTicks),
    })
  }

  #setTimes({ dts, pts, duration }: Packet): void {
    const known = dts === AV_NOPTS_VALUE ? pts : dts
    const raw = known === AV_NOPTS_VALUE ? this.#lastDts + Number(duration || 1n) * this.#unitTicks : undefined
    const decode = raw ?? Number(known) * this.#unitTicks
    const offset = raw === undefined ? this.#unwrapper.offset(decode, this.#timescale) : 0
    this.#head.dts = decode + offset
    this.#head.pts = pts === AV_NOPTS_VALUE ? this.#head.dts : Number(pts) * this.#unitTicks + offset
    this.#lastDts = this.#head.dts
  }

  #send(payload: Uint8Array, laterTicks: number): void {
    // Before its parameter sets nothing can be shown by anybody.
    if (this.#isRandomAccess === undefined || payload.length === 0 || payload.length > MAX_UNIT_BYTES) return
    const { dts, pts } = this.#head
    this.#head.dts = dts + laterTicks
    this.#head.pts = pts + laterTicks
    this.#head.isRandomAccess = this.#isRandomAccess(payload)
    this.#writer.accessUnit(this.#head, payload)
    this.#head.dts = dts
    this.#head.pts = pts
  }

  #configured(configuration: Uint8Array, hints: Partial<InBandDescription>): void {
    const { codecpar, metadata } = this.#stream
    const codec = this.#codec
    const track: TrackFrame = {
      trackId: this.#trackId,
      codec,
      timescale: this.#timescale,
      configuration: Buffer.from(configuration).toString('base64'),
      widthPixels: hints.widthPixels ?? codecpar.width,
      heightPixels: hints.heightPixels ?? codecpar.height,
      sampleRateHz: hints.sampleRateHz ?? codecpar.sampleRate,
      channels: hints.channels ?? codecpar.channels,
      language: metadata?.get('language') ?? '',
    }
    const made = { ...track, configuration }
    const format = isVideoCodec(codec) ? makeVideoFormat({ ...made, codec }) : makeAudioFormat({ ...made, codec })
    this.#isRandomAccess = randomAccessCheck(format)
    this.#reorderDepth = depthOf(format)
    this.#writer.track(track)
  }
}

/** What its parameter sets don't tell is waited for. */
function depthOf(format: TrackFormat): number {
  try {
    return reorderDepth(format)
  } catch (error) {
    if (error instanceof TapedeckError) return Number.POSITIVE_INFINITY
    throw error
  }
}

/**
 * Matroska, and some transport streams, say only when pictures are shown. libavformat reckons then when they are decoded;
 * of the first ones it can't, or says what later ones contradict: these are decoded in even steps before the first that
 * is right, or before the first that is shown.
 */
function date(packets: readonly Packet[]): void {
  let earliest: bigint | undefined
  const wrong = packets.findLastIndex(({ dts }) => {
    const isWrong = dts === AV_NOPTS_VALUE || (earliest !== undefined && dts >= earliest)
    if (!isWrong) earliest = dts
    return isWrong
  })
  const undated = packets.slice(0, wrong + 1)
  const shown = packets.map(({ pts }) => pts).toSorted((a, b) => (a < b ? -1 : 1))
  const [first = 0n, last = 0n] = [shown[0], shown.at(-1)]
  const end = packets[wrong + 1]?.dts ?? first
  const count = BigInt(packets.length)
  for (const [index, packet] of undated.entries()) {
    const step = packet.duration || (count > 1n ? (last - first) / (count - 1n) : 0n) || 1n
    const even = end - BigInt(undated.length - index) * step
    packet.dts = even < packet.pts ? even : packet.pts
  }
}

function copied(bytes: Buffer | null): Uint8Array {
  return bytes === null ? new Uint8Array(0) : Uint8Array.from(bytes)
}
