import { createHash } from 'node:crypto'
import { Demuxer, Muxer } from 'node-av/api'

/**
 * A program of its own, for payload formats that Debian's ffmpeg has not: `node rtp-with-ffmpeg8.ts send FILE URL` sends
 * the first stream of a file with FFmpeg 8, `… receive SDP` prints the MD5 of each access unit until the goodbye.
 */
const [action, path = '', url = ''] = process.argv.slice(2)
const options = { protocol_whitelist: 'file,udp,rtp', strict: 'experimental' }
await using input = await Demuxer.open(path, action === 'receive' ? { format: 'sdp', options } : {})
if (action === 'send') {
  await using output = await Muxer.open(url, { format: 'rtp', options })
  const [stream] = input.streams
  if (stream === undefined) throw new Error(`${path} is empty`)
  stream.codecpar.codecTag = 0 // the source container's own code
  const index = output.addStream(stream)
  for await (using packet of input.packets()) if (packet !== null) await output.writePacket(packet, index)
} else {
  for await (using packet of input.packets()) {
    if (packet === null || packet.data === null) continue
    process.stdout.write(`${createHash('md5').update(packet.data).digest('hex')}\n`)
  }
}
