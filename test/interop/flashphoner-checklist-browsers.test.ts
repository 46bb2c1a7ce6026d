import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser, Locator } from 'playwright-core'
import { beepsOf } from '#test/support/beeps.ts'
import { launchWithCamera, mediaState, waitUntilPlaying } from '#test/support/chromium.ts'
import { flashesOf } from '#test/support/flashes.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { FlashphonerClient } from '#test/support/flashphoner-client.ts'
import { openExample, SdkPage } from '#test/support/flashphoner-page.ts'
import { ffprobe, type Probed } from '#test/support/outside-judges.ts'

/**
 * The lines of the compatibility checklist that need the vendor's web SDK: the package from npm as it is, in a real
 * Chromium with a fake camera.
 */

const BY_NAME = 'stream_record_policy=streamName\n'

let browser: Browser
before(async () => {
  browser = await launchWithCamera()
})
after(() => browser.close())

/** Codecs of a file's tracks, sorted. */
function codecsOf({ streams }: Probed): string[] {
  return streams.map(({ codec_name }) => codec_name).sort()
}

test('websdk publisher with `record:false` leaves no file; `record:true` leaves exactly one.', async () => {
  await using wcs = await Installation.run('')
  await using page = await SdkPage.open(browser, wcs)
  assert.deepEqual(await page.published('one', 1, { record: false }), ['UNPUBLISHED', null, null])
  assert.deepEqual(await wcs.files(), [])
  const [status, , recordName] = await page.published('two', 1, { record: true })
  assert.equal(status, 'UNPUBLISHED')
  await wcs.idle()
  assert.deepEqual(await wcs.files(), [recordName])
  assert.match(recordName ?? '', /^stream-[0-9a-f-]{36}-\.mp4$/)
})

test('`record_streams=false`: no file appears for a websdk publisher with `record:true`.', async () => {
  await using wcs = await Installation.run('record_streams=false')
  await using page = await SdkPage.open(browser, wcs)
  assert.deepEqual(await page.published('one', 1, { record: true }), ['UNPUBLISHED', null, null])
  assert.deepEqual(await wcs.files(), [])
})

test("A `roomApp` session's stream is never rotated.", async () => {
  await using wcs = await Installation.run(`${BY_NAME}record_rotation=1`)
  for (const [appKey, name, files] of [
    ['defaultApp', 'alone', 3],
    ['roomApp', 'room-alice-1f2e', 1],
  ] as const) {
    await using page = await SdkPage.open(browser, wcs, { appKey, custom: { login: 'alice' } })
    const [, , recordName] = await page.published(name, 6, { record: true })
    assert.equal(recordName, `${name}.mp4`, 'the last part')
    const parts = (await wcs.files()).filter((file) => file.startsWith(name))
    assert.ok(files === 1 ? parts.length === 1 : parts.length >= files, parts.join(' '))
  }
})

test("The unmodified SDK example page records and plays back its recording from the page's own origin, in Chromium and Firefox.", async () => {
  await using wcs = await Installation.run('')
  const page = await openExample(browser, wcs)
  const status = page.locator('#status')
  const shows = (text: string, locator: Locator = status) => locator.filter({ hasText: text }).waitFor()
  for (const round of [1, 2]) {
    await page.getByRole('button', { name: 'Start' }).click()
    await shows('PUBLISHING')
    await page.waitForTimeout(2_000)
    await page.getByRole('button', { name: 'Stop' }).click()
    await shows('UNPUBLISHED')
    const link = await page.getByRole('link', { name: 'Download recorded stream' }).getAttribute('href')
    assert.equal(link, `${wcs.web}/client/records/${(await wcs.files()).find((file) => link?.endsWith(file))}`)
    const video = page.locator('#recVideo')
    await video.evaluate((element) => (element as unknown as { play(): Promise<void> }).play())
    await waitUntilPlaying(video)
    const { duration, error } = await mediaState(video)
    assert.equal(error, '')
    assert.ok(duration > 1.5 && duration < 10, `${duration} s`)
    assert.equal((await wcs.files()).length, round)
  }
  await page.context().close()
})

test('WebSocket upgrade is accepted on `/`, `/abcdef01` and deeper paths.', async () => {
  await using wcs = await Installation.run('')
  for (const path of ['/', '/abcdef01', '/a/b/c', '/%00?x=y', '/../..']) {
    await using client = await FlashphonerClient.session(wcs.signalling + path)
    assert.equal(client.closed, undefined, path)
  }
  const secure = `wss://${wcs.server.facades['flashphoner']?.['wss']}/abcdef01`
  await using client = await FlashphonerClient.session(secure)
  assert.equal(client.closed, undefined)
})

test('All frames carry a `data` array; `setRemoteSDP` has two elements; `getUserData` arrives after `connection`.', async () => {
  await using wcs = await Installation.run('')
  await using page = await SdkPage.open(browser, wcs)
  await using client = await FlashphonerClient.connect(wcs.signalling)
  assert.deepEqual(client.frames, [], 'nothing before "connection"')
  client.send('connection', { appKey: 'defaultApp', clientVersion: '2.0' })
  assert.equal((await client.nextObject('getUserData'))['clientVersion'], '2.0')
  // The client throws, in each of these, at a frame that has no list of data.
  client.publish('id-1', 'one', { sdp: await page.offer() })
  const answer = await client.next('setRemoteSDP')
  assert.equal(answer.length, 2)
  assert.equal(answer[0], 'id-1')
  for (const line of [/^v=0\r$/m, /^a=candidate:\S+ 1 UDP /m, /^a=end-of-candidates\r$/m, /^a=recvonly\r$/m]) {
    assert.match(String(answer[1]), line)
  }
  for (const message of ['snapshot', 'call', 'unknown']) {
    client.send(message, { mediaSessionId: 'id-1' })
    assert.equal((await client.nextObject('fail'))['apiMethod'], message)
  }
  client.send('sendData', { operationId: 'o', payload: {} })
  assert.equal((await client.nextObject('DataStatusEvent'))['operationId'], 'o')
  await client.pinged(1)
})

test('Publishing works with an offer that has no candidates; with audio only; with video only; with H264 stripped (gives .webm).', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using page = await SdkPage.open(browser, wcs)
  const recorded = async (name: string, options: object) => {
    const [status, info, recordName] = await page.published(name, 2, { record: true, ...options })
    assert.deepEqual([status, info], ['UNPUBLISHED', null], name)
    return { recordName, codecs: codecsOf(await ffprobe(wcs.path(recordName ?? ''))) }
  }
  // The vendor's client sends its offer before it has any candidate.
  assert.deepEqual(await recorded('both', {}), { recordName: 'both.mp4', codecs: ['aac', 'h264'] })
  const sound = { constraints: { audio: true, video: false } }
  assert.deepEqual(await recorded('sound', sound), { recordName: 'sound.mp4', codecs: ['aac'] })
  const picture = { constraints: { audio: false, video: true } }
  assert.deepEqual(await recorded('picture', picture), { recordName: 'picture.mp4', codecs: ['h264'] })
  const stripped = { stripCodecs: 'H264' }
  assert.deepEqual(await recorded('stripped', stripped), { recordName: 'stripped.webm', codecs: ['opus', 'vp8'] })
})

test('UNPUBLISHED carries `recordName`, and a GET (and ranged GET) of `/client/records/<recordName>` issued immediately succeeds.', async () => {
  await using wcs = await Installation.run('')
  await using page = await SdkPage.open(browser, wcs)
  // In the page itself, on the event.
  const answers = `(async () => {
    wcs.publish('one', { record: true })
    await wcs.until('one', 'PUBLISHING')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const answered = new Promise((resolve) => {
      wcs.streams.one.on('UNPUBLISHED', (stream) => {
        const url = '/client/records/' + stream.getRecordInfo()
        resolve(Promise.all([fetch(url), fetch(url, { headers: { range: 'bytes=4-7' } }), fetch(url, { method: 'HEAD' })]))
      })
    })
    wcs.stop('one')
    const [whole, part, head] = await answered
    return [whole.status, (await whole.blob()).size, part.status, await part.text(), head.headers.get('content-length')]
  })()`
  const [status, bytes, partStatus, part, length] = await page.page.evaluate<(number | string)[]>(answers)
  assert.deepEqual([status, partStatus, part], [200, 206, 'ftyp'])
  assert.equal(String(bytes), length)
  const [file = ''] = await wcs.files()
  assert.equal((await readFile(wcs.path(file))).length, bytes)
})

test('Killing the browser tab finalises the file and fires the hook; killing the server mid-recording leaves a recoverable file.', async () => {
  await using wcs = await Installation.make()
  await wcs.hook('printf "%s\\n" "$@" >> $LOG; printf "\\0" >> $LOG')
  await wcs.start(BY_NAME)
  const recorded = async (name: string) => {
    const { format, streams } = await ffprobe(wcs.path(`${name}.mp4`))
    assert.equal(streams.length, 2)
    assert.ok(Number(format.duration) > 1.5, `${name}: ${format.duration} s`)
  }
  {
    const page = await SdkPage.open(browser, wcs)
    await page.publish('tab', { record: true })
    await page.until('tab', 'PUBLISHING')
    await page.page.waitForTimeout(2_500)
    const session = await page.page.context().newCDPSession(page.page)
    // The process of the page, as the system's out-of-memory killer would end it.
    session.send('Page.crash').catch(() => {}) // nobody is left to answer
    await eventually(async () => (await wcs.hookLog()).length === 1, 'the hook')
    assert.deepEqual((await wcs.hookLog())[0]?.split('\n').slice(0, 2), ['tab', wcs.path('tab.mp4')])
    await recorded('tab')
    await page.page.context().close()
  }
  await using page = await SdkPage.open(browser, wcs)
  await page.publish('server', { record: true })
  await page.until('server', 'PUBLISHING')
  await page.page.waitForTimeout(3_500)
  await wcs.server.kill()
  await recorded('server')
  // The client learns of the lost WebSocket, without a name.
  assert.deepEqual(await page.until('server', 'FAILED'), ['FAILED', null, null])
  await wcs.start(BY_NAME)
  await eventually(async () => (await wcs.hookLog()).length === 2, 'the hook at the next start')
  await recorded('server')
})

test('Second publisher of a name gets FAILED with `Stream name is already in use`; the first is undisturbed.', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using first = await SdkPage.open(browser, wcs)
  await using second = await SdkPage.open(browser, wcs)
  await first.publish('one', { record: true })
  await first.until('one', 'PUBLISHING')
  await second.publish('one', { record: true })
  assert.deepEqual(await second.until('one', 'PUBLISHING', 'FAILED'), ['FAILED', 'Stream name is already in use', null])
  await first.page.waitForTimeout(1_500)
  await first.stop('one')
  assert.deepEqual(await first.until('one', 'UNPUBLISHED', 'FAILED'), ['UNPUBLISHED', null, 'one.mp4'])
  assert.deepEqual(await wcs.files(), ['one.mp4'])
})

/** How long after the picture the sound comes, milliseconds: the middle of what every second shows. */
async function skewOf(path: string): Promise<number> {
  const [flashes, beeps] = await Promise.all([flashesOf(path), beepsOf(path)])
  // What was cut off at the beginning has no partner.
  const skews = flashes.flatMap((flashMs) => {
    const beep = beeps.find(({ fromMs }) => Math.abs(fromMs - flashMs) < 400)
    return beep === undefined || flashMs < 1_000 ? [] : [beep.fromMs - flashMs]
  })
  assert.ok(skews.length >= 3, `flashes ${flashes.join(' ')}, beeps ${beeps.map(({ fromMs }) => fromMs).join(' ')}`)
  return skews.sort((a, b) => a - b)[Math.floor(skews.length / 2)] ?? Number.NaN
}

test('MP4: H.264 + AAC at 44100 Hz (48000 when configured); WebM: VP8 + Opus (or Vorbis); A/V skew under 100 ms; audio-only gives `.mp4`.', async () => {
  for (const [properties, sampleRate] of [
    ['', '44100'],
    ['record_audio_codec_sample_rate=48000\n', '48000'],
  ] as const) {
    await using wcs = await Installation.run(BY_NAME + properties)
    await using page = await SdkPage.open(browser, wcs)
    await page.publishedFlashes('h264', 7, { record: true })
    const mp4 = await ffprobe(wcs.path('h264.mp4'))
    assert.deepEqual(codecsOf(mp4), ['aac', 'h264'])
    assert.equal(mp4.streams.find(({ codec_name }) => codec_name === 'aac')?.sample_rate, sampleRate)
    const skewMs = await skewOf(wcs.path('h264.mp4'))
    assert.ok(Math.abs(skewMs) < 100, `${skewMs} ms`)
    if (sampleRate === '48000') continue
    await page.publishedFlashes('vp8', 7, { record: true, stripCodecs: 'H264' })
    assert.deepEqual(codecsOf(await ffprobe(wcs.path('vp8.webm'))), ['opus', 'vp8'])
    const webmSkewMs = await skewOf(wcs.path('vp8.webm'))
    assert.ok(Math.abs(webmSkewMs) < 100, `${webmSkewMs} ms`)
    const [, , soundName] = await page.published('sound', 1, {
      record: true,
      constraints: { audio: true, video: false },
    })
    assert.equal(soundName, 'sound.mp4')
  }
})
