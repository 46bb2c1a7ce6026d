import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamSink } from '#hub/stream.ts'
import { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { testAudio, testVideo } from '#test/support/access-units.ts'
import { HeldStream } from './held-stream.ts'

const video = testVideo()
const audio = testAudio()

const HELD = { from: 'memory' as const, backMs: 0, monotonicMs: () => 0 }

function stream() {
  const hub = new Hub(
    { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER },
    { maxPublishers: 1, gopMemoryBytes: 100_000 },
  )
  const publisher = {
    protocol: 'test',
    remoteAddress: '',
    connectionId: '',
    encoder: '',
    ...NO_CONNECTION_FACTS,
    disconnect() {},
  }
  const { stream, end } = hub.publish('live/cam1', publisher)
  const send = (format: TrackFormat, ms: number, key = false) => {
    using arena = hub.payloads.arena()
    const dts = (ms * format.timescale) / 1000
    stream.write(new AccessUnit(format, { dts, pts: dts, isRandomAccess: key }, arena.reserve(100)))
  }
  return { hub, stream, send, end: () => end({ cause: 'unpublished', message: '' }) }
}

/** Lists what it is given, as `v40` or `video`. */
function listing(): StreamSink & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    format: ({ kind }) => void seen.push(kind),
    accessUnit: ({ format, dts }) => void seen.push(`${format.kind.charAt(0)}${(dts * 1000) / format.timescale}`),
    ended: ({ cause }) => void seen.push(cause),
  }
}

test('what came while it was held is handed over in order, then what comes', () => {
  const { hub, stream: live, send, end } = stream()
  const held = new HeldStream(live, { ...HELD, capacityBytes: 100_000 })
  live.setFormat(video)
  for (const [ms, key] of [
    [0, true],
    [40, false],
    [80, true],
  ] as const)
    send(video, ms, key)
  live.setFormat(audio)
  send(audio, 80)
  assert.equal(held.formats.size, 0, 'as it was when it was first seen: nothing was missed')
  const sink = listing()
  using _attachment = held.attach(sink, { from: 'memory', live: false })
  send(video, 120)
  end()
  assert.deepEqual(sink.seen, ['video', 'v0', 'v40', 'v80', 'audio', 'a80', 'video', 'audio', 'v120', 'unpublished'])
  assert.equal(hub.payloads.inUseBytes, 0)
})

test('a stream that ended while it was held is handed over with its end', () => {
  const { hub, stream: live, send, end } = stream()
  const held = new HeldStream(live, { ...HELD, capacityBytes: 100_000 })
  live.setFormat(video)
  send(video, 0, true)
  end()
  const sink = listing()
  held.attach(sink, { from: 'memory', live: false })
  assert.deepEqual(sink.seen, ['video', 'v0', 'video', 'unpublished'])
  assert.equal(hub.payloads.inUseBytes, 0)
})

test('beyond its capacity the stream’s own memory has to do', () => {
  const { hub, stream: live, send, end } = stream()
  const held = new HeldStream(live, { ...HELD, capacityBytes: 250 })
  live.setFormat(video)
  for (const [ms, key] of [
    [0, true],
    [40, false],
    [80, true],
    [120, false],
  ] as const)
    send(video, ms, key)
  assert.equal(held.formats.size, 1)
  const sink = listing()
  held.attach(sink, { from: 'memory', live: false })
  assert.deepEqual(sink.seen, ['video', 'v80', 'v120'])
  end()
  assert.equal(hub.payloads.inUseBytes, 0)
})

test('one that nobody takes lets go of everything', () => {
  const { hub, stream: live, send, end } = stream()
  const held = new HeldStream(live, { ...HELD, capacityBytes: 100_000 })
  live.setFormat(video)
  send(video, 0, true)
  held[Symbol.dispose]()
  send(video, 40)
  end()
  assert.equal(hub.payloads.inUseBytes, 0)
})
