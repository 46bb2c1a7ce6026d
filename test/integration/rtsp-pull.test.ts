import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TapedeckError } from '#base/error.ts'
import { DEFAULT_PULL_OPTIONS, type PullOptions } from '#base/pull-options.ts'
import type { PullStop } from '#hub/pull-source.ts'
import { RtspPull } from '#ingest/rtsp/rtsp-pull.ts'
import { UdpPorts } from '#ingest/rtsp/udp-ports.ts'
import { parseAvcC } from '#media/h264/avcc.ts'
import { writeRtpPacket } from '#protocols/rtp/packet.ts'
import { parseRtcp, writeBye } from '#protocols/rtp/rtcp.ts'
import { parseAuthorization, provesPassword } from '#protocols/rtsp/authentication.ts'
import type { RtspRequest } from '#protocols/rtsp/message.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { type RtmpFixture, rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { type CameraPeer, CameraTrack, ScriptedCamera } from '#test/support/scripted-camera.ts'
import type { Tape, TapedUnit } from '#test/support/taped-hub.ts'

/** Cameras as they are found in the field, and what strangers may send: the client against a scripted server. */

const VIDEO = [
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1',
  'a=control:trackID=1',
]
const AUDIO = ['m=audio 0 RTP/AVP 8', 'a=control:trackID=2']
const HEAD = ['v=0', 'o=- 0 0 IN IP4 0.0.0.0', 's=Camera', 't=0 0', 'a=control:*']
const sdp = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n`
const PLAIN = sdp(...HEAD, ...VIDEO)

interface PullIntoOptions extends Partial<PullOptions> {
  readonly idleTimeoutMs?: number
  /** The same source again, with what it remembers. */
  readonly source?: RtspPull
}

/** A pull into the fixture's hub, and how it ended. Over TCP unless told otherwise. */
function pullInto(here: RtmpFixture, url: string, options: PullIntoOptions = {}) {
  const { idleTimeoutMs = 10_000, transport = 'tcp', damaged = DEFAULT_PULL_OPTIONS.damaged } = options
  const source = options.source ?? newSource(here, idleTimeoutMs)
  const stopping = new AbortController()
  const streaming = Promise.withResolvers<void>()
  const { signal } = stopping
  const request = { path: 'pulled/cam1', url, verifyTls: true, transport, damaged, signal }
  const ended = source
    .pull({ ...request, onStreaming: streaming.resolve })
    .then(
      () => undefined,
      (error: TapedeckError) => error,
    )
    .finally(() => (options.source === undefined ? source[Symbol.dispose]() : undefined))
  const stop = (reason: PullStop = { cause: 'disconnected', message: 'enough' }) => stopping.abort(reason)
  return { streaming: streaming.promise, ended, stop }
}

function newSource({ runtime, hub }: RtmpFixture, idleTimeoutMs = 10_000): RtspPull {
  const limits = { connectTimeoutMs: 5_000, idleTimeoutMs, reorderMs: 100 }
  return new RtspPull({ runtime, hub, limits, ports: new UdpPorts({ first: 30_000, last: 39_999 }, Math.random()) })
}

const sources = new Map<string, Promise<ElementarySource>>()
/** Two seconds of H.264 (the size makes its parameter sets), made once. */
function footage(here: RtmpFixture, size = '160x90'): Promise<ElementarySource> {
  const made = sources.get(size) ?? makeSource(here.folder, { video: 'h264', size, encoding: ['-bf', '0'] })
  sources.set(size, made)
  return made
}

/** The units with their parameter sets in front of every random access point, as cameras send them. */
function withSets({ units, formats }: ElementarySource): SourceUnit[] {
  const { sps, pps } = parseAvcC(formats[0]?.configuration ?? new Uint8Array(0))
  const sets = [...sps, ...pps].flatMap((set) => [0, 0, 0, set.length, ...set])
  return units.map((unit) =>
    unit.isRandomAccess ? { ...unit, payload: Uint8Array.from([...sets, ...unit.payload]) } : unit,
  )
}

function sendAll(peer: CameraPeer, track: CameraTrack, units: readonly SourceUnit[], medium = 0): void {
  for (const unit of units) for (const packet of track.packets(unit)) peer.send(medium, packet)
}

async function untilTaped(tape: Tape, count: number): Promise<readonly TapedUnit[]> {
  const endsMs = performance.now() + 60_000
  while (tape.units.length < count) {
    if (performance.now() > endsMs) throw new Error(`${tape.units.length} of ${count} access units came`)
    await sleep(5)
  }
  return tape.units
}

function assertUnits(got: readonly TapedUnit[], sent: readonly SourceUnit[]): void {
  assert.deepEqual(
    got.map(({ payload }) => Buffer.from(payload).toString('base64')),
    sent.map(({ payload }) => Buffer.from(payload).toString('base64')),
  )
  for (const [index, { dts }] of got.entries()) assert.ok(dts > (got[index - 1]?.dts ?? -1), `DTS of ${index}`)
}

/** A whole session with what a script changes: every access unit arrives. Gives the camera's side of it. */
async function assertPlays(
  script: Parameters<typeof ScriptedCamera.start>[0],
  options: { url?: (address: string) => string; pull?: PullIntoOptions } = {},
): Promise<CameraPeer> {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start(script)
  const units = withSets(await footage(here))
  const { url = (address) => `rtsp://${address}/stream` } = options
  const pull = pullInto(here, url(camera.address), options.pull)
  const peer = await Promise.race([camera.peer(0), pull.ended.then((error) => Promise.reject(error))])
  const track = new CameraTrack(96)
  sendAll(peer, track, units)
  peer.send(0, writeBye(track.ssrc), true)
  const tape = await here.tape(0)
  assertUnits(await untilTaped(tape, units.length), units)
  assert.equal((await pull.ended)?.code, 'pull/source-ended')
  assert.equal((await tape.ended).cause, 'unpublished')
  assert.deepEqual(peer.methods.at(-1), 'TEARDOWN')
  return peer
}

const uris = ({ requests }: CameraPeer, method: string) =>
  requests.filter((request) => request.method === method).map(({ uri }) => uri.replace(/^rtsp:\/\/[^/]*/, ''))

const CONTROLS = [
  { name: 'relative, base with a slash', control: 'trackID=1', base: '/stream/', setup: '/stream/trackID=1' },
  { name: 'relative, base without one', control: 'trackID=1', base: '/stream', setup: '/stream/trackID=1' },
  { name: 'from the root', control: '/media/1', base: '/stream/', setup: '/media/1' },
  { name: 'no base', control: 'track1', base: undefined, setup: '/stream/track1' },
  { name: 'none', control: '', base: '/stream/', setup: '/stream/' },
  { name: 'after a query', control: 'trackID=1', base: '/stream?profile=1', setup: '/stream?profile=1/trackID=1' },
]
for (const { name, control, base, setup } of CONTROLS) {
  test(`control address: ${name}`, async () => {
    const media = [...VIDEO.slice(0, 3), ...(control === '' ? [] : [`a=control:${control}`])]
    const peer = await assertPlays({
      sdp: '',
      answer: ({ method, uri }) => {
        if (method !== 'DESCRIBE') return undefined
        const root = uri.replace(/^(rtsp:\/\/[^/]*).*/, '$1')
        return { body: sdp(...HEAD, ...media), fields: base === undefined ? [] : [['Content-Base', `${root}${base}`]] }
      },
    })
    assert.deepEqual(uris(peer, 'SETUP'), [setup])
    assert.deepEqual(uris(peer, 'PLAY'), [base ?? '/stream'])
  })
}

test('absolute control addresses, of the session too', async () => {
  const peer = await assertPlays({
    sdp: sdp('v=0', 'a=control:rtsp://10.0.0.1/all', ...VIDEO.slice(0, 3), 'a=control:rtsp://10.0.0.1/all/video'),
  })
  assert.equal(peer.requests.find(({ method }) => method === 'SETUP')?.uri, 'rtsp://10.0.0.1/all/video')
  assert.equal(peer.requests.find(({ method }) => method === 'PLAY')?.uri, 'rtsp://10.0.0.1/all')
})

test('answers without numbers, OPTIONS not known, no transport and no session told', async () => {
  await assertPlays({
    sdp: PLAIN,
    answer: ({ method, headers }, peer) => {
      if (method === 'OPTIONS') return { status: 501, sequence: 'none' }
      if (method === 'SETUP') return { sequence: 'none', fields: [] }
      if (method === 'PLAY') assert.equal(headers.get('Session'), undefined)
      return method === 'DESCRIBE' ? { sequence: 'none', body: PLAIN } : peer.requests.length < 0 ? {} : undefined
    },
  })
})

test('wrong parameter sets in the description are replaced by those in the stream', async () => {
  await using here = await rtmpFixture()
  const other = await footage(here, '320x180')
  const { sps, pps } = parseAvcC(other.formats[0]?.configuration ?? new Uint8Array(0))
  const wrong = [...sps, ...pps].map((set) => Buffer.from(set).toString('base64')).join(',')
  for (const sets of [wrong, 'Z0IAKeKQFAe2AtwEBAaQeJEV', '!!!,', '']) {
    const description = sdp(
      ...HEAD,
      ...VIDEO.map((line) => (line.startsWith('a=fmtp') ? `${line};sprop-parameter-sets=${sets}` : line)),
    )
    await assertPlays({ sdp: description })
  }
})

test('sets in the description only: the stream has none', async () => {
  await using here = await rtmpFixture()
  const source = await footage(here)
  const { sps, pps } = parseAvcC(source.formats[0]?.configuration ?? new Uint8Array(0))
  const sets = [...sps, ...pps].map((set) => Buffer.from(set).toString('base64')).join(',')
  const description = sdp(
    ...HEAD,
    ...VIDEO.map((line) => (line.startsWith('a=fmtp') ? `${line};sprop-parameter-sets=${sets}` : line)),
  )
  await using camera = await ScriptedCamera.start({ sdp: description })
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  sendAll(peer, new CameraTrack(96), source.units)
  const tape = await here.tape(0)
  assertUnits(await untilTaped(tape, source.units.length), source.units)
  assert.deepEqual(tape.formats[0]?.configuration, source.formats[0]?.configuration)
  pull.stop()
  assert.equal(await pull.ended, undefined)
  assert.deepEqual(await tape.ended, { cause: 'disconnected', message: 'enough' })
  assert.equal(peer.methods.at(-1), 'TEARDOWN')
  assert.equal(here.hub.payloads.inUseBytes, 0)
})

test('metadata, the way back to the loudspeaker and unknown codecs are left; every picture and sound is taken', async () => {
  await using here = await rtmpFixture()
  const description = sdp(
    ...HEAD,
    ...['m=application 0 RTP/AVP 107', 'a=rtpmap:107 vnd.onvif.metadata/90000', 'a=control:meta'],
    ...['m=audio 0 RTP/AVP 0', 'a=control:backchannel', 'a=sendonly'],
    ...['m=audio 0 RTP/AVP 4', 'a=control:g723'],
    ...[...VIDEO, 'a=recvonly'],
    ...['m=video 0 RTP/AVP 97', 'a=rtpmap:97 H264/90000', 'a=control:second'],
    ...AUDIO,
  )
  await using camera = await ScriptedCamera.start({ sdp: description })
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  assert.deepEqual(uris(peer, 'SETUP'), ['/stream/trackID=1', '/stream/second', '/stream/trackID=2'])
  const units = withSets(await footage(here))
  sendAll(peer, new CameraTrack(96), units, 0)
  sendAll(peer, new CameraTrack(97, { ssrc: 7, zero: 1000 }), units, 1)
  const sound = new Uint8Array(160)
  for (const sequenceNumber of [1, 2]) {
    peer.send(
      2,
      writeRtpPacket(
        { payloadType: 8, marker: false, sequenceNumber, timestamp: 160 * sequenceNumber, ssrc: 3 },
        sound,
      ),
    )
  }
  const tape = await here.tape(0)
  await untilTaped(tape, 2 * units.length + 2)
  assert.deepEqual([...tape.stream.formats.values()].map(({ trackId, codec }) => [trackId, codec]).sort(), [
    [1, 'h264'],
    [2, 'pcma'],
    [3, 'h264'],
  ])
  for (const trackId of [1, 3]) {
    assertUnits(
      tape.units.filter(({ format }) => format.trackId === trackId),
      units,
    )
  }
  pull.stop()
  await pull.ended
})

test('UDP that nothing comes through: TCP on a new connection, and at once the next time', {
  timeout: 30_000,
}, async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  using source = newSource(here)
  const units = withSets(await footage(here))
  const url = `rtsp://${camera.address}/stream`
  const transports = (peer: CameraPeer) =>
    peer.requests
      .find(({ method }) => method === 'SETUP')
      ?.headers.get('Transport')
      ?.split(';')[0]
  const pull = pullInto(here, url, { transport: 'auto', source })
  const silent = await camera.peer(0)
  const peer = await camera.peer(1)
  sendAll(peer, new CameraTrack(96), units)
  assertUnits(await untilTaped(await here.tape(0), units.length), units)
  assert.deepEqual([silent, peer].map(transports), ['RTP/AVP', 'RTP/AVP/TCP'])
  assert.equal(silent.methods.at(-1), 'TEARDOWN')
  pull.stop()
  await pull.ended
  const again = pullInto(here, url, { transport: 'auto', source })
  assert.equal(transports(await camera.peer(2)), 'RTP/AVP/TCP')
  again.stop()
  await again.ended
})

test('over UDP: out of order, twice, and with a packet missing', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const units = withSets(await footage(here))
  const pull = pullInto(here, `rtsp://${camera.address}/stream`, { transport: 'udp' })
  const peer = await camera.peer(0)
  const track = new CameraTrack(96)
  const packets = units.map((unit) => track.packets(unit))
  // The first one also tells whose packets these are.
  for (const packet of packets[0] ?? []) peer.send(0, packet)
  await here.tape(0)
  const lostUnit = 10
  for (const [index, ofUnit] of packets.entries()) {
    if (index === 0 || index === lostUnit) continue
    const [first, second] = [ofUnit, packets[index + 1]]
    if (index % 4 === 1 && index + 1 !== lostUnit && second !== undefined) {
      for (const packet of [...second, ...first]) peer.send(0, packet)
      await sleep(2)
    } else if (index % 4 !== 2 || index - 1 === lostUnit) {
      for (const packet of [...ofUnit, ...ofUnit]) peer.send(0, packet)
      await sleep(2)
    }
  }
  const tape = await here.tape(0)
  // What refers to the missing picture goes with it, up to the next random access point.
  const next = units.findIndex(({ isRandomAccess }, index) => index > lostUnit && isRandomAccess)
  const kept = units.filter((_, index) => index < lostUnit || index >= next)
  assertUnits(await untilTaped(tape, kept.length), kept)
  assert.equal(tape.stream.lostPackets, packets[lostUnit]?.length)
  pull.stop()
  await pull.ended
})

test('over TCP packets that come twice or late are nobody’s', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const units = withSets(await footage(here))
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  const track = new CameraTrack(96)
  const sent: Uint8Array[] = []
  for (const unit of units) {
    for (const packet of track.packets(unit)) {
      peer.send(0, packet)
      sent.push(packet)
      for (const again of sent.slice(-3)) peer.send(0, again)
    }
  }
  const tape = await here.tape(0)
  assertUnits(await untilTaped(tape, units.length), units)
  const steps = tape.units.map(({ pts }, index) => pts - (tape.units[index - 1]?.pts ?? pts)).slice(1)
  assert.deepEqual([...new Set(steps)], [3600])
  pull.stop()
  await pull.ended
})

test('damaged: keep takes what refers to a missing picture too', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const units = withSets(await footage(here))
  const pull = pullInto(here, `rtsp://${camera.address}/stream`, { damaged: 'keep' })
  const peer = await camera.peer(0)
  const track = new CameraTrack(96)
  for (const [index, unit] of units.entries()) {
    for (const packet of track.packets(unit)) if (index !== 10) peer.send(0, packet)
  }
  const kept = units.filter((_, index) => index !== 10)
  assertUnits(await untilTaped(await here.tape(0), kept.length), kept)
  pull.stop()
  await pull.ended
})

for (const algorithm of ['MD5', 'SHA-256'] as const) {
  test(`Digest with ${algorithm}; a nonce that expires without a word`, async () => {
    await using here = await rtmpFixture()
    let nonce = 'first'
    const isProved = ({ method, headers }: RtspRequest) => {
      const authorization = parseAuthorization(headers.get('Authorization') ?? '')
      return (
        authorization !== undefined &&
        authorization.user === 'admin' &&
        provesPassword(authorization, 'p@ss', { method, realm: 'cam', nonce })
      )
    }
    await using camera = await ScriptedCamera.start({
      sdp: PLAIN,
      answer: (request) => {
        if (request.method === 'OPTIONS' || isProved(request)) return undefined
        const challenge = `Digest realm="cam", nonce="${nonce}", algorithm=${algorithm}, qop="auth"`
        return {
          status: 401,
          fields: [
            ['WWW-Authenticate', 'Basic realm="cam"'],
            ['WWW-Authenticate', challenge],
          ],
        }
      },
    })
    const pull = pullInto(here, `rtsp://admin:p@ss@${camera.address}/stream`)
    const peer = await Promise.race([camera.peer(0), pull.ended.then((error) => Promise.reject(error))])
    const track = new CameraTrack(96)
    const units = withSets(await footage(here))
    sendAll(peer, track, units.slice(0, 25))
    await untilTaped(await here.tape(0), 25 - 1)
    nonce = 'second'
    const before = peer.requests.length
    here.advance(31_000)
    // Media keeps the source alive while the clock jumps.
    sendAll(peer, track, units.slice(25))
    while (peer.requests.length < before + 2) await sleep(10)
    const [refused, repeated] = peer.requests.slice(before)
    assert.deepEqual([refused?.method, repeated?.method], ['GET_PARAMETER', 'GET_PARAMETER'])
    assert.ok(repeated !== undefined && isProved(repeated))
    assert.ok(peer.requests.every(({ headers }) => !(headers.get('Authorization') ?? '').startsWith('Basic')))
    pull.stop()
    assert.equal(await pull.ended, undefined)
    const wrong = await pullInto(here, `rtsp://admin:guess@${camera.address}/stream`).ended
    assert.equal(wrong?.code, 'pull/refused')
    assert.equal(camera.peers.at(-1)?.methods.filter((method) => method === 'DESCRIBE').length, 2)
    assert.ok(!JSON.stringify([here.events, wrong]).includes('p@ss'))
  })
}

test('sessions are kept alive by what the camera knows; reports go back', async () => {
  const methods = { GET_PARAMETER: 'GET_PARAMETER', OPTIONS: 'OPTIONS', refuses: 'OPTIONS' }
  for (const [knows, used] of Object.entries(methods)) {
    await using here = await rtmpFixture()
    await using camera = await ScriptedCamera.start({
      sdp: PLAIN,
      answer: ({ method }) => {
        if (method === 'OPTIONS' && knows === 'OPTIONS') return { fields: [['Public', 'DESCRIBE, SETUP, PLAY']] }
        return method === 'GET_PARAMETER' && knows === 'refuses' ? { status: 405 } : undefined
      },
    })
    const pull = pullInto(here, `rtsp://${camera.address}/stream`)
    const peer = await camera.peer(0)
    const track = new CameraTrack(96)
    const units = withSets(await footage(here))
    sendAll(peer, track, units.slice(0, 25))
    await untilTaped(await here.tape(0), 24)
    const before = peer.requests.length
    here.advance(31_000)
    sendAll(peer, track, units.slice(25))
    while (peer.requests.slice(before).at(-1)?.method !== used) await sleep(10)
    assert.equal(peer.requests.at(-1)?.uri.endsWith('/stream/'), true)
    while (peer.frames.length === 0) await sleep(10)
    const [report] = parseRtcp(peer.frames[0]?.bytes ?? new Uint8Array(0))
    assert.equal(peer.frames[0]?.channel, 1)
    assert.ok(report?.kind === 'receiverReport')
    assert.deepEqual(
      report.reports.map(({ ssrc, cumulativeLost }) => [ssrc, cumulativeLost]),
      [[track.ssrc, 0]],
    )
    pull.stop()
    await pull.ended
  }
})

test('a camera that stops sending without closing is given up', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  sendAll(peer, new CameraTrack(96), withSets(await footage(here)))
  await pull.streaming
  const tape = await here.tape(0)
  await sleep(1_200)
  here.advance(10_001)
  assert.equal((await pull.ended)?.code, 'pull/idle-timeout')
  assert.equal((await tape.ended).cause, 'lost')
})

test('other parameter sets, another clock, another count and another source: one stream, no time goes back', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const small = withSets(await footage(here))
  const large = withSets(await footage(here, '320x180'))
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  const track = new CameraTrack(96)
  sendAll(peer, track, small)
  const tape = await here.tape(0)
  track.zero = (track.zero + 2 * 90_000) >>> 0
  sendAll(peer, track, large)
  await untilTaped(tape, small.length + large.length - 1)
  // It has restarted: nothing has to do with what came before.
  track.zero = 12_345
  track.sequenceNumber = 9
  sendAll(peer, track, small)
  await untilTaped(tape, small.length + large.length + small.length - 2)
  const other = new CameraTrack(96, { ssrc: 0xbeef, sequenceNumber: 40_000, zero: 0x8000_0000 })
  sendAll(peer, other, small)
  peer.send(0, writeBye(other.ssrc), true)
  const last = small.at(-1)?.payload
  await pull.ended
  assert.deepEqual(
    tape.formats.map((format) => (format.kind === 'video' ? format.widthPixels : 0)),
    [160, 320, 160],
  )
  assert.deepEqual(Buffer.from(tape.units.at(-1)?.payload ?? []), Buffer.from(last ?? []))
  for (const [index, { dts }] of tape.units.entries()) assert.ok(dts > (tape.units[index - 1]?.dts ?? -1))
  const wanted = [...small, ...large, ...small]
  assertUnits(tape.units.slice(0, wanted.length), wanted)
})

test('where a camera sends us we go, up to a point', async () => {
  await using there = await ScriptedCamera.start({ sdp: PLAIN })
  const location = (address: string) => ({ status: 302, fields: [['Location', `rtsp://${address}/other`]] as const })
  await using camera = await ScriptedCamera.start({
    sdp: '',
    answer: ({ method }) => (method === 'DESCRIBE' ? location(there.address) : undefined),
  })
  await using here = await rtmpFixture()
  const pull = pullInto(here, `rtsp://admin:secret@${camera.address}/stream`)
  const peer = await there.peer(0)
  assert.equal(uris(peer, 'DESCRIBE')[0], '/other')
  sendAll(peer, new CameraTrack(96), withSets(await footage(here)))
  await pull.streaming
  const tape = await here.tape(0)
  // Also in the middle of it.
  peer.socket.write(`REDIRECT * RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://${there.address}/third\r\n\r\n`)
  const next = await there.peer(1)
  assert.equal(uris(next, 'DESCRIBE')[0], '/third')
  assert.equal((await tape.ended).cause, 'unpublished')
  pull.stop()
  await pull.ended
  await using circle: ScriptedCamera = await ScriptedCamera.start({
    sdp: '',
    answer: ({ method }) => (method === 'DESCRIBE' ? location(circle.address) : undefined),
  })
  assert.equal((await pullInto(here, `rtsp://${circle.address}/stream`).ended)?.code, 'pull/redirects-too-many')
  assert.equal(circle.peers.length, 6)
  const away = await ScriptedCamera.start({
    sdp: '',
    answer: () => ({ status: 301, fields: [['Location', 'http://x/']] }),
  })
  assert.equal((await pullInto(here, `rtsp://${away.address}/stream`).ended)?.code, 'pull/url-invalid')
  await away[Symbol.asyncDispose]()
})

test('what can’t be played is refused with its reason', async () => {
  await using here = await rtmpFixture()
  const onlyMetadata = sdp(...HEAD, 'm=application 0 RTP/AVP 107', 'a=rtpmap:107 vnd.onvif.metadata/90000')
  const secret = sdp(...HEAD, ...VIDEO.map((line) => line.replace('RTP/AVP', 'RTP/SAVP')))
  const cases: [string, Parameters<typeof ScriptedCamera.start>[0]][] = [
    ['pull/nothing-playable', { sdp: onlyMetadata }],
    ['pull/nothing-playable', { sdp: secret }],
    ['rtsp/description-malformed', { sdp: 'v=0\r\nnothing here\r\n' }],
    ['rtsp/description-malformed', { sdp: '' }],
    [
      'pull/stream-not-found',
      { sdp: PLAIN, answer: ({ method }) => (method === 'DESCRIBE' ? { status: 404 } : undefined) },
    ],
    ['pull/refused', { sdp: PLAIN, answer: ({ method }) => (method === 'SETUP' ? { status: 461 } : undefined) }],
    ['pull/refused', { sdp: PLAIN, answer: ({ method }) => (method === 'PLAY' ? { status: 453 } : undefined) }],
    ['pull/refused', { sdp: PLAIN, answer: ({ method }) => (method === 'DESCRIBE' ? { status: 401 } : undefined) }],
    ['pull/refused', { sdp: PLAIN, answer: ({ method }) => (method === 'DESCRIBE' ? { status: 300 } : undefined) }],
  ]
  for (const [code, script] of cases) {
    await using camera = await ScriptedCamera.start(script)
    const error = await pullInto(here, `rtsp://me:pw@${camera.address}/stream`, { transport: 'auto' }).ended
    assert.equal(error?.code, code, error?.message)
  }
  assert.deepEqual(here.tapes, [])
})

test('what is no RTSP server, and one that says nothing', async () => {
  await using here = await rtmpFixture()
  const cases = [
    { code: 'pull/protocol-unexpected', says: 'SSH-2.0-OpenSSH_9.2\r\n' },
    { code: 'pull/protocol-unexpected', says: 'x'.repeat(20_000) },
    { code: 'pull/protocol-unexpected', says: `RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n` },
    { code: 'pull/connection-lost', says: undefined },
    { code: 'pull/connect-timeout', says: '' },
  ]
  for (const { code, says } of cases) {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (says === undefined) socket.end()
      else socket.write(says)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const scheme of ['rtsp', 'rtsp+http']) {
      const pull = pullInto(here, `${scheme}://127.0.0.1:${port}/stream`)
      if (says === '') {
        await sleep(200)
        here.advance(5_001)
      }
      const error = await pull.ended
      assert.equal(error?.code, code, `${scheme}: ${error?.message}`)
    }
    server.close()
  }
  assert.equal((await pullInto(here, 'rtsp://127.0.0.1:1/stream').ended)?.code, 'pull/connect-failed')
})

test('a tunnel through HTTP that wants a login of its own, and one that is none', async () => {
  await using here = await rtmpFixture()
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // What comes through the tunnel is RTSP, in base64.
    const takeBody = (text: string) => text !== '' && asked.push(Buffer.from(text, 'base64').toString())
    socket.once('data', (bytes) => {
      const [head = '', body = ''] = bytes.toString('latin1').split('\r\n\r\n')
      asked.push(head)
      const authorization = parseAuthorization(/^Authorization: (.*)$/m.exec(head)?.[1]?.trim() ?? '')
      const method = head.slice(0, head.indexOf(' '))
      const isProved =
        authorization !== undefined && provesPassword(authorization, 'secret', { method, realm: 'cam', nonce: 'n1' })
      const challenge = 'WWW-Authenticate: Digest realm="cam", nonce="n1"\r\n'
      if (!isProved) socket.end(`HTTP/1.1 401 Unauthorized\r\n${challenge}Content-Length: 4\r\n\r\nno!\n`)
      else if (method === 'GET') socket.write('HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n')
      else {
        takeBody(body)
        socket.on('data', (more) => takeBody(more.toString('latin1')))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const pull = pullInto(here, `rtsp+http://admin:secret@127.0.0.1:${port}/stream?profile=1`)
  while (asked.length < 4) await sleep(5)
  assert.deepEqual(
    asked.map((text) => text.split('\r\n')[0]),
    [
      'GET /stream?profile=1 HTTP/1.0',
      'GET /stream?profile=1 HTTP/1.0',
      'POST /stream?profile=1 HTTP/1.0',
      `OPTIONS rtsp://127.0.0.1:${port}/stream?profile=1 RTSP/1.0`,
    ],
  )
  const cookies = asked.map((text) => /^x-sessioncookie: (\S+)/m.exec(text)?.[1])
  assert.ok(cookies[1] !== undefined && cookies[1] === cookies[2])
  pull.stop()
  assert.equal(await pull.ended, undefined)
  const wrong = await pullInto(here, `rtsp+http://admin:guess@127.0.0.1:${port}/stream`).ended
  assert.equal(wrong?.code, 'pull/refused')
  assert.match(wrong.message, /HTTP 401/)
  server.close()
})

test('nonsense between the packets is nobody’s', async () => {
  await using here = await rtmpFixture()
  await using camera = await ScriptedCamera.start({ sdp: PLAIN })
  const units = withSets(await footage(here))
  const pull = pullInto(here, `rtsp://${camera.address}/stream`)
  const peer = await camera.peer(0)
  const track = new CameraTrack(96)
  for (const [index, unit] of units.entries()) {
    sendAll(peer, track, [unit])
    peer.interleaved(
      200,
      Uint8Array.from({ length: index }, () => 0x80),
    )
    peer.interleaved(0, new Uint8Array(index % 20))
    peer.interleaved(0, Uint8Array.from([0xbf, 96, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff]))
    peer.interleaved(0, Uint8Array.from([0x80, 33, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
    peer.interleaved(1, Uint8Array.from([0x81, 200, 0xff, 0xff, 1, 2, 3, 4]))
    peer.socket.write(`SET_PARAMETER * RTSP/1.0\r\nCSeq: ${index}\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 999999\r\n\r\n`)
  }
  assertUnits(await untilTaped(await here.tape(0), units.length), units)
  pull.stop()
  await pull.ended
})
