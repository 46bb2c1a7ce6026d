import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createFile, MP4BoxBuffer } from 'mp4box'
import { describeInBand, isSelfDescribing } from '#media/in-band.ts'
import type { TrackFormat } from '#media/track.ts'
import type { ElementarySource, SourceUnit } from './elementary-source.ts'
import { ffprobe, mediainfo, readWithFfmpeg8, streamHashes } from './outside-judges.ts'

const run = promisify(execFile)

/** The source with the configuration that ingest would have made from its first access unit, where it came without. */
export function describedSource(source: ElementarySource): ElementarySource {
  const formats = new Map<TrackFormat, TrackFormat>()
  for (const format of source.formats) {
    const first = source.units.find((unit) => unit.format === format)
    const described = first !== undefined && isSelfDescribing(format.codec)
    formats.set(format, described ? { ...format, ...describeInBand(format.codec, first.payload) } : format)
  }
  return {
    path: source.path,
    formats: [...formats.values()],
    units: source.units.map((unit) => ({ ...unit, format: formats.get(unit.format) ?? unit.format })),
  }
}

/** MD5 of each track's payloads, in the order of the track ids. */
export function payloadHashes(units: readonly SourceUnit[], trackIds: readonly number[]): string[] {
  return trackIds.map((id) => md5(units.filter((unit) => unit.format.trackId === id).map((unit) => unit.payload)))
}

function md5(payloads: readonly Uint8Array[]): string {
  const hash = createHash('md5')
  for (const payload of payloads) hash.update(payload)
  return hash.digest('hex')
}

/** FFmpeg 5.1 and FFmpeg 8 both read exactly these payloads. */
export async function assertPayloads(path: string, bytes: Uint8Array, expected: readonly string[]): Promise<void> {
  await writeFile(path, bytes)
  assert.deepEqual(await streamHashes(path), expected, 'FFmpeg 5.1')
  const { streams, packets } = await readWithFfmpeg8(path)
  const read = streams.map((_, index) =>
    md5(packets.filter((packet) => packet.streamIndex === index).map((packet) => packet.payload)),
  )
  assert.deepEqual(read, expected, 'FFmpeg 8')
}

/** What any reader should see of a part: no complaints, its tracks, increasing DTS, a key first, times as they came. */
export async function assertTimes(path: string, source: Pick<ElementarySource, 'formats' | 'units'>): Promise<void> {
  const probed = await ffprobe(path)
  assert.equal(probed.streams.length, source.formats.length)
  const zeroSeconds = Math.min(...source.units.map((unit) => unit.pts / unit.format.timescale))
  for (const [index, format] of source.formats.entries()) {
    const packets = probed.packets.filter((packet) => packet.stream_index === index)
    const units = source.units.filter((unit) => unit.format.trackId === format.trackId)
    assert.equal(packets.length, units.length)
    assert.ok(packets[0]?.flags.startsWith('K'), 'a key first')
    let lastDts = Number.NEGATIVE_INFINITY
    for (const [number, packet] of packets.entries()) {
      const unit = units[number]
      if (unit === undefined) break
      assert.ok(Number(packet.dts_time) > lastDts, 'increasing DTS')
      lastDts = Number(packet.dts_time)
      const expectedSeconds = unit.pts / format.timescale - zeroSeconds
      const offMs = Math.abs(Number(packet.pts_time) - expectedSeconds) * 1000
      assert.ok(offMs < 0.5, `${format.codec} ${number}: ${offMs} ms off`)
      assert.equal(packet.flags.startsWith('K'), unit.isRandomAccess)
    }
  }
}

/** Further readers, and their opinion of the tracks. */
export async function assertOpensElsewhere(path: string, tracks: number): Promise<void> {
  const described = await mediainfo(path)
  assert.equal(described.length, 1 + tracks, 'mediainfo')
  const bytes = new Uint8Array(await readFile(path))
  const file = createFile()
  const info = Promise.withResolvers<{ tracks: readonly unknown[] }>()
  file.onReady = info.resolve
  file.onError = (module: string, message: string) => info.reject(new Error(`${module}: ${message}`))
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(bytes.buffer, 0), true)
  file.flush()
  assert.equal((await info.promise).tracks.length, tracks, 'mp4box')
}

/** FFmpeg 5.1 decodes every track without complaint: the configuration records are what the decoders need. */
export async function assertDecodes(path: string): Promise<void> {
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-i', path, '-map', '0', '-f', 'null', '-'])
  assert.equal(stderr, '')
}

/** Types of the boxes at the top level, in order. */
export function topLevelBoxes(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const types: string[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    types.push(String.fromCharCode(...bytes.subarray(at + 4, at + 8)))
    const size = view.getUint32(at)
    at += size === 1 ? Number(view.getBigUint64(at + 8)) : size
  }
  return types
}

/**
 * How many access units of each track FFmpeg 8 reads whole; they must be the first ones of `expected`, by track. After
 * them it may hand out one that is torn.
 */
export async function readableUnits(
  path: string,
  bytes: Uint8Array,
  expected: readonly (readonly Uint8Array[])[],
): Promise<number[]> {
  await writeFile(path, bytes)
  const { packets } = await readWithFfmpeg8(path)
  return expected.map((payloads, index) => {
    const read = packets.filter((packet) => packet.streamIndex === index)
    const whole = read.findIndex((packet, number) => !equals(packet.payload, payloads[number]))
    const count = whole < 0 ? read.length : whole
    assert.ok(count >= read.length - 1, `track ${index} goes wrong at ${count} of ${read.length}`)
    return count
  })
}

const equals = (a: Uint8Array, b: Uint8Array | undefined): boolean => b !== undefined && Buffer.compare(a, b) === 0

/** Payloads by track, in the order of the track ids 1, 2, … */
export function payloadsByTrack(units: readonly SourceUnit[]): Uint8Array[][] {
  const tracks: Uint8Array[][] = []
  for (const unit of units) {
    const index = unit.format.trackId - 1
    tracks[index] = [...(tracks[index] ?? []), unit.payload]
  }
  return tracks
}
