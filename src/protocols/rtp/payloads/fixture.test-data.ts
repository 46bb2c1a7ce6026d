import { strict as assert } from 'node:assert'
import { RtpPacket, writeRtpPacket } from '../packet.ts'
import { ArraySink } from './array-sink.test-data.ts'
import type { FormatHints, PayloadFormat } from './payload-format.ts'

export interface ReceiverOptions {
  /** As in `a=fmtp`, without the payload type. */
  readonly parameters?: string
  readonly clockRateHz?: number
  readonly channels?: number
}

/** A depacketizer, what it made, and a way to feed it. */
export function makeReceiver(format: PayloadFormat, options: ReceiverOptions = {}) {
  const { parameters = '', clockRateHz = 90_000, channels = 1 } = options
  const sink = new ArraySink()
  const configurations: { readonly configuration: Uint8Array; readonly hints: FormatHints }[] = []
  const depacketizer = format.depacketizer({
    parameters: fmtp(parameters),
    clockRateHz,
    channels,
    sink,
    configured: (configuration, hints) => configurations.push({ configuration, hints }),
  })
  const push = (payload: Uint8Array, timestamp: number, marker = false, lostBefore = 0) => {
    const packet = new RtpPacket()
    const header = { payloadType: 96, marker, sequenceNumber: 0, timestamp, ssrc: 1 }
    assert.ok(packet.parse(writeRtpPacket(header, payload)))
    depacketizer.push(packet, lostBefore)
  }
  return { sink, depacketizer, push, configurations }
}

/** The parameters of an `a=fmtp` line. */
export function fmtp(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(';').filter((each) => each !== '')
  return new Map(
    pairs.map((each) => {
      const at = each.indexOf('=')
      return [each.slice(0, at).trim().toLowerCase(), each.slice(at + 1).trim()]
    }),
  )
}

/** One packet to be. */
export interface SentPayload {
  readonly payload: Uint8Array
  readonly marker: boolean
  readonly laterTicks: number
}

/** The payloads of an access unit, none larger than allowed. */
export function payloadsOf(
  packetizer: ReturnType<PayloadFormat['packetizer']>,
  accessUnit: Uint8Array,
  maxPayloadBytes: number,
): SentPayload[] {
  const payloads: SentPayload[] = []
  packetizer.packetize(accessUnit, maxPayloadBytes, (payload, marker, laterTicks = 0) => {
    assert.ok(payload.length <= maxPayloadBytes, `${payload.length} bytes, more than ${maxPayloadBytes}`)
    payloads.push({ payload: payload.slice(), marker, laterTicks })
  })
  return payloads
}
