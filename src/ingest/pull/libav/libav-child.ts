// Runs in a process of its own (reading-process.ts): reads a source with libavformat and hands its packets, undecoded,
// to the server. Native code that talks to strangers may crash or block; neither reaches the server.
import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AV_LOG_ERROR, AVERROR_EAGAIN } from 'node-av/constants'
import { FFmpegError, Log, Packet } from 'node-av/lib'
import { FrameWriter } from './frame-writer.ts'
import { HttpsRelay } from './https-relay.ts'
import { howItEnded } from './libav-end.ts'
import { Pace } from './pace.ts'
import { MAX_TASK_BYTES, type ReadingTask } from './reading-task.ts'
import { Source } from './source.ts'

/** The pipe to the server. */
const PIPE = 3
/** A read that was interrupted, and the farewell to the source, take no longer; the server's patience ends later. */
const FAREWELL_MS = 500
/** libav's words about an error come around the same time, from its own threads. */
const WORDS_MS = 30
const MAX_WORDS_AGE_MS = 1_000
const FULL_PIPE_MS = 2

const stopping = new AbortController()
const writer = new FrameWriter(writeAll)
let words = { text: '', atMs: 0 }
Log.setCallback(
  (_level, message) => {
    if (message.trim() !== '') words = { text: message.trim(), atMs: performance.now() }
  },
  { maxLevel: AV_LOG_ERROR },
)
// Ctrl-C in the terminal of the server reaches the child as well; the server says when to stop.
process.on('SIGINT', () => {})

const task = await readTask()
if (task !== undefined) await run(task)
leave()

/** Not process.exit(), which waits for threads, and libav may hold one in a call that never returns. */
function leave(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** The first line; the end of the input, whenever it comes, says "stop", and is there too when the server dies. */
function readTask(): Promise<ReadingTask | undefined> {
  const { promise, resolve } = Promise.withResolvers<ReadingTask | undefined>()
  let text = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (more: string) => {
    if (text.length > MAX_TASK_BYTES) process.exit(1)
    text += more
    if (text.endsWith('\n')) resolve(JSON.parse(text))
  })
  process.stdin.on('end', () => {
    stopping.abort()
    resolve(undefined)
    setTimeout(leave, FAREWELL_MS)
  })
  return promise
}

async function run(reading: ReadingTask): Promise<void> {
  let isOpen = false
  let source: Source | undefined
  let relay: HttpsRelay | undefined
  try {
    let { url } = reading
    if (reading.isVerified) {
      relay = await HttpsRelay.open(new URL(url), reading.idleTimeoutMs)
      url = relay.relayed(new URL(url))
    }
    source = await Source.open({ ...reading, url }, writer)
    if (reading.scheme === 'udp') source = await untilHeard(source, reading)
    writer.opened({ format: source.format, left: [] })
    writer.flush()
    isOpen = true
    const tracks = await source.findTracks()
    if (tracks === 0) writer.over({ how: 'nothing', isOpen, message: '', reasons: source.reasons })
    else {
      if (source.reasons.length > 0) writer.opened({ format: source.format, left: source.reasons })
      await pass(source, reading.isPaced)
    }
  } catch (error) {
    if (!(error instanceof FFmpegError)) throw error
    await sleep(WORDS_MS)
    const { text, atMs } = words
    const told = { words: performance.now() - atMs < MAX_WORDS_AGE_MS ? text : '', message: error.message }
    const problem = relay?.problem
    if (problem !== undefined) {
      writer.over({ how: isOpen ? 'failed' : 'unreachable', isOpen, message: problem.message, reasons: [] })
    } else writer.over({ ...howItEnded(error.code, { ...told, isOpen, scheme: reading.scheme }), isOpen, reasons: [] })
  }
  writer.flush()
  await Promise.race([source?.[Symbol.asyncDispose](), sleep(FAREWELL_MS)])
}

/** UDP has nobody to connect to: its first packets are waited for as long as it takes. */
async function untilHeard(first: Source, reading: ReadingTask): Promise<Source> {
  for (let source = first; ; source = await Source.open(reading, writer)) {
    if (await source.hasMedia()) return source
    await source[Symbol.asyncDispose]()
  }
}

/** Until the source ends, which is an error too, or the server wants no more. */
async function pass(source: Source, isPaced: boolean): Promise<void> {
  const pace = new Pace(stopping.signal, () => performance.now())
  stopping.signal.addEventListener('abort', () => source.interrupt(), { once: true })
  const packet = new Packet()
  packet.alloc()
  while (!stopping.signal.aborted) {
    try {
      await source.read(packet)
    } catch (error) {
      if (stopping.signal.aborted) return
      if (!(error instanceof FFmpegError) || error.code !== AVERROR_EAGAIN) {
        source.flush()
        throw error
      }
      await sleep(FULL_PIPE_MS)
      continue
    }
    const track = source.track(packet)
    if (track !== undefined) {
      const positionMs = track.positionMs(packet)
      if (isPaced && positionMs !== undefined) await pace.wait(positionMs)
      track.take(packet)
    }
    packet.unref()
  }
}

/** Blocks while the server is slow: what waits, waits in the source's own buffers. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(PIPE, bytes, at)
    } catch (error) {
      const { errno } = error as NodeJS.ErrnoException
      // The server wants no more, or is gone: the end of the input says so as well.
      if (errno !== -constants.errno.EAGAIN) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS)
    }
  }
}
