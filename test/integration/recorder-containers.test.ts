import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { VideoCodec } from '#media/codec.ts'
import { beepUnits, interleaved } from '#test/support/beeps.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
const sources = new Map<VideoCodec, ElementarySource>()
before(async () => {
  folder = await TempFolder.make()
  for (const video of ['vp8', 'h264'] as const) {
    const encoding = video === 'h264' ? ['-bf', '0'] : []
    const options = { video, audio: 'opus', seconds: 2, size: '160x90', encoding } as const
    sources.set(video, describedSource(await makeSource(folder, options)))
  }
})
after(() => folder[Symbol.asyncDispose]())

const sourceOf = (video: VideoCodec): ElementarySource => {
  const source = sources.get(video)
  assert.ok(source !== undefined)
  return source
}

async function codecsOf(path: string): Promise<string[]> {
  return (await ffprobe(path)).streams.map(({ codec_name }) => codec_name).sort()
}

test('VP8 and G.711 become WebM, with the sound as Opus', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const pictures = sourceOf('vp8').units.filter(({ format }) => format.kind === 'video')
  const sound = await beepUnits('pcmu', { hertz: 400, seconds: 2, trackId: 2 })
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(interleaved(pictures, sound))
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.format, 'webm')
  assert.deepEqual(await codecsOf(fixture.paths(recording)[0] ?? ''), ['opus', 'vp8'])
  await fixture.assertProved(recording)
})

test('a browser that comes back with H.264 instead of VP8 goes on in a part of its own container', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true, reconnectSeconds: 60 })
  const first = fixture.publish('live/cam1')
  await first.sendSlowly(sourceOf('vp8').units)
  first.end('lost')
  const again = fixture.publish('live/cam1')
  await again.sendSlowly(sourceOf('h264').units)
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  assert.equal(recording.format, 'webm')
  assert.deepEqual(
    recording.parts.map(({ format, path }) => [format, path.slice(path.lastIndexOf('.'))]),
    [
      [undefined, '.webm'],
      ['mp4', '.mp4'],
    ],
  )
  const [webm = '', mp4 = ''] = fixture.paths(recording)
  assert.deepEqual(await codecsOf(webm), ['opus', 'vp8'])
  assert.deepEqual(await codecsOf(mp4), ['aac', 'h264'])
  const sent = sourceOf('vp8').units.length + sourceOf('h264').units.length
  const { tracks } = recording.ledger
  assert.equal(
    tracks.reduce((sum, { written }) => sum + written, 0),
    sent,
    JSON.stringify(recording.ledger),
  )
  await fixture.assertProved(recording)
})

test('the other way round it goes on in MP4, which holds VP8 too', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true, reconnectSeconds: 60 })
  for (const video of ['h264', 'vp8'] as const) {
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(sourceOf(video).units)
    publisher.end('lost')
  }
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.parts.length, 2)
  const [first = '', second = ''] = fixture.paths(recording)
  assert.deepEqual(await codecsOf(first), ['aac', 'h264'])
  assert.deepEqual(await codecsOf(second), ['aac', 'vp8'])
  await fixture.assertProved(recording)
})

for (const { promised, format, codecs } of [
  { promised: ['vp8'], format: 'webm', codecs: ['opus', 'vp8'] },
  { promised: ['h264'], format: 'mp4', codecs: ['aac', 'vp8'] },
  { promised: [], format: 'mp4', codecs: ['aac', 'vp8'] },
] as const) {
  test(`sound that begins alone, where ${promised[0] ?? 'nothing'} is to come, begins in ${format}`, async () => {
    await using fixture = await RecorderFixture.open()
    await fixture.transcoder.check()
    const { id } = await fixture.start({ waitForStream: true })
    const publisher = fixture.publish('live/cam1')
    const stream = fixture.hub.get('live/cam1')
    assert.ok(stream !== undefined)
    stream.promisedVideo = promised
    const { units } = sourceOf('vp8')
    await publisher.sendSlowly(units.filter((unit) => unit.format.kind === 'audio' && unit.dts < 24_000))
    fixture.advance(1_500)
    await fixture.until(id, ({ state }) => state === 'recording')
    await publisher.sendSlowly(units.filter((unit) => unit.format.kind === 'video' || unit.dts >= 24_000))
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.format, format)
    assert.equal(recording.parts.length, 1)
    assert.deepEqual(await codecsOf(fixture.paths(recording)[0] ?? ''), codecs)
    await fixture.assertProved(recording)
  })
}

test('who asked for WebM gets WebM: what it can’t hold is left out', async () => {
  await using fixture = await RecorderFixture.open()
  await fixture.transcoder.check()
  const { id } = await fixture.start({ waitForStream: true, reconnectSeconds: 60, format: 'webm' })
  for (const video of ['vp8', 'h264'] as const) {
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(sourceOf(video).units)
    publisher.end('lost')
  }
  const recording = await fixture.recorder.stop(id)
  assert.ok(recording.parts.every(({ path }) => path.endsWith('.webm')))
  await fixture.assertProved(recording)
})
