/** Players over WebRTC, by script, of a whole server: what they get, and what they are refused. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lengthPrefixedUnits } from '#media/nal/length-prefixed.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { TypedPublisher } from '#test/support/typed-publisher.ts'
import { WebRtcPlayer } from '#test/support/webrtc-player.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'

/** Candidates of nothing, and of no session: only to see what is said of it. */
const FRAGMENT = { 'content-type': 'application/trickle-ice-sdpfrag' } as const

const NO_B_FRAMES = ['-bf', '0', '-g', '25'] as const

let folder: TempFolder
let server: ServerProcess
let h264: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  server = await startServerProcess(folder.path, {
    env: { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0', TAPEDECK_WEBRTC_IDLE_TIMEOUT_MS: '3000' },
  })
  h264 = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4, encoding: NO_B_FRAMES })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

function whep(path: string): string {
  return new URL(`whep/${path}`, server.page).href
}

function rtmp(name: string, units: readonly SourceUnit[] = h264.units, speed = 1) {
  return TypedPublisher.start({ rtmp: server.rtmp, app: 'live', name, units, speed })
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const endMs = performance.now() + 60_000; !isSo(); await sleep(20)) {
    if (performance.now() > endMs) throw new Error(`in vain: ${what}`)
  }
}

/** Slices alone: parameter sets are repeated on the way. */
function slices(payload: Uint8Array): string[] {
  return [...lengthPrefixedUnits(payload, 4)]
    .filter(([first = 0]) => (first & 31) === 1 || (first & 31) === 5)
    .map((unit) => Buffer.from(unit).toString('base64'))
}

test('H.264 and AAC of RTMP: the pictures as they were, the sound as Opus, and 5 % loss repaired', async () => {
  using publisher = await rtmp('lossy')
  await sleep(300)
  using player = await WebRtcPlayer.whep(whep('live/lossy'), { loss: 0.05 })
  const { video, audio } = player
  assert.deepEqual([video.answered.codec, audio.answered.codec], ['h264', 'opus'])
  await publisher.done
  await publisher.finish()
  await until(() => video.ended && audio.ended, 'told of the end')
  const end = async () => (await fetch(player.resource, { method: 'DELETE' })).status
  assert.deepEqual([await end(), await end()], [204, 404], 'the session has ended with the stream: once is no error')
  const last = video.highest ?? 0
  const open = [...video.missing].filter((number) => number < last - 50)
  assert.deepEqual(open, [], 'nothing is left to repair, but what was lost when the session ended')
  assert.ok(video.repaired > 5, `${video.repaired} repaired`)

  const sent = h264.units.filter(({ format }) => format.kind === 'video').map(({ payload }) => slices(payload))
  const got = video
    .units()
    .map(({ bytes }) => slices(bytes))
    .slice(0, -10)
  assert.ok(got.length >= 50, `${got.length} pictures`)
  const start = sent.findIndex(([slice]) => slice === got[0]?.[0])
  assert.deepEqual(got, sent.slice(start, start + got.length))
  assert.ok(video.reports.length > 1 && audio.reports.length > 0, 'sender reports')

  const sound = audio.units()
  // The transcoding process begins with the first listener, and may take its time.
  assert.ok(sound.length > 10, `${sound.length} packets of sound`)
})

test('VP8 and Opus of a browser: as they were; a player’s wish for a picture reaches the browser', async () => {
  const source = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 4, encoding: ['-g', '50'] })
  await using publisher = await WebRtcPublisher.whip(new URL('whip/live/vp8', server.page).href, {
    media: ['vp8', 'opus'],
  })
  const played = publisher.play(source.units)
  await until(() => publisher.elapsedMs > 300, 'begins')
  using player = await WebRtcPlayer.whep(whep('live/vp8'))
  const { video, audio } = player
  await until(() => video.packets.size > 0, 'a picture')
  const asked = publisher.heard.pictureLosses
  await sleep(1_100)
  player.losePicture()
  await until(() => publisher.heard.pictureLosses > asked, 'the browser is asked')
  await played
  await until(() => video.units().length > 60, 'the pictures')
  const sent = source.units.filter(({ format }) => format.kind === 'video')
  const got = video.units().map(({ bytes }) => Buffer.from(bytes).toString('base64'))
  const all = sent.map(({ payload }) => Buffer.from(payload).toString('base64'))
  const start = all.indexOf(got[0] ?? '')
  assert.ok(start >= 0 && sent[start]?.isRandomAccess, 'begins at a random access point')
  assert.deepEqual(got, all.slice(start, start + got.length))
  const opus = new Set(
    source.units
      .filter(({ format }) => format.kind === 'audio')
      .map(({ payload }) => Buffer.from(payload).toString('base64')),
  )
  const sound = audio.units().map(({ bytes }) => Buffer.from(bytes).toString('base64'))
  assert.ok(sound.length > 50)
  assert.ok(
    sound.every((each) => opus.has(each)),
    'not transcoded',
  )
})

test('each player has a session of his own, which DELETE ends', async () => {
  using _publisher = await rtmp('two')
  await sleep(200)
  using first = await WebRtcPlayer.whep(whep('live/two'))
  using second = await WebRtcPlayer.whep(whep('live/two'))
  await until(() => first.video.packets.size > 0 && second.video.packets.size > 0, 'both play')
  assert.notEqual(first.video.ssrc, second.video.ssrc)
  assert.equal((await fetch(first.resource, { method: 'DELETE' })).status, 204)
  assert.equal((await fetch(first.resource, { method: 'DELETE' })).status, 404)
  const before = { first: first.video.packets.size, second: second.video.packets.size }
  await until(() => second.video.packets.size > before.second + 40, 'the other plays on')
  assert.ok(first.video.packets.size < before.first + 20, 'the first gets nothing more')
})

test('a stream of sound alone, and a picture that joins it', async () => {
  const sound = h264.units.filter(({ format }) => format.kind === 'audio')
  const withPicture = h264.units.filter(({ format, dts }) => format.kind === 'audio' || dts / format.timescale >= 1.9)
  assert.ok(sound.length < withPicture.length)
  using _publisher = await rtmp('late', withPicture)
  await sleep(300)
  using player = await WebRtcPlayer.whep(whep('live/late'))
  await until(() => player.audio.packets.size > 10, 'sound')
  await until(() => player.video.units().length > 10, 'then pictures')
})

const REFUSED = [
  { name: 'what nobody publishes', path: 'live/none', status: 404, code: 'webrtc/stream-not-found' },
  {
    name: 'H.264 for a player of VP8',
    path: 'live/refusals',
    codecs: ['vp8'],
    status: 422,
    code: 'webrtc/player-lacks-codec',
  },
  { name: 'B-frames', path: 'live/b-frames', status: 422, code: 'webrtc/reordered-pictures' },
] as const

test('what cannot be played is refused, with the reason', async () => {
  const reordered = await makeSource(folder, { video: 'h264', seconds: 4, encoding: ['-bf', '2', '-g', '50'] })
  using _plain = await rtmp('refusals')
  using _reordered = await rtmp('b-frames', reordered.units)
  await sleep(500)
  for (const refused of REFUSED) {
    const media = 'codecs' in refused ? { media: [refused.codecs, ['opus']] as const } : {}
    using player = await WebRtcPlayer.offer(media)
    const headers = { 'content-type': 'application/sdp' }
    const response = await fetch(whep(refused.path), { method: 'POST', headers, body: player.sdp })
    const problem = (await response.json()) as { readonly code: string }
    assert.deepEqual([response.status, problem.code], [refused.status, refused.code], refused.name)
  }
  const noOffer = await fetch(whep('live/refusals'), {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: 'v=0',
  })
  assert.equal(noOffer.status, 400)
  assert.equal((await fetch(whep('live/refusals'))).status, 405)
})

test('a player that is gone without a word is given up', async () => {
  using _publisher = await rtmp('gone')
  await sleep(200)
  const exists = async (resource: string) =>
    (await fetch(resource, { method: 'PATCH', headers: FRAGMENT, body: '' })).status
  using silent = await WebRtcPlayer.whep(whep('live/gone'), { reports: false })
  await until(() => silent.video.packets.size > 0, 'a picture')
  assert.equal(await exists(silent.resource), 428, 'it is there: only If-Match is missing')
  for (const endMs = performance.now() + 15_000; (await exists(silent.resource)) !== 404; await sleep(100)) {
    assert.ok(performance.now() < endMs, 'it is still there')
  }
})

test('auth.play decides who plays', async () => {
  await using locked = await TempFolder.make()
  await using other = await startServerProcess(locked.path, {
    env: {
      TAPEDECK_WEBRTC_UDP: '127.0.0.1:0',
      TAPEDECK_AUTH_PLAY: 'key',
      TAPEDECK_AUTH_TOKENS: JSON.stringify([
        { name: 'wall', token: 'T-wall-of-sixteen', role: 'play', match: 'live/*' },
      ]),
    },
  })
  using _publisher = await TypedPublisher.start({
    rtmp: other.rtmp,
    app: 'live',
    name: 'cam',
    units: h264.units,
    speed: 1,
  })
  await sleep(300)
  const url = new URL('whep/live/cam', other.page).href
  const refused = async (options: { readonly headers?: Record<string, string> }, query = '') => {
    using player = await WebRtcPlayer.offer()
    const headers = { 'content-type': 'application/sdp', ...options.headers }
    const { status } = await fetch(url + query, { method: 'POST', headers, body: player.sdp })
    return status
  }
  assert.equal(await refused({}), 403)
  assert.equal(await refused({ headers: { authorization: 'Bearer wrong' } }), 401)
  assert.equal(await refused({}, '?key=wrong'), 403)
  for (const query of ['?key=T-wall-of-sixteen', '?token=T-wall-of-sixteen']) {
    using player = await WebRtcPlayer.whep(url + query)
    await until(() => player.video.packets.size > 0, `a picture with ${query}`)
  }
})
