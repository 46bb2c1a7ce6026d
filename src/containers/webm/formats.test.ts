import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { TrackFormat } from '#media/track.ts'
import { makeSource, type SourceOptions } from '#test/support/elementary-source.ts'
import { assertDecodes, assertPayloads, describedSource, payloadHashes } from '#test/support/mp4-judges.ts'
import { mediainfo } from '#test/support/outside-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { assertMergeable, assertPresentedAt } from '#test/support/webm-judges.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { mkv, webm } from './webm.ts'

const run = promisify(execFile)

/** FFmpeg's names where they differ from ours. */
const FFMPEG_NAMES: Readonly<Record<string, string>> = {
  h265: 'hevc',
  jpeg: 'mjpeg',
  pcma: 'pcm_alaw',
  pcmu: 'pcm_mulaw',
  l16: 'pcm_s16be',
  g722: 'adpcm_g722',
}

const CASES = [
  { container: webm, video: 'vp8', audio: 'opus' },
  { container: webm, video: 'vp9', audio: 'opus' },
  { container: webm, video: 'av1', audio: 'opus' },
  { container: webm, audio: 'opus' },
  { container: mkv, video: 'h264', audio: 'aac' },
  { container: mkv, video: 'h265', audio: 'flac' },
  { container: mkv, video: 'av1', audio: 'aac' },
  { container: mkv, video: 'vp9', audio: 'ac3' },
  { container: mkv, video: 'vp8', audio: 'mp3' },
  { container: mkv, video: 'mpeg4', audio: 'eac3' },
  { container: mkv, video: 'jpeg', audio: 'opus' },
  { container: mkv, audio: 'pcma' },
  { container: mkv, audio: 'pcmu' },
  { container: mkv, audio: 'l16' },
  { container: mkv, audio: 'g722' },
] as const satisfies readonly (SourceOptions & { container: typeof webm })[]

for (const { container, ...options } of CASES) {
  const codecs = Object.values(options)
  test(`${container.name} of ${codecs.join(' and ')}: judged by FFmpeg 5.1 and 8, mediainfo, mkvtoolnix`, async () => {
    await using folder = await TempFolder.make()
    const source = describedSource(await makeSource(folder, { seconds: 2, size: '160x90', ...options }))
    const part = new MemoryPart()
    await writePart(container.open(writerOptions(source)), part, source.units)
    const path = folder.at(`out.${container.extension}`)
    const hashes = payloadHashes(
      source.units,
      source.formats.map(({ trackId }) => trackId),
    )
    await assertPayloads(path, part.bytes, hashes)
    const summary = await container.finish(part)
    assert.equal(summary.bytes, part.sizeBytes)
    await assertPayloads(path, part.bytes, hashes)
    const probed = await assertPresentedAt(path, source)
    assert.deepEqual(
      probed.streams.map(({ codec_name }) => codec_name),
      codecs.map((codec) => FFMPEG_NAMES[codec] ?? codec),
    )
    const endMs = Math.max(...summary.tracks.map((track) => track.endMs))
    assert.ok(Math.abs(Number(probed.format.duration) * 1000 - endMs) < 1)
    const info = await mediainfo(path)
    assert.equal(info[0]?.['Format'], container === webm ? 'WebM' : 'Matroska')
    assert.equal(info.length, 1 + source.formats.length)
    await assertMergeable(path)
    await assertDecodes(path)
  })
}

test('what is known about the tracks reaches the readers', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  const [video, audio] = source.formats
  assert.ok(video?.kind === 'video' && audio?.kind === 'audio')
  const wide: TrackFormat = {
    ...video,
    pixelAspect: { horizontal: 3, vertical: 2 },
    color: { primaries: 9, transfer: 16, matrix: 9, fullRange: true },
  }
  const german: TrackFormat = { ...audio, language: 'deu' }
  const french: TrackFormat = { ...audio, language: 'fra', trackId: 3 }
  const formatsOf = (format: TrackFormat): TrackFormat[] => (format === video ? [wide] : [german, french])
  const units = source.units.flatMap((unit) => formatsOf(unit.format).map((format) => ({ ...unit, format })))
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions({ formats: [wide, german, french] })), part, units)
  await mkv.finish(part)
  const path = folder.at('described.mkv')
  await writeFile(path, part.bytes)
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path])
  const { streams, format } = JSON.parse(stdout)
  assert.equal(streams[0].sample_aspect_ratio, '3:2')
  assert.deepEqual(
    [streams[0].color_range, streams[0].color_space, streams[0].color_transfer, streams[0].color_primaries],
    ['pc', 'bt2020nc', 'smpte2084', 'bt2020'],
  )
  // Matroska has the bibliographic codes.
  assert.deepEqual([streams[1].tags.language, streams[2].tags.language], ['ger', 'fre'])
  assert.deepEqual(
    streams.map((stream: { disposition: { default: number } }) => stream.disposition.default),
    [1, 1, 0],
  )
  assert.equal(format.tags.creation_time, '2026-11-20T12:00:00.000000Z')
})

test('WebM takes its own codecs only, Matroska all that readers know', () => {
  const sound = { trackId: 1, timescale: 48_000, configuration: new Uint8Array(), announcedBitrateBps: 0 } as const
  const aac: TrackFormat = {
    ...{ ...sound, kind: 'audio', codec: 'aac', language: 'und' },
    ...{ sampleRateHz: 48_000, channels: 2, samplesPerAccessUnit: 1024 },
  }
  const refused = { code: 'container/codec-unsupported' }
  assert.throws(() => webm.open(writerOptions({ formats: [aac] })), refused)
  assert.throws(() => mkv.open(writerOptions({ formats: [aac] })), refused, 'without its configuration')
  assert.throws(() => mkv.open(writerOptions({ formats: [{ ...aac, codec: 'g726' }] })), refused)
  const writer = webm.open(writerOptions({ formats: [] }))
  assert.equal(writer.changeFormat({ ...aac, trackId: 2 }), false)
  assert.equal(writer.changeFormat({ ...aac, trackId: 2, codec: 'opus', sampleRateHz: 48_000 }), true)
})
