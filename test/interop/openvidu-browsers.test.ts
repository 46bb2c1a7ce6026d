import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { FAKE_CAMERA, launchChromium } from '#test/support/chromium.ts'
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
  browser = await launchChromium(FAKE_CAMERA)
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

for (const version of [OLDEST, '2.4.0', '2.9.0', '2.17.0', '2.22.0']) {
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
