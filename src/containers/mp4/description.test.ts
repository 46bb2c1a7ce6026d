import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { TrackFormat } from '#media/track.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { assertDecodes } from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { mp4 } from './mp4.ts'

const run = promisify(execFile)

/** The source with changed formats, and its sound twice. */
function described(source: ElementarySource): ElementarySource {
  const [video, audio] = source.formats
  assert.ok(video?.kind === 'video' && audio?.kind === 'audio')
  const wide: TrackFormat = {
    ...video,
    pixelAspect: { horizontal: 4, vertical: 3 },
    color: { primaries: 9, transfer: 16, matrix: 9, fullRange: true },
    announcedBitrateBps: 500_000,
  }
  const german: TrackFormat = { ...audio, language: 'deu' }
  const french: TrackFormat = { ...audio, language: 'fra', trackId: 3 }
  const formatsOf = (format: TrackFormat): TrackFormat[] => (format === video ? [wide] : [german, french])
  const units = source.units.flatMap((unit) => formatsOf(unit.format).map((format) => ({ ...unit, format })))
  return { path: source.path, formats: [wide, german, french], units }
}

test('what is known about the tracks reaches the readers, and all of it decodes', async () => {
  await using folder = await TempFolder.make()
  const source = described(await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' }))
  const part = new MemoryPart()
  await writePart(mp4.open(writerOptions(source)), part, source.units)
  await mp4.finish(part)
  const path = folder.at('described.mp4')
  await writeFile(path, part.bytes)
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path])
  const { streams, format } = JSON.parse(stdout)
  const [video, german, french] = streams
  assert.equal(video.codec_tag_string, 'avc1')
  assert.equal(video.sample_aspect_ratio, '4:3')
  assert.deepEqual(
    [video.color_range, video.color_space, video.color_transfer, video.color_primaries],
    ['pc', 'bt2020nc', 'smpte2084', 'bt2020'],
  )
  assert.deepEqual([german.tags.language, french.tags.language], ['deu', 'fra'])
  assert.deepEqual(
    [video, german, french].map((stream) => stream.disposition.default),
    [1, 1, 0],
  )
  assert.equal(format.tags.creation_time, '2026-11-20T12:00:00.000000Z')
  assert.equal(format.tags.major_brand, 'isom')
  await assertDecodes(path)
})
