import { setTimeout as sleep } from 'node:timers/promises'
import { Demuxer, Muxer } from 'node-av/api'

/**
 * A program of its own: `node whip-with-ffmpeg8.ts FILE URL` sends a file as it is, in real time, with FFmpeg 8's WHIP
 * muxer (Debian's ffmpeg has none), and says goodbye.
 */
const [path = '', url = ''] = process.argv.slice(2)
await using input = await Demuxer.open(path)
const output = await Muxer.open(url, { format: 'whip' })
const outputs = input.streams.map((stream) => {
  stream.codecpar.codecTag = 0
  return output.addStream(stream)
})
const startedMs = performance.now()
for await (using packet of input.packets()) {
  const stream = packet === null ? undefined : input.streams[packet.streamIndex]
  if (packet === null || stream === undefined) continue
  const mediaMs = (Number(packet.dts) * 1000 * stream.timeBase.num) / stream.timeBase.den
  await sleep(Math.max(0, mediaMs - (performance.now() - startedMs)))
  await output.writePacket(packet, outputs[packet.streamIndex] ?? 0)
}
await output.close()
