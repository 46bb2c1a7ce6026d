import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchWithCamera } from '#test/support/chromium.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { FlashphonerClient } from '#test/support/flashphoner-client.ts'
import { openExample, SdkPage } from '#test/support/flashphoner-page.ts'
import { ffprobe } from '#test/support/outside-judges.ts'

/** The vendor's web SDK in a real Chromium, beyond the lines of the checklist. */

const BY_NAME = 'stream_record_policy=streamName\n'

let browser: Browser
before(async () => {
  browser = await launchWithCamera()
})
after(() => browser.close())

async function published(wcs: Installation, name: string, options: object = {}): Promise<SdkPage> {
  const page = await SdkPage.open(browser, wcs)
  await page.publish(name, options)
  assert.equal((await page.until(name, 'PUBLISHING', 'FAILED'))[0], 'PUBLISHING')
  return page
}

/** A picture is shown, and its time moves on. */
async function isShown(page: SdkPage, key: string): Promise<void> {
  await eventually(async () => (await page.shown(key))[0] > 0, `a picture of ${key}`)
  const [, before] = await page.shown(key)
  await eventually(async () => (await page.shown(key))[1] > before + 0.5, `${key} moves`)
}

test('a page plays what another publishes, and an encoder’s stream, until they end', async () => {
  await using wcs = await Installation.run('')
  await using publisher = await published(wcs, 'camera')
  await using encoder = new FfmpegPublisher(`${wcs.server.rtmp}/live/encoder`)
  await eventually(async () => (await wcs.streams()).length === 2, 'both streams')
  await using player = await SdkPage.open(browser, wcs)
  for (const name of ['camera', 'encoder']) {
    await player.play(name, name)
    assert.deepEqual((await player.until(name, 'PLAYING', 'FAILED')).slice(0, 2), ['PLAYING', null], name)
    await isShown(player, name)
  }
  await player.stop('encoder')
  assert.equal((await player.until('encoder', 'STOPPED', 'FAILED'))[0], 'STOPPED')
  await publisher.stop('camera')
  assert.deepEqual((await player.until('camera', 'STOPPED', 'FAILED')).slice(0, 2), [
    'FAILED',
    'Stopped by publisher stop',
  ])
  await player.play('none', 'none')
  assert.deepEqual((await player.until('none', 'PLAYING', 'FAILED')).slice(0, 2), ['FAILED', 'Stream not found'])
  await encoder.stop()
})

test('a publisher that falls silent fails by RTP activity, with its record', async () => {
  await using wcs = await Installation.make()
  await wcs.start(BY_NAME, ['--set', 'webrtc.idleTimeoutMs=3000'])
  await using page = await published(wcs, 'one', { record: true })
  await page.page.waitForTimeout(1_500)
  await page.fallSilent()
  assert.deepEqual(await page.until('one', 'UNPUBLISHED', 'FAILED'), ['FAILED', 'Failed by RTP activity', 'one.mp4'])
  await ffprobe(wcs.path('one.mp4'))
})

test('an offer that nobody follows with a connection fails by ICE timeout', async () => {
  await using wcs = await Installation.make()
  await wcs.start(BY_NAME, ['--set', 'webrtc.iceTimeoutMs=1000'])
  await using page = await SdkPage.open(browser, wcs)
  await using client = await FlashphonerClient.session(wcs.signalling)
  client.publish('id-1', 'one', { sdp: await page.offer(), record: true })
  await client.next('setRemoteSDP')
  const { status, info, recordName } = await client.status()
  assert.deepEqual([status, info, recordName], ['FAILED', 'Failed by ICE timeout', undefined])
  client.publish('id-2', 'one', { sdp: 'v=0\r\nnothing of SDP' })
  assert.equal((await client.status())['info'], 'Failed by error')
  const foreign = (await page.offer())
    .replace(/^(m=video .*)$/m, '$1')
    .replaceAll(/rtpmap:(\d+) \S+\//g, 'rtpmap:$1 unheard/')
  client.publish('id-3', 'one', { sdp: foreign })
  assert.equal((await client.status())['info'], 'No common codecs')
})

test('REST finds a browser’s stream, records it on demand, and puts it out', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using page = await published(wcs, 'one', { record: true })
  await eventually(async () => (await wcs.streams())[0]?.['videoCodec'] === 'H264', 'its codecs')
  const [stream = {}] = await wcs.streams()
  const { mediaSessionId, mediaProvider, name, status, audioCodec, transport } = stream
  assert.deepEqual([mediaProvider, name, status, audioCodec, transport], ['WebRTC', 'one', 'PUBLISHING', 'opus', 'UDP'])
  assert.equal(mediaSessionId, await page.page.evaluate('wcs.streams.one.id()'))
  await page.page.evaluate('wcs.streams.one.muteAudio()')
  const muted = async () => JSON.stringify((await wcs.streams())[0]?.['audioState'])
  await eventually(async () => (await muted()) === '{"muted":true}', 'that it is muted')
  await page.page.waitForTimeout(1_000)
  assert.equal((await wcs.rest('/stream/stopRecording', { mediaSessionId })).status, 200)
  await ffprobe(wcs.path('one.mp4'))
  assert.equal((await wcs.rest('/stream/startRecording', { mediaSessionId })).status, 200)
  await page.page.waitForTimeout(1_500)
  assert.equal((await wcs.rest('/stream/terminate', { mediaSessionId })).status, 200)
  const told = await page.until('one', 'UNPUBLISHED', 'FAILED')
  assert.deepEqual(told, ['UNPUBLISHED', 'Stopped by rest /terminate', 'one_2.mp4'])
  await ffprobe(wcs.path('one_2.mp4'))
})

test('with keys a page shows its token with the stream, the session or the address', async () => {
  await using wcs = await Installation.make()
  const tokens = [
    { name: 'room', role: 'publish', token: 'token-of-the-publisher', match: 'webrtc/mine-*' },
    { name: 'all', role: 'play', token: 'token-of-the-player' },
  ]
  await wcs.start(BY_NAME, [
    ...['--set', `auth.tokens=${JSON.stringify(tokens)}`],
    ...['--set', 'auth.publish=key', '--set', 'auth.play=key'],
  ])
  const custom = { token: 'token-of-the-publisher' }
  await using page = await SdkPage.open(browser, wcs)
  const status = async (name: string, options: object) => {
    await page.publish(name, options)
    const [first, info] = await page.until(name, 'PUBLISHING', 'FAILED')
    return info ?? first
  }
  assert.equal(await status('mine-1', { custom }), 'PUBLISHING')
  assert.equal(await status('yours-1', { custom }), 'Restricted access')
  assert.equal(await status('mine-2', {}), 'Restricted access')
  assert.equal(await status('mine-3', { custom: { token: 'token-of-the-player' } }), 'Restricted access')
  for (const session of [{ custom }, { authToken: custom.token }]) {
    await using other = await SdkPage.open(browser, wcs, session)
    await other.publish('mine-4')
    assert.equal((await other.until('mine-4', 'PUBLISHING', 'FAILED'))[0], 'PUBLISHING')
    await other.stop('mine-4')
    assert.equal((await other.until('mine-4', 'UNPUBLISHED', 'FAILED'))[0], 'UNPUBLISHED')
  }
  await using player = await SdkPage.open(browser, wcs, { custom: { token: 'token-of-the-player' } })
  await player.play('mine-1', 'mine-1')
  assert.equal((await player.until('mine-1', 'PLAYING', 'FAILED'))[0], 'PLAYING')
  // In a room everybody plays what is published there, with the token for publishing.
  const alice = { appKey: 'roomApp', custom: { login: 'alice', ...custom } }
  const bob = { appKey: 'roomApp', custom: { login: 'bob', ...custom } }
  await using one = await SdkPage.open(browser, wcs, alice)
  await using two = await SdkPage.open(browser, wcs, bob)
  const join = `wcs.session.sendData({ command: 'join', options: { name: 'mine' } }).then(() => 'in', ({ info }) => info)`
  assert.deepEqual([await one.page.evaluate(join), await two.page.evaluate(join)], ['in', 'in'])
  await one.publish('mine-alice-1f2e')
  assert.equal((await one.until('mine-alice-1f2e', 'PUBLISHING', 'FAILED'))[0], 'PUBLISHING')
  await two.play('alice', 'mine-alice-1f2e')
  assert.equal((await two.until('alice', 'PLAYING', 'FAILED'))[0], 'PLAYING')
  assert.equal(await two.page.evaluate(join.replace("'mine'", "'yours'")), 'Restricted access')
  await page.play('refused', 'mine-1')
  assert.deepEqual((await page.until('refused', 'PLAYING', 'FAILED')).slice(0, 2), ['FAILED', 'Restricted access'])
})

test('the vendor’s conference page: two meet, see and write to each other, and are recorded in one piece', async () => {
  await using wcs = await Installation.run(`${BY_NAME}record_rotation=1`)
  const join = async (login: string, invited?: string) => {
    const page = await openExample(browser, wcs, `conference/conference.html${invited ?? ''}`)
    await page.locator('#login').fill(login)
    if (invited === undefined) await page.locator('#recordCheckBox').check()
    await page.getByRole('button', { name: 'Join' }).click()
    await page.locator('#localStatus').filter({ hasText: 'PUBLISHING' }).waitFor()
    return page
  }
  const seen = async (page: Page, login: string) => {
    await page.getByText(login, { exact: true }).first().waitFor()
    const moves = `[...document.querySelectorAll('[id^=participant] video')].some((video) => video.currentTime > 1)`
    await eventually(() => page.evaluate<boolean>(moves), `the picture of ${login}`)
  }
  const alice = await join('alice')
  const invitation = new URL((await alice.locator('#inviteAddress').textContent()) ?? '')
  const bob = await join('bob', invitation.search)
  await Promise.all([seen(alice, 'bob'), seen(bob, 'alice')])
  await bob.locator('#message').fill('hello alice')
  await bob.locator('#sendMessageBtn').click()
  await alice.getByText('hello alice').waitFor()
  await bob.getByRole('button', { name: 'Leave' }).click()
  await alice.getByText('left').waitFor()
  await alice.getByRole('button', { name: 'Leave' }).click()
  await wcs.idle()
  const files = await wcs.files()
  assert.equal(files.length, 1, files.join(' '))
  assert.match(files[0] ?? '', /^room-[0-9a-f]{6}-alice-[0-9a-f]{4}\.mp4$/)
  const { format } = await ffprobe(wcs.path(files[0] ?? ''))
  assert.ok(Number(format.duration) > 2, format.duration)
  await Promise.all([alice.context().close(), bob.context().close()])
})

test('with a password a browser still gets the records it has made, and only those', async () => {
  await using wcs = await Installation.make()
  await wcs.start(BY_NAME, ['--set', 'facades.flashphoner.password=the password'])
  const fetched = (page: SdkPage, name: string) =>
    page.page.evaluate<number>(`fetch('/client/records/${name}').then(({ status }) => status)`)
  await using one = await SdkPage.open(browser, wcs)
  await using other = await SdkPage.open(browser, wcs)
  const record = { record: true }
  assert.deepEqual(await one.published('one', 1, record), ['UNPUBLISHED', null, 'one.mp4'])
  assert.deepEqual(await other.published('other', 1, record), ['UNPUBLISHED', null, 'other.mp4'])
  assert.deepEqual([await fetched(one, 'one.mp4'), await fetched(other, 'other.mp4')], [200, 200])
  const [cookie] = await one.page.context().cookies(`${wcs.web}/client/records/`)
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, cookie?.path], [true, 'Strict', '/client/records/'])
  const headers = { cookie: `${cookie?.name}=${cookie?.value}` }
  assert.equal((await fetch(`${wcs.web}/client/records/one.mp4`, { headers })).status, 200)
  for (const path of ['/client/records/other.mp4', '/rest-api/stream/find_all']) {
    assert.equal((await fetch(wcs.web + path, { headers })).status, 401, path)
  }
  const foreign = { ...headers, origin: 'https://elsewhere.example' }
  assert.equal((await fetch(`${wcs.web}/client/records/one.mp4`, { headers: foreign })).status, 403)
})

test('the example page over TLS: its page, its WebSocket and its record', async () => {
  await using wcs = await Installation.run('')
  const page = await openExample(browser, wcs, 'stream_recording/recording.html', 'https')
  assert.match(await page.locator('#url').inputValue(), /^wss:/)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.locator('#status').filter({ hasText: 'PUBLISHING' }).waitFor()
  await page.waitForTimeout(1_000)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.locator('#status').filter({ hasText: 'UNPUBLISHED' }).waitFor()
  assert.match((await page.locator('#recVideo').getAttribute('src')) ?? '', /^https:/)
  await eventually(() => page.evaluate<boolean>('document.querySelector("#recVideo").duration > 0.5'), 'the record')
  await page.context().close()
})
