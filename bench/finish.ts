/**
 * How long it takes to make a long MP4 recording final: `node bench/finish.ts [gigabytes] [runs] [kbit/s]`. The file is sparse
 * (headers and index checkpoints are real, media are holes), so that it needs neither time nor disk. Prints JSON.
 */
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Change } from '#containers/container.ts'
import { mp4 } from '#containers/mp4/mp4.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { CHUNK_BYTES, PayloadMemory, Reservation } from '#media/payload-memory.ts'
import type { AudioFormat, VideoFormat } from '#media/track.ts'
import { DiskPart } from '#storage/disk-part.ts'

const gigabytes = Number(process.argv[2] ?? 10)
const runs = Number(process.argv[3] ?? 30)
const kilobitsPerSecond = Number(process.argv[4] ?? 2500)

const VIDEO: VideoFormat = {
  ...{ kind: 'video', codec: 'h264', trackId: 1, timescale: 90_000, announcedBitrateBps: 0, language: 'und' },
  ...{ configuration: Uint8Array.of(1, 100, 0, 31, 0xff, 0xe0, 0), widthPixels: 1280, heightPixels: 720 },
  ...{ pixelAspect: { horizontal: 1, vertical: 1 }, frameRateHint: 30, color: undefined },
}
const AUDIO: AudioFormat = {
  ...{ kind: 'audio', codec: 'aac', trackId: 2, timescale: 48_000, announcedBitrateBps: 0, language: 'und' },
  ...{ configuration: Uint8Array.of(0x11, 0x90), sampleRateHz: 48_000, channels: 2, samplesPerAccessUnit: 1024 },
}
/** Pictures that come at milliseconds, as over RTMP, 30 a second, and 0.1 Mbit/s of sound. */
const PICTURE_BYTES = Math.round((kilobitsPerSecond - 100) * (1000 / 8 / 30))
const SOUND_BYTES = 270

const folder = await mkdtemp(join(tmpdir(), 'tapedeck-bench-'))
try {
  const path = join(folder, 'recording.mp4')
  await using file = await open(path, 'w+')
  const part = new DiskPart({
    descriptor: file.fd,
    path,
    relativePath: 'recording.mp4',
    sizeBytes: 0,
    replaces: undefined,
  })
  const seconds = await record(part)
  const recordedBytes = part.sizeBytes
  const head = await part.read(0, 4096)
  const times: number[] = []
  const cpuTimes: number[] = []
  let writtenBytes = 0
  for (let run = 0; run < runs; run++) {
    await part.truncate(recordedBytes)
    await part.apply([{ kind: 'write', position: 0, bytes: head }])
    const counted = counting(part)
    const startMs = performance.now()
    const startCpu = process.cpuUsage()
    await mp4.finish(counted)
    times.push(performance.now() - startMs)
    const { user, system } = process.cpuUsage(startCpu)
    cpuTimes.push((user + system) / 1000)
    writtenBytes = counted.writtenBytes
  }
  const percentile = (values: readonly number[], share: number) => {
    const sorted = values.toSorted((a, b) => a - b)
    return Number((sorted[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0).toFixed(1))
  }
  console.log(
    JSON.stringify({
      ...{
        fileBytes: recordedBytes,
        recordedSeconds: seconds,
        runs,
        p50Ms: percentile(times, 0.5),
        p99Ms: percentile(times, 0.99),
      },
      cpuP50Ms: percentile(cpuTimes, 0.5),
      ...{ writtenBytes, peakMemoryBytes: process.resourceUsage().maxRSS * 1024 },
    }),
  )
} finally {
  await rm(folder, { recursive: true })
}

/** Writes the recording; payloads become holes. Returns its length in seconds. */
async function record(part: DiskPart): Promise<number> {
  const memory = new PayloadMemory()
  const payload = memory.take(CHUNK_BYTES)
  const writer = mp4.open({
    ...{ formats: [VIDEO, AUDIO], createdAtMs: 0, expectedSeconds: 0, fragmentMs: 900, continuation: undefined },
  })
  const unit = (format: VideoFormat | AudioFormat, bytes: number, isRandomAccess: boolean) => {
    payload.retain()
    const reservation = new Reservation(payload, 0, bytes)
    return new AccessUnit(format, { dts: 0, pts: 0, isRandomAccess }, reservation)
  }
  const pump = async () => {
    for (let output = writer.takeOutput(); output !== undefined; output = writer.takeOutput()) {
      await part.apply(withHoles(output.changes, payload.bytes.buffer, part.sizeBytes))
      for (const accessUnit of output.accessUnits) accessUnit.release()
    }
  }
  let sounds = 0
  let pictures = 0
  while (part.sizeBytes < gigabytes * 1e9) {
    const picture = unit(VIDEO, PICTURE_BYTES + (pictures % 97), pictures % 60 === 0)
    const dts = Math.round((pictures * 1000) / 30) * 90
    writer.write(picture, { dts, pts: dts + 3000 * (pictures % 3) })
    picture.release()
    pictures++
    while (sounds * 1024 * 30 < pictures * 48_000) {
      const sound = unit(AUDIO, SOUND_BYTES + (sounds % 31), true)
      writer.write(sound, { dts: sounds * 1024, pts: sounds * 1024 })
      sound.release()
      sounds++
    }
    if (writer.hasOutput) await pump()
  }
  writer.flush('end')
  await pump()
  return pictures / 30
}

/** Payload buffers become extensions of the file. */
function withHoles(changes: readonly Change[], payload: ArrayBufferLike, sizeBytes: number): Change[] {
  const sparse: Change[] = []
  let endAt = sizeBytes
  for (const change of changes) {
    if (change.kind === 'extend') endAt = change.toBytes
    if (change.kind !== 'append') sparse.push(change)
    for (const buffer of change.kind === 'append' ? change.buffers : []) {
      endAt += buffer.length
      if (buffer.buffer === payload && sparse.at(-1)?.kind === 'extend') sparse.pop()
      if (buffer.buffer === payload) sparse.push({ kind: 'extend', toBytes: endAt })
      else sparse.push({ kind: 'append', buffers: [buffer], bytes: buffer.length })
    }
  }
  return sparse
}

function counting(part: DiskPart) {
  return {
    writtenBytes: 0,
    get sizeBytes() {
      return part.sizeBytes
    },
    read: (position: number, bytes: number) => part.read(position, bytes),
    truncate: (toBytes: number) => part.truncate(toBytes),
    apply(changes: readonly Change[]) {
      for (const change of changes) {
        if (change.kind === 'append') this.writtenBytes += change.bytes
        else if (change.kind === 'write') this.writtenBytes += change.bytes.length
      }
      return part.apply(changes)
    },
  }
}
