import { TapedeckError } from '#base/error.ts'
import { bytesEqual, copyOf } from '#media/bytes.ts'
import { mpeg4HeadersOf, parseMpeg4Headers } from '#media/mpeg4/headers.ts'
import { nextStartCode } from '#media/mpeg4/start-codes.ts'
import type { RtpPacket } from '../packet.ts'
import type { Depacketizer, DepacketizerOptions, EmitPayload, Packetizer, PayloadFormat } from './payload-format.ts'
import { UnitJoiner } from './unit-joiner.ts'

/** RTP payload format for MPEG-4 part 2 video (RFC 6416 §5): the bitstream as it is, one VOP to a timestamp. */
export const mp4vPayload: PayloadFormat = {
  encoding: 'MP4V-ES',
  codec: 'mpeg4',
  kind: 'video',
  depacketizer: (options) => new Mp4vDepacketizer(options),
  packetizer: () => new Mp4vPacketizer(),
  clockRateHz: () => 90_000,
  parameters({ configuration }) {
    const { profileLevel } = parseMpeg4Headers(configuration)
    const config = `config=${Buffer.from(configuration).toString('hex')}`
    return profileLevel === undefined ? config : `profile-level-id=${profileLevel};${config}`
  },
}

class Mp4vDepacketizer implements Depacketizer {
  readonly #joiner: UnitJoiner
  readonly #configured: DepacketizerOptions['configured']
  #configuration: Uint8Array | undefined

  constructor({ sink, parameters, configured }: DepacketizerOptions) {
    this.#joiner = new UnitJoiner(sink)
    this.#configured = configured
    const config = parameters.get('config')
    if (config !== undefined) this.#take(new Uint8Array(Buffer.from(config, 'hex')))
  }

  push({ bytes, payloadStart, payloadEnd, timestamp, marker }: RtpPacket, lostBefore: number): void {
    if (payloadStart === payloadEnd) return
    const isStart = nextStartCode(bytes, payloadStart, Math.min(payloadEnd, payloadStart + 4)) === payloadStart
    const begins = this.#joiner.packet(timestamp, lostBefore, isStart)
    // Headers in the media stand before the first picture they are about, and are shorter than a packet.
    if (begins && isStart) {
      const headers = mpeg4HeadersOf(bytes.subarray(payloadStart, payloadEnd))
      if (headers !== undefined) this.#take(headers)
    }
    this.#joiner.append(bytes, payloadStart, payloadEnd)
    if (marker) this.#joiner.end()
  }

  flush(): void {
    this.#joiner.end()
  }

  #take(headers: Uint8Array): void {
    if (this.#configuration !== undefined && bytesEqual(this.#configuration, headers)) return
    try {
      parseMpeg4Headers(headers)
      const configuration = copyOf(headers)
      this.#configured(configuration, {})
      this.#configuration = configuration
    } catch (error) {
      // A wrong description is as good as none: a right one may come with the media.
      if (!(error instanceof TapedeckError)) throw error
    }
  }
}

class Mp4vPacketizer implements Packetizer {
  packetize(accessUnit: Uint8Array, maxPayloadBytes: number, emit: EmitPayload): void {
    for (let at = 0; at < accessUnit.length; at += maxPayloadBytes) {
      emit(accessUnit.subarray(at, at + maxPayloadBytes), at + maxPayloadBytes >= accessUnit.length)
    }
  }
}
