import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  assertKeepsWholeUnits,
  assertRefusesStrangers,
  assertStandsChanges,
  recorded,
  unitCounts,
} from '#test/support/container-laws.ts'
import {
  type ElementarySource,
  makeSource,
  type SourceOptions,
  type SourceUnit,
} from '#test/support/elementary-source.ts'
import { later } from '#test/support/later.ts'
import {
  ffprobe,
  mediainfo,
  pictureHash,
  readWithFfmpeg8,
  remuxWithFfmpeg,
  repeatedHashes,
  streamHashes,
} from '#test/support/outside-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { placeUnits, writePart, writerOptions } from '#test/support/write-part.ts'
import { flv } from './flv.ts'
import { readTail } from './tail.ts'

const record = (source: ElementarySource, units?: readonly SourceUnit[]) => recorded(flv, source, units)

async function smallSource(options: SourceOptions = {}): Promise<ElementarySource> {
  await using folder = await TempFolder.make()
  return await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90', ...options })
}

/** For the tests that need nothing particular. */
const anySource = smallSource()

/** Every payload as it came, every time within the millisecond that FLV counts in, as FFmpeg 8 reads them. */
async function assertReadsBack(path: string, source: ElementarySource): Promise<void> {
  const { packets, streams } = await readWithFfmpeg8(path)
  assert.equal(streams.length, source.formats.length)
  for (const format of source.formats) {
    const expected = source.units.filter((unit) => unit.format === format)
    const index = packets.find(
      ({ payload }) => Buffer.compare(payload, expected[0]?.payload ?? payload) === 0,
    )?.streamIndex
    const seen = packets.filter(({ streamIndex }) => streamIndex === index)
    assert.equal(seen.length, expected.length)
    assert.equal(seen[0]?.isKey, true)
    seen.forEach((packet, i) => {
      const unit = expected[i]
      assert.ok(unit !== undefined)
      assert.equal(Buffer.compare(packet.payload, unit.payload), 0, `payload ${i} of ${format.codec}`)
      assert.ok(Math.abs(packet.dtsMs - (unit.dts * 1000) / format.timescale) <= 0.51, `DTS ${i} of ${format.codec}`)
      assert.ok(Math.abs(packet.ptsMs - (unit.pts * 1000) / format.timescale) <= 0.51, `PTS ${i} of ${format.codec}`)
    })
  }
}

for (const options of [
  { video: 'h264' },
  { video: 'h264', audio: 'aac' },
  { video: 'h264', audio: 'mp3' },
  { audio: 'aac' },
  { audio: 'pcma' },
  { audio: 'pcmu' },
] as const satisfies readonly SourceOptions[]) {
  const name = Object.values(options).join(' and ')
  test(`FLV of ${name}: judged by ffmpeg, FFmpeg 8 and mediainfo`, async () => {
    await using folder = await TempFolder.make()
    const source = await makeSource(folder, { seconds: 1, ...options })
    const part = await record(source)
    const path = folder.at('out.flv')
    await writeFile(path, part.bytes)
    const unfinished = await ffprobe(path)
    assert.ok(Number(unfinished.format.duration) > 0.8, 'plays before it is finished')

    const summary = await flv.finish(part)
    await writeFile(path, part.bytes)
    const seen = await ffprobe(path)
    assert.equal(seen.streams.length, source.formats.length, 'no stream of checkpoints')
    assert.ok(Math.abs(Number(seen.format.duration) * 1000 - summary.durationMs) < 1)
    assert.deepEqual((await streamHashes(path)).sort(), (await streamHashes(source.path)).sort())
    await assertReadsBack(path, source)
    const info = await mediainfo(path)
    assert.equal(info[0]?.['Format'], 'Flash Video')
    assert.equal(info.length, 1 + source.formats.length)
  })
}

for (const options of [
  { video: 'h265', audio: 'aac' },
  { video: 'av1', audio: 'opus' },
  { video: 'vp9', audio: 'flac' },
  { audio: 'ac3' },
  { audio: 'eac3' },
] as const satisfies readonly SourceOptions[]) {
  const name = Object.values(options).join(' and ')
  test(`FLV of ${name}, enhanced: judged by FFmpeg 8`, async () => {
    await using folder = await TempFolder.make()
    const source = await makeSource(folder, { seconds: 1, ...options })
    const part = await record(source)
    const path = folder.at('out.flv')
    await flv.finish(part)
    await writeFile(path, part.bytes)
    await assertReadsBack(path, source)
  })
}

test('FLV: further tracks go into multitrack tags', async () => {
  await using folder = await TempFolder.make()
  const first = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1 })
  const second = await makeSource(folder, { video: 'h265', audio: 'opus', seconds: 1 })
  const renumbered = second.formats.map((format) => ({ ...format, trackId: format.trackId + 2 }))
  const secondUnits = second.units.map((unit) => {
    const format = renumbered[unit.format.trackId - 1]
    assert.ok(format !== undefined)
    return { ...unit, format }
  })
  const seconds = (unit: SourceUnit) => unit.dts / unit.format.timescale
  const units = [...first.units, ...secondUnits].sort((a, b) => seconds(a) - seconds(b))
  const source = { path: '', formats: [...first.formats, ...renumbered], units }
  const part = await record(source)
  assert.deepEqual(
    unitCounts(await flv.finish(part)),
    source.formats.map((format) => units.filter((unit) => unit.format === format).length),
  )
  const path = folder.at('multitrack.flv')
  await writeFile(path, part.bytes)
  await assertReadsBack(path, source)
  const torn = new MemoryPart(part.bytes.slice(0, part.sizeBytes - 10_000))
  assert.equal((await flv.finish(torn)).tracks.length, 4)
})

test('FLV: the index leads to key frames, and nothing moved to put it there', async () => {
  const source = await smallSource({ seconds: 3 })
  const part = await record(source)
  const before = part.bytes
  await flv.finish(part)
  const after = part.bytes
  const { metadata } = await readTail(part)
  const keyframes = metadata['keyframes'] as { filepositions: number[]; times: number[] }
  assert.deepEqual(keyframes.times, [0, 1, 2])
  for (const position of keyframes.filepositions) {
    assert.deepEqual([after[position], after[position + 11]], [9, 0x17], 'a video tag with a key frame')
  }
  assert.equal(metadata['filesize'], after.length)
  const mediaStart = (keyframes.filepositions[0] ?? 0) - 100
  assert.equal(Buffer.compare(before.subarray(mediaStart), after.subarray(mediaStart)), 0)
})

test('FLV: an index that outgrows its room is thinned evenly and stays true', async () => {
  const source = await anySource
  const key = source.units[0]
  assert.ok(key !== undefined)
  const units = Array.from({ length: 1000 }, (_, i) => ({ ...key, dts: i * 12_800, pts: i * 12_800 }))
  const part = new MemoryPart()
  await writePart(flv.open(writerOptions(source, { expectedSeconds: 60 })), part, units)
  await flv.finish(part)
  const { metadata } = await readTail(part)
  const keyframes = metadata['keyframes'] as { filepositions: number[]; times: number[] }
  assert.deepEqual(
    keyframes.times,
    Array.from({ length: 125 }, (_, i) => i * 8),
  )
  assert.ok(keyframes.filepositions.every((position) => part.bytes[position + 11] === 0x17))
})

test('FLV: cut anywhere, finish keeps every whole access unit and is idempotent', async () => {
  const source = await anySource
  const whole = new MemoryPart()
  const placed = await placeUnits(flv.open(writerOptions(source, { expectedSeconds: 100 })), whole, source.units)
  const firstEnd = placed[0]?.endPosition ?? 0
  await assertKeepsWholeUnits(flv, source, whole, placed, firstEnd)
})

test('FLV: a torn file plays up to its last whole access unit', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac' })
  const whole = (await record(source)).bytes
  for (const share of [0.5, 0.7, 0.95]) {
    const part = new MemoryPart(whole.slice(0, Math.round(whole.length * share)))
    const summary = await flv.finish(part)
    const path = folder.at('torn.flv')
    await writeFile(path, part.bytes)
    const seen = await ffprobe(path)
    const count = (type: string) => {
      const index = seen.streams.findIndex(({ codec_type }) => codec_type === type)
      return seen.packets.filter(({ stream_index }) => stream_index === index).length
    }
    assert.deepEqual(unitCounts(summary), [count('video'), count('audio')])
  }
})

test('FLV: appended twice, it plays through and decodes like its pieces', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1 })
  const part = await record(source)
  const single = await flv.finish(part)
  const sizeOnce = part.sizeBytes
  for (let times = 2; times <= 3; times++) {
    const { writer, startMs } = await flv.openForAppend(part, writerOptions(source))
    await writePart(writer, part, source.units, startMs)
    const summary = await flv.finish(part)
    assert.deepEqual(
      unitCounts(summary),
      unitCounts(single).map((count) => count * times),
    )
    assert.ok(Math.abs(summary.durationMs - single.durationMs * times) < 50 * times)
  }
  assert.ok(part.sizeBytes < 3 * sizeOnce)
  const path = folder.at('appended.flv')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  assert.ok(Math.abs(Number(seen.format.duration) - (3 * single.durationMs) / 1000) < 0.15)
  assert.deepEqual((await streamHashes(path)).sort(), (await repeatedHashes(source.path, 3, false)).sort())
  assert.deepEqual(await pictureHash(path), await repeatedHashes(source.path, 3, true))
})

test('FLV: a changed configuration and a late track go on in the same file', async () => {
  await using folder = await TempFolder.make()
  const small = await makeSource(folder, { video: 'h264', seconds: 1, size: '160x90' })
  const large = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '320x180' })
  const part = new MemoryPart()
  const writer = flv.open(writerOptions(small))
  await writePart(writer, part, [...small.units, ...later(large.units, 2)])
  const summary = await flv.finish(part)
  assert.deepEqual(unitCounts(summary), [50, large.units.length - 25])
  const path = folder.at('changed.flv')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  assert.deepEqual(seen.streams.map(({ codec_type }) => codec_type).sort(), ['audio', 'video'])
  const other = { ...(large.formats[0] ?? small.formats[0]), codec: 'h265' } as SourceUnit['format']
  assert.equal(flv.open(writerOptions(small)).changeFormat(other), false, 'another codec needs another part')
  await assert.rejects(flv.openForAppend(part, writerOptions({ formats: [other] })), {
    code: 'container/append-mismatch',
  })
})

test('FLV: finishing reads the tail only, before and after a crash', async () => {
  const source = await smallSource({ size: '320x180' })
  const units = Array.from({ length: 120 }, (_, second) => later(source.units, second)).flat()
  const part = await record(source, units)
  assert.ok(part.sizeBytes > 8_000_000)
  const torn = new MemoryPart(part.bytes.slice(0, -10_000))
  const clean = await flv.finish(part)
  assert.ok(part.readBytes < 300_000)
  const repaired = await flv.finish(torn)
  assert.ok(torn.readBytes < 12_000_000)
  assert.ok(repaired.durationMs < clean.durationMs && repaired.durationMs > clean.durationMs - 1500)
  // The chain of checkpoints tells what a scan from the first one tells.
  const before = part.bytes
  for (let at = before.length; ; ) {
    at = Buffer.from(before.buffer).lastIndexOf('TapedeckFLV', at - 1)
    if (at < 100_000) break
    before[at] = 0
  }
  const scanned = await readTail(new MemoryPart(before))
  const chained = await readTail(part)
  assert.deepEqual(scanned.tracks, chained.tracks)
  assert.deepEqual(scanned.index, chained.index)
})

test('FLV: strangers and arbitrary bytes give a ContainerError and are left alone', async () => {
  const head = Uint8Array.of(0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0, 18)
  const noise = fc.uint8Array({ maxLength: 500 })
  const begun = noise.map((bytes) => new Uint8Array(Buffer.concat([head, bytes])))
  await assertRefusesStrangers(flv, fc.oneof(noise, begun))
})

test('FLV: a file of another program is refused', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', seconds: 1 })
  const path = folder.at('theirs.flv')
  await remuxWithFfmpeg(source.path, path)
  const part = new MemoryPart(await readFile(path))
  await assert.rejects(flv.openForAppend(part, writerOptions(source)), { code: 'container/not-ours' })
})

test('FLV: bytes changed anywhere in a file of ours give a summary or a ContainerError', async () => {
  const whole = (await record(await anySource)).bytes
  await assertStandsChanges(whole, (part) => flv.finish(part))
})
