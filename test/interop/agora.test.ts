import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgoraServer, eventually } from '#test/support/agora.ts'
import { launchWithCamera } from '#test/support/chromium.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'

/** What is no line of the vendor's checklist (agora-checklist.test.ts). */

/** Long enough for a key frame and a fragment. */
const A_WHILE_MS = 1_500

test('silencePaddingSeconds: files of a channel that nobody stopped end in silence, others do not', async () => {
  await using ars = await AgoraServer.run({
    EMPTY_SECONDS: '0',
    SILENCE_PADDING_SECONDS: '5',
    CONVERT_WHEN: 'atOnce',
  })
  const durations = new Map<string, number>()
  for (const channel of ['left', 'stopped']) {
    await using publisher = ars.publish(channel, 1)
    await ars.present(channel, 1)
    const { directory = '' } = await ars.record(channel)
    await ars.flowing(directory)
    if (channel === 'stopped') await ars.stop(channel)
    await publisher.stop()
    const made = async () => (await ars.files()).find((path) => path.startsWith(directory) && path.endsWith('.mp4'))
    await eventually(async () => (await made()) !== undefined, 'the MP4')
    const path = ars.path((await made()) ?? '')
    const probed = await ffprobe(path)
    const plain = await ffprobe(path.replace(/mp4$/, 'tmp'))
    durations.set(channel, Number(probed.format.duration) - Number(plain.format.duration))
    assert.equal(probed.streams.length, 2)
    await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
  }
  assert.ok(Math.abs((durations.get('left') ?? 0) - 5) < 0.3, String(durations.get('left')))
  assert.ok(Math.abs(durations.get('stopped') ?? 1) < 0.04)
})

test('a browser is a user of a channel by WHIP, whose name may have anything', { timeout: 60_000 }, async () => {
  await using ars = await AgoraServer.run({ CONVERT_WHEN: 'atOnce' }, { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' })
  const channel = 'what? & more: <a>'
  await using browser = await launchWithCamera()
  const page = await browser.newPage()
  await page.goto(ars.server.page)
  const url = `/whip/${encodeURIComponent(channel)}/2147483648`
  await page.evaluate(`(async () => {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } })
    const peer = (window.peer = new RTCPeerConnection())
    for (const track of media.getTracks()) peer.addTransceiver(track, { direction: 'sendonly', streams: [media] })
    await peer.setLocalDescription()
    const headers = { 'content-type': 'application/sdp' }
    const response = await fetch(${JSON.stringify(url)}, { method: 'POST', headers, body: peer.localDescription.sdp })
    await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() })
  })()`)
  await ars.present(channel, 2_147_483_648)
  const { directory } = await ars.record(channel)
  await sleep(2 * A_WHILE_MS)
  assert.equal((await ars.stop(channel)).error, 0)
  const mp4s = async () => (await ars.files()).filter((path) => path.endsWith('.mp4'))
  await eventually(async () => (await mp4s()).length === 1, 'the MP4')
  const [file = ''] = await mp4s()
  assert.match(file.slice(`${directory}/`.length), /^2147483648_\d{6}\.mp4$/)
  const { streams } = await ffprobe(ars.path(file))
  assert.deepEqual(streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'])
})
