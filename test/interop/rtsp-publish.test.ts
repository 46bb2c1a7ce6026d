import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioCodec, VideoCodec } from '#media/codec.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { freePort } from '#test/support/free-port.ts'
import { remuxWithFfmpeg } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, assertSameTimes, type JudgedFile, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { assertBalanced, assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { recordingOf } from '#test/support/server-state.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** What FFmpeg and GStreamer announce over RTSP is recorded exactly, and what they play from us is what was published. */

const ANNOUNCE = join(import.meta.dirname, '../support/announce-with-ffmpeg8.ts')

/** The clock of a source is followed, and what its reports move is moved gradually. */
const CLOCK_MS = 45
/** How far apart first packets of one moment may come where processors have other tests to run: nobody knows better. */
const ARRIVAL_MS = 400

/** FFmpeg's RTP muxer gathers sound, and forgets at the end what it has gathered. */
const FORGOTTEN_ACCESS_UNITS = 12

interface Publication {
  readonly name: string
  readonly source: ElementarySource
  readonly publish: (source: ElementarySource, name: string) => Promise<unknown>
  readonly forgets: number
  /** Without reports before its media, its tracks are put beside each other by their arrival. */
  readonly isLateWithReports?: boolean
}

function ffmpeg(base: string, transport: string) {
  return ({ path }: ElementarySource, name: string) =>
    program('ffmpeg', [
      ...['-v', 'error', '-re', '-i', path, '-c', 'copy', '-strict', '-2'],
      ...['-f', 'rtsp', '-rtsp_transport', transport, `${base}/live/${name}`],
    ])
}

function gstreamer(base: string, transport: string, parsers: readonly [video: string, audio: string]) {
  return async ({ path }: ElementarySource, name: string) => {
    // qtdemux cuts sound at the edit list; Matroska has none.
    await remuxWithFfmpeg(path, `${path}.${name}.mkv`)
    const pipeline =
      `filesrc location=${path}.${name}.mkv ! matroskademux name=d ` +
      `d.video_0 ! queue ! ${parsers[0]} ! identity sync=true ! k.sink_0 ` +
      `d.audio_0 ! queue ! ${parsers[1]} ! identity sync=true ! k.sink_1 ` +
      `rtspclientsink name=k protocols=${transport} location=${base}/live/${name}`
    // rtspclientsink sometimes waits for ever for its own end, with everything sent: that is judged below.
    await program('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { timeout: 20_000 }).catch(ignoreStopped)
  }
}

function ignoreStopped(error: unknown): void {
  if (!(error instanceof Error && 'killed' in error && error.killed === true)) throw error
}

/** One part with everything that was sent, in order, at its time. */
async function assertPublished(
  recording: RecordingDocument,
  { source, forgets, name, isLateWithReports }: Publication,
): Promise<void> {
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source.path, 'bare')]
  assertPlaysAlone(got, path)
  const wanted = sent.tracks.map(({ kind, packets }, index) => {
    const taken = got.tracks[index]?.packets.length ?? 0
    assert.equal(got.tracks[index]?.kind, kind, name)
    const mayLack = kind === 'audio' ? forgets : 0
    assert.ok(packets.length - taken <= mayLack, `${name}: ${taken} of ${packets.length} ${kind} access units`)
    return packets.slice(0, taken)
  })
  const run = got.tracks.map(({ packets }) => packets)
  const hashes = (tracks: readonly (readonly { hash: string }[])[]) =>
    tracks.map((each) => each.map(({ hash }) => hash))
  assert.deepEqual(hashes(run), hashes(wanted), name)
  assertSameTimes(run, wanted, name, isLateWithReports ? ARRIVAL_MS : CLOCK_MS)
  assertBalanced(
    recording,
    run.map(({ length }) => length),
  )
  assert.deepEqual(recording.ledger.gaps, [])
}

test('FFmpeg and GStreamer publish over TCP, UDP and TLS', { timeout: 150_000 }, async () => {
  await using folder = await TempFolder.make()
  const tlsPort = await freePort()
  await using server = await startServerProcess(folder.path, {
    env: {
      TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0',
      TAPEDECK_RULES: "[{ match: '**', request: { audio: { codec: copy } } }]",
      TAPEDECK_RTSP_TLS_LISTEN: `127.0.0.1:${tlsPort}`,
    },
  })
  const secure = `rtsps://127.0.0.1:${tlsPort}`
  const [h264, h265, opus] = [
    await makeSource(folder, { seconds: 4, video: 'h264', audio: 'aac' }),
    await makeSource(folder, { seconds: 4, video: 'h265', audio: 'aac', size: '160x90' }),
    await makeSource(folder, { seconds: 4, video: 'h264', audio: 'opus', size: '160x90' }),
  ]
  const { rtsp } = server
  const H264 = 'h264parse'
  const GST = { forgets: 0, isLateWithReports: true }
  const publications: readonly Publication[] = [
    { name: 'tcp', source: h264, publish: ffmpeg(rtsp, 'tcp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'udp', source: h264, publish: ffmpeg(rtsp, 'udp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'tls', source: h264, publish: ffmpeg(secure, 'tcp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'hevc', source: h265, publish: ffmpeg(rtsp, 'tcp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'hevc-udp', source: h265, publish: ffmpeg(rtsp, 'udp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'opus', source: opus, publish: ffmpeg(rtsp, 'udp'), forgets: FORGOTTEN_ACCESS_UNITS },
    { name: 'gst-tcp', source: opus, publish: gstreamer(rtsp, 'tcp', [H264, 'opusparse']), ...GST },
    { name: 'gst-udp', source: opus, publish: gstreamer(rtsp, 'udp', [H264, 'opusparse']), ...GST },
    { name: 'gst-aac', source: h264, publish: gstreamer(rtsp, 'tcp', [H264, 'aacparse']), ...GST },
  ]
  for (let at = 0; at < publications.length; at += 3) {
    await Promise.all(publications.slice(at, at + 3).map(({ source, publish, name }) => publish(source, name)))
  }
  for (const publication of publications) {
    const recording = await recordingOf(server, `live/${publication.name}`)
    await assertPublished(recording, publication)
    await assertVerified(folder.path, recording)
  }
})

/** Announced with FFmpeg 8, which packs what Debian's FFmpeg does not. It has no payload format for AC-3 and E-AC-3. */
function ffmpeg8(base: string, transport: 'tcp' | 'udp', rtpFlags = '') {
  return ({ path }: ElementarySource, name: string) =>
    program(process.execPath, [ANNOUNCE, path, `${base}/live/${name}`, transport, rtpFlags])
}

test('FFmpeg 8 publishes AV1, VP8, VP9, MPEG-4 and H.265 with Opus, LATM, AAC and MP3', {
  timeout: 150_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, {
    env: {
      TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0',
      TAPEDECK_RULES: "[{ match: '**', request: { format: mkv } }]",
    },
  })
  const { rtsp } = server
  const source = (video: VideoCodec, audio: AudioCodec) =>
    makeSource(folder, { seconds: 3, video, audio, size: '160x96' })
  const forgets = FORGOTTEN_ACCESS_UNITS
  const publications: readonly Publication[] = [
    { name: 'av1', source: await source('av1', 'opus'), publish: ffmpeg8(rtsp, 'tcp'), forgets },
    { name: 'av1-udp', source: await source('av1', 'aac'), publish: ffmpeg8(rtsp, 'udp', 'latm'), forgets },
    { name: 'vp8', source: await source('vp8', 'opus'), publish: ffmpeg8(rtsp, 'udp'), forgets },
    { name: 'vp9', source: await source('vp9', 'aac'), publish: ffmpeg8(rtsp, 'tcp', 'latm'), forgets },
    { name: 'vp9-udp', source: await source('vp9', 'opus'), publish: ffmpeg8(rtsp, 'udp'), forgets },
    { name: 'mpeg4', source: await source('mpeg4', 'mp3'), publish: ffmpeg8(rtsp, 'tcp'), forgets },
    { name: 'mpeg4-udp', source: await source('mpeg4', 'mp3'), publish: ffmpeg8(rtsp, 'udp'), forgets },
    { name: 'h265', source: await source('h265', 'aac'), publish: ffmpeg8(rtsp, 'udp'), forgets },
  ]
  for (let at = 0; at < publications.length; at += 3) {
    await Promise.all(publications.slice(at, at + 3).map(({ source, publish, name }) => publish(source, name)))
  }
  for (const publication of publications) {
    const recording = await recordingOf(server, `live/${publication.name}`)
    await assertPublished(recording, publication)
    await assertVerified(folder.path, recording)
  }
})

/** What a player wrote is a run of what was published, from a key frame on. */
function assertRun(got: JudgedFile, sent: JudgedFile, name: string): void {
  for (const [index, { kind, packets }] of got.tracks.entries()) {
    const published = sent.tracks[index]?.packets.map(({ hash }) => hash) ?? []
    // The last one may be cut in two where the player was stopped.
    const played = packets.slice(0, -1).map(({ hash }) => hash)
    const from = published.indexOf(played[0] ?? '')
    assert.ok(played.length > 20, `${name}: ${played.length} ${kind} access units`)
    assert.deepEqual(played, published.slice(from, from + played.length), `${name}: ${kind}`)
  }
}

test('FFmpeg and GStreamer play what is published, over TCP and UDP', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, { env: { TAPEDECK_RULES: '[]' } })
  const source = await makeSource(folder, { seconds: 20, video: 'h264', audio: 'aac', encoding: ['-bf', '0'] })
  const publisher = ffmpeg(server.rtsp, 'tcp')(source, 'cam1').catch((error: unknown) => error)
  const url = `${server.rtsp}/live/cam1`
  for (;;) {
    const response = await fetch(new URL('api/v1/streams', server.page))
    if ((await response.text()).includes('live/cam1')) break
    await sleep(50)
  }
  await sleep(1_500)
  const play = async (name: string, transport: string) => {
    // GStreamer gives what comes at once at the beginning one time, of which Matroska would take one picture only.
    const path = folder.at(`${name}.ts`)
    if (name.startsWith('gst')) {
      const pipeline =
        `rtspsrc location=${url} protocols=${transport} ! application/x-rtp,media=video ! rtph264depay ! ` +
        `h264parse ! mpegtsmux ! filesink location=${path}`
      const stopped = { timeout: 5_000, killSignal: 'SIGINT' } as const
      await program('gst-launch-1.0', ['-q', ...pipeline.split(' ')], stopped).catch(ignoreStopped)
    } else {
      const input = ['-v', 'error', '-rtsp_transport', transport, '-i', url]
      await program('ffmpeg', [...input, '-t', '3', '-c', 'copy', path])
    }
    return { name, file: await judgedFile(path, 'bare') }
  }
  const played = await Promise.all([
    play('ffmpeg-tcp', 'tcp'),
    play('ffmpeg-udp', 'udp'),
    play('gst-tcp', 'tcp'),
    play('gst-udp', 'udp'),
  ])
  const sent = await judgedFile(source.path, 'bare')
  for (const { name, file } of played) assertRun(file, sent, name)
  await fetch(new URL('api/v1/streams/live/cam1', server.page), { method: 'DELETE' })
  await publisher
})
