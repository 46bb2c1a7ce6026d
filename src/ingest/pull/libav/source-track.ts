import { Buffer } from 'node:buffer'
import { AV_NOPTS_VALUE, AV_PKT_DATA_NEW_EXTRADATA, AV_PKT_FLAG_CORRUPT } from 'node-av/constants'
import type { Packet, Stream } from 'node-av/lib'
import { TapedeckError } from '#base/error.ts'
import { type Codec, isVideoCodec } from '#media/codec.ts'
import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import type { InBandDescription } from '#media/in-band.ts'
import { randomAccessCheck } from '#media/random-access.ts'
import type { MediaTaker } from './frame-writer.ts'
import { type PayloadForm, payloadForm } from './payload-form.ts'
import { TickUnwrapper } from './tick-unwrapper.ts'
import { MAX_UNIT_BYTES, type TrackFrame } from './wire.ts'

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

  take(packet: Packet): void {
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
    this.#isRandomAccess = randomAccessCheck(
      isVideoCodec(codec) ? makeVideoFormat({ ...made, codec }) : makeAudioFormat({ ...made, codec }),
    )
    this.#writer.track(track)
  }
}

function copied(bytes: Buffer | null): Uint8Array {
  return bytes === null ? new Uint8Array(0) : Uint8Array.from(bytes)
}
