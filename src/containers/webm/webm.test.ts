import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { VideoFormat } from '#media/track.ts'
import { assertRefusesStrangers, assertStandsChanges, unitCounts } from '#test/support/container-laws.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { later } from '#test/support/later.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { ffprobe, pictureHash, remuxWithFfmpeg, repeatedHashes, streamHashes } from '#test/support/outside-judges.ts'
import { MemoryPart } from '#test/support/part-bytes.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { assertMergeable, childElements, segmentElements, uintOf } from '#test/support/webm-judges.ts'
import { writePart, writerOptions } from '#test/support/write-part.ts'
import { mkv, webm } from './webm.ts'

const ID = { cluster: '1f43b675', cues: '1c53bb6b', simpleBlock: 'a3', timestamp: 'e7' } as const

let folder: TempFolder
let everyday: ElementarySource
let web: ElementarySource
before(async () => {
  folder = await TempFolder.make()
  everyday = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  web = describedSource(await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2, size: '160x90' }))
})
after(() => folder[Symbol.asyncDispose]())

test('each GOP begins a cluster of a known size, and blocks never step back before their cluster', async () => {
  const part = new MemoryPart()
  const units = [...web.units, ...later(web.units, 2.02)]
  await writePart(webm.open(writerOptions(web, { fragmentMs: 600 })), part, units)
  const { bytes } = part
  const clusters = segmentElements(bytes).filter(({ id }) => id === ID.cluster)
  assert.ok(clusters.length >= 6)
  let keys = 0
  for (const cluster of clusters) {
    const [timestamp, ...blocks] = childElements(bytes, cluster)
    assert.equal(timestamp?.id, ID.timestamp)
    const view = new DataView(bytes.buffer, bytes.byteOffset)
    const times = blocks.map(({ contentAt }) => view.getInt16(contentAt + 1))
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.equal(times[0], 0)
    const pictures = blocks.filter(({ contentAt }) => bytes[contentAt] === 0x81)
    const keyAt = pictures.findIndex(({ contentAt }) => bytes[contentAt + 3] === 0x80)
    if (keyAt >= 0) keys++
    assert.ok(keyAt <= 0, 'a key frame comes first')
  }
  assert.equal(keys, units.filter(({ format, isRandomAccess }) => format.kind === 'video' && isRandomAccess).length)
})

test('Cues lead to key frames; where there is sound only, to a block every five seconds', async () => {
  for (const [source, times, expectedMs] of [
    [web, [0, 1000, 2020, 3020], [14, 1014, 2034, 3034]],
    [await makeSource(folder, { audio: 'opus', seconds: 12 }), undefined, undefined],
  ] as const) {
    const part = new MemoryPart()
    const units = times === undefined ? source.units : [...source.units, ...later(source.units, 2.02)]
    await writePart(webm.open(writerOptions(source)), part, units)
    await webm.finish(part)
    const { bytes } = part
    const elements = segmentElements(bytes)
    const segment = elements.find(({ id }) => id === '18538067')
    const cues = elements.find(({ id }) => id === ID.cues)
    assert.ok(cues !== undefined && segment !== undefined)
    assert.equal(segment.contentAt + segment.contentBytes, bytes.length)
    const timesMs = childElements(bytes, cues).map((point) => {
      const [time, positions] = childElements(bytes, point)
      assert.ok(time !== undefined && positions !== undefined)
      const [track, clusterAt, relative] = childElements(bytes, positions).map((field) => uintOf(bytes, field))
      const cluster = elements.find(({ position }) => position === segment.contentAt + (clusterAt ?? 0))
      assert.equal(cluster?.id, ID.cluster)
      const block = childElements(bytes, cluster).find(
        ({ position }) => position === cluster.contentAt + (relative ?? 0),
      )
      assert.ok(block?.id === ID.simpleBlock)
      const view = new DataView(bytes.buffer, bytes.byteOffset + block.contentAt, 4)
      assert.equal(view.getUint8(0), 0x80 | (track ?? 0))
      assert.equal(view.getUint8(3), 0x80, 'a key frame')
      const [timestamp] = childElements(bytes, cluster)
      assert.ok(timestamp !== undefined)
      assert.equal(uintOf(bytes, timestamp) + view.getInt16(1), uintOf(bytes, time))
      return uintOf(bytes, time)
    })
    if (expectedMs !== undefined) assert.deepEqual(timesMs, expectedMs)
    else
      assert.ok(timesMs.length === 3 && timesMs.every((ms, i) => ms >= i * 5000 && ms < i * 5000 + 2000), `${timesMs}`)
  }
})

test('finishing moves no media, and reads the end only, before and after a crash', async () => {
  const units = Array.from({ length: 120 }, (_, second) => later(everyday.units, second * 1.03)).flat()
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions(everyday)), part, units)
  assert.ok(part.sizeBytes > 4_000_000)
  const recorded = part.bytes
  const torn = new MemoryPart(part.bytes.subarray(0, -10_000))
  const clean = await mkv.finish(part)
  assert.ok(part.readBytes < 150_000, `${part.readBytes} bytes read`)
  const firstCluster = segmentElements(recorded).find(({ id }) => id === ID.cluster)?.position ?? 0
  assert.equal(Buffer.compare(recorded.subarray(firstCluster), part.bytes.subarray(firstCluster)), 0)
  const repaired = await mkv.finish(torn)
  assert.ok(torn.readBytes < 1_500_000, `${torn.readBytes} bytes read`)
  assert.ok(repaired.durationMs < clean.durationMs && repaired.durationMs > clean.durationMs - 1500)
  const readBefore = part.readBytes
  assert.deepEqual(await mkv.finish(part), clean)
  assert.ok(part.readBytes - readBefore < 20_000)
})

test('appended twice, it plays through and decodes like its pieces', async () => {
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions(everyday)), part, everyday.units)
  const single = await mkv.finish(part)
  for (let times = 2; times <= 3; times++) {
    const { writer, startMs } = await mkv.openForAppend(part, writerOptions(everyday))
    await writePart(writer, part, everyday.units, startMs)
    const summary = await mkv.finish(part)
    assert.deepEqual(
      unitCounts(summary),
      unitCounts(single).map((count) => count * times),
    )
    // New pictures are decoded where the old ones end, and shown later by how far they are reordered.
    assert.ok(Math.abs(summary.durationMs - single.durationMs * times) < 100 * times)
  }
  const path = folder.at('appended.mkv')
  await writeFile(path, part.bytes)
  await ffprobe(path)
  await assertMergeable(path)
  assert.deepEqual((await streamHashes(path)).sort(), (await repeatedHashes(everyday.path, 3, false)).sort())
  assert.deepEqual(await pictureHash(path), await repeatedHashes(everyday.path, 3, true))
})

test('a late track goes on in the same file, also in one that is appended to', async () => {
  const [video] = everyday.formats
  assert.ok(video !== undefined)
  const pictures = everyday.units.filter(({ format }) => format === video)
  const part = new MemoryPart()
  await writePart(mkv.open(writerOptions({ formats: [video] })), part, [...pictures, ...later(everyday.units, 1)])
  const summary = await mkv.finish(part)
  const sounds = everyday.units.length - pictures.length
  assert.deepEqual(unitCounts(summary), [50, sounds])
  const third = everyday.units.map((unit) => ({
    ...unit,
    format: { ...unit.format, trackId: unit.format.trackId + 2 },
  }))
  const formats = new Map(third.map(({ format }) => [format.trackId, format]))
  const fourth = third.map((unit) => ({ ...unit, format: formats.get(unit.format.trackId) ?? unit.format }))
  const finished = part.bytes
  const { writer, startMs } = await mkv.openForAppend(part, writerOptions({ formats: [] }))
  assert.deepEqual(part.bytes, finished, 'final until something is written')
  await writePart(writer, part, fourth, startMs)
  assert.deepEqual(unitCounts(await mkv.finish(part)), [50, sounds, 25, sounds])
  const path = folder.at('late.mkv')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  assert.deepEqual(
    seen.streams.map(({ codec_name }) => codec_name),
    ['h264', 'aac', 'h264', 'aac'],
  )
  await assertMergeable(path)
})

test('a track that brought nothing is not shown when the part is finished', async () => {
  const part = new MemoryPart()
  const pictures = everyday.units.filter(({ format }) => format.kind === 'video')
  await writePart(mkv.open(writerOptions(everyday)), part, pictures)
  assert.deepEqual(unitCounts(await mkv.finish(part)), [25, 0])
  const path = folder.at('silent.mkv')
  await writeFile(path, part.bytes)
  assert.equal((await ffprobe(path)).streams.length, 1)
  const { writer, startMs } = await mkv.openForAppend(part, writerOptions(everyday))
  await writePart(writer, part, everyday.units, startMs)
  await mkv.finish(part)
  await writeFile(path, part.bytes)
  assert.equal((await ffprobe(path)).streams.length, 2)
})

test('VP8 changes its size in the same file; H.264 needs another part', async () => {
  const large = describedSource(await makeSource(folder, { video: 'vp8', seconds: 1, size: '320x180' }))
  const [format] = web.formats
  assert.ok(format?.kind === 'video')
  const unknown: VideoFormat = { ...format, widthPixels: 0, heightPixels: 0 }
  const first = web.units.filter((unit) => unit.format === format)
  const units = [
    ...first.slice(0, 20).map((unit) => ({ ...unit, format: unknown })),
    ...first.slice(20),
    ...later(large.units, 2),
  ]
  const part = new MemoryPart()
  await writePart(webm.open(writerOptions({ formats: [unknown] })), part, units)
  assert.deepEqual(unitCounts(await webm.finish(part)), [75])
  const path = folder.at('resized.webm')
  await writeFile(path, part.bytes)
  const seen = await ffprobe(path)
  assert.deepEqual([seen.streams[0]?.width, seen.streams[0]?.height], [160, 90])
  await pictureHash(path)

  const other = await makeSource(folder, { video: 'h264', seconds: 1, size: '320x180' })
  const [otherFormat] = other.formats
  assert.ok(otherFormat?.kind === 'video')
  const writer = mkv.open(writerOptions(everyday))
  const recorded = new MemoryPart()
  await writePart(writer, recorded, everyday.units)
  assert.equal(writer.changeFormat(otherFormat), false)
  assert.equal(writer.changeFormat({ ...otherFormat, codec: 'h265' }), false)
  await mkv.finish(recorded)
  const { bytes } = recorded
  await assert.rejects(mkv.openForAppend(recorded, writerOptions(other)), { code: 'container/append-configuration' })
  const h265 = { formats: [{ ...otherFormat, codec: 'h265' as const }] }
  await assert.rejects(mkv.openForAppend(recorded, writerOptions(h265)), { code: 'container/append-mismatch' })
  assert.deepEqual(recorded.bytes, bytes, 'nothing was changed')
})

test('tracks far apart in time, and one that comes late with what was before, stay in order', async () => {
  const [video, audio] = everyday.formats
  assert.ok(video !== undefined && audio !== undefined)
  const pictures = everyday.units.filter(({ format }) => format === video)
  const sounds = everyday.units.filter(({ format }) => format === audio)
  const part = new MemoryPart()
  // Sound runs forty seconds ahead: more than a block can say.
  const ahead = later(sounds, 40)
  const units = pictures.flatMap((unit, i) => [unit, ...ahead.slice(i * 2, i * 2 + 2)])
  await writePart(mkv.open(writerOptions(everyday)), part, units)
  const summary = await mkv.finish(part)
  assert.deepEqual(unitCounts(summary), [25, units.length - 25])
  assert.ok(summary.durationMs > 40_000)
  const path = folder.at('apart.mkv')
  await writeFile(path, part.bytes)
  const { packets } = await ffprobe(path)
  const last = packets.filter(({ stream_index }) => stream_index === 1).at(-1)
  assert.ok(Number(last?.pts_time) > 40)
})

test('a WebM file is not taken for Matroska, nor theirs for ours; arbitrary bytes are left alone', async () => {
  const part = new MemoryPart()
  await writePart(webm.open(writerOptions(web)), part, web.units)
  await assert.rejects(mkv.finish(part), { code: 'container/not-ours' })
  const path = folder.at('theirs.mkv')
  await remuxWithFfmpeg(everyday.path, path)
  const theirs = new MemoryPart(await readFile(path))
  await assert.rejects(mkv.openForAppend(theirs, writerOptions(everyday)), { code: 'container/not-ours' })
  const start = part.bytes.subarray(0, 200)
  const noise = fc.uint8Array({ maxLength: 3000 })
  const begun = noise.map((bytes) => new Uint8Array(Buffer.concat([start, bytes])))
  await assertRefusesStrangers(webm, fc.oneof(noise, begun))
})

test('bytes changed anywhere in a file of ours give a summary or a ContainerError', async () => {
  const part = new MemoryPart()
  await writePart(webm.open(writerOptions(web, { expectedSeconds: 1 })), part, web.units)
  const recorded = part.bytes
  await webm.finish(part)
  for (const whole of [recorded, part.bytes]) {
    // The first two kibibytes and the last three hold nearly all that is read.
    const place = fc.oneof(
      fc.nat(whole.length - 1),
      fc.nat(2048),
      fc.integer({ min: whole.length - 3000, max: whole.length - 1 }),
    )
    const use = async (changed: MemoryPart) => {
      await webm.finish(changed)
      const { writer, startMs } = await webm.openForAppend(changed, writerOptions(web))
      await writePart(writer, changed, web.units, startMs)
      await webm.finish(changed)
    }
    await assertStandsChanges(whole, use, place)
  }
})
