import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamLoss } from '#hub/stream.ts'
import { makeVideoFormat } from '#media/format.ts'
import { parseAvcC } from '#media/h264/avcc.ts'
import { H264_RECORDS } from '#media/h264/vectors.test-data.ts'
import { joinLengthPrefixed } from '#media/nal/length-prefixed.ts'
import { RtpPacket, writeRtpPacket } from '#protocols/rtp/packet.ts'
import { h264Payload } from '#protocols/rtp/payloads/h264.ts'
import { SourceClock } from '#protocols/rtp/source-clock.ts'
import { TrackReceiver } from './track-receiver.ts'

const format = makeVideoFormat({
  trackId: 1,
  timescale: 90_000,
  codec: 'h264',
  configuration: new Uint8Array(Buffer.from(H264_RECORDS[1].avcC, 'hex')),
})

const DESCRIBED: ReadonlyMap<string, string> = new Map(
  h264Payload
    .parameters(format)
    .split(';')
    .map((part) => {
      const [name = '', ...value] = part.split('=')
      return [name, value.join('=')] as const
    }),
)

interface Seen {
  readonly bytes: Buffer
  readonly dts: number
  readonly pts: number
  readonly isRandomAccess: boolean
}

/** A receiver with a stream of its own, and what came out of both. */
function receiving(damaged: 'drop' | 'keep' = 'drop', parameters = DESCRIBED) {
  const runtime = { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1e6 })
  const publication = hub.publish('live/cam1', {
    protocol: 'rtsp',
    remoteAddress: '127.0.0.1',
    connectionId: 'c1',
    encoder: '',
    ...NO_CONNECTION_FACTS,
    disconnect: () => {},
  })
  const units: Seen[] = []
  const losses: StreamLoss[] = []
  publication.stream.attach(
    {
      format: () => {},
      accessUnit: ({ payload, dts, pts, isRandomAccess }) => {
        units.push({ bytes: Buffer.from(payload), dts, pts, isRandomAccess })
      },
      lost: (loss) => losses.push(loss),
      ended: () => {},
    },
    { from: 'now', live: false },
  )
  const receiver = new TrackReceiver({
    stream: publication.stream,
    trackId: 1,
    payloadFormat: h264Payload,
    clock: new SourceClock().track(90_000),
    channels: 1,
    parameters,
    damaged,
    log: runtime.log,
  })
  /** Sends an access unit in packets of 100 bytes, without those at the given positions. */
  const send = (accessUnit: Uint8Array, atMs: number, without: readonly number[] = []) => {
    let position = 0
    let lostBefore = 0
    h264Payload.packetizer(format).packetize(accessUnit, 100, (payload, marker) => {
      if (without.includes(position++)) {
        lostBefore++
        return
      }
      const packet = new RtpPacket()
      packet.parse(
        writeRtpPacket({ payloadType: 96, marker, sequenceNumber: 0, timestamp: atMs * 90, ssrc: 1 }, payload),
      )
      receiver.push(packet, lostBefore, atMs)
      lostBefore = 0
    })
    return lostBefore
  }
  return { receiver, hub, publication, units, losses, send }
}

const picture = (type: 'key' | 'inter', bytes: number, fill: number) => {
  const unit = new Uint8Array(bytes).fill(fill)
  unit.set([type === 'key' ? 0x65 : 0x41, 0x80 | fill])
  return joinLengthPrefixed([unit])
}

test('access units of any size are put together in the memory they stay in', () => {
  const { receiver, hub, publication, units, send } = receiving()
  // The fourth is larger than a chunk of payload memory, so that it moves while it grows.
  const sent = [picture('key', 5000, 1), picture('inter', 90, 2), picture('inter', 4, 3), picture('inter', 200_000, 4)]
  for (const [index, accessUnit] of sent.entries()) send(accessUnit, index * 40)
  for (let index = 4; index < 40; index++) {
    sent.push(picture('inter', 40_000 + index, index % 100))
    send(sent[index] ?? new Uint8Array(), index * 40)
  }
  assert.equal(units.length, sent.length)
  for (const [index, { bytes, pts, dts, isRandomAccess }] of units.entries()) {
    assert.ok(bytes.equals(sent[index] ?? new Uint8Array()), `access unit ${index}`)
    assert.deepEqual([pts, dts], [90_000 + index * 3600, 90_000 + index * 3600])
    assert.equal(isRandomAccess, index === 0)
  }
  receiver[Symbol.dispose]()
  publication.end({ cause: 'unpublished', message: '' })
  assert.equal(hub.payloads.inUseBytes, 0)
})

test('after a loss nothing is written up to the next random access point, and the account says so', () => {
  const { receiver, units, losses, send } = receiving()
  send(picture('key', 500, 1), 0)
  send(picture('inter', 500, 2), 40, [2])
  send(picture('inter', 500, 3), 80)
  send(picture('key', 500, 4), 120)
  send(picture('inter', 500, 5), 160)
  receiver.flush()
  assert.deepEqual(
    units.map(({ pts }) => pts - 90_000),
    [0, 120 * 90, 160 * 90],
  )
  assert.deepEqual(
    losses.map(({ packets, accessUnits, fromDts, toDts }) => [packets, accessUnits, fromDts - 90_000, toDts - 90_000]),
    [[1, 2, 0, 120 * 90]],
  )
})

test('what is missing before the first random access point is told with it', () => {
  const { units, losses, send } = receiving()
  send(picture('key', 500, 1), 0, [1])
  send(picture('inter', 500, 2), 40)
  send(picture('inter', 500, 3), 80)
  send(picture('key', 500, 4), 120)
  assert.equal(units.length, 1)
  assert.deepEqual(
    losses.map(({ cause, packets, accessUnits, fromDts, toDts }) => {
      return [cause, packets, accessUnits, fromDts - 90_000, toDts - 90_000]
    }),
    [['network', 1, 3, 0, 120 * 90]],
  )
})

test('what comes before anything that describes it is told as lost, and not by the network', () => {
  const { units, losses, send } = receiving('drop', new Map())
  send(picture('inter', 500, 2), 0)
  send(picture('inter', 500, 3), 40)
  const { sps, pps } = parseAvcC(format.configuration)
  send(joinLengthPrefixed([...sps, ...pps, new Uint8Array([0x65, 0x88, 1, 2, 3])]), 80)
  send(picture('inter', 500, 4), 120)
  assert.equal(units.length, 2)
  assert.deepEqual(
    losses.map(({ cause, packets, accessUnits, fromDts, toDts }) => {
      return [cause, packets, accessUnits, fromDts - 90_000, toDts - 90_000]
    }),
    [['publisher', 0, 2, 0, 80 * 90]],
  )
})

test('a damaged random access point is none', () => {
  const { units, losses, send } = receiving()
  send(picture('key', 500, 1), 0)
  send(picture('key', 500, 2), 40, [1])
  send(picture('inter', 500, 3), 80)
  send(picture('key', 500, 4), 120)
  assert.equal(units.length, 2)
  assert.deepEqual([losses.length, losses[0]?.accessUnits], [1, 2])
})

test('damaged access units are kept when that is asked for', () => {
  const { units, losses, send } = receiving('keep')
  send(picture('key', 500, 1), 0)
  send(picture('inter', 500, 2), 40, [2])
  send(picture('inter', 500, 3), 80)
  assert.equal(units.length, 3)
  assert.deepEqual([losses.length, losses[0]?.packets, losses[0]?.accessUnits], [1, 1, 0])
})

test('a loss that lasts is told while it lasts', () => {
  const { units, losses, send } = receiving()
  send(picture('key', 500, 1), 0)
  for (let atMs = 40; atMs < 4_000; atMs += 40) send(picture('inter', 500, 2), atMs, [2])
  assert.equal(units.length, 1)
  assert.equal(losses.length, 3)
})
