import { makeAudioFormat, makeVideoFormat } from '#media/format.ts'
import { H264_RECORDS } from '#media/h264/vectors.test-data.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { h264Payload } from '#protocols/rtp/payloads/h264.ts'

/** H.264 without reordered pictures, as RTP has it. */
export const H264 = makeVideoFormat({
  trackId: 1,
  timescale: 90_000,
  codec: 'h264',
  configuration: new Uint8Array(Buffer.from(H264_RECORDS[1].avcC, 'hex')),
})

/** The same codec with other parameter sets. */
export const OTHER_H264 = makeVideoFormat({
  trackId: 1,
  timescale: 90_000,
  codec: 'h264',
  configuration: new Uint8Array(Buffer.from(H264_RECORDS[0].avcC, 'hex')),
})

/** AAC-LC, 48 kHz, stereo. */
export const AAC = makeAudioFormat({
  trackId: 2,
  timescale: 48_000,
  codec: 'aac',
  configuration: Uint8Array.of(0x11, 0x90),
})

/** A session description as FFmpeg announces H.264, and whatever comes after it. */
export function videoDescription(...more: readonly string[]): string {
  return [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=a test',
    't=0 0',
    'm=video 0 RTP/AVP 96',
    'a=rtpmap:96 H264/90000',
    `a=fmtp:96 ${h264Payload.parameters(H264)}`,
    'a=control:streamid=0',
    ...more,
    '',
  ].join('\r\n')
}

/** An access unit with one slice. */
export function picture(kind: 'key' | 'inter', bytes: number, fill: number): Uint8Array {
  const unit = new Uint8Array(bytes).fill(fill)
  unit.set([kind === 'key' ? 0x65 : 0x41, 0x80 | fill])
  return joinLengthPrefixed([unit])
}

/** Packets of a camera with one video track: sequence numbers and timestamps go on from call to call. */
export class TestCamera {
  readonly ssrc: number
  #sequenceNumber: number

  constructor(ssrc = 0x1234, sequenceNumber = 0xfffe) {
    this.ssrc = ssrc
    this.#sequenceNumber = sequenceNumber
  }

  packets(accessUnit: Uint8Array, atMs: number, maxPayloadBytes = 100): Uint8Array[] {
    const packets: Uint8Array[] = []
    h264Payload.packetizer(H264).packetize(accessUnit, maxPayloadBytes, (payload, marker) => {
      const { ssrc } = this
      const sequenceNumber = this.#sequenceNumber++ & 0xffff
      packets.push(writeRtpPacket({ payloadType: 96, marker, sequenceNumber, timestamp: atMs * 90, ssrc }, payload))
    })
    return packets
  }
}
