import { setTimeout as sleep } from 'node:timers/promises'
import { Demuxer, Muxer } from 'node-av/api'

/**
 * A program of its own: `node announce-with-ffmpeg8.ts FILE URL udp|tcp [RTPFLAGS]` announces a file by RTSP with FFmpeg 8
 * and sends its packets in real time, for payload formats that Debian's ffmpeg has not.
 */
const [path = '', url = '', transport = 'tcp', rtpflags = ''] = process.argv.slice(2)
const options = { rtsp_transport: transport, strict: 'experimental', ...(rtpflags === '' ? {} : { rtpflags }) }
await using input = await Demuxer.open(path)
await using output = await Muxer.open(url, { format: 'rtsp', options })
const outputs = input.streams.map((stream) => {
  stream.codecpar.codecTag = 0 // the source container's own code
  return output.addStream(stream)
})
const startedMs = performance.now()
for await (using packet of input.packets()) {
  const stream = packet === null ? undefined : input.streams[packet.streamIndex]
  const index = packet === null ? undefined : outputs[packet.streamIndex]
  if (packet === null || stream === undefined || index === undefined) continue
  const mediaMs = (Number(packet.dts) * 1000 * stream.timeBase.num) / stream.timeBase.den
  await sleep(Math.max(0, mediaMs - (performance.now() - startedMs)))
  await output.writePacket(packet, index)
}
