import { setTimeout as sleep } from 'node:timers/promises'
import { Demuxer, Muxer } from 'node-av/api'

/**
 * A program of its own: `node publish-with-ffmpeg8.ts FILE URL [SPEED]` sends a file as it is with FFmpeg 8's enhanced
 * FLV muxer (Debian's ffmpeg has none), at a multiple of real time or as fast as the peer takes it. node-av leaves the connection open until the process ends,
 * which therefore ends without a goodbye.
 */
const [path = '', url = '', speed = ''] = process.argv.slice(2)
await using input = await Demuxer.open(path)
await using output = await Muxer.open(url, { format: 'flv' })
const outputs = input.streams.map((stream) => {
  stream.codecpar.codecTag = 0 // the source container's own code, which FLV does not know
  return output.addStream(stream)
})
const startedMs = performance.now()
for await (using packet of input.packets()) {
  const stream = packet === null ? undefined : input.streams[packet.streamIndex]
  if (packet !== null && stream !== undefined && speed !== '') {
    const mediaMs = (Number(packet.dts) * 1000 * stream.timeBase.num) / stream.timeBase.den
    await sleep(Math.max(0, mediaMs / Number(speed) - (performance.now() - startedMs)))
  }
  const index = packet === null ? undefined : outputs[packet.streamIndex]
  if (packet !== null && index !== undefined) await output.writePacket(packet, index)
}
