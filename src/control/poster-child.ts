// Runs in a process of its own (poster-process.ts): a picture of argv[2], a file of the container argv[3], becomes a
// JPEG at argv[4], at most argv[5] pixels wide: the one that decoding can start with at argv[6] milliseconds.
import { writeFile } from 'node:fs/promises'
import { Decoder, Demuxer, type Frame, Scaler } from 'node-av'
import { AVSEEK_FLAG_BACKWARD } from 'node-av/constants'

/** Access units read in search of a picture: a recording begun with startOn "now" has no key frame for a while. */
const MAX_PACKETS = 2_000

/** Names of libavformat's readers. Named, so that a stranger's bytes can't choose one that opens further files. */
const READERS: Readonly<Record<string, string>> = {
  mp4: 'mov',
  flv: 'flv',
  ts: 'mpegts',
  webm: 'matroska',
  mkv: 'matroska',
}

const [input = '', container = '', output = '', maxWidth = '640', at = '0'] = process.argv.slice(2)
try {
  const reader = READERS[container]
  if (reader === undefined) throw new Error(`${container} is no container of ours`)
  await writeFile(output, await firstPicture(input, reader))
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

async function firstPicture(path: string, reader: string): Promise<Buffer> {
  await using demuxer = await Demuxer.open(path, { format: reader })
  const stream = demuxer.video()
  if (stream === undefined) throw new Error('it has no video')
  // Some files have no index to seek by: then it is the first picture.
  if (Number(at) > 0) await demuxer.seek(Number(at) / 1000, -1, AVSEEK_FLAG_BACKWARD)
  using decoder = await Decoder.create(stream)
  let packets = 0
  for await (const packet of demuxer.packets(stream.index)) {
    const frames = await decoder.decodeAll(packet)
    packet?.free()
    const [frame] = frames
    if (frame !== undefined) return toJpeg(frame)
    if (packet === null || ++packets > MAX_PACKETS) break
  }
  throw new Error('no picture could be decoded yet')
}

/** Square pixels, even sides, at most as wide as asked. */
async function toJpeg(frame: Frame): Promise<Buffer> {
  const { num, den } = frame.sampleAspectRatio
  const aspect = num > 0 && den > 0 ? num / den : 1
  const shownWidth = frame.width * aspect
  const width = Math.min(Number(maxWidth), Math.ceil(shownWidth / 2) * 2)
  const height = Math.max(2, Math.round((frame.height * width) / shownWidth / 2) * 2)
  using scaler = new Scaler()
  return await scaler.toJpeg(frame, { resize: { width, height }, quality: 80 })
}
