/**
 * The load generator, a process of its own: publishes the same prepared stream many times over, in real time, each
 * message in a write of its own as encoders do. Prints one line of JSON when done.
 *
 *   node bench/support/load.ts <port> <app> <publishers> <flv>
 *
 * As the app `channels` two each publish into a channel, under the numbers 1 and 2.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { prepareStream } from './prepared-stream.ts'
import { publish } from './publisher.ts'
import { streamInChannel } from './two-party.ts'

/** Publishers begin spread over this time, so that their key frames don't fall together. */
const STAGGER_MS = 2_000
const TICK_MS = 5

const [port, app, publishers, flvPath] = process.argv.slice(2)
if (port === undefined || app === undefined || publishers === undefined || flvPath === undefined) {
  throw new Error('usage: load.ts <port> <app> <publishers> <flv>')
}
const count = Number(publishers)
const stream = prepareStream(flvPath, 1)

interface Sender {
  readonly socket: Awaited<ReturnType<typeof publish>>['socket']
  readonly startMs: number
  next: number
}

const senders: Sender[] = []
for (let i = 0; i < count; i++) {
  const [at = app, name = ''] = app === 'channels' ? streamInChannel(i).split('/') : [app, `bench${i}`]
  const { socket, streamId } = await publish(Number(port), at, name)
  if (streamId !== 1) throw new Error(`the server gave message stream ${streamId}; the prepared chunks are for 1`)
  socket.write(stream.setChunkSize)
  senders.push({ socket, startMs: 0, next: 0 })
}
const beginMs = performance.now() + 500
const started = senders.map((sender, i) => ({ ...sender, startMs: beginMs + (i * STAGGER_MS) / count }))
const cpuBefore = process.cpuUsage()
let latestMs = 0
for (;;) {
  const nowMs = performance.now()
  let unfinished = 0
  for (const sender of started) {
    const dueMs = nowMs - sender.startMs
    for (;;) {
      const message = stream.messages[sender.next]
      if (message === undefined) break
      if (message.atMs > dueMs) {
        unfinished++
        break
      }
      latestMs = Math.max(latestMs, dueMs - message.atMs)
      sender.socket.write(message.bytes)
      sender.next++
    }
  }
  if (unfinished === 0) break
  await sleep(TICK_MS)
}
const elapsedSeconds = (performance.now() - beginMs) / 1000
const cpu = process.cpuUsage(cpuBefore)
// Everything has to be the server's before the connections close.
while (started.some(({ socket }) => socket.writableLength > 0)) await sleep(20)
await sleep(500)
console.log(
  JSON.stringify({
    publishers: count,
    elapsedSeconds,
    sentBytes: stream.bytes * count,
    accessUnits: stream.accessUnits * count,
    /** How far behind real time a message was at the worst: large when this machine is too small for the load. */
    latestMs: Math.round(latestMs),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  }),
)
for (const { socket } of started) socket.end()
await sleep(300)
process.exit(0)
