import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RTP_HEADER_BYTES } from '#protocols/rtp/packet.ts'
import { writeBye } from '#protocols/rtp/rtcp.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { GstRtspServer } from '#test/support/gst-rtsp-server.ts'
import { remuxWithFfmpeg, streamHashes } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, assertSameTimes, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { ScriptedCamera } from '#test/support/scripted-camera.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** MPEG-TS over RTP (RFC 2250): GStreamer's RTSP server and FFmpeg's packets, recorded exactly. */

const WAIT_MS = 60_000
/** Access units of a track. */
const GSTREAMER_FORGETS = 3
const CUT_OFF_MS = 150
/** The priming of sound lies before the zero of a file, where GStreamer has no times. */
const GSTREAMER_SHIFTS_MS = 30
const SDP = ['v=0', 'o=- 0 0 IN IP4 0.0.0.0', 's=TS', 't=0 0', 'm=video 0 RTP/AVP 33', 'a=control:ts', ''].join('\r\n')

async function pull(server: ServerProcess, path: string, url: string, transport: string): Promise<void> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path, url, transport, keepAlive: false }),
  })
  assert.equal(response.status, 201, await response.text())
}

async function recorded(server: ServerProcess, stream: string): Promise<RecordingDocument> {
  const api = new ApiClient(server)
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const recording = (await api.recordings()).find((each) => each.stream === stream)
    if (recording !== undefined && ['ready', 'failed'].includes(recording.state)) return api.untilProved(recording.id)
    if (performance.now() > endsMs) throw new Error(`${stream} was not recorded\n${server.log.join('\n')}`)
    await sleep(50)
  }
}

/** Resolves when its tracks are known: what comes has been read. */
async function untilKnown(server: ServerProcess, stream: string): Promise<void> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const response = await fetch(new URL(`api/v1/streams/${stream}`, server.page))
    const { tracks = [] } = (await response.json()) as { tracks?: readonly unknown[] }
    if (tracks.length === 2) return
    if (performance.now() > endsMs) throw new Error(`${stream} has no tracks\n${server.log.join('\n')}`)
    await sleep(20)
  }
}

async function startServer(folder: TempFolder): Promise<ServerProcess> {
  await writeFile(folder.at('tapedeck.yaml'), JSON.stringify({ rules: [{ match: '**', request: { format: 'mkv' } }] }))
  return startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })
}

/**
 * Every access unit that was sent, at its time.
 * @param forgotten at the end of each track: GStreamer's multiplexer keeps the last bytes to itself
 */
async function assertSame(recording: RecordingDocument, source: string, forgotten = 0): Promise<void> {
  const { stream, ledger } = recording
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  // What is cut off at the end is no access unit any more.
  const cutOff = ledger.gaps.filter(({ fromMs }) => forgotten > 0 && fromMs > recording.durationMs - CUT_OFF_MS)
  assert.deepEqual(ledger.gaps, cutOff, stream)
  const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source, 'bare')]
  assertPlaysAlone(got, stream)
  const run = got.tracks.map(({ packets }) => packets.slice(0, packets.length - forgotten))
  const wanted = sent.tracks.map(({ packets }, index) => {
    const taken = run[index]?.length ?? 0
    assert.ok(packets.length - taken <= 2 * forgotten, `${stream}: ${taken} of ${packets.length} of track ${index}`)
    return packets.slice(0, forgotten === 0 ? packets.length : taken)
  })
  const hashes = (tracks: typeof run) => tracks.map((packets) => packets.map(({ hash }) => hash))
  assert.deepEqual(hashes(run), hashes(wanted), stream)
  if (forgotten === 0) {
    assertSameTimes(run, wanted, stream, 1)
    return
  }
  // Matroska has no decoding times: GStreamer has others in mind than FFmpeg.
  const shownAt = (tracks: typeof run) => tracks.map((each) => each.map((one) => ({ ...one, dtsMs: one.ptsMs })))
  assertSameTimes(shownAt(run), shownAt(wanted), stream, GSTREAMER_SHIFTS_MS)
}

test('GStreamer serves transport streams over TCP and UDP', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const cameras = [
    { name: 'h264-aac', video: 'h264', audio: 'aac', parsers: ['h264parse', 'aacparse'] },
    { name: 'h265-ac3', video: 'h265', audio: 'ac3', parsers: ['h265parse', 'ac3parse'] },
    { name: 'h264-mp3', video: 'h264', audio: 'mp3', parsers: ['h264parse', 'mpegaudioparse'] },
  ] as const
  const mounts: Record<string, string> = {}
  const sources = new Map<string, string>()
  for (const { name, video, audio, parsers } of cameras) {
    const { path } = await makeSource(folder, { video, audio, seconds: 3, size: '160x96' })
    // qtdemux cuts sound at the edit list; Matroska has none.
    const file = `${path}.${name}.mkv`
    await remuxWithFfmpeg(path, file)
    sources.set(name, file)
    mounts[`/${name}`] =
      `( filesrc location=${file} ! matroskademux name=d mpegtsmux name=m ! rtpmp2tpay name=pay0 ` +
      `d.video_0 ! queue ! ${parsers[0]} config-interval=-1 ! m. d.audio_0 ! queue ! ${parsers[1]} ! m. )`
  }
  await using gstreamer = await GstRtspServer.start({ mounts })
  await using server = await startServer(folder)
  for (const { name } of cameras) {
    for (const transport of ['tcp', 'udp']) {
      await pull(server, `live/${name}-${transport}`, `rtsp://${gstreamer.address}/${name}`, transport)
    }
    for (const transport of ['tcp', 'udp']) {
      const recording = await recorded(server, `live/${name}-${transport}`)
      await assertSame(recording, sources.get(name) ?? '', GSTREAMER_FORGETS)
      await assertVerified(folder.path, recording)
    }
  }
})

test('GStreamer announces a transport stream', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const { path } = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3, size: '160x96' })
  const source = `${path}.mkv`
  await remuxWithFfmpeg(path, source)
  await using server = await startServer(folder)
  for (const transport of ['tcp', 'udp']) {
    const pipeline =
      `filesrc location=${source} ! matroskademux name=d mpegtsmux name=m ! identity sync=true ! ` +
      `rtspclientsink protocols=${transport} location=${server.rtsp}/live/${transport} ` +
      'd.video_0 ! queue ! h264parse config-interval=-1 ! m. d.audio_0 ! queue ! aacparse ! m.'
    // rtspclientsink sometimes waits for ever for its own end, with everything sent.
    await program('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { timeout: 15_000 }).catch(() => {})
    const recording = await recorded(server, `live/${transport}`)
    await assertSame(recording, source, GSTREAMER_FORGETS)
    await assertVerified(folder.path, recording)
  }
})

/** What FFmpeg sends of a file as MPEG-TS over RTP, in real time. */
async function* packetsOfFfmpeg(path: string): AsyncGenerator<Uint8Array> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.setRecvBufferSize(1 << 20)
  const arrived: Uint8Array[] = []
  socket.on('message', (bytes) => arrived.push(Uint8Array.from(bytes)))
  const address = `rtp://127.0.0.1:${socket.address().port}`
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-re', '-i', path, '-c', 'copy', '-f', 'rtp_mpegts', address])
  let isOver = false
  const over = once(ffmpeg, 'exit').then(() => {
    isOver = true
  })
  while (!isOver) {
    yield* arrived.splice(0)
    await sleep(10)
  }
  await over
  await sleep(100)
  yield* arrived.splice(0)
  socket.close()
}

test("FFmpeg's transport stream of an RTSP source, whole and with packets missing", { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  const encoding = ['-bf', '2', '-g', '12']
  await using server = await startServer(folder)
  for (const { lost, seconds } of [
    { lost: [], seconds: 5 },
    { lost: [60, 61, 130, 171], seconds: 9 },
  ]) {
    const { path } = await makeSource(folder, { video: 'h264', audio: 'aac', seconds, size: '320x180', encoding })
    await using camera = await ScriptedCamera.start({ sdp: SDP })
    const name = `live/missing-${lost.length}`
    await pull(server, name, `rtsp://${camera.address}/ts`, 'udp')
    const peer = await camera.peer(0)
    const sent: Uint8Array[] = []
    // What is lost before the reading process, which a busy machine starts slowly, has given anything is no gap in it.
    let knownFrom = Number.POSITIVE_INFINITY
    const known = untilKnown(server, name).then(() => {
      knownFrom = sent.length
    })
    for await (const packet of packetsOfFfmpeg(path)) {
      if (!lost.includes(sent.length - knownFrom)) peer.send(0, packet)
      sent.push(packet)
    }
    await known
    const ssrc = Buffer.from(sent[0] ?? []).readUInt32BE(8)
    // FFmpeg forgets the last packets of its file: what counts is what it sent.
    const source = folder.at(`sent-${lost.length}.ts`)
    await writeFile(source, Buffer.concat(sent.map((packet) => packet.subarray(RTP_HEADER_BYTES))))
    peer.send(0, writeBye(ssrc), true)
    const recording = await recorded(server, name)
    const { ledger } = recording
    if (lost.length === 0) {
      await assertSame(recording, source)
    } else {
      assert.equal(recording.state, 'ready')
      assert.equal(
        ledger.gaps.reduce((sum, { packets }) => sum + packets, 0),
        lost.length,
      )
      assert.ok(ledger.gaps.every(({ cause }) => cause === 'network'))
      for (const track of ledger.tracks) assert.equal(track.received, track.written + track.lost)
      // What is there is as it was sent, and every picture of it can be decoded.
      const [got, whole] = [await judgedFile(partPaths(recording)[0] ?? '', 'bare'), await judgedFile(source, 'bare')]
      for (const [index, { packets }] of got.tracks.entries()) {
        const ofSource = new Set(whole.tracks[index]?.packets.map(({ hash }) => hash))
        assert.deepEqual(
          packets.filter(({ hash }) => !ofSource.has(hash)),
          [],
        )
        assert.ok(packets.length > 0.5 * ofSource.size, `${packets.length} of ${ofSource.size}`)
      }
      assert.equal((await streamHashes(partPaths(recording)[0] ?? '')).length, 2)
    }
    await assertVerified(folder.path, recording)
  }
})
