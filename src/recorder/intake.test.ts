import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { flv } from '#containers/flv/flv.ts'
import { mpegts } from '#containers/mpegts/mpegts.ts'
import { Hub } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS, type StreamLoss } from '#hub/stream.ts'
import type { AccessUnit } from '#media/access-unit.ts'
import type { TrackFormat } from '#media/track.ts'
import { testAudio, testVideo, unitMaker } from '#test/support/access-units.ts'
import { Intake, type IntakeOptions } from './intake.ts'

const video = testVideo()
const audio = testAudio()
const unit = unitMaker()

function intake(request: Partial<IntakeOptions['request']> = {}) {
  const clock = { ms: 0 }
  const seen: string[] = []
  const losses: StreamLoss[] = []
  const name = ({ format, dts }: AccessUnit) => `${format.kind.charAt(0)}${(dts * 1000) / format.timescale}`
  const hub = new Hub(
    { nowMs: () => 0, monotonicMs: () => 0, newId: () => 'id', log: SILENT_LOGGER },
    { maxPublishers: 1, gopMemoryBytes: 100_000 },
  )
  const publish = () => {
    const publisher = {
      protocol: 'test',
      remoteAddress: '',
      connectionId: '',
      encoder: '',
      ...NO_CONNECTION_FACTS,
      disconnect() {},
    }
    return hub.publish('live/cam1', publisher)
  }
  const made = new Intake({
    request: {
      startOn: 'keyframe',
      audio: true,
      video: true,
      data: true,
      audioCodec: 'auto',
      audioSampleRateHz: 0,
      ...request,
    },
    trackWaitMs: 1_000,
    otherContainer: () => undefined,
    monotonicMs: () => clock.ms,
    log: SILENT_LOGGER,
    events: {
      ready: () => void seen.push('ready'),
      accessUnit: (accessUnit) => void seen.push(name(accessUnit)),
      data: ({ timeMs }) => void seen.push(`data ${timeMs}`),
      awaitsRandomAccess: () => undefined,
      lost: (loss) => void losses.push(loss),
      trackEnded: (trackId) => void seen.push(`${trackId} ended`),
      ended: ({ cause }) => void seen.push(cause),
    },
  })
  const begin = (container = flv) => {
    seen.push(...made.begin(container).map((each) => ('body' in each ? `[data ${each.timeMs}]` : `[${name(each)}]`)))
  }
  return { intake: made, clock, seen, losses, publish, begin }
}

const send = (stream: { write(accessUnit: AccessUnit): void }, format: TrackFormat, ms: number, key?: boolean) =>
  stream.write(unit(format, ms, key === undefined ? {} : { key }))

test('in mid-stream every track begins where the random access point is presented', () => {
  const { intake: i, seen, publish, begin } = intake()
  const { stream } = publish()
  for (const format of [video, audio]) stream.setFormat(format)
  // Decoded at 100, presented at 180: two pictures are reordered.
  stream.write(unit(video, 100, { key: true, compositionMs: 80 }))
  i.attach(stream)
  assert.deepEqual(seen, ['ready'])
  begin()
  for (const ms of [140, 160, 180, 200]) send(stream, audio, ms)
  send(stream, video, 140, false)
  assert.deepEqual(seen, ['ready', '[v100]', 'a180', 'a200', 'v140'])
})

/** As `v0-80 2 publisher`: track, milliseconds, access units. */
const lossText = ({ format, fromDts, toDts, accessUnits, cause }: StreamLoss) => {
  const [fromMs, toMs] = [fromDts, toDts].map((dts) => (dts * 1000) / format.timescale)
  return `${format.kind.charAt(0)}${fromMs}-${toMs} ${accessUnits} ${cause}`
}

test('pictures before the first random access point of a stream that was seen from its beginning are told as lost', () => {
  const { intake: i, seen, publish, begin } = intake()
  const { stream } = publish()
  i.attach(stream)
  for (const format of [video, audio]) stream.setFormat(format)
  send(stream, audio, 0)
  send(stream, video, 0, false)
  stream.lost({ format: video, packets: 3, accessUnits: 0, fromDts: 0, toDts: 0 })
  send(stream, video, 40, false)
  send(stream, video, 80, true)
  begin()
  assert.deepEqual(seen, ['ready', '[a0]', '[v80]'])
  assert.deepEqual(i.takeEarlyLosses().map(lossText), ['v0-0 0 undefined', 'v0-80 2 publisher'])
})

test('in mid-stream, what came before the first random access point was not asked for', () => {
  const { intake: i, losses, publish, begin } = intake()
  const { stream } = publish()
  for (const format of [video, audio]) stream.setFormat(format)
  i.attach(stream)
  send(stream, video, 0, false)
  stream.lost({ format: video, packets: 3, accessUnits: 0, fromDts: 0, toDts: 0 })
  send(stream, video, 40, true)
  send(stream, audio, 40)
  begin()
  assert.deepEqual([...i.takeEarlyLosses(), ...losses], [])
})

test('a track that comes up in the middle of a GOP is told as lost up to where it begins, or to the end', () => {
  const { intake: i, losses, publish, begin, clock } = intake()
  const { stream, end } = publish()
  i.attach(stream)
  stream.setFormat(audio)
  send(stream, audio, 0)
  clock.ms = 1_000
  i.tick()
  begin()
  assert.deepEqual(i.takeEarlyLosses(), [])
  stream.setFormat(video)
  for (const ms of [1000, 1400, 1800, 2200]) send(stream, video, ms, false)
  assert.deepEqual(losses.map(lossText), ['v1000-2200 4 publisher'])
  send(stream, video, 2600, false)
  send(stream, video, 3000, true)
  send(stream, video, 3400, false)
  const later = testVideo({ trackId: 7 })
  stream.setFormat(later)
  send(stream, later, 3400, false)
  end({ cause: 'unpublished', message: '' })
  assert.deepEqual(losses.map(lossText).slice(1), ['v2600-3000 1 publisher', 'v3400-3400 1 publisher'])
})

test('what the container doesn’t carry is left out, and other tracks lead', () => {
  const { intake: i, seen, publish, begin } = intake()
  const { stream } = publish()
  i.attach(stream)
  stream.setFormat(audio)
  send(stream, audio, 0)
  begin(mpegts)
  const strange = testVideo({ codec: 'vp8', trackId: 3 })
  stream.setFormat(strange)
  send(stream, strange, 20, true)
  send(stream, audio, 20)
  assert.equal(i.leadingTrackId, audio.trackId)
  assert.deepEqual([...i.formats.keys()], [audio.trackId])
  assert.deepEqual(seen, ['[a0]', 'a20'])
})

test('a kind that was not asked for doesn’t exist', () => {
  const { intake: i, seen, publish, begin } = intake({ video: false })
  const { stream } = publish()
  i.attach(stream)
  for (const format of [video, audio]) stream.setFormat(format)
  send(stream, video, 0, true)
  send(stream, audio, 0)
  begin()
  send(stream, video, 40, false)
  send(stream, audio, 21)
  assert.deepEqual(seen, ['ready', '[a0]', 'a21'])
})

test('when the leading track ends another one leads, and it may come back', () => {
  const { intake: i, seen, publish } = intake()
  const { stream } = publish()
  for (const format of [video, audio]) stream.setFormat(format)
  i.attach(stream)
  assert.equal(i.leadingTrackId, video.trackId)
  stream.endTrack(video.trackId)
  assert.deepEqual(seen, [`${video.trackId} ended`])
  assert.equal(i.leadingTrackId, audio.trackId)
  assert.deepEqual([...i.formats.keys()], [audio.trackId])
  stream.setFormat(video)
  assert.equal(i.leadingTrackId, video.trackId)
})

test('after it left it takes nothing, though the stream is still handing round', () => {
  const { intake: i, seen, publish } = intake()
  const { stream, end } = publish()
  i.attach(stream)
  i.detach()
  i.accessUnit(unit(video, 0, { key: true }))
  end({ cause: 'lost', message: '' })
  assert.deepEqual(seen, [])
  assert.equal(i.isEmpty, true)
})

test('after a reconnect tracks don’t wait for random access points again', () => {
  const { intake: i, seen, publish, begin } = intake()
  const first = publish()
  i.attach(first.stream)
  first.stream.setFormat(video)
  send(first.stream, video, 0, true)
  begin()
  first.end({ cause: 'lost', message: '' })
  const second = publish()
  i.attach(second.stream)
  const again = testVideo()
  second.stream.setFormat(again)
  send(second.stream, again, 0, false)
  assert.deepEqual(seen, ['[v0]', 'lost', 'v0'])
})

test('gathering becomes ready by the clock alone', () => {
  const { intake: i, seen, publish, clock } = intake()
  const { stream } = publish()
  i.attach(stream)
  stream.setFormat(video)
  send(stream, video, 0, true)
  clock.ms = 999
  i.tick()
  assert.deepEqual(seen, [])
  clock.ms = 1_000
  i.tick()
  assert.deepEqual(seen, ['ready'])
  i[Symbol.dispose]()
  assert.equal(i.gatheredBytes, 0)
})

test('what the publisher says keeps its place, unless it is not wanted', () => {
  for (const data of [true, false]) {
    const { intake: i, seen, publish, begin } = intake({ data })
    const { stream } = publish()
    const say = (timeMs: number) => stream.data({ encoding: 'amf0', timeMs, body: new Uint8Array(1) })
    for (const format of [video, audio]) stream.setFormat(format)
    say(90)
    send(stream, video, 100, true)
    say(110)
    i.attach(stream)
    send(stream, audio, 100)
    say(120)
    begin()
    say(130)
    send(stream, video, 140)
    const said = seen.filter((each) => each !== 'ready')
    const all = ['[data 90]', '[v100]', '[data 110]', '[a100]', '[data 120]', 'data 130', 'v140']
    assert.deepEqual(said, data ? all : all.filter((each) => !each.includes('data')))
  }
})
