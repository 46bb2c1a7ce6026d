import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import {
  assertDecodes,
  assertOpensElsewhere,
  assertPayloads,
  assertTimes,
  describedSource,
  payloadHashes,
  topLevelBoxes,
} from '#test/support/mp4-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { mp4 } from './mp4.ts'

const PAIRS: readonly { video?: VideoCodec; audio?: AudioCodec }[] = [
  { video: 'h264', audio: 'aac' },
  { video: 'h265', audio: 'opus' },
  { video: 'av1', audio: 'mp3' },
  { video: 'vp9', audio: 'flac' },
  { video: 'vp8', audio: 'ac3' },
  { audio: 'eac3' },
  { audio: 'pcma' },
  { audio: 'pcmu' },
  { video: 'mpeg4' },
  { video: 'jpeg' },
]

for (const pair of PAIRS) {
  const name = Object.values(pair).join(' and ')
  test(`${name}: every byte and time, before and after finishing`, async () => {
    await using folder = await TempFolder.make()
    const source = describedSource(await makeSource(folder, { ...pair, seconds: 1.4 }))
    const hashes = payloadHashes(
      source.units,
      source.formats.map((format) => format.trackId),
    )
    const part = new MemoryPart()
    await writePart(mp4.open(writerOptions(source)), part, source.units)

    const recording = folder.at('recording.mp4')
    await assertPayloads(recording, part.bytes, hashes)
    await assertTimes(recording, source)
    await assertOpensElsewhere(recording, source.formats.length)
    const unfinished = await mp4.inspect(part)
    assert.equal(unfinished.finished, false)
    assert.equal(unfinished.tornBytes, 0)

    const mediaBytes = part.sizeBytes
    const summary = await mp4.finish(part)
    const finished = folder.at('finished.mp4')
    await assertPayloads(finished, part.bytes, hashes)
    await assertTimes(finished, source)
    await assertOpensElsewhere(finished, source.formats.length)
    await assertDecodes(finished)
    assert.deepEqual(topLevelBoxes(part.bytes), ['ftyp', 'free', 'moov', 'free', 'mdat'])
    assert.equal(part.sizeBytes, mediaBytes)
    assert.equal(summary.bytes, mediaBytes)
    assert.deepEqual({ ...unfinished, finished: true }, await mp4.inspect(part))
    for (const [index, track] of summary.tracks.entries()) {
      const units = source.units.filter((unit) => unit.format === source.formats[index])
      assert.equal(track.accessUnits, units.length)
      assert.equal(
        track.payloadBytes,
        units.reduce((sum, unit) => sum + unit.payload.length, 0),
      )
    }

    const again = await mp4.finish(part)
    assert.deepEqual(again, summary)
  })
}
