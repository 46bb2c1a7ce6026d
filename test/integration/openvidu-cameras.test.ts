/** IP cameras in the vendor's sessions, by the calls that its libraries make. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAvcC } from '#media/h264/avcc.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { type Answer, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { type CameraPeer, CameraTrack, ScriptedCamera } from '#test/support/scripted-camera.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { WebRtcPlayer } from '#test/support/webrtc-player.ts'
import { readZip } from '#test/support/zip.ts'

const SDP = [
  ...['v=0', 'o=- 0 0 IN IP4 0.0.0.0', 's=Camera', 't=0 0', 'a=control:*'],
  ...['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1', 'a=control:trackID=1', ''],
].join('\r\n')
const PATIENCE_MS = 60_000

let folder: TempFolder
let server: OpenViduServer
/** Two seconds of pictures, each group with what is needed to decode it. */
let footage: readonly SourceUnit[]

before(async () => {
  folder = await TempFolder.make()
  server = await OpenViduServer.start(folder.path, { OPENVIDU_COMPAT: 'modern' })
  const source = await makeSource(folder, { video: 'h264', seconds: 2, encoding: ['-bf', '0'] })
  const { sps, pps } = parseAvcC(source.formats[0]?.configuration ?? new Uint8Array(0))
  const sets = [...sps, ...pps].flatMap((set) => [0, 0, 0, set.length, ...set])
  footage = source.units.map((unit) =>
    unit.isRandomAccess ? { ...unit, payload: Uint8Array.from([...sets, ...unit.payload]) } : unit,
  )
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

function json(answer: Answer): Readonly<Record<string, unknown>> {
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

/** A camera that shows its footage to everybody who comes, over and over, in real time. */
async function camera(): Promise<ScriptedCamera> {
  return await ScriptedCamera.start({
    sdp: SDP,
    answer(request, peer) {
      if (request.method === 'PLAY') void peer.played.promise.then(() => show(peer))
      return undefined
    },
  })
}

async function show(peer: CameraPeer): Promise<void> {
  const track = new CameraTrack(96)
  const beganMs = performance.now()
  for (let round = 0; !peer.socket.destroyed; round++) {
    for (const unit of footage) {
      const moved = { ...unit, pts: unit.pts + round * 2 * unit.format.timescale }
      const dueMs = beganMs + (moved.pts * 1000) / unit.format.timescale
      await sleep(Math.max(0, dueMs - performance.now()))
      if (peer.socket.destroyed) return
      for (const packet of track.packets(moved)) peer.send(0, packet)
    }
  }
}

async function eventually(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (!(await look())) {
    if (performance.now() > until) throw new Error(`${what} did not happen`)
    await sleep(50)
  }
}

test('IPCAM: a camera joins, publishes and is recorded; it goes with its connection and not by its stream', async () => {
  await using shown = await camera()
  const session = { customSessionId: 'gate', defaultRecordingProperties: { outputMode: 'INDIVIDUAL' } }
  json(await server.call('POST', '/openvidu/api/sessions', { body: session }))
  const { token } = json(await server.call('POST', '/openvidu/api/tokens', { body: { session: 'gate' } }))
  await using guard = await ScriptedParticipant.join(String(token))
  const rtspUri = `rtsp://${shown.address}/stream`
  const body = { type: 'IPCAM', rtspUri, data: 'the gate', adaptativeBitrate: null, networkCache: 500 }
  const connections = '/openvidu/api/sessions/gate/connection'
  const made = json(await server.call('POST', connections, { body }))
  const id = String(made['connectionId'])
  assert.match(id, /^ipc_\w{10}$/)
  assert.deepEqual(
    ['type', 'status', 'rtspUri', 'networkCache', 'adaptativeBitrate', 'platform', 'role', 'token'].map(
      (name) => made[name],
    ),
    ['IPCAM', 'active', rtspUri, 500, true, 'IPCAM', null, null],
  )
  const [publisher] = made['publishers'] as { streamId: string; mediaOptions: Readonly<Record<string, unknown>> }[]
  const { streamId = '', mediaOptions } = publisher ?? {}
  assert.deepEqual([mediaOptions?.['hasVideo'], mediaOptions?.['hasAudio']], [true, false])
  assert.equal(mediaOptions?.['typeOfVideo'], 'IPCAM')
  assert.deepEqual(
    [(await guard.notified('participantJoined'))['id'], (await guard.notified('participantJoined'))['metadata']],
    [id, 'the gate'],
  )
  const { streams } = (await guard.notified('participantPublished')) as { streams: readonly { id: string }[] }
  assert.deepEqual(
    streams.map((stream) => stream.id),
    [streamId],
  )
  using player = await WebRtcPlayer.offer({ media: [['h264'], ['opus']] })
  const { sdpAnswer } = await guard.call('receiveVideoFrom', { sender: streamId, sdpOffer: player.sdp })
  player.accept(String(sdpAnswer))
  await eventually('the pictures at the guard', () => player.video.packets.size > 20)
  json(await server.call('POST', '/api/recordings/start', { body: { session: 'gate' } }))
  await sleep(2_500)
  const stopped = json(await server.call('POST', '/api/recordings/stop/gate'))
  assert.ok(Number(stopped['duration']) > 1.5, JSON.stringify(stopped))
  const zip = await readZip(folder.at('recordings', 'gate', 'gate.zip'))
  assert.deepEqual([...zip.keys()], [`${streamId}.mkv`, 'gate.json'])
  assert.match(zip.get('gate.json')?.toString() ?? '', /"typeOfVideo": "IPCAM"/)
  assert.equal((await server.call('DELETE', `/api/sessions/gate/stream/${streamId}`)).status, 405)
  assert.equal((await server.call('DELETE', `${connections}/${id}`)).status, 204)
  const left = await guard.notified('participantLeft')
  assert.deepEqual([left['connectionId'], left['reason']], [id, 'forceDisconnectByServer'])
  const peer = await shown.peer(0)
  await eventually('the goodbye to the camera', () => peer.socket.destroyed || peer.methods.includes('TEARDOWN'))
  assert.equal((await server.call('GET', `${connections}/${id}`)).status, 404)
})

test('IPCAM: a camera that comes back is in the room again; it goes with its session; addresses of other things are refused', async () => {
  await using shown = await camera()
  json(await server.call('POST', '/api/sessions', { body: { customSessionId: 'yard' } }))
  const path = '/api/sessions/yard/connection'
  for (const rtspUri of [null, '', 'http://127.0.0.1/x', 'file:///etc/passwd', 'page+https://localhost', 'rtsp://']) {
    assert.equal((await server.call('POST', path, { body: { type: 'IPCAM', rtspUri } })).status, 400, String(rtspUri))
  }
  const body = { type: 'IPCAM', rtspUri: `rtsp://${shown.address}/stream` }
  const { connectionId } = json(await server.call('POST', path, { body }))
  assert.equal((await server.call('POST', '/api/sessions/nowhere/connection', { body })).status, 404)
  const first = await shown.peer(0)
  first.socket.destroy()
  const second = await shown.peer(1)
  const { status } = json(await server.call('GET', `${path}/${String(connectionId)}`))
  assert.equal(status, 'active')
  assert.equal((await server.call('DELETE', '/api/sessions/yard')).status, 204)
  await eventually('the goodbye', () => second.socket.destroyed || second.methods.includes('TEARDOWN'))
})
