import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ScriptedBrowser, type SeenRequest } from '../test/scripted-browser.ts'
import type { StreamOptions, StreamState } from './publish-stream.ts'
import { Session } from './session.ts'

/** Node has no window to leave. */
const leaving = new EventTarget()
const unwindowed = { addEventListener: undefined, removeEventListener: undefined }
Object.assign(globalThis, {
  addEventListener: leaving.addEventListener.bind(leaving),
  removeEventListener: leaving.removeEventListener.bind(leaving),
})
after(() => Object.assign(globalThis, unwindowed))

const track = (kind: string) => ({ kind, enabled: true, stop: () => {} })
const mediaOf = (...kinds: string[]) => {
  const tracks = kinds.map(track)
  return { tracks, stream: { getTracks: () => tracks } as unknown as MediaStream }
}

const CREATED = { status: 201, body: 'connects', headers: { location: '/webrtc/sessions/1' } }
const ready = { id: 'r1', state: 'ready', parts: [] }

/** A server without rules that records what it is asked to. */
function serve({ method, path }: SeenRequest) {
  switch (`${method} ${path}`) {
    case 'GET /api/v1/rules?stream=live%2Fme':
      return { status: 200, body: { rules: [] } }
    case 'POST /api/v1/recordings':
      return { status: 201, body: { id: 'r1', state: 'waiting' } }
    case 'POST /api/v1/recordings/r1/stop':
      return { status: 200, body: ready }
    case 'POST /whip/live/me':
      return CREATED
    case 'DELETE /webrtc/sessions/1':
      return { status: 200, body: '' }
    default:
      return { status: 404, body: { code: 'test/unexpected', detail: `${method} ${path}` } }
  }
}

function publish(browser: ScriptedBrowser, options: Partial<StreamOptions> = {}) {
  const media = mediaOf('video', 'audio')
  const session = new Session({ url: 'https://host.example', token: 't', environment: browser.environment })
  const stream = session.createStream({ name: 'live/me', mediaStream: media.stream, ...options })
  const states: StreamState[] = []
  stream.on('state', (state) => states.push(state))
  return { stream, states, media, session }
}

test('publish, record, stop: the recording is asked for before the stream begins and ends after it', async () => {
  const browser = new ScriptedBrowser(serve)
  const { stream, states } = publish(browser, { record: { maxSeconds: 60 }, maxBitrate: 500_000 })
  assert.equal(stream.state, 'new')
  assert.equal(await stream.publish(), stream)
  assert.equal(stream.recordingId, 'r1')
  assert.deepEqual(await stream.stop(), ready)
  assert.deepEqual(states, ['pending', 'publishing', 'unpublished'])
  assert.deepEqual(browser.asked, [
    'GET /api/v1/rules?stream=live%2Fme',
    'POST /api/v1/recordings',
    'POST /whip/live/me',
    'DELETE /webrtc/sessions/1',
    'POST /api/v1/recordings/r1/stop',
  ])
  assert.ok(browser.requests.every(({ token }) => token === 't'))
  assert.deepEqual(JSON.parse(String(browser.requests[1]?.body)), {
    stream: 'live/me',
    waitForStream: true,
    reconnectSeconds: 30,
    maxSeconds: 60,
  })
  const encodings = browser.peers[0]?.transceivers.map(({ init }) => init.sendEncodings)
  assert.deepEqual(encodings, [[{ maxBitrate: 500_000 }], undefined])
})

for (const [text, before, after] of [
  ['begins one', [{ id: 'r6', state: 'ready' }], { id: 'r7', state: 'recording' }],
  ['goes on with the one it has', [{ id: 'r7', state: 'recording' }], { id: 'r7', state: 'recording' }],
  ['begins the first', [], { id: 'r7', state: 'recording' }],
] as const) {
  test(`a rule that records the stream is enough: it ${text}, which is found and waited for`, async () => {
    let polls = 0
    let asked = 0
    const browser = new ScriptedBrowser((request) => {
      switch (`${request.method} ${request.path}`) {
        case 'GET /api/v1/rules?stream=live%2Fme':
          return { status: 200, body: { rules: [{ id: 'all' }] } }
        case 'GET /api/v1/recordings?stream=live%2Fme&limit=1':
          return { status: 200, body: { recordings: ++asked < 3 ? before : [after] } }
        case 'GET /api/v1/recordings/r7':
          return { status: 200, body: { id: 'r7', state: polls++ === 0 ? 'finishing' : 'ready' } }
        default:
          return serve(request)
      }
    })
    const { stream } = publish(browser, { record: true })
    await stream.publish()
    assert.equal(stream.recordingId, 'r7')
    assert.equal((await stream.stop())?.state, 'ready')
    assert.ok(!browser.asked.includes('POST /api/v1/recordings'))
  })
}

test('without record nothing is asked of the recorder, and there is no recording', async () => {
  const browser = new ScriptedBrowser(serve)
  const { stream } = publish(browser)
  await stream.publish()
  assert.equal(await stream.stop(), undefined)
  assert.deepEqual(browser.asked, ['POST /whip/live/me', 'DELETE /webrtc/sessions/1'])
})

test("refused: the server's own code, a failed stream, and no recording that waits for ever", async () => {
  const problem = { code: 'stream/path-in-use', detail: 'somebody publishes live/me' }
  const browser = new ScriptedBrowser((request) =>
    request.path === '/whip/live/me' ? { status: 409, body: problem } : serve(request),
  )
  const { stream, states } = publish(browser, { record: true })
  await assert.rejects(stream.publish(), { name: 'TapedeckError', code: 'stream/path-in-use', status: 409 })
  assert.deepEqual(states, ['pending', 'failed'])
  assert.equal(stream.error?.code, 'stream/path-in-use')
  assert.equal(browser.asked.at(-1), 'POST /api/v1/recordings/r1/stop')
  await assert.rejects(stream.publish(), { code: 'client/wrong-state' })
})

test('an answer the browser does not take ends the session on the server', async () => {
  const browser = new ScriptedBrowser((request) =>
    request.path === '/whip/live/me' ? { ...CREATED, body: 'broken' } : serve(request),
  )
  const { stream } = publish(browser)
  await assert.rejects(stream.publish(), { code: 'client/connection-failed' })
  assert.deepEqual(browser.asked, ['POST /whip/live/me', 'DELETE /webrtc/sessions/1'])
})

test('a server that is away', async () => {
  const { stream } = publish(new ScriptedBrowser(() => undefined))
  await assert.rejects(stream.publish(), { code: 'client/unreachable' })
})

test('a broken connection is made anew, also while the path is still taken by the one that broke', async () => {
  let offers = 0
  const browser = new ScriptedBrowser((request) => {
    if (request.path !== '/whip/live/me') return serve(request)
    return ++offers === 2 ? { status: 409, body: { code: 'stream/path-in-use' } } : CREATED
  })
  const { stream, states } = publish(browser, { record: true })
  await stream.publish()
  browser.peers[0]?.turn('failed')
  while (stream.state !== 'publishing' || offers < 3) await sleep(20)
  await stream.stop()
  assert.deepEqual(states, ['pending', 'publishing', 'reconnecting', 'publishing', 'unpublished'])
  assert.deepEqual(
    browser.asked.filter((asked) => asked.startsWith('DELETE')),
    ['DELETE /webrtc/sessions/1?returns=true', 'DELETE /webrtc/sessions/1'],
  )
  assert.equal(browser.asked.filter((asked) => asked === 'POST /api/v1/recordings').length, 1)
})

test('a connection that does not come back fails the stream; what was recorded is still had', async () => {
  const browser = new ScriptedBrowser(serve)
  const { stream, states } = publish(browser, { record: true, reconnectSeconds: 0.05 })
  await stream.publish()
  browser.answer = () => undefined
  browser.peers[0]?.turn('failed')
  while (stream.state !== 'failed') await sleep(20)
  assert.equal(stream.error?.code, 'client/connection-lost')
  browser.answer = serve
  assert.deepEqual(await stream.stop(), ready)
  assert.deepEqual(states, ['pending', 'publishing', 'reconnecting', 'failed'])
})

test('a refusal while reconnecting ends it at once', async () => {
  const browser = new ScriptedBrowser(serve)
  const { stream } = publish(browser)
  await stream.publish()
  browser.answer = () => ({ status: 403, body: { code: 'auth/forbidden', detail: 'no more' } })
  browser.peers[0]?.turn('failed')
  while (stream.state !== 'failed') await sleep(10)
  assert.equal(stream.error?.code, 'auth/forbidden')
})

test('stopped while it begins: nothing is left on the server', async () => {
  const browser = new ScriptedBrowser((request) =>
    request.path === '/whip/live/me' ? { ...CREATED, body: 'silent' } : serve(request),
  )
  const { stream, states } = publish(browser)
  const publishing = stream.publish()
  while (browser.asked.length === 0) await sleep(1)
  await sleep(5)
  await stream.stop()
  await assert.rejects(publishing, { code: 'client/connection-failed' })
  assert.deepEqual(states, ['pending', 'unpublished'])
  assert.deepEqual(browser.asked, ['POST /whip/live/me', 'DELETE /webrtc/sessions/1'])
})

test('mute and pause switch tracks off and on; who muted before a pause is muted after it', async () => {
  const { stream, media } = publish(new ScriptedBrowser(serve))
  await stream.publish()
  const [video, audio] = media.tracks
  const enabled = () => [video?.enabled, audio?.enabled]
  stream.mute('audio')
  assert.deepEqual(enabled(), [true, false])
  stream.pause()
  assert.deepEqual(enabled(), [false, false])
  stream.resume()
  assert.deepEqual(enabled(), [true, false])
  stream.mute('audio', false)
  assert.deepEqual(enabled(), [true, true])
  await stream.stop()
})

test('who leaves the page ends the session', async () => {
  const browser = new ScriptedBrowser(serve)
  const { stream } = publish(browser)
  await stream.publish()
  leaving.dispatchEvent(new Event('pagehide'))
  assert.equal(browser.asked.at(-1), 'DELETE /webrtc/sessions/1')
  await stream.stop()
})

test('STUN and TURN servers of the answer are used', async () => {
  const link =
    '<stun:s.example>; rel="ice-server", <turn:t.example?transport=udp>; rel="ice-server"; username="u,1"; credential="p\\"w"; credential-type="password"'
  const browser = new ScriptedBrowser((request) =>
    request.path === '/whip/live/me' ? { ...CREATED, headers: { ...CREATED.headers, link } } : serve(request),
  )
  const { stream } = publish(browser)
  await stream.publish()
  assert.deepEqual(browser.peers[0]?.configurations[0]?.iceServers, [
    { urls: 'stun:s.example' },
    { urls: 'turn:t.example?transport=udp', username: 'u,1', credential: 'p"w' },
  ])
  await stream.stop()
})
