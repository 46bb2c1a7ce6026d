import { Demuxer, Muxer } from 'node-av/api'

/**
 * A program of its own: `node publish-with-ffmpeg8.ts FILE URL` sends a file as it is with FFmpeg 8's enhanced FLV muxer
 * (Debian's ffmpeg has none), as fast as the peer takes it. node-av leaves the connection open until the process ends,
 * which therefore ends without a goodbye.
 */
const [path = '', url = ''] = process.argv.slice(2)
await using input = await Demuxer.open(path)
await using output = await Muxer.open(url, { format: 'flv' })
const outputs = input.streams.map((stream) => {
  stream.codecpar.codecTag = 0 // the source container's own code, which FLV does not know
  return output.addStream(stream)
})
for await (using packet of input.packets()) {
  const index = packet === null ? undefined : outputs[packet.streamIndex]
  if (packet !== null && index !== undefined) await output.writePacket(packet, index)
}
