import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchWithCamera } from '#test/support/chromium.ts'
import { OpenViduServer } from '#test/support/openvidu-application.ts'
import { OpenViduPage } from '#test/support/openvidu-page.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** The vendor's browser library as it was published, in a real Chromium with a fake camera. */

const NEWEST = '2.32.2'
const OLDEST = '2.0.0'
const TIMEOUT_MS = 120_000

const owned = new AsyncDisposableStack()
let browser: Browser
let server: ServerProcess
let door: string
before(async () => {
  const folder = owned.use(await TempFolder.make())
  browser = await launchWithCamera()
  owned.defer(() => browser.close())
  server = owned.use(
    await startServerProcess(folder.path, {
      args: ['--like', 'openvidu'],
      env: { TAPEDECK_FACADES_OPENVIDU_LISTEN: '127.0.0.1:0', TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' },
    }),
  )
  door = server.facades['openvidu']?.['https'] ?? ''
})
after(() => owned.disposeAsync())

/** By the secret alone: classic clients make sessions that way. */
function insecure(session: string): string {
  return `wss://${door}?sessionId=${session}&secret=MY_SECRET`
}

async function joined(version: string, session: string, token = insecure(session)) {
  const page = await OpenViduPage.open(browser, door, version)
  return { page, id: await page.connect(token, `data of ${version}`) }
}

/** Every day the oldest, and one of those that tell of candidates in another way. */
const BETWEEN = process.env['LONG_TESTS'] === undefined ? ['2.9.0'] : ['2.4.0', '2.9.0', '2.17.0', '2.22.0']

for (const version of [OLDEST, ...BETWEEN]) {
  test(`${version} and ${NEWEST} see and hear each other, and each other's signals and goodbyes`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const session = `pair-${version.replaceAll('.', '-')}`
    const [newer, older] = [await joined(NEWEST, session), await joined(version, session)]
    await using one = newer.page
    await using two = older.page
    await one.event({ type: 'connectionCreated', id: older.id, data: `data of ${version}` })
    await two.event({ type: 'connectionCreated', id: newer.id, data: `data of ${NEWEST}` })
    await one.publish()
    await two.publish()
    // The oldest library does not know the id of its own stream.
    const { id: ofNewer } = await two.event({ type: 'streamCreated', owner: newer.id })
    const { id: ofOlder } = await one.event({ type: 'streamCreated', owner: older.id })
    const shown = [...(await two.sees(1)), ...(await one.sees(1))]
    for (const { tracks } of shown) assert.deepEqual(tracks, ['audio', 'video'])
    // Each names its signals as it does; each hears them as it would from its own kind.
    await two.run(`client.session.signal({ type: 'chat', data: 'from old' })`)
    await one.event({ type: 'signal', data: 'from old', from: older.id, name: 'signal:chat' })
    await one.run(`client.session.signal({ type: 'chat', data: 'from new' })`)
    await two.event({ type: 'signal', data: 'from new', from: newer.id })
    await two.run('client.unpublish()')
    await one.event({ type: 'streamDestroyed', id: ofOlder, reason: 'unpublish' })
    await one.run('client.session.disconnect()')
    await two.event({ type: 'streamDestroyed', id: ofNewer })
    await two.event({ type: 'connectionDestroyed', id: newer.id })
    assert.deepEqual([...one.complaints, ...two.complaints], [])
  })
}

test('publishAudio false and true: streamPropertyChanged on others; who comes later sees the state as it is', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [first, second] = [await joined(NEWEST, 'mute'), await joined(NEWEST, 'mute')]
  await using one = first.page
  await using two = second.page
  await one.publish()
  await two.sees(1)
  await one.run('client.publisher().publishAudio(false)')
  await two.event({ type: 'streamPropertyChanged', changedProperty: 'audioActive', newValue: false })
  const late = await joined(NEWEST, 'mute')
  await using three = late.page
  await three.event({ type: 'streamCreated', owner: first.id, hasAudio: true })
  assert.equal(await three.run('client.session.streamManagers[0].stream.audioActive'), false)
  await one.run('client.publisher().publishAudio(true)')
  await three.event({ type: 'streamPropertyChanged', changedProperty: 'audioActive', newValue: true })
})

test('streams of sound alone, and of pictures alone', { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = [await joined(NEWEST, 'kinds'), await joined(OLDEST, 'kinds')]
  await using one = first.page
  await using two = second.page
  await one.publish({ videoSource: false, publishVideo: false })
  await two.event({ type: 'streamCreated', owner: first.id, hasAudio: true, hasVideo: false })
  await two.publish({ audioSource: false, publishAudio: false })
  await one.event({ type: 'streamCreated', owner: second.id, hasAudio: false, hasVideo: true })
  const [video] = await one.sees(1)
  assert.deepEqual(video?.tracks, ['video'])
})

test('a shared screen is one, and its picture comes', { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = [await joined(NEWEST, 'screen'), await joined(OLDEST, 'screen')]
  await using one = first.page
  await using two = second.page
  const id = await one.publish({ videoSource: 'screen', audioSource: false, publishAudio: false })
  assert.match(id, /^str_SCR_/)
  await two.event({ type: 'streamCreated', owner: first.id, hasAudio: false, hasVideo: true, typeOfVideo: 'SCREEN' })
  const [video] = await two.sees(1)
  assert.deepEqual(video?.tracks, ['video'])
})

test('a wrong secret, an unknown token: connect() rejects with 401', { timeout: TIMEOUT_MS }, async () => {
  for (const version of [OLDEST, NEWEST]) {
    await using page = await OpenViduPage.open(browser, door, version)
    for (const credential of ['secret=wrong', 'token=tok_unknown&role=PUBLISHER&version=2.32.0']) {
      const told = await page.run<string>(
        `client.session.connect('wss://${door}?sessionId=nowhere&${credential}').then(() => 'in', (error) => JSON.stringify([error.code, error.message]))`,
      )
      assert.match(told, /401/, `${version} ${credential}`)
    }
  }
})

test('a socket that is cut is bound again: the stream goes on, and nobody is told', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [first, second] = [await joined(NEWEST, 'cut'), await joined('2.17.0', 'cut')]
  await using one = first.page
  await using two = second.page
  await one.publish()
  await two.sees(1)
  const before = (await two.events()).length
  // As a network that goes away takes it, behind the library's back.
  await one.run('client.cutSocket()')
  await one.page.waitForTimeout(2_000)
  await two.sees(1)
  await one.run(`client.session.signal({ type: 'back', data: 'again' })`)
  await two.event({ type: 'signal', data: 'again', from: first.id })
  const since = (await two.events()).slice(before).map(({ type }) => type)
  assert.deepEqual(since, ['signal'])
})

test('media that are made anew go on under the same id, and nobody is told', { timeout: TIMEOUT_MS }, async () => {
  const [first, second] = [await joined(NEWEST, 'again'), await joined(NEWEST, 'again')]
  await using one = first.page
  await using two = second.page
  const stream = await one.publish()
  await two.sees(1)
  const before = (await two.events()).length
  // What the library does when it finds its connection broken.
  await one.run('client.publisher().stream.initWebRtcPeerSend(true)')
  assert.equal(await one.run('client.publisher().stream.streamId'), stream)
  await two.run('client.session.streamManagers.find((manager) => manager.remote).stream.initWebRtcPeerReceive(true)')
  await two.sees(1)
  assert.deepEqual((await two.events()).slice(before), [])
  const late = await joined('2.12.0', 'again')
  await using three = late.page
  await three.sees(1)
})

/** An application's server that makes tokens and recordings by REST. */
async function application(properties: Readonly<Record<string, string>> = {}) {
  const folder = await TempFolder.make()
  const openvidu = await OpenViduServer.start(folder.path, properties)
  const post = async (path: string, body: object) => {
    const answer = await openvidu.call('POST', `/api${path}`, { body })
    assert.equal(answer.status, 200, `${path}: ${answer.text}`)
    return JSON.parse(answer.text)
  }
  const { host } = new URL(openvidu.url)
  return {
    openvidu,
    post,
    /** A page that has joined with a token of this role. */
    async joined(version: string, session: string, role: string, data = '') {
      const { token } = await post('/tokens', { session, role, data })
      const page = await OpenViduPage.open(browser, host, version)
      return { page, id: await page.connect(token, `${role} ${version}`), token: String(token) }
    },
    async [Symbol.asyncDispose]() {
      await openvidu[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('roles: a SUBSCRIBER cannot publish, only a MODERATOR ends what others do; a token works once', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using app = await application()
  await app.post('/sessions', { customSessionId: 'roles' })
  const [publisher, moderator] = [
    await app.joined(NEWEST, 'roles', 'PUBLISHER', 'of the server'),
    await app.joined('2.9.0', 'roles', 'MODERATOR'),
  ]
  const subscriber = await app.joined(NEWEST, 'roles', 'SUBSCRIBER')
  await using one = publisher.page
  await using two = moderator.page
  await using three = subscriber.page
  await two.event({ type: 'connectionCreated', id: publisher.id, data: `PUBLISHER ${NEWEST}%/%of the server` })
  const stream = await one.publish()
  await two.sees(1)
  await assert.rejects(three.publish(), /401|PERMISSION|permission/)
  const refused = await one.run<string>(
    'client.session.forceDisconnect(client.session.remoteConnections.values().next().value).then(() => "done", (error) => String(error.name))',
  )
  assert.match(refused, /PERMISSION|DENIED/i)
  await two.run('client.session.forceUnpublish(client.session.streamManagers.find((manager) => manager.remote).stream)')
  await one.event({ type: 'ownStreamDestroyed', reason: 'forceUnpublishByUser' })
  await three.event({ type: 'streamDestroyed', id: stream, reason: 'forceUnpublishByUser' })
  await two.run(
    `client.session.forceDisconnect(Object.values(client.session.remoteConnections).find(({ connectionId }) => connectionId === '${subscriber.id}'))`,
  )
  await three.event({ type: 'sessionDisconnected', reason: 'forceDisconnectByUser' })
  await one.event({ type: 'connectionDestroyed', id: subscriber.id, reason: 'forceDisconnectByUser' })
  await using again = await OpenViduPage.open(browser, new URL(app.openvidu.url).host, NEWEST)
  await assert.rejects(again.connect(publisher.token), /401/)
  const closed = await app.openvidu.call('DELETE', '/openvidu/api/sessions/roles')
  assert.equal(closed.status, 204)
  await one.event({ type: 'sessionDisconnected', reason: 'sessionClosedByServer' })
})

test('ALWAYS: starts at the first publish and ends with the last goodbye; publishers are told, once each', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using app = await application()
  const defaultRecordingProperties = { outputMode: 'INDIVIDUAL' }
  await app.post('/sessions', { customSessionId: 'lesson', recordingMode: 'ALWAYS', defaultRecordingProperties })
  const [teacher, pupil] = [
    await app.joined(NEWEST, 'lesson', 'PUBLISHER'),
    await app.joined('2.0.0', 'lesson', 'PUBLISHER'),
  ]
  const guest = await app.joined(NEWEST, 'lesson', 'SUBSCRIBER')
  await using one = teacher.page
  await using two = pupil.page
  await using three = guest.page
  const before = JSON.parse((await app.openvidu.call('GET', '/openvidu/api/recordings')).text)
  assert.equal(before.count, 0, 'joining is not publishing')
  await one.publish()
  for (const page of [one, two]) await page.event({ type: 'recordingStarted', id: 'lesson' })
  await two.sees(1)
  await two.publish()
  await one.sees(1)
  const late = await app.joined(NEWEST, 'lesson', 'PUBLISHER')
  await late.page.event({ type: 'recordingStarted', id: 'lesson' })
  await late.page.page.context().close()
  await one.page.waitForTimeout(1_500)
  for (const page of [one, two, three]) await page.run('client.session.disconnect()')
  const deadlineMs = performance.now() + 60_000
  for (;;) {
    const { status, size, duration, hasVideo } = JSON.parse(
      (await app.openvidu.call('GET', '/api/recordings/lesson')).text,
    )
    if (status === 'stopped') {
      assert.ok(size > 10_000 && duration > 2 && hasVideo, `${size} bytes, ${duration} s`)
      break
    }
    if (performance.now() > deadlineMs) assert.fail(`the recording is still ${status}`)
    await one.page.waitForTimeout(100)
  }
  const told = [...(await one.events()), ...(await two.events())].filter(({ type }) => type === 'recordingStarted')
  assert.equal(told.length, 2)
  assert.deepEqual(
    (await three.events()).filter(({ type }) => type.startsWith('recording')),
    [],
    'a SUBSCRIBER',
  )
  const zip = await app.openvidu.call('GET', '/recordings/lesson.zip')
  assert.equal(zip.status, 200)
  const names = [...zip.bytes.toString('latin1').matchAll(/str_CAM_\w+\.webm/g)].map(([name]) => name)
  assert.equal(new Set(names).size, 2, names.join(' '))
})
