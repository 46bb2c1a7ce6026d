// Runs in a process of its own (pull-process.ts): reads argv[2] with libavformat and publishes it, undecoded, to the
// RTMP address argv[3]. Native code that talks to strangers may crash or block; neither reaches the recorder.
import { Demuxer, Muxer } from 'node-av'
import { Pace } from './pace.ts'

const [source, target] = process.argv.slice(2)
if (source === undefined || target === undefined) throw new Error('usage: pull-child.ts SOURCE RTMP-URL')
// The parent says "stop" by closing the pipe, and dies by closing it too.
const stopping = new AbortController()
process.stdin.on('end', () => stopping.abort()).resume()
try {
  await publish(source, target)
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
// libav may hold a thread in a read that never returns.
process.exit()

async function publish(from: string, to: string): Promise<void> {
  await using demuxer = await Demuxer.open(from)
  const tracks = [demuxer.video(), demuxer.audio()].filter((stream) => stream !== undefined)
  if (tracks.length === 0) throw new Error('it has neither video nor audio')
  await using muxer = await Muxer.open(to, {
    format: 'flv',
    input: demuxer,
    options: { flvflags: 'no_duration_filesize' },
  })
  // Each container numbers codecs its own way; with 0 the muxer puts its own number.
  for (const { codecpar } of tracks) codecpar.codecTag = 0
  const outputIndexes = new Map(tracks.map((stream) => [stream.index, muxer.addStream(stream)]))
  const pace = new Pace(stopping.signal)
  for await (const packet of demuxer.packets()) {
    if (packet === null || stopping.signal.aborted) break
    const outputIndex = outputIndexes.get(packet.streamIndex)
    try {
      if (outputIndex === undefined) continue
      await pace.wait((Number(packet.dts) * 1000 * packet.timeBase.num) / packet.timeBase.den)
      await muxer.writePacket(packet, outputIndex)
    } finally {
      packet.free()
    }
  }
}
