import { strict as assert } from 'node:assert'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TrackFormat } from '#media/track.ts'
import { isRtcp, RtpPacket, writeRtpPacket } from '#protocols/rtp/packet.ts'
import { payloadFormat } from '#protocols/rtp/payloads/all.ts'
import { ArraySink } from '#protocols/rtp/payloads/array-sink.test-data.ts'
import { fmtp } from '#protocols/rtp/payloads/fixture.test-data.ts'
import type { FormatHints, PayloadFormat } from '#protocols/rtp/payloads/payload-format.ts'
import { staticPayload, staticPayloadType } from '#protocols/rtp/payloads/static-payloads.ts'
import { writeBye, writeReceiverReport } from '#protocols/rtp/rtcp.ts'

/** Packets of ours fit an Ethernet frame with room to spare. */
const MAX_PAYLOAD_BYTES = 1200
/** Kernel memory for what comes while this process is busy. */
const RECEIVE_BUFFER_BYTES = 1 << 20
const WAIT_MS = 60_000

/** What a session description says of its only stream. */
export interface Described {
  readonly encoding: string
  readonly clockRateHz: number
  readonly channels: number
  readonly parameters: ReadonlyMap<string, string>
}

/** Reads the first stream of a session description. */
export function described(sdp: string): Described {
  const payloadType = Number(/^m=\w+ \d+ \S+ (\d+)/m.exec(sdp)?.[1])
  const [, map] = new RegExp(`^a=rtpmap:${payloadType} (.*?)\\s*$`, 'm').exec(sdp) ?? []
  const [, parameters = ''] = new RegExp(`^a=fmtp:${payloadType} (.*?)\\s*$`, 'm').exec(sdp) ?? []
  if (map === undefined) {
    const known = staticPayload(payloadType)
    assert.ok(known !== undefined, sdp)
    return { ...known, parameters: new Map() }
  }
  const [encoding = '', clock, channels = '1'] = map.split('/')
  return { encoding, clockRateHz: Number(clock), channels: Number(channels), parameters: fmtp(parameters) }
}

/** Two neighbouring UDP ports, for RTP and RTCP, and everything that comes to the first. */
export class RtpPort implements Disposable {
  readonly port: number
  readonly datagrams: Uint8Array[] = []
  readonly #sockets: readonly Socket[]

  private constructor(port: number, sockets: readonly Socket[]) {
    this.port = port
    this.#sockets = sockets
    sockets[0]?.on('message', (datagram) => this.datagrams.push(Uint8Array.from(datagram)))
    for (const socket of sockets) socket.on('error', () => {}) // an ICMP answer to one of ours
  }

  static async open(): Promise<RtpPort> {
    for (;;) {
      const port = 20_000 + 2 * Math.floor(Math.random() * 20_000)
      const sockets = [createSocket('udp4'), createSocket('udp4')]
      try {
        for (const [index, socket] of sockets.entries()) {
          socket.bind(port + index, '127.0.0.1')
          await once(socket, 'listening')
        }
        sockets[0]?.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
        return new RtpPort(port, sockets)
      } catch {
        for (const socket of sockets) socket.close() // one of the two is somebody else's
      }
    }
  }

  /** Waits until nothing has come for a while. */
  async quiet(): Promise<void> {
    for (let before = -1; before !== this.datagrams.length; ) {
      before = this.datagrams.length
      await sleep(200)
    }
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close()
  }
}

/** What datagrams hold, depacketized. */
export interface Received {
  readonly format: PayloadFormat
  readonly units: ArraySink['units']
  readonly configurations: readonly { readonly configuration: Uint8Array; readonly hints: FormatHints }[]
}

/** Depacketizes what came, in the order it came, which between programs of one machine is the order it was sent in. */
export function depacketize(datagrams: readonly Uint8Array[], stream: Described): Received {
  const format = payloadFormat(stream.encoding, stream.parameters)
  assert.ok(format !== undefined, `no payload format for ${stream.encoding}`)
  const sink = new ArraySink()
  const configurations: { configuration: Uint8Array; hints: FormatHints }[] = []
  const depacketizer = format.depacketizer({
    ...stream,
    sink,
    configured: (configuration, hints) => configurations.push({ configuration, hints }),
  })
  const packet = new RtpPacket()
  let expected: number | undefined
  for (const datagram of datagrams) {
    if (isRtcp(datagram)) continue
    assert.ok(packet.parse(datagram))
    const lost = expected === undefined ? 0 : (packet.sequenceNumber - expected) & 0xffff
    assert.equal(lost, 0, 'the machine lost packets')
    depacketizer.push(packet, lost)
    expected = (packet.sequenceNumber + 1) & 0xffff
  }
  depacketizer.flush()
  return { format, units: sink.units, configurations }
}

/** The session description of one track of ours, sent to a port here. */
export function describeTrack(format: PayloadFormat, track: TrackFormat, port: number): string {
  const channels = track.kind === 'audio' ? `/${track.channels}` : ''
  const payloadType = payloadTypeOf(format, track)
  const parameters = format.parameters(track)
  return [
    ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=test', 'c=IN IP4 127.0.0.1', 't=0 0'],
    `m=${track.kind} ${port} RTP/AVP ${payloadType}`,
    `a=rtpmap:${payloadType} ${format.encoding}/${format.clockRateHz(track)}${channels}`,
    ...(parameters === '' ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
    '',
  ].join('\r\n')
}

function payloadTypeOf(format: PayloadFormat, track: TrackFormat): number {
  const channels = track.kind === 'audio' ? track.channels : 1
  return staticPayloadType(format.encoding, format.clockRateHz(track), channels) ?? 96
}

/** Waits until a program of this machine listens on a UDP port. */
export async function listens(port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  for (const startedMs = performance.now(); performance.now() - startedMs < WAIT_MS; await sleep(20)) {
    const lines = (await readFile('/proc/net/udp', 'utf8')).split('\n').slice(1)
    if (lines.some((line) => line.slice(0, line.indexOf(local) + local.length).endsWith(local))) return
  }
  throw new Error(`nobody listens on UDP port ${port}`)
}

/** One access unit to send, with its time in ticks of its track. */
export interface TimedUnit {
  readonly bytes: Uint8Array
  readonly pts: number
}

/** Sends access units to a port here, a little faster than in real time, and says goodbye. */
export async function sendUnits(
  format: PayloadFormat,
  track: TrackFormat,
  units: readonly TimedUnit[],
  port: number,
): Promise<void> {
  const socket = createSocket('udp4')
  const packetizer = format.packetizer(track)
  const rate = format.clockRateHz(track)
  const payloadType = payloadTypeOf(format, track)
  let sequenceNumber = 65_500
  const ssrc = 0x1234_5678
  for (const { bytes, pts } of units) {
    const rtp = Math.round((pts * rate) / track.timescale)
    const packets: Uint8Array[] = []
    packetizer.packetize(bytes, MAX_PAYLOAD_BYTES, (payload, marker, laterTicks = 0) => {
      const timestamp = (rtp + laterTicks) >>> 0
      packets.push(writeRtpPacket({ payloadType, marker, sequenceNumber, timestamp, ssrc }, payload))
      sequenceNumber = (sequenceNumber + 1) & 0xffff
    })
    for (const packet of packets) {
      await new Promise((resolve) => socket.send(packet, port, '127.0.0.1', resolve))
    }
    await sleep(10)
  }
  await sleep(200)
  // A goodbye goes behind a report (RFC 3550 §6.1): FFmpeg ignores one alone.
  const goodbye = Buffer.concat([writeReceiverReport(ssrc, [], 'test'), writeBye(ssrc)])
  await new Promise((resolve) => socket.send(goodbye, port + 1, '127.0.0.1', resolve))
  socket.close()
}
