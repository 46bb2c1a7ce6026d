import { Demuxer, Muxer } from 'node-av/api'

/** A program of its own: `node play-with-ffmpeg8.ts URL FILE` plays until the stream ends and keeps it as it came. */
const [url = '', path = ''] = process.argv.slice(2)
await using input = await Demuxer.open(url)
await using output = await Muxer.open(path)
const outputs = input.streams.map((stream) => output.addStream(stream))
for await (using packet of input.packets()) {
  const index = packet === null ? undefined : outputs[packet.streamIndex]
  if (packet !== null && index !== undefined) await output.writePacket(packet, index)
}
