import { TapedeckError } from '#base/error.ts'
import { parseAudioSpecificConfig } from '#media/aac/audio-specific-config.ts'
import { buildStreamMuxConfig, readStreamMuxConfig, type StreamMuxConfig } from '#media/aac/stream-mux-config.ts'
import { BitReader } from '#media/bits.ts'
import { bytesEqual } from '#media/bytes.ts'
import type { RtpPacket } from '../packet.ts'
import type {
  Depacketizer,
  DepacketizerOptions,
  EmitPayload,
  Packetizer,
  PayloadFormat,
  UnitSink,
} from './payload-format.ts'
import { Scratch } from './scratch.ts'

/** RTP payload format for MPEG-4 audio in LATM (RFC 6416 §6): each marker ends an AudioMuxElement. */
export const latmPayload: PayloadFormat = {
  encoding: 'MP4A-LATM',
  codec: 'aac',
  kind: 'audio',
  depacketizer: (options) => new LatmDepacketizer(options),
  packetizer: () => new LatmPacketizer(),
  clockRateHz: (format) => (format.kind === 'audio' ? format.sampleRateHz : format.timescale),
  parameters(format) {
    const config = Buffer.from(buildStreamMuxConfig(format.configuration)).toString('hex')
    return `profile-level-id=1;cpresent=0;config=${config}`
  },
}

class LatmDepacketizer implements Depacketizer {
  readonly #sink: UnitSink
  readonly #clockRateHz: number
  readonly #configured: DepacketizerOptions['configured']
  readonly #isInBand: boolean
  readonly #element = new Scratch()
  #elementTimestamp = 0
  #isTorn = false
  #followsLoss = false
  #config: StreamMuxConfig | undefined
  #toldConfig: Uint8Array | undefined
  /** Ticks of one access unit; 0 while unknown. */
  #unitTicks = 0

  constructor({ sink, parameters, clockRateHz, configured }: DepacketizerOptions) {
    this.#sink = sink
    this.#clockRateHz = clockRateHz
    this.#configured = configured
    const config = parameters.get('config')
    // Left out it means 1 (RFC 6416 §7.3), but who describes the multiplex is not going to repeat it.
    this.#isInBand = (parameters.get('cpresent') ?? (config === undefined ? '1' : '0')) !== '0'
    if (config !== undefined) this.#readConfig(new Uint8Array(Buffer.from(config, 'hex')))
  }

  push({ bytes, payloadStart, payloadEnd, timestamp, marker }: RtpPacket, lostBefore: number): void {
    if (lostBefore > 0) {
      if (this.#element.length > 0) {
        this.#isTorn = true
        this.#endElement()
      }
      this.#followsLoss = true
    }
    // Without markers the timestamp tells elements apart.
    if (this.#element.length > 0 && this.#elementTimestamp !== timestamp) this.#endElement()
    if (payloadStart === payloadEnd) return
    this.#elementTimestamp = timestamp
    this.#element.append(bytes, payloadStart, payloadEnd)
    if (marker) this.#endElement()
  }

  flush(): void {
    if (this.#element.length > 0) this.#endElement()
  }

  #endElement(): void {
    try {
      if (!this.#element.overflowed) this.#readElement(this.#element.bytes)
    } catch (error) {
      if (!(error instanceof TapedeckError)) throw error
      this.#sink.abandon()
      this.#followsLoss = true
    }
    this.#element.clear()
    this.#isTorn = false
  }

  /** AudioMuxElement(), ISO/IEC 14496-3 table 1.41. @throws TapedeckError */
  #readElement(bytes: Uint8Array): void {
    const reader = new BitReader(bytes, 'AudioMuxElement')
    if (this.#isInBand && !reader.flag()) this.#take(readStreamMuxConfig(bytes, reader)) // useSameStreamMux
    const config = this.#config
    if (config === undefined) return
    for (let unit = 0; unit < config.accessUnits; unit++) {
      const unitBytes = config.fixedBytes || payloadLength(reader)
      const presentBytes = Math.min(unitBytes, reader.remainingBits >> 3)
      this.#append(bytes, reader, presentBytes)
      const isLast = unit === config.accessUnits - 1
      // What is shorter than its lengths say, or longer, is part of something whose beginning is missing.
      const isMisread = presentBytes < unitBytes || (isLast && !config.hasOtherData && reader.remainingBits >= 8)
      this.#finish(unit, this.#isTorn || isMisread)
      if (presentBytes < unitBytes) return
    }
  }

  #append(bytes: Uint8Array, reader: BitReader, count: number): void {
    if (reader.positionBits % 8 === 0) {
      const start = reader.positionBits / 8
      this.#sink.append(bytes, start, start + count)
      reader.skip(8 * count)
      return
    }
    const aligned = new Uint8Array(count)
    for (let i = 0; i < count; i++) aligned[i] = reader.u(8)
    this.#sink.append(aligned, 0, count)
  }

  #finish(unit: number, isDamaged: boolean): void {
    if (this.#sink.length === 0) return
    const rtpTimestamp = (this.#elementTimestamp + unit * this.#unitTicks) >>> 0
    this.#sink.finish({ rtpTimestamp, isDamaged, followsLoss: this.#followsLoss })
    this.#followsLoss = false
  }

  #readConfig(bytes: Uint8Array): void {
    try {
      this.#take(readStreamMuxConfig(bytes, new BitReader(bytes, 'StreamMuxConfig')))
    } catch (error) {
      // A wrong description is as good as none: one may come with the media.
      if (!(error instanceof TapedeckError)) throw error
    }
  }

  #take(config: StreamMuxConfig): void {
    const { audioSpecificConfig } = config
    this.#config = config
    if (this.#toldConfig !== undefined && bytesEqual(this.#toldConfig, audioSpecificConfig)) return
    const { samplesPerAccessUnit, outputSampleRateHz } = parseAudioSpecificConfig(audioSpecificConfig)
    this.#unitTicks = Math.round((samplesPerAccessUnit * this.#clockRateHz) / outputSampleRateHz)
    this.#configured(audioSpecificConfig, {})
    this.#toldConfig = audioSpecificConfig
  }
}

/** PayloadLengthInfo(), table 1.44: bytes of 255 and one of less add up. */
function payloadLength(reader: BitReader): number {
  let length = 0
  for (;;) {
    const part = reader.u(8) // tmp
    length += part
    if (part < 255) return length
  }
}

class LatmPacketizer implements Packetizer {
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    const lengthBytes = Math.floor(accessUnit.length / 255) + 1
    const element = new Uint8Array(lengthBytes + accessUnit.length).fill(255, 0, lengthBytes - 1)
    element[lengthBytes - 1] = accessUnit.length % 255
    element.set(accessUnit, lengthBytes)
    for (let at = 0; at < element.length; at += maxPayloadBytes) {
      emit(element.subarray(at, at + maxPayloadBytes), at + maxPayloadBytes >= element.length)
    }
  }
}
