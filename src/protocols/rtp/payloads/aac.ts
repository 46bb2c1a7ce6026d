import { TapedeckError } from '#base/error.ts'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import { BitReader } from '#media/bits.ts'
import type { RtpPacket } from '../packet.ts'
import { put32 } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, Packetizer, PayloadFormat, UnitSink } from './payload-format.ts'

/** RTP payload format for MPEG-4 elementary streams, as AAC uses it (RFC 3640 §3.3.5 and §3.3.6). */
export const aacPayload: PayloadFormat = {
  encoding: 'MPEG4-GENERIC',
  codec: 'aac',
  kind: 'audio',
  depacketizer: (options) => new AacDepacketizer(options),
  packetizer: () => new AacPacketizer(),
  clockRateHz: (format) => (format.kind === 'audio' ? format.sampleRateHz : format.timescale),
  parameters(format) {
    const config = Buffer.from(format.configuration).toString('hex')
    return `streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=${config}`
  },
}

/** Field lengths of the two modes, where the description leaves them out. */
const LENGTHS = { 'aac-hbr': [13, 3, 3], 'aac-lbr': [6, 2, 2] } as const

/** One AU header of a packet, in bits. */
interface HeaderLengths {
  readonly size: number
  readonly index: number
  readonly indexDelta: number
}

class AacDepacketizer implements Depacketizer {
  readonly #sink: UnitSink
  readonly #lengths: HeaderLengths
  /** Ticks of one access unit; 0 while unknown. */
  readonly #unitTicks: number
  #configure: (() => void) | undefined
  /** Bytes of a fragmented access unit that are still to come, and its time. */
  #missingBytes = 0
  #timestamp = 0
  #followsLoss = false

  constructor({ sink, parameters, clockRateHz, configured }: DepacketizerOptions) {
    this.#sink = sink
    const mode = parameters.get('mode')?.toLowerCase() === 'aac-lbr' ? 'aac-lbr' : 'aac-hbr'
    const [size, index, delta] = LENGTHS[mode]
    const length = (name: string, fallback: number) => {
      const value = Number(parameters.get(name) ?? fallback)
      return Number.isInteger(value) && value >= 0 && value <= 32 ? value : fallback
    }
    this.#lengths = {
      size: length('sizelength', size),
      index: length('indexlength', index),
      indexDelta: length('indexdeltalength', delta),
    }
    const configuration = new Uint8Array(Buffer.from(parameters.get('config') ?? '', 'hex'))
    this.#unitTicks = unitTicks(configuration, clockRateHz)
    this.#configure = configuration.length < 2 ? undefined : () => configured(configuration, {})
  }

  push(packet: RtpPacket, lostBefore: number): void {
    const { bytes, payloadStart, payloadEnd, timestamp } = packet
    if (lostBefore > 0) {
      this.#followsLoss = true
      this.#breakFragment()
    }
    const headersBits = ((bytes[payloadStart] ?? 0) << 8) | (bytes[payloadStart + 1] ?? 0)
    let at = payloadStart + 2 + Math.ceil(headersBits / 8)
    if (payloadEnd - payloadStart < 2 || at > payloadEnd) return
    this.#configure?.()
    this.#configure = undefined
    let time = timestamp
    for (const unitBytes of this.#sizes(bytes.subarray(payloadStart + 2, at), headersBits)) {
      if (this.#missingBytes === 0) this.#timestamp = time
      const end = Math.min(payloadEnd, at + (this.#missingBytes > 0 ? this.#missingBytes : unitBytes))
      const isWhole = this.#missingBytes > 0 ? end - at === this.#missingBytes : end - at === unitBytes
      this.#sink.append(bytes, at, end)
      if (isWhole) this.#finish(false)
      else this.#missingBytes = (this.#missingBytes > 0 ? this.#missingBytes : unitBytes) - (end - at)
      at = end
      time = (time + this.#unitTicks) >>> 0
      if (!isWhole) return
    }
  }

  flush(): void {
    this.#breakFragment()
  }

  #breakFragment(): void {
    if (this.#missingBytes === 0) return
    if (this.#sink.length > 0) this.#finish(true)
    this.#missingBytes = 0
  }

  #finish(isDamaged: boolean): void {
    this.#missingBytes = 0
    if (this.#sink.length === 0) return
    this.#sink.finish({ rtpTimestamp: this.#timestamp, isDamaged, followsLoss: this.#followsLoss })
    this.#followsLoss = false
  }

  /** Sizes of the access units of a packet; interleaving, which nobody uses for live sound, is read as order. */
  #sizes(headers: Uint8Array, bits: number): number[] {
    const { size, index, indexDelta } = this.#lengths
    const sizes: number[] = []
    const reader = new BitReader(headers, 'AU headers')
    for (let left = bits; left >= size + (sizes.length === 0 ? index : indexDelta) && size > 0; ) {
      const skipped = sizes.length === 0 ? index : indexDelta
      sizes.push(reader.u(size))
      reader.skip(skipped)
      left -= size + skipped
    }
    return sizes
  }
}

function unitTicks(configuration: Uint8Array, clockRateHz: number): number {
  try {
    const { samplesPerAccessUnit, outputSampleRateHz } = parseAudioSpecificConfig(configuration)
    return Math.round((samplesPerAccessUnit * clockRateHz) / outputSampleRateHz)
  } catch (error) {
    if (error instanceof TapedeckError) return 0
    throw error
  }
}

class AacPacketizer implements Packetizer {
  packetize(
    accessUnit: Uint8Array,
    maxPayloadBytes: number,
    emit: (payload: Uint8Array, marker: boolean) => void,
  ): void {
    const room = maxPayloadBytes - 4
    for (let at = 0; at < accessUnit.length; at += room) {
      const piece = accessUnit.subarray(at, at + room)
      const payload = new Uint8Array(4 + piece.length)
      // 16 bits of headers: the size of the whole access unit in 13, an index of 0 in 3.
      put32(payload, 0, (16 << 16) | ((accessUnit.length << 3) & 0xffff))
      payload.set(piece, 4)
      emit(payload, at + room >= accessUnit.length)
    }
  }
}
