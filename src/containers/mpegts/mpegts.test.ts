import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
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
import { ffprobe, mediainfo, readWithFfmpeg8, streamHashes } from '#test/support/outside-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { placeUnits, writePart, writerOptions } from '#test/support/write-part.ts'
import type { ContainerWriter } from '../container.ts'
import { mpegts } from './mpegts.ts'

/** ffmpeg's names of the bitstream filters that leave only what the publisher's payloads held. */
const SOURCE_FILTERS: Record<string, readonly string[]> = {
  h264: ['-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=7-9'],
  h265: ['-bsf:v', 'hevc_mp4toannexb,filter_units=remove_types=32-35'],
  mpeg4: ['-bsf:v', 'dump_extra=freq=keyframe'],
}
const OUTPUT_FILTERS: Record<string, readonly string[]> = {
  h264: ['-bsf:v', 'filter_units=remove_types=7-9'],
  h265: ['-bsf:v', 'filter_units=remove_types=32-35'],
  aac: ['-bsf:a', 'aac_adtstoasc'],
}

const CASES: readonly SourceOptions[] = [
  { video: 'h264' },
  { video: 'h264', audio: 'aac' },
  { video: 'h265', audio: 'opus' },
  { video: 'h264', audio: 'mp3' },
  { audio: 'aac' },
  { audio: 'opus' },
  { audio: 'ac3' },
  { audio: 'eac3' },
  { video: 'mpeg4' },
]

const record = (source: ElementarySource, units?: readonly SourceUnit[]) => recorded(mpegts, source, units)

for (const options of CASES) {
  const { video, audio } = options
  test(`MPEG-TS of ${video ?? 'no video'} and ${audio ?? 'no audio'}: judged by ffmpeg, FFmpeg 8 and mediainfo`, async () => {
    await using folder = await TempFolder.make()
    const source = await makeSource(folder, { seconds: 1, ...options })
    const part = await record(source)
    const summary = await mpegts.finish(part)
    const path = folder.at('out.ts')
    await writeFile(path, part.bytes)

    const seen = await ffprobe(path)
    assert.deepEqual(
      seen.streams.map(({ codec_name }) => codec_name),
      source.formats.map(({ codec }) => (codec === 'h265' ? 'hevc' : codec)),
    )
    assert.ok(
      Math.abs(Number(seen.format.duration) * 1000 - summary.durationMs) < 50,
      `${seen.format.duration} s, ${JSON.stringify(summary)}`,
    )
    for (const [index, format] of source.formats.entries()) {
      const packets = seen.packets.filter(({ stream_index }) => stream_index === index)
      assert.equal(packets[0]?.flags[0], 'K', 'a random access point comes first')
      const decodeTimes = packets.map(({ dts_time }) => Number(dts_time))
      assert.ok(decodeTimes.every((time, i) => i === 0 || time > (decodeTimes[i - 1] ?? 0)))
      assert.equal(summary.tracks[index]?.accessUnits, source.units.filter((unit) => unit.format === format).length)
    }

    const filters = [...(OUTPUT_FILTERS[video ?? ''] ?? []), ...(OUTPUT_FILTERS[audio ?? ''] ?? [])]
    assert.deepEqual(await streamHashes(path, filters), await streamHashes(source.path, SOURCE_FILTERS[video ?? '']))

    const read = await readWithFfmpeg8(path)
    for (const [index, format] of source.formats.entries()) {
      const expected = source.units.filter((unit) => unit.format === format)
      const packets = read.packets.filter(({ streamIndex }) => streamIndex === index)
      assert.equal(packets.length, expected.length)
      packets.forEach(({ ptsMs, dtsMs }, i) => {
        const unit = expected[i]
        assert.ok(unit !== undefined)
        // The file's zero is at one second; 90 kHz is a hundredth of a millisecond.
        assert.ok(Math.abs(ptsMs - 1000 - (unit.pts * 1000) / format.timescale) < 0.02)
        assert.ok(Math.abs(dtsMs - 1000 - (unit.dts * 1000) / format.timescale) < 0.02)
      })
    }

    const info = await mediainfo(path)
    assert.equal(info[0]?.['Format'], 'MPEG-TS')
    assert.deepEqual(
      info.slice(1).map((track) => track['@type']),
      source.formats.map(({ kind }) => (kind === 'video' ? 'Video' : 'Audio')),
    )
  })
}

/** A part made in memory, for tests that need no judge. */
async function smallSource(options: SourceOptions = {}): Promise<ElementarySource> {
  await using folder = await TempFolder.make()
  return await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90', ...options })
}

/** For the tests that need nothing particular. */
const anySource = smallSource()

test('MPEG-TS: every packet is in its place, counters count, tables and PCR come in time', async () => {
  const source = await smallSource({ seconds: 2 })
  const { bytes } = await record(source)
  assert.equal(bytes.length % 188, 0)
  const counters = new Map<number, number>()
  let lastPcrMs = Number.NaN
  for (let at = 0; at < bytes.length; at += 188) {
    const view = new DataView(bytes.buffer, at, 188)
    assert.equal(view.getUint8(0), 0x47)
    const pid = view.getUint16(1) & 0x1fff
    const control = view.getUint8(3)
    if (pid === 0x1fff) continue
    if ((control & 0x10) !== 0) {
      const before = counters.get(pid)
      if (before !== undefined) assert.equal(control & 0x0f, (before + 1) & 0x0f, `continuity of PID ${pid} at ${at}`)
      counters.set(pid, control & 0x0f)
    }
    if ((control & 0x20) !== 0 && view.getUint8(4) > 0 && (view.getUint8(5) & 0x10) !== 0) {
      const pcrMs = (view.getUint32(6) * 2 + (view.getUint8(10) >> 7)) / 90
      assert.ok(Number.isNaN(lastPcrMs) || (pcrMs > lastPcrMs && pcrMs - lastPcrMs <= 100), `PCR at ${at}`)
      lastPcrMs = pcrMs
    }
  }
  assert.deepEqual(new Set(counters.keys()), new Set([0, 0x100, 0x101, 0x1000]))
})

/** Adds a filler data NAL unit (H.264 §7.3.2.7), so that the PES packet is longer than its length field can say. */
function withFillerData(unit: SourceUnit, bytes: number): SourceUnit {
  const payload = new Uint8Array(unit.payload.length + 4 + bytes).fill(0xff)
  payload.set(unit.payload)
  new DataView(payload.buffer).setUint32(unit.payload.length, bytes)
  payload[unit.payload.length + 4] = 12
  payload[payload.length - 1] = 0x80
  return { ...unit, payload }
}

test('MPEG-TS: cut anywhere, finish keeps every whole access unit and is idempotent', async () => {
  const source = await anySource
  const inflated = source.units.map((unit, i) =>
    unit.format.kind === 'video' && i % 5 === 0 ? withFillerData(unit, 66_000 + i) : unit,
  )
  const whole = new MemoryPart()
  const placed = await placeUnits(mpegts.open(writerOptions(source)), whole, inflated)
  await assertKeepsWholeUnits(mpegts, source, whole, placed, 188 * 3)
})

test('MPEG-TS: a torn file plays up to its last whole access unit', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2, size: '640x360' })
  const whole = (await record(source)).bytes
  for (const share of [0.3, 0.55, 0.81]) {
    const part = new MemoryPart(whole.slice(0, Math.round(whole.length * share)))
    const summary = await mpegts.finish(part)
    const path = folder.at('torn.ts')
    await writeFile(path, part.bytes)
    const { packets } = await readWithFfmpeg8(path)
    const seen = source.formats.map((_, index) => packets.filter(({ streamIndex }) => streamIndex === index).length)
    assert.deepEqual(unitCounts(summary), seen)
  }
})

test('MPEG-TS: appended twice it is one continuous programme', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1 })
  const part = await record(source)
  const single = await mpegts.finish(part)
  for (let times = 2; times <= 3; times++) {
    const { writer, startMs } = await mpegts.openForAppend(part, writerOptions(source))
    await writePart(writer, part, source.units, startMs)
    const summary = await mpegts.finish(part)
    assert.deepEqual(
      unitCounts(summary),
      unitCounts(single).map((count) => count * times),
    )
    assert.ok(Math.abs(summary.durationMs - single.durationMs * times) < 50 * times)
  }
  const path = folder.at('appended.ts')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  for (const index of [0, 1]) {
    const times = seen.packets
      .filter(({ stream_index }) => stream_index === index)
      .map(({ dts_time }) => Number(dts_time))
    assert.ok(times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0)))
  }
})

test('MPEG-TS: a changed configuration and a late track go on in the same file', async () => {
  await using folder = await TempFolder.make()
  const small = await makeSource(folder, { video: 'h264', seconds: 1, size: '160x90' })
  const large = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '320x180' })
  const part = new MemoryPart()
  await writePart(mpegts.open(writerOptions(small)), part, [...small.units, ...later(large.units, 2)])
  // Without the last tally, so that a scan must know the late PID from the tally at its appearance.
  const summary = await mpegts.finish(new MemoryPart(part.bytes.slice(0, -188)))
  assert.deepEqual(unitCounts(summary), [50, large.units.length - 25])
  const path = folder.at('changed.ts')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  assert.deepEqual(seen.streams.map(({ codec_type }) => codec_type).sort(), ['audio', 'video'])
  assert.equal(seen.packets.length, small.units.length + large.units.length)

  const other = { ...large.formats[0], codec: 'h265' } as SourceUnit['format']
  assert.equal(mpegts.open(writerOptions(small)).changeFormat(other), false, 'another codec needs another part')
  await assert.rejects(mpegts.openForAppend(part, writerOptions({ formats: [other] })), {
    code: 'container/append-mismatch',
  })
})

test('MPEG-TS: a track that only the appended half has', async () => {
  const source = await anySource
  const videoFormats = source.formats.filter(({ kind }) => kind === 'video')
  const part = new MemoryPart()
  const videoUnits = source.units.filter(({ format }) => format.kind === 'video')
  await writePart(mpegts.open(writerOptions({ formats: videoFormats })), part, videoUnits)
  await mpegts.finish(part)
  const both = await mpegts.openForAppend(part, writerOptions(source))
  await writePart(both.writer, part, source.units, both.startMs)
  await mpegts.finish(part)
  const videoOnly = await mpegts.openForAppend(part, writerOptions({ formats: videoFormats }))
  await writePart(videoOnly.writer, part, videoUnits, videoOnly.startMs)
  const summary = await mpegts.finish(part)
  const audioUnits = source.units.length - videoUnits.length
  assert.deepEqual(
    summary.tracks.map(({ codec, accessUnits }) => [codec, accessUnits]),
    [
      ['h264', 3 * videoUnits.length],
      ['aac', audioUnits],
    ],
  )
})

/** Records units as a part whose zero lies at `zeroSeconds` of their stream. */
async function recordPart(
  writer: ContainerWriter,
  units: readonly SourceUnit[],
  zeroSeconds: number,
): Promise<Uint8Array> {
  const part = new MemoryPart()
  await writePart(writer, part, units, -zeroSeconds * 1000)
  await mpegts.finish(part)
  return part.bytes
}

test('MPEG-TS: parts joined byte by byte are one programme, equal to the uncut recording', async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3 })
  const seconds = (unit: SourceUnit) => unit.dts / unit.format.timescale
  const pieces = [0, 1, 2].map((from) => source.units.filter((unit) => Math.min(2, Math.floor(seconds(unit))) === from))
  const parts: Uint8Array[] = []
  let continuation: unknown
  for (const [zeroSeconds, units] of pieces.entries()) {
    const writer = mpegts.open(writerOptions(source, { continuation }))
    parts.push(await recordPart(writer, units, zeroSeconds))
    continuation = writer.continuation
  }
  const [joined, uncut] = [folder.at('joined.ts'), folder.at('uncut.ts')]
  await writeFile(joined, Buffer.concat(parts))
  await writeFile(uncut, (await record(source)).bytes)
  assert.deepEqual(await streamHashes(joined), await streamHashes(uncut))
  const times = async (path: string) => (await ffprobe(path)).packets.map(({ dts_time }) => Number(dts_time))
  const expected = await times(uncut)
  assert.ok((await times(joined)).every((time, i) => Math.abs(time - (expected[i] ?? 0)) < 0.0001))
  for (const [index, part] of parts.entries()) {
    const path = folder.at(`part${index}.ts`)
    await writeFile(path, part)
    assert.equal((await readWithFfmpeg8(path)).packets.length, pieces[index]?.length)
  }
})

test('MPEG-TS: a part behind a jump of the stream begins where the one before ended, and says so', async () => {
  const source = await anySource
  const first = mpegts.open(writerOptions(source))
  const ended = await recordPart(first, source.units, 0)
  const jumped = later(source.units, 500)
  const { continuation } = first
  const second = await recordPart(mpegts.open(writerOptions(source, { continuation })), jumped, 500 - 40)
  await using folder = await TempFolder.make()
  const path = folder.at('joined.ts')
  await writeFile(path, Buffer.concat([ended, second]))
  assert.equal((await readWithFfmpeg8(path)).packets.length, 2 * source.units.length)
  const adaptation = [...Array(second.length / 188).keys()].find((i) => ((second[i * 188 + 3] ?? 0) & 0x20) !== 0)
  assert.equal((second[(adaptation ?? 0) * 188 + 5] ?? 0) & 0x80, 0x80, 'discontinuity_indicator')
})

test('MPEG-TS: finishing reads the tail only', async () => {
  const source = await anySource
  const units = Array.from({ length: 60 }, (_, second) => later(source.units, second)).flat()
  const part = await record(source, units)
  assert.ok(part.sizeBytes > 3_000_000)
  part.readBytes = 0
  assert.deepEqual(unitCounts(await mpegts.finish(part)), unitCounts(await mpegts.finish(part)))
  assert.ok(part.readBytes < 2 * 1_200_000)
})

test('MPEG-TS: timestamps wrap after 26.5 hours and nobody notices', async () => {
  const source = await anySource
  const wrapSeconds = 2 ** 33 / 90_000
  const units = [0, 10 * 3600, 20 * 3600, wrapSeconds - 1.5].flatMap((seconds) => later(source.units, seconds))
  const whole = await record(source, units)
  const { durationMs } = await mpegts.finish(whole)
  assert.ok(Math.abs(durationMs / 1000 - (wrapSeconds - 0.5)) < 0.2)
  const torn = await mpegts.finish(new MemoryPart(whole.bytes.slice(0, -188)))
  assert.equal(torn.durationMs, durationMs)
})

test('MPEG-TS: strangers and arbitrary bytes give a ContainerError and are left alone', async () => {
  const noise = fc.uint8Array({ maxLength: 3000 })
  const synced = noise.map((bytes) => bytes.map((byte, at) => (at % 188 === 0 ? 0x47 : byte)))
  await assertRefusesStrangers(mpegts, fc.oneof(noise, synced))
})

test('MPEG-TS: bytes changed anywhere in a file of ours give a summary or a ContainerError', async () => {
  const whole = (await record(await anySource)).bytes
  await assertStandsChanges(whole, (part) => mpegts.finish(part))
})
