import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { test } from 'node:test'
import fc from 'fast-check'
import { makeSource } from '#test/support/elementary-source.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { eventually, Installation } from '#test/support/flashphoner.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const BY_NAME = 'record_flash_published_streams=true\nstream_record_policy=streamName\n'
const SECRET = ['--set', 'facades.flashphoner.password=a:secret', '--set', 'facades.flashphoner.userName=me']

test('records are served whole, in ranges and by HEAD, under one name and no path', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  await wcs.publish(source.path, 'cam')
  const file = await readFile(wcs.path('cam.mp4'))
  const url = `${wcs.web}/client/records/cam.mp4`
  const whole = await fetch(url)
  assert.equal(whole.headers.get('content-type'), 'video/mp4')
  assert.ok(file.equals(Buffer.from(await whole.arrayBuffer())))
  const range = await fetch(url, { headers: { range: 'bytes=4-7' } })
  assert.equal(range.status, 206)
  assert.equal(await range.text(), 'ftyp')
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.headers.get('content-length'), String(file.length))
  assert.equal(head.headers.get('accept-ranges'), 'bytes')
  const beyond = await fetch(url, { headers: { range: `bytes=${file.length}-` } })
  assert.equal(beyond.status, 416)
  assert.equal(beyond.headers.get('content-range'), `bytes */${file.length}`)

  await writeFile(wcs.folder.at('outside.mp4'), 'not a record')
  await symlink(wcs.folder.at('outside.mp4'), wcs.path('link.mp4'))
  await mkdir(wcs.path('folder.mp4'))
  await writeFile(wcs.path('.hidden.mp4'), 'not a record')
  await writeFile(wcs.path('notes.txt'), 'not a record')
  const names = [
    'none.mp4',
    'link.mp4',
    'folder.mp4',
    '.hidden.mp4',
    'notes.txt',
    '..%2foutside.mp4',
    '%2e%2e%2foutside.mp4',
  ]
  for (const name of [...names, '..%5coutside.mp4', 'cam.mp4%00', '%00.mp4', 'a/cam.mp4', '%zz.mp4', '']) {
    const { status } = await fetch(`${wcs.web}/client/records/${name}`)
    assert.ok(status === 404 || status === 400, `${name}: ${status}`)
  }
})

test('with a password everybody proves himself: Basic, Bearer, or ?token= for a <video>', async () => {
  await using wcs = await Installation.make()
  await wcs.start(BY_NAME, SECRET)
  await writeFile(wcs.path('a.mp4'), 'media')
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(wcs.web + path, { headers })).status
  for (const path of ['/rest-api/recorder/find_all', '/client/records/a.mp4', '/rest-api/nothing', '/?action=stat']) {
    assert.equal(await status(path), 401, path)
    assert.equal(await status(path, basic('me:wrong')), 401, path)
    assert.equal(await status(path, basic('you:a:secret')), 401, path)
    assert.equal(await status(path, { authorization: 'Bearer me:a:secret' }), 401, path)
    assert.notEqual(await status(path, basic('me:a:secret')), 401, path)
    assert.notEqual(await status(path, { authorization: 'Bearer a:secret' }), 401, path)
  }
  assert.equal(await status('/client/records/a.mp4?token=a:secret'), 200)
  assert.equal(await status('/client/records/a.mp4?token=a'), 401)
  // A browser remembers Basic credentials, and sends them for any page that asks.
  const foreign = { ...basic('me:a:secret'), origin: 'https://elsewhere.example' }
  assert.equal(await status('/rest-api/recorder/find_all', foreign), 403)
})

test('without a password only programs and pages of this machine are heard', async () => {
  await using wcs = await Installation.run('')
  const status = async (headers: Record<string, string>) =>
    (await wcs.rest('/stream/find_all', undefined, { headers })).status
  assert.equal(await status({}), 404)
  assert.equal(await status({ origin: wcs.web }), 404)
  assert.equal(await status({ origin: 'https://elsewhere.example' }), 403)
  assert.equal(await status({ 'sec-fetch-site': 'cross-site' }), 403)
  assert.equal(await status({ 'x-forwarded-for': '192.0.2.1' }), 401)
})

test('pages of allowed origins may ask, and read what they are answered', async () => {
  await using wcs = await Installation.make()
  const origin = 'https://studio.example'
  await wcs.start('', [...SECRET, '--set', `facades.flashphoner.web.allowedOrigins=['${origin}']`])
  const ask = (method: string, headers: Record<string, string>) =>
    fetch(`${wcs.web}/rest-api/stream/find_all`, { method, headers })
  const preflight = await ask('OPTIONS', { origin, 'access-control-request-method': 'POST' })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
  const answer = await ask('POST', { origin, authorization: 'Bearer a:secret' })
  assert.equal(answer.status, 404)
  assert.equal(answer.headers.get('access-control-allow-origin'), origin)
  assert.equal((await ask('POST', { origin })).status, 401)
  const stranger = await ask('OPTIONS', { origin: 'https://elsewhere.example' })
  assert.equal(stranger.headers.get('access-control-allow-origin'), null)
})

test('beyond loopback nothing is opened without a password, and the line to add is said', async () => {
  await using folder = await TempFolder.make()
  const open = ['--like', 'flashphoner', '--set', 'facades.flashphoner.web.listen=0.0.0.0:0']
  await assert.rejects(startServerProcess(folder.path, { args: open }), /facades:.*flashphoner:.*password:/s)
})

test('HTTPS has the same methods, with a certificate of its own', async () => {
  await using wcs = await Installation.run('')
  const [, port] = wcs.server.facades['flashphoner']?.['https']?.split(':') ?? []
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/rest-api/stream/find_all', rejectUnauthorized: false }
    request(options, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })
  assert.equal(answer, 404)
})

test('settings that can’t be followed are refused at start, all at once', async () => {
  await using wcs = await Installation.make()
  const started = wcs.start('record_rotation=soon\nencode_record_name=true,ROT13')
  await assert.rejects(started, /flashphoner\.properties.*encode_record_name.*record_rotation/s)
  await assert.rejects(wcs.start('', ['--set', 'facades.flashphoner.properties=nowhere']), /properties-unreadable/)
  const misspelt = 'facades.flashphoner.override={record_stream: false}'
  await assert.rejects(wcs.start('', ['--set', misspelt]), /record_stream.*one of record_streams/)
})

test('override wins over the file', async () => {
  await using wcs = await Installation.make()
  await wcs.start('record_streams=true', ['--set', 'facades.flashphoner.override={record_streams: false}'])
  await using _ = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
  await eventually(async () => (await wcs.streams()).length === 1, 'the stream')
  const [stream] = await wcs.streams()
  const { status } = await wcs.rest('/stream/startRecording', { mediaSessionId: stream?.['mediaSessionId'] })
  assert.equal(status, 500)
})

test('`record_h264_to_ts` writes MPEG-TS', async () => {
  await using wcs = await Installation.run(`${BY_NAME}record_h264_to_ts=true`)
  await using publisher = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
  await eventually(async () => (await wcs.streams())[0]?.['recordName'] === 'cam.ts', 'the record')
  await publisher.stop()
  await wcs.idle()
  const { format } = await ffprobe(wcs.path('cam.ts'))
  assert.equal(format.format_name, 'mpegts')
})

test('a name that is taken gives another, and nothing finished is lost', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  for (let i = 0; i < 3; i++) await wcs.publish(source.path, 'cam')
  assert.deepEqual(await wcs.files(), ['cam.mp4', 'cam_2.mp4', 'cam_3.mp4'])
})

const LOG_FILE_NAME = 'printf "%s\\0" "$(basename "$2")" >> $LOG'

test('after a kill every part’s hook has run: those of before not again, and of what recovery finished', async () => {
  await using wcs = await Installation.make()
  await wcs.hook(LOG_FILE_NAME)
  await wcs.start(`${BY_NAME}record_rotation=1`)
  await using _ = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
  await eventually(async () => (await wcs.hookLog()).length >= 2, 'two hooks')
  await wcs.server.kill()
  await wcs.start(`${BY_NAME}record_rotation=1`)
  // A kill in the moment in which a file has been made and not yet noted leaves it empty: of that nobody is told.
  const recorded = async () => {
    const names = await readdir(wcs.records)
    const sizes = await Promise.all(names.map(async (name) => (await stat(wcs.path(name))).size))
    return names.filter((_, index) => (sizes[index] ?? 0) > 0)
  }
  const missing = async () => {
    const log = await wcs.hookLog()
    return (await recorded()).filter((name) => !log.includes(name))
  }
  await eventually(async () => (await missing()).length === 0, 'the last hook')
  const log = await wcs.hookLog()
  // The one that the kill interrupted behind its first words may have run again; so may the one before it, of which the
  // note was on its way.
  const files = await recorded()
  assert.ok(log.length - files.length <= 2, `${log} for ${files}`)
  assert.deepEqual([...new Set(log)].sort(), files.sort())
  const before = (await wcs.hookLog()).length
  await wcs.server.stop()
  await wcs.start(BY_NAME)
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 1, size: '160x90' })
  await wcs.publish(source.path, 'other')
  await eventually(async () => (await wcs.hookLog()).includes('other.mp4'), 'the hook of another stream')
  assert.equal((await wcs.hookLog()).length, before + 1, 'nothing twice')
})

test('what is finished because the server is stopped has its hook at the next start at the latest', async () => {
  await using wcs = await Installation.make()
  await wcs.hook(LOG_FILE_NAME)
  await wcs.start(BY_NAME)
  await using publisher = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
  await eventually(async () => (await wcs.streams())[0]?.['recordName'] === 'cam.mp4', 'the record')
  await wcs.server.stop()
  await publisher.stop()
  await wcs.start(BY_NAME)
  await eventually(async () => (await wcs.hookLog()).length === 1, 'the hook')
  assert.deepEqual(await wcs.hookLog(), ['cam.mp4'])
})

test('a multiple recorder writes streams that come and go into one MP4, as tracks of it', async () => {
  await using wcs = await Installation.make()
  await wcs.hook('printf "%s\\n" "$@" >> $LOG; printf "\\0" >> $LOG')
  await wcs.start('', ['--set', `facades.flashphoner.override={on_multiple_record_hook_script: on_record_hook.sh}`])
  const uri = 'multi-recorder://test-record'
  const call = (method: string, body: object) => wcs.rest(`/multipleRecorder/${method}`, body)
  assert.equal((await wcs.rest('/multipleRecorder/find_all')).status, 404)
  for (const method of ['add', 'remove', 'terminate']) {
    assert.equal((await call(method, { uri, mediaSessionId: 'x' })).status, 404, method)
  }
  assert.equal((await call('startup', {})).status, 400)
  assert.equal((await call('startup', { uri, mediaSessionId: 'x' })).status, 404)
  await using one = new FfmpegPublisher(`${wcs.server.rtmp}/live/one`)
  await using two = new FfmpegPublisher(`${wcs.server.rtmp}/live/two`)
  await eventually(async () => (await wcs.streams()).length === 2, 'both')
  const [first, second] = (await wcs.streams()).map(({ mediaSessionId }) => mediaSessionId)
  assert.deepEqual(await call('startup', { uri, mediaSessionId: first }), { status: 200, body: '' })
  assert.equal((await call('startup', { uri })).status, 409)
  assert.equal((await call('remove', { uri, mediaSessionId: second })).status, 404)
  assert.deepEqual(await call('add', { uri, mediaSessionId: second }), { status: 200, body: '' })
  const listed = async () => JSON.parse((await wcs.rest('/multipleRecorder/find_all')).body)
  await eventually(async () => (await listed())[0].fileName !== '', 'the file')
  assert.deepEqual(
    (await listed()).map((each: object) => ({ ...each })),
    [{ uri, mediaSessionsId: [first, second], fileName: 'multi-recorder___test-record.mp4' }],
  )
  // What it is made of is no stream of anybody's, and no record of a session.
  assert.equal((await wcs.streams()).length, 2)
  assert.equal((await wcs.rest('/recorder/find_all')).status, 404)
  const size = async () => (await stat(wcs.path('multi-recorder___test-record.mp4'))).size
  await eventually(async () => (await size()) > 200_000, 'some media')
  assert.deepEqual(await call('remove', { uri, mediaSessionId: first }), { status: 200, body: '' })
  assert.deepEqual(await call('terminate', { uri }), { status: 200, body: '' })
  assert.equal((await call('terminate', { uri })).status, 404)
  assert.equal(one.errors + two.errors, '', 'publishers are undisturbed')
  const { streams } = await ffprobe(wcs.path('multi-recorder___test-record.mp4'))
  assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'aac', 'h264', 'h264'])
  await eventually(async () => (await wcs.hookLog()).length === 1, 'its hook')
  const [path, startedMs, durationMs, ofUri] = (await wcs.hookLog())[0]?.split('\n') ?? []
  assert.equal(path, wcs.path('multi-recorder___test-record.mp4'))
  assert.match(String(startedMs), /^\d{13}$/)
  assert.ok(Number(durationMs) > 500, durationMs)
  assert.equal(ofUri, uri)
  // The same uri may be used again.
  assert.equal((await call('startup', { uri })).status, 200)
})

test('a mixer’s output is an ordinary stream of those that were added, and is recorded as one', async () => {
  await using wcs = await Installation.run(BY_NAME)
  const uri = 'mixer://m1'
  const call = (method: string, body: object) => wcs.rest(`/mixer/${method}`, body)
  assert.equal((await wcs.rest('/mixer/find_all')).status, 404)
  for (const method of ['add', 'remove', 'terminate']) {
    assert.equal((await call(method, { uri, remoteStreamName: 'one' })).status, 404, method)
  }
  assert.equal((await call('startup', { uri })).status, 400)
  assert.equal((await call('startup', { uri, localStreamName: 'mix1', hasVideo: 'yes' })).status, 400)
  await using one = new FfmpegPublisher(`${wcs.server.rtmp}/live/one`)
  await using two = new FfmpegPublisher(`${wcs.server.rtmp}/live/two`)
  await eventually(async () => (await wcs.streams()).length === 2, 'both')
  assert.deepEqual(await call('startup', { uri, localStreamName: 'mix1' }), { status: 200, body: '' })
  assert.equal((await call('startup', { uri, localStreamName: 'mix2' })).status, 409)
  assert.equal((await call('startup', { uri: 'mixer://m2', localStreamName: 'mix1' })).status, 409)
  assert.deepEqual(await call('add', { uri, remoteStreamName: 'one' }), { status: 200, body: '' })
  assert.deepEqual(await call('add', { uri, remoteStreamName: 'two', hasVideo: false }), { status: 200, body: '' })
  assert.equal((await call('add', { uri, remoteStreamName: 'three' })).status, 404)
  const [mixer] = JSON.parse((await wcs.rest('/mixer/find_all')).body)
  assert.deepEqual([mixer.uri, mixer.localStreamName, mixer.status], [uri, 'mix1', 'PROCESSED_LOCAL'])
  assert.deepEqual(
    mixer.mediaSessions.map(({ name }: { name: string }) => name),
    ['one', 'two'],
  )
  const mediaSessionId = mixer.localMediaSessionId
  assert.equal((await wcs.rest('/stream/startRecording', { mediaSessionId })).status, 200)
  const size = () =>
    stat(wcs.path('mix1.mp4')).then(
      (found) => found.size,
      () => 0,
    )
  await eventually(async () => (await size()) > 50_000, 'some media')
  assert.deepEqual(await call('remove', { uri, remoteStreamName: 'one' }), { status: 200, body: '' })
  assert.equal((await call('remove', { uri, remoteStreamName: 'one' })).status, 404)
  assert.deepEqual(await call('terminate', { uri }), { status: 200, body: '' })
  assert.equal((await call('terminate', { uri })).status, 404)
  assert.equal(one.errors + two.errors, '', 'publishers are undisturbed')
  await wcs.server.stop()
  const { streams } = await ffprobe(wcs.path('mix1.mp4'))
  assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'])
})

test('whatever a body holds, the answer is a documented status and the server goes on', async () => {
  await using wcs = await Installation.run(BY_NAME)
  await using _ = new FfmpegPublisher(`${wcs.server.rtmp}/live/cam`)
  await eventually(async () => (await wcs.streams()).length === 1, 'the stream')
  const methods = [
    ...['startRecording', 'stopRecording', 'find', 'find_all'].map((name) => `/stream/${name}`),
    ...['startup', 'terminate', 'find_all'].map((name) => `/recorder/${name}`),
    ...['startup', 'add', 'remove', 'find_all', 'terminate'].map((name) => `/multipleRecorder/${name}`),
    ...['add', 'remove', 'find_all', 'terminate'].map((name) => `/mixer/${name}`),
  ]
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('', '..', 'multi-recorder://x', 'a'.repeat(2_000)))
  const keys = ['mediaSessionId', 'uri', 'config', 'name', 'status', 'mediaSessionIds', '__proto__', 'constructor']
  const fields = fc.dictionary(fc.constantFrom(...keys), value).map((body) => JSON.stringify(body))
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), fc.oneof(fields, fc.string(), fc.json()), async (method, body) => {
      const { status } = await wcs.rest(method, body, { method: 'POST' })
      assert.ok([200, 400, 404, 409].includes(status), `${method} ${body}: ${status}`)
    }),
    { numRuns: 300 },
  )
  assert.equal((await wcs.streams()).length, 1)
})
