import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { closePages, launchChromium } from '#test/support/chromium.ts'
import { ClockPage } from '#test/support/clock-page.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { recordingOf } from '#test/support/server-state.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Chromium publishes by WHIP in each codec that it has, and FFmpeg too; what they sent is in a file that others play. */

const PUBLISH_MS = 4_000

/** Of what was sent: the browser's first packets are on their way before it says that it is connected. */
const DURATION_TOLERANCE_SECONDS = 1.5

/** Pictures come when the browser makes them: at the rate that ffmpeg guesses, some would fall on the same time. */
const AS_THEY_ARE = ['-fps_mode', 'passthrough', '-enc_time_base', '-1']

const FFMPEG_WHIP = join(import.meta.dirname, '../support/whip-with-ffmpeg8.ts')

interface Case {
  readonly codec: 'H264' | 'VP8' | 'VP9' | 'AV1'
  readonly expected: readonly [container: string, video: string, audio: string]
  /** How the publisher ends, and what the stream's end says of it. */
  readonly ending: 'delete' | 'close' | 'kill'
}

const CASES: readonly Case[] = [
  { codec: 'H264', expected: ['mp4', 'h264', 'aac'], ending: 'delete' },
  { codec: 'VP8', expected: ['webm', 'vp8', 'opus'], ending: 'close' },
  { codec: 'VP9', expected: ['webm', 'vp9', 'opus'], ending: 'delete' },
  { codec: 'AV1', expected: ['mp4', 'av1', 'aac'], ending: 'kill' },
]

let shared: Browser
before(async () => {
  shared = await launchChromium()
})
afterEach(() => closePages(shared))
after(() => shared.close())

function startServer(folder: TempFolder): Promise<ServerProcess> {
  return startServerProcess(folder.path, {
    env: {
      TAPEDECK_WEBRTC_UDP: '127.0.0.1:0',
      TAPEDECK_WEBRTC_IDLE_TIMEOUT_MS: '3000',
      TAPEDECK_RULES: JSON.stringify([{ match: '**' }]),
      TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0',
    },
  })
}

for (const { codec, expected, ending } of CASES) {
  test(`Chromium publishes ${codec} and ends by ${ending}`, { timeout: 120_000 }, async () => {
    await using folder = await TempFolder.make()
    await using server = await startServer(folder)
    // One that is killed is nobody else's.
    await using owned = new AsyncDisposableStack()
    const browser = ending === 'kill' ? owned.use(await launchChromium()) : shared
    const page = await browser.newPage()
    await page.goto(new URL('api/v1/health', server.page).href)
    const stream = `live/${codec.toLowerCase()}`
    let session = ''
    const exchange = async (offer: string) => {
      const response = await fetch(new URL(`whip/${stream}`, server.page), {
        method: 'POST',
        headers: { 'content-type': 'application/sdp' },
        body: offer,
      })
      assert.equal(response.status, 201, await response.clone().text())
      session = response.headers.get('location') ?? ''
      return response.text()
    }
    const clock = await ClockPage.publish(page, exchange, { codec })
    await sleep(PUBLISH_MS)
    if (ending === 'kill') await browser.close()
    if (ending === 'close') await clock.stop()
    if (ending === 'delete') {
      const { status } = await fetch(new URL(session, server.page), { method: 'DELETE' })
      assert.equal(status, 204)
    }
    const recording = await recordingOf(server, stream)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    const cause = server.log.find((line) => line.includes('webrtc.publish-ended'))
    assert.match(cause ?? '', ending === 'kill' ? /"cause":"lost"/ : /"cause":"unpublished"/)
    const [path = '', ...others] = partPaths(recording)
    assert.deepEqual(others, [])
    const { streams, format, packets } = await ffprobe(path)
    const [container, ...codecs] = expected
    assert.ok(path.endsWith(`.${container}`), path)
    assert.deepEqual(streams.map(({ codec_name }) => codec_name).toSorted(), codecs.toSorted())
    const offSeconds = Math.abs(Number(format.duration) - PUBLISH_MS / 1000)
    assert.ok(offSeconds < DURATION_TOLERANCE_SECONDS, `${format.duration} s instead of ${PUBLISH_MS} ms`)
    for (const index of streams.keys()) {
      const last = Math.max(
        ...packets.filter(({ stream_index }) => stream_index === index).map((each) => Number(each.pts_time)),
      )
      assert.ok(Number(format.duration) - last < 1, `track ${index} ends at ${last} of ${format.duration} s`)
    }
    const { stderr } = await program('ffmpeg', [
      '-v',
      'error',
      '-xerror',
      '-i',
      path,
      ...AS_THEY_ARE,
      '-f',
      'null',
      '-',
    ])
    assert.equal(stderr, '')
    await assertVerified(folder.path, recording)
  })
}

test('FFmpeg publishes H.264 and Opus, and every picture is recorded as it was', { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServer(folder)
  // Parameter sets in band, as the muxer leaves it to the encoder.
  const encoding = ['-bf', '0', '-g', '25', '-profile:v', 'baseline', '-ac', '2', '-ar', '48000']
  const source = await makeSource(folder, { video: 'h264', audio: 'opus', seconds: 4, encoding })
  await program(process.execPath, [FFMPEG_WHIP, source.path, new URL('whip/live/ffmpeg', server.page).href])
  const recording = await recordingOf(server, 'live/ffmpeg')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  const sent = source.units.filter(({ format }) => format.kind === 'video').length
  const { streams, packets } = await ffprobe(path)
  const video = streams.findIndex(({ codec_type }) => codec_type === 'video')
  assert.equal(packets.filter(({ stream_index }) => stream_index === video).length, sent)
  assert.deepEqual(await pictureHashes(path), await pictureHashes(source.path))
  assert.match(server.log.find((line) => line.includes('webrtc.publish-ended')) ?? '', /"cause":"unpublished"/)
  await assertVerified(folder.path, recording)
})

/** Of each picture, decoded. */
async function pictureHashes(path: string): Promise<string[]> {
  const { stdout } = await program('ffmpeg', [
    '-v',
    'error',
    '-i',
    path,
    ...AS_THEY_ARE,
    '-map',
    '0:v',
    '-f',
    'framemd5',
    '-',
  ])
  return stdout.split('\n').flatMap((line) => (/^\d/.test(line) ? [line.split(',').at(-1)?.trim() ?? ''] : []))
}

/** A moving picture in three layers, and a data channel besides: what the first layer sent. */
const SIMULCAST = `(async () => {
  const canvas = document.createElement('canvas')
  canvas.width = 640
  canvas.height = 360
  const context = canvas.getContext('2d')
  setInterval(() => {
    context.fillStyle = 'hsl(' + Math.random() * 360 + ', 50%, 50%)'
    context.fillRect(Math.random() * 600, Math.random() * 300, 99, 99)
  }, 40)
  const stream = canvas.captureStream(25)
  const connection = new RTCPeerConnection()
  const sendEncodings = [1, 2, 4].map((scaleResolutionDownBy, index) => ({ rid: 'hml'[index], scaleResolutionDownBy }))
  connection.addTransceiver(stream.getTracks()[0], { direction: 'sendonly', streams: [stream], sendEncodings })
  connection.createDataChannel('chat')
  await connection.setLocalDescription()
  const { sdp } = connection.localDescription
  const answer = await fetch('/whip/live/layers', { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: sdp })
  await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
  await new Promise((resolve) => setTimeout(resolve, 4000))
  const sent = [...(await connection.getStats()).values()].filter(({ type }) => type === 'outbound-rtp')
  await fetch(answer.headers.get('location'), { method: 'DELETE' })
  return sent.filter(({ framesSent }) => framesSent > 0).map(({ rid, frameWidth }) => [rid, frameWidth])
})()`

test('of three layers Chromium sends the one that is taken, whole', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServer(folder)
  const page = await shared.newPage()
  await page.goto(new URL('api/v1/health', server.page).href)
  assert.deepEqual(await page.evaluate(SIMULCAST), [['h', 640]])
  const recording = await recordingOf(server, 'live/layers')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const { streams } = await ffprobe(partPaths(recording)[0] ?? '')
  assert.deepEqual(
    streams.map(({ codec_type, width }) => [codec_type, width]),
    [['video', 640]],
  )
})
