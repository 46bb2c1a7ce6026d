// npm run demo starts this in a process of its own: a moving test picture with a running clock and a tone that beeps
// each second, made and encoded with node-av, published over RTMP to argv[2] in real time.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AV_LOG_ERROR,
  Decoder,
  Demuxer,
  Encoder,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
  FilterAPI,
  Log,
  Muxer,
  type Packet,
} from 'node-av'

const FRAME_RATE = 25
const GOP_SECONDS = 2
const PICTURE = `testsrc2=size=640x360:rate=${FRAME_RATE}`
/** beep_factor: a tone four times as high at the start of each second. */
const TONE = 'sine=frequency=330:beep_factor=4:sample_rate=48000:samples_per_frame=1024'

const [target] = process.argv.slice(2)
if (target === undefined) throw new Error('usage: demo-publisher.ts RTMP-URL')
Log.setLevel(AV_LOG_ERROR)
// The parent's end closes the pipe.
process.stdin.on('end', () => process.exit()).resume()

/** One generated and encoded track. */
async function openTrack(description: string, encode: () => Promise<Encoder>, filter: string) {
  const demuxer = await Demuxer.open(description, { format: 'lavfi' })
  const [stream] = demuxer.streams
  if (stream === undefined) throw new Error(`${description} gives nothing`)
  const decoder = await Decoder.create(stream)
  const encoder = await encode()
  const frames = FilterAPI.create(filter).frames(decoder.frames(demuxer.packets()))
  return { encoder, packets: encoder.packets(frames) }
}

const video = await openTrack(
  PICTURE,
  () =>
    Encoder.create(FF_ENCODER_LIBX264, {
      bitrate: '1500k',
      gopSize: FRAME_RATE * GOP_SECONDS,
      maxBFrames: 0,
      options: { preset: 'ultrafast', tune: 'zerolatency' },
    }),
  'format=yuv420p',
)
const audio = await openTrack(
  TONE,
  () => Encoder.create(FF_ENCODER_AAC, { bitrate: '96k' }),
  'aformat=sample_fmts=fltp:channel_layouts=stereo',
)
const muxer = await Muxer.open(target, { format: 'flv', options: { flvflags: 'no_duration_filesize' } })
const tracks = [video, audio].map(({ encoder, packets }) => ({ index: muxer.addStream(encoder), packets }))
const startedMs = performance.now()

/** Sends the packet when its time has come. */
async function send(packet: Packet, index: number): Promise<void> {
  const { num, den } = packet.timeBase
  const dueMs = (Number(packet.dts) * 1000 * num) / den - (performance.now() - startedMs)
  if (dueMs > 0) await sleep(dueMs)
  await muxer.writePacket(packet, index)
  packet.free()
}

await Promise.all(
  tracks.map(async ({ index, packets }) => {
    for await (const packet of packets) if (packet !== null) await send(packet, index)
  }),
)
