// Runs in a process of its own (take-over.ts): reads an uploaded file with libavformat and writes its media, undecoded, to
// a file of ours. Native code that reads a stranger's bytes may crash or hang; neither reaches the server.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { AV_LOG_QUIET, AVERROR_EOF } from 'node-av/constants'
import { FFmpegError, Log, Packet } from 'node-av/lib'
import { errorMessage } from '#base/error.ts'
import { allContainers } from '#containers/all-containers.ts'
import type { MediaTaker } from '#ingest/pull/libav/frame-writer.ts'
import { readingTask } from '#ingest/pull/libav/reading-task.ts'
import { Source } from '#ingest/pull/libav/source.ts'
import { StorageError, systemCode } from '#storage/errors.ts'
import { openPartFile } from '#storage/part-files.ts'
import { UploadNotHeldError } from './errors.ts'
import type { TakeOverAnswer, TakeOverTask } from './messages.ts'
import { UploadWriter } from './upload-writer.ts'

Log.setLevel(AV_LOG_QUIET)
// Ctrl-C in the terminal of the server reaches the child as well; the server says when to stop.
process.on('SIGINT', () => {})
// The server has gone: what is made now nobody wants.
process.stdin.once('close', () => process.exit(1))

const [line] = await once(createInterface(process.stdin), 'line')
const task: TakeOverTask = JSON.parse(String(line))
process.stdout.write(`${JSON.stringify(await answer(task))}\n`, () => process.exit(0))

async function answer(wanted: TakeOverTask): Promise<TakeOverAnswer> {
  try {
    return await takeOver(wanted)
  } catch (error) {
    if (error instanceof FFmpegError) return { outcome: 'not-media', reason: error.message }
    if (error instanceof UploadNotHeldError) return { outcome: 'not-held', reason: error.reason }
    if (error instanceof StorageError) {
      return { outcome: 'storage', errno: systemCode(error.cause) ?? '', message: errorMessage(error.cause) }
    }
    throw error
  }
}

async function takeOver({ input, output, fragmentMs, mp4IndexBytes }: TakeOverTask): Promise<TakeOverAnswer> {
  // The tracks are announced to the writer, which needs to know how many there are.
  let writer: UploadWriter | undefined
  const early: Parameters<MediaTaker['track']>[0][] = []
  const taker: MediaTaker = {
    track: (frame) => (writer === undefined ? void early.push(frame) : writer.track(frame)),
    accessUnit: (head, payload) => writer?.accessUnit(head, payload),
  }
  await using source = await Source.open(
    readingTask({ scheme: 'file', url: `file:${input}` }, { idleTimeoutMs: 0, verifyTls: false }),
    taker,
  )
  const tracks = await source.findTracks()
  if (tracks === 0) return { outcome: 'nothing-usable', reasons: reasonsOf(source) }
  await using file = await openPartFile(output)
  const { expectedSeconds } = source
  const containers = allContainers(mp4IndexBytes)
  writer = new UploadWriter({ file, containers, fragmentMs, tracks, expectedSeconds, createdAtMs: Date.now() })
  for (const frame of early) writer.track(frame)
  const isCutOff = !(await pass(source, writer))
  if (!writer.hasMedia) return { outcome: 'nothing-usable', reasons: reasonsOf(source) }
  const { container, summary, tracks: written } = await writer.finish()
  await file.sync()
  const { durationMs, bytes } = summary
  const made = { format: container.name, durationMs, bytes, tracks: written, lost: writer.lost }
  return { outcome: 'made', made: { ...made, left: source.reasons, isCutOff } }
}

/** False when it ends in the middle of something. */
async function pass(source: Source, writer: UploadWriter): Promise<boolean> {
  const packet = new Packet()
  packet.alloc()
  for (;;) {
    try {
      await source.read(packet)
    } catch (error) {
      if (!(error instanceof FFmpegError)) throw error
      source.flush()
      await writer.pass()
      return error.code === AVERROR_EOF
    }
    source.track(packet)?.take(packet)
    packet.unref()
    await writer.pass()
  }
}

function reasonsOf({ reasons }: Source): readonly string[] {
  return reasons.length > 0 ? reasons : ['it has none']
}
