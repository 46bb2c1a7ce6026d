import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { GstRtspServer } from '#test/support/gst-rtsp-server.ts'
import { ffprobe, pictureHash, remuxWithFfmpeg, streamHashes } from '#test/support/outside-judges.ts'
import { assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Every codec that GStreamer's RTSP server packs, over TCP and UDP, recorded into what carries it and into MP4. */

const WAIT_MS = 60_000
const SECONDS = 3
/** As many streams at a time as two processors pack, take and write in real time. */
const AT_ONCE = 4

const VIDEO_PAYLOADERS: Readonly<Partial<Record<VideoCodec, string>>> = {
  h264: 'h264parse ! rtph264pay config-interval=-1',
  h265: 'h265parse ! rtph265pay config-interval=-1',
  vp8: 'rtpvp8pay',
  vp9: 'rtpvp9pay',
  mpeg4: 'mpeg4videoparse ! rtpmp4vpay',
  jpeg: 'jpegparse ! rtpjpegpay',
}
const AUDIO_PAYLOADERS: Readonly<Partial<Record<AudioCodec | 'latm', string>>> = {
  aac: 'aacparse ! rtpmp4gpay',
  latm: 'aacparse ! rtpmp4apay',
  opus: 'opusparse ! rtpopuspay',
  mp3: 'mpegaudioparse ! rtpmpapay',
  ac3: 'ac3parse ! rtpac3pay',
  pcma: 'rtppcmapay',
  pcmu: 'rtppcmupay',
  l16: 'rtpL16pay',
  g722: 'rtpg722pay',
}

/** Framing that GStreamer adds or takes away: parameter sets, delimiters, and where they are, SEI. */
const BARE: Readonly<Partial<Record<VideoCodec, readonly string[]>>> = {
  h264: ['-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=6-9'],
  h265: ['-bsf:v', 'hevc_mp4toannexb,filter_units=remove_types=32-35|39'],
}

interface Camera {
  readonly video: VideoCodec
  readonly audio: AudioCodec
  readonly packing?: 'latm'
  /** What its sound becomes in MP4; undefined: it is not recorded as MP4 here. */
  readonly inMp4?: AudioCodec
}

const CAMERAS: readonly Camera[] = [
  { video: 'h264', audio: 'pcma', inMp4: 'aac' },
  { video: 'h265', audio: 'pcmu', inMp4: 'aac' },
  { video: 'vp8', audio: 'opus' },
  { video: 'vp9', audio: 'mp3' },
  { video: 'jpeg', audio: 'l16' },
  { video: 'mpeg4', audio: 'g722' },
  { video: 'h264', audio: 'aac', packing: 'latm', inMp4: 'aac' },
  { video: 'h264', audio: 'ac3', inMp4: 'ac3' },
]

const nameOf = ({ video, audio, packing }: Camera) => `${video}-${packing ?? audio}`

async function pull(server: ServerProcess, path: string, url: string, transport: string): Promise<void> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, url, transport, keepAlive: false }),
  })
  assert.equal(response.status, 201, await response.text())
}

async function recorded(server: ServerProcess, api: ApiClient, stream: string): Promise<RecordingDocument> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const recording = (await api.recordings()).find((each) => each.stream === stream)
    if (recording !== undefined && ['ready', 'failed'].includes(recording.state)) {
      const proved = await api.untilProved(recording.id)
      assert.equal(proved.state, 'ready', `${stream}: ${JSON.stringify(proved.error)}`)
      return proved
    }
    if (performance.now() > endsMs) throw new Error(`${stream} was not recorded\n${server.log.join('\n')}`)
    await sleep(50)
  }
}

/** Every day Matroska, which holds all of them as they are. */
const FORMATS = process.env['LONG_TESTS'] === undefined ? (['mkv'] as const) : (['mkv', 'mp4'] as const)

for (const format of FORMATS) {
  test(`${format}: every codec over TCP and UDP as it was served`, { timeout: 240_000 }, async () => {
    await using folder = await TempFolder.make()
    const cameras = CAMERAS.filter(({ inMp4 }) => format === 'mkv' || inMp4 !== undefined)
    const sources = new Map<Camera, string>()
    const mounts: Record<string, string> = {}
    for (const camera of cameras) {
      const { video, audio, packing } = camera
      // RFC 2435 knows only the usual Huffman tables.
      const encoding = video === 'jpeg' ? ['-huffman', 'default'] : []
      const { path } = await makeSource(folder, { video, audio, seconds: SECONDS, size: '160x96', encoding })
      // qtdemux cuts sound at the edit list; Matroska has none.
      const file = `${path}.${nameOf(camera)}.mkv`
      await remuxWithFfmpeg(path, file)
      sources.set(camera, file)
      const tracks = [
        `d.video_0 ! queue ! ${VIDEO_PAYLOADERS[video]} name=pay0`,
        `d.audio_0 ! queue ! ${AUDIO_PAYLOADERS[packing ?? audio]} name=pay1`,
      ]
      mounts[`/${nameOf(camera)}`] = `( filesrc location=${file} ! matroskademux name=d ${tracks.join(' ')} )`
    }
    await writeFile(folder.at('tapedeck.yaml'), JSON.stringify({ rules: [{ match: '**', request: { format } }] }))
    await using gstreamer = await GstRtspServer.start({ mounts })
    await using server = await startServerProcess(folder.path, {
      env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' },
    })
    const api = new ApiClient(server)
    const pulls = cameras.flatMap((camera) => ['tcp', 'udp'].map((transport) => ({ camera, transport })))
    for (let at = 0; at < pulls.length; at += AT_ONCE) {
      const now = pulls.slice(at, at + AT_ONCE)
      const streamOf = ({ camera, transport }: (typeof pulls)[number]) => `live/${nameOf(camera)}-${transport}`
      for (const each of now) {
        await pull(server, streamOf(each), `rtsp://${gstreamer.address}/${nameOf(each.camera)}`, each.transport)
      }
      for (const each of now) {
        const recording = await recorded(server, api, streamOf(each))
        await assertSame(recording, sources.get(each.camera) ?? '', each.camera, format)
        await assertVerified(folder.path, recording)
      }
    }
  })
}

/** One part with every byte of what was served; of sound that MP4 can't hold, as much of it as there was. */
async function assertSame(recording: RecordingDocument, source: string, camera: Camera, format: string): Promise<void> {
  const { stream, ledger } = recording
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [], stream)
  assert.deepEqual(ledger.gaps, [], stream)
  for (const { received, written, lost } of ledger.tracks) assert.deepEqual([written, lost], [received, 0], stream)
  const { streams, format: found } = await ffprobe(path)
  const isTranscoded = format === 'mp4' && camera.inMp4 !== camera.audio
  const filters = BARE[camera.video] ?? []
  const hashOf = async (file: string, kind: 'video' | 'audio') => {
    // Tracks of a recording are in the order in which they became known.
    const { streams } = await ffprobe(file)
    return (await streamHashes(file, filters))[streams.findIndex(({ codec_type }) => codec_type === kind)]
  }
  if (camera.video === 'jpeg') {
    // RFC 2435 sends no headers: they are made again, and the picture is the same.
    assert.deepEqual(await pictureHash(path), await pictureHash(source), stream)
  } else assert.equal(await hashOf(path, 'video'), await hashOf(source, 'video'), `${stream}: video`)
  if (!isTranscoded) assert.equal(await hashOf(path, 'audio'), await hashOf(source, 'audio'), `${stream}: audio`)
  if (!isTranscoded) return
  assert.deepEqual(
    streams.map(({ codec_name }) => codec_name),
    [camera.video === 'h265' ? 'hevc' : camera.video, camera.inMp4],
    stream,
  )
  assert.ok(Math.abs(Number(found.duration) - SECONDS) < 0.15, `${stream}: ${found.duration} s`)
}
