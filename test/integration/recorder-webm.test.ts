import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RecordingRequest } from '#recorder/request.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let folder: TempFolder
const sources = new Map<string, ElementarySource>()
before(async () => {
  folder = await TempFolder.make()
  for (const [video, audio] of [
    ['vp8', 'opus'],
    ['vp9', 'opus'],
    ['vp8', 'aac'],
    ['h264', 'opus'],
    ['av1', 'opus'],
  ] as const) {
    const source = describedSource(await makeSource(folder, { video, audio, seconds: 2, size: '160x90' }))
    sources.set(`${video} and ${audio}`, source)
  }
})
after(() => folder[Symbol.asyncDispose]())

const sourceOf = (codecs: string): ElementarySource => {
  const source = sources.get(codecs)
  assert.ok(source !== undefined)
  return source
}

const CASES: readonly { codecs: string; request: Partial<RecordingRequest>; format: string; written: string[] }[] = [
  { codecs: 'vp8 and opus', request: {}, format: 'webm', written: ['vp8', 'opus'] },
  { codecs: 'vp9 and opus', request: {}, format: 'webm', written: ['vp9', 'opus'] },
  { codecs: 'vp8 and opus', request: { audio: { codec: 'aac' } }, format: 'mp4', written: ['vp8', 'aac'] },
  { codecs: 'vp8 and aac', request: {}, format: 'mp4', written: ['vp8', 'aac'] },
  { codecs: 'vp8 and aac', request: { format: 'webm' }, format: 'webm', written: ['vp8', 'opus'] },
  { codecs: 'h264 and opus', request: { audio: { codec: 'copy' } }, format: 'mp4', written: ['h264', 'opus'] },
  { codecs: 'h264 and opus', request: { format: 'mkv' }, format: 'mkv', written: ['h264', 'opus'] },
  { codecs: 'av1 and opus', request: { format: 'webm' }, format: 'webm', written: ['av1', 'opus'] },
]

for (const { codecs, request, format, written } of CASES) {
  test(`${codecs}, asked for as ${JSON.stringify(request)}, become ${format} of ${written.join(' and ')}`, async () => {
    await using fixture = await RecorderFixture.open()
    const { id } = await fixture.start({ waitForStream: true, ...request })
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(sourceOf(codecs).units)
    publisher.end('unpublished')
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    assert.equal(recording.format, format)
    const [path = ''] = fixture.paths(recording)
    assert.ok(path.endsWith(`.${format}`))
    const { streams } = await ffprobe(path)
    assert.deepEqual(
      // Tracks are in the order in which they came.
      streams.map(({ codec_name }) => codec_name).sort(),
      written.toSorted(),
    )
    await fixture.assertProved(recording)
  })
}

test('VP8 that changes its size with the bandwidth stays in one WebM file', async () => {
  await using fixture = await RecorderFixture.open()
  const small = sourceOf('vp8 and opus')
  const large = describedSource(await makeSource(folder, { video: 'vp8', seconds: 2, size: '320x180' }))
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(small.units)
  await publisher.sendSlowly(large.units, 2_100)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.parts.length, 1)
  assert.deepEqual(recording.ledger.gaps, [])
  const [path = ''] = fixture.paths(recording)
  const { streams, packets } = await ffprobe(path)
  const sent = (kind: 'video' | 'audio') =>
    [...small.units, ...large.units].filter(({ format }) => format.kind === kind).length
  const taken = (kind: 'video' | 'audio') =>
    packets.filter(({ stream_index }) => streams[stream_index]?.codec_type === kind).length
  assert.equal(taken('video'), sent('video'))
  // The larger picture comes alone: the sound is filled with silence behind it.
  assert.ok(taken('audio') > sent('audio'), `${taken('audio')} packets of sound`)
  await fixture.assertProved(recording)
})

test('a WebM recording is appended to, by a publisher that comes back later', async () => {
  await using fixture = await RecorderFixture.open()
  const { units } = sourceOf('vp8 and opus')
  const ids = new Set<string>()
  for (let round = 0; round < 2; round++) {
    const { id } = await fixture.start({ waitForStream: true, name: 'talk', ifExists: 'append' })
    const publisher = fixture.publish('live/cam1')
    await publisher.sendSlowly(units)
    publisher.end('unpublished')
    const recording = await fixture.recorder.stop(id)
    assert.equal(recording.parts.length, 1)
    await fixture.assertProved(recording)
    ids.add(id)
  }
  assert.equal(ids.size, 1)
})
