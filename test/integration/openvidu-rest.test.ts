/** What the vendor's REST API, files and events are to callers without a library. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { type Answer, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const VPX = { media: ['vp8', 'opus'] } as const
const FAMILIES = ['/api', '/openvidu/api'] as const
const PATIENCE_MS = 60_000

let folder: TempFolder
let vp8: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
})
after(() => folder[Symbol.asyncDispose]())

async function start(name: string, properties: Readonly<Record<string, string>> = {}): Promise<OpenViduServer> {
  await mkdir(folder.at(name), { recursive: true })
  return await OpenViduServer.start(folder.at(name), properties)
}

function json(answer: Answer): Readonly<Record<string, unknown>> {
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

async function session(server: OpenViduServer, body: object = {}): Promise<string> {
  return String(json(await server.call('POST', '/openvidu/api/sessions', { body }))['id'])
}

async function joined(server: OpenViduServer, id: string, body: object = {}): Promise<ScriptedParticipant> {
  const { token } = json(await server.call('POST', '/openvidu/api/tokens', { body: { session: id, ...body } }))
  return await ScriptedParticipant.join(String(token))
}

/** The recording, once its status is this. */
async function recordingIs(
  server: OpenViduServer,
  id: string,
  status: string,
): Promise<Readonly<Record<string, unknown>>> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await server.call('GET', `/openvidu/api/recordings/${id}`)
    const found = answer.status === 200 ? json(answer) : undefined
    if (found?.['status'] === status) return found
    if (performance.now() > until) throw new Error(`${id} is not ${status}: ${answer.text}`)
    await sleep(100)
  }
}

test('raw REST: both path families give the same; null and empty members are not given; a body may be absent', async () => {
  await using server = await start('raw', { OPENVIDU_COMPAT: 'modern' })
  for (const api of FAMILIES) {
    const made = json(await server.call('POST', `${api}/sessions`))
    assert.match(String(made['id']), /^ses_\w{10}$/)
    const body = { customSessionId: '', recordingMode: null, defaultCustomLayout: '', mediaMode: 'ROUTED' }
    const again = json(await server.call('POST', `${api}/sessions`, { body }))
    assert.deepEqual([again['customSessionId'], again['recordingMode']], ['', 'MANUAL'])
    const token = json(await server.call('POST', `${api}/tokens`, { body: { session: made['id'], role: null } }))
    assert.equal(token['id'], token['token'])
    const list = json(await server.call('GET', `${api}/sessions`))
    assert.equal(list['numberOfElements'], (list['content'] as readonly unknown[]).length)
    const found = json(await server.call('GET', `${api}/sessions/${String(made['id'])}?pendingConnections=true`))
    assert.equal((found['connections'] as { numberOfElements: number }).numberOfElements, 1)
    assert.equal((await server.call('DELETE', `${api}/sessions/${String(made['id'])}`)).status, 204)
    assert.equal((await server.call('DELETE', `${api}/sessions/${String(made['id'])}`)).status, 404)
  }
  const refused = [
    { customSessionId: 'a b' },
    { mediaMode: 'SOMETHING' },
    { recordingMode: 3 },
    '{"customSessionId":',
    '[]',
  ] as const
  for (const body of refused) {
    assert.equal((await server.call('POST', '/api/sessions', { body })).status, 400, JSON.stringify(body))
  }
  const twice = { body: { customSessionId: 'twice' } }
  assert.equal((await server.call('POST', '/api/sessions', twice)).status, 200)
  assert.equal((await server.call('POST', '/openvidu/api/sessions', twice)).status, 409)
  assert.equal((await server.call('POST', '/api/tokens', { body: { session: 'nobody' } })).status, 404)
  assert.equal((await server.call('POST', '/api/tokens', { body: {} })).status, 400)
})

test('without the secret: 401 with a header for browsers, a preflight passes, and only the public URL is told', async () => {
  await using server = await start('auth')
  for (const path of [
    '/api/sessions',
    '/openvidu/api/recordings',
    '/config/openvidu-recording',
    '/cdr',
    '/recordings/x.mp4',
  ]) {
    const bare = await server.call('GET', path, { user: '' })
    assert.equal(bare.status, 401, path)
    assert.match(String(bare.headers['www-authenticate']), /^Basic /)
    assert.equal((await server.call('GET', path, { user: 'OPENVIDUAPP:wrong' })).status, 401, path)
  }
  assert.equal((await server.call('DELETE', '/api/sessions/x', { user: '' })).status, 401)
  assert.equal((await server.call('POST', '/api/recordings/stop/x', { user: '' })).status, 401)
  const preflight = await server.call('OPTIONS', '/api/sessions', {
    user: '',
    headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-origin'], '*')
  assert.match(String(preflight.headers['access-control-allow-headers']), /authorization/)
  const form = { 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'cross-site', origin: 'https://page.example' }
  assert.equal((await server.call('POST', '/api/recordings/stop/x', { headers: form })).status, 403)
  const url = await server.call('GET', '/config/openvidu-publicurl', { user: '' })
  assert.match(url.text, /^https:\/\/localhost:\d+\/$/)
  assert.equal((await server.call('GET', '/config/openvidu-recording')).text, 'true')
  assert.equal(json(await server.call('GET', '/openvidu/api/config'))['OPENVIDU_RECORDING'], true)
})

test('the module off: 501', async () => {
  await using server = await start('off', { OPENVIDU_RECORDING: 'false' })
  const id = await session(server)
  assert.equal((await server.call('POST', '/api/recordings/start', { body: { session: id } })).status, 501)
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/x'],
    ['DELETE', '/x'],
    ['POST', '/stop/x'],
  ] as const) {
    assert.equal((await server.call(method, `/api/recordings${path}`)).status, 501)
  }
})

test('startRecording: what is out of range is 422, a bad name 400, a layout that is not there 500', async () => {
  await using server = await start('ranges', {
    OPENVIDU_COMPAT: 'modern',
    OPENVIDU_RECORDING_CUSTOM_LAYOUT: folder.path,
  })
  const id = await session(server)
  await using _ = await joined(server, id)
  const status = async (body: object) =>
    (await server.call('POST', '/api/recordings/start', { body: { session: id, ...body } })).status
  for (const resolution of ['50x50', '2000x1000', 'wide']) assert.equal(await status({ resolution }), 422, resolution)
  for (const frameRate of [0, 121]) assert.equal(await status({ frameRate }), 422)
  assert.equal(await status({ hasAudio: false, hasVideo: false }), 422)
  assert.equal(await status({ shmSize: 1 }), 422)
  assert.equal(await status({ name: 'a b' }), 400)
  assert.equal(await status({ name: '../x' }), 400)
  assert.equal(await status({ outputMode: 'OTHER' }), 400)
  assert.equal(await status({ recordingLayout: 'CUSTOM', customLayout: 'none' }), 500)
  assert.equal(await status({ recordingLayout: 'CUSTOM', customLayout: '../..' }), 500)
  assert.equal(json(await server.call('GET', '/api/recordings'))['count'], 0)
})

test('a recordings folder of the vendor, flat and per id, is listed, served and deletable', async () => {
  const recordings = folder.at('existing', 'recordings')
  await mkdir(`${recordings}/new`, { recursive: true })
  const facts = {
    sessionId: 's',
    createdAt: 1_600_000_000_000,
    size: 4,
    duration: 2,
    url: null,
    hasAudio: true,
    hasVideo: true,
  }
  await writeFile(
    `${recordings}/.recording.old`,
    JSON.stringify({ id: 'old', name: 'old', ...facts, status: 'stopped' }),
  )
  await writeFile(`${recordings}/old.mp4`, 'flat')
  const late = { id: 'new', object: 'recording', name: 'take', outputMode: 'INDIVIDUAL', ...facts, status: 'ready' }
  await writeFile(`${recordings}/new/.recording.new`, JSON.stringify(late))
  await writeFile(`${recordings}/new/take.zip`, 'zipped')
  await writeFile(`${recordings}/private.mp4`, 'of somebody else')
  await using server = await start('existing', { OPENVIDU_COMPAT: 'modern' })
  const list = json(await server.call('GET', '/api/recordings'))
  assert.equal(list['count'], 2)
  for (const path of ['/recordings/old.mp4', '/recordings/old/old.mp4', '/openvidu/recordings/old/old.mp4']) {
    assert.equal((await server.call('GET', path)).text, 'flat', path)
  }
  for (const path of ['/recordings/take.zip', '/recordings/new/take.zip', '/openvidu/recordings/new/take.zip']) {
    const answer = await server.call('GET', path)
    assert.deepEqual([answer.text, answer.headers['content-type']], ['zipped', 'application/zip'], path)
  }
  const range = await server.call('GET', '/recordings/new/take.zip', { headers: { range: 'bytes=1-2' } })
  assert.deepEqual([range.status, range.text], [206, 'ip'])
  assert.equal((await server.call('HEAD', '/recordings/new/take.zip')).headers['content-length'], '6')
  assert.equal((await server.call('GET', '/recordings/old.mp4', { user: '' })).status, 401)
  for (const path of [
    '/recordings/.recording.old',
    '/recordings/new/.recording.new',
    '/recordings/new/../private.mp4',
    '/recordings/%2e%2e/openvidu.env',
    '/recordings/private.mp4',
  ]) {
    assert.equal((await server.call('GET', path)).status, 404, path)
  }
  for (const id of ['old', 'new']) assert.equal((await server.call('DELETE', `/api/recordings/${id}`)).status, 204)
  assert.equal(json(await server.call('GET', '/api/recordings'))['count'], 0)
  assert.equal(await readFile(`${recordings}/private.mp4`, 'utf8'), 'of somebody else')
})

test('what a crash has left as started is settled at the next start, and no zip there is gets lost', async () => {
  const recordings = folder.at('left', 'recordings')
  const facts = { sessionId: 's', createdAt: 1_600_000_000_000, size: 0, duration: 0, status: 'started' }
  for (const [id, file] of [
    ['zipped', 'zipped.zip'],
    ['media', 'media.mp4'],
    ['nothing', undefined],
  ] as const) {
    await mkdir(`${recordings}/${id}`, { recursive: true })
    const outputMode = id === 'zipped' ? 'INDIVIDUAL' : 'COMPOSED'
    await writeFile(`${recordings}/${id}/.recording.${id}`, JSON.stringify({ id, name: id, outputMode, ...facts }))
    if (file !== undefined) await writeFile(`${recordings}/${id}/${file}`, 'what is there')
  }
  await using server = await start('left', { OPENVIDU_COMPAT: 'modern' })
  await recordingIs(server, 'zipped', 'ready')
  assert.equal((await recordingIs(server, 'media', 'ready'))['size'], 13)
  await recordingIs(server, 'nothing', 'failed')
  assert.equal((await server.call('GET', '/recordings/zipped/zipped.zip')).text, 'what is there')
})

test('layouts: pages need the secret, what they load does not', async () => {
  const layouts = folder.at('layouts')
  await mkdir(`${layouts}/one`, { recursive: true })
  await writeFile(`${layouts}/one/index.html`, '<p>page')
  await writeFile(`${layouts}/one/page.js`, '1')
  await using server = await start('layout-server', { OPENVIDU_RECORDING_CUSTOM_LAYOUT: layouts })
  for (const prefix of ['/layouts/custom', '/openvidu/layouts']) {
    assert.equal((await server.call('GET', `${prefix}/one/index.html`, { user: '' })).status, 401)
    assert.equal((await server.call('GET', `${prefix}/one/index.html?secret=a_secret`, { user: '' })).text, '<p>page')
    assert.equal((await server.call('GET', `${prefix}/one/page.js`, { user: '' })).text, '1')
    assert.equal((await server.call('GET', `${prefix}/../openvidu.env`)).status, 404)
  }
  assert.match((await server.call('GET', '/accept-certificate', { user: '' })).text, /history\.back/)
})

test('ALWAYS: starts with the first publish, goes on over unpublishing, ends with the last who leaves; webhook and log tell it', async () => {
  await using receiver = await Receiver.open()
  await using server = await start('always', {
    OPENVIDU_COMPAT: 'modern',
    OPENVIDU_RECORDING_AUTOSTOP_TIMEOUT: '0',
    OPENVIDU_CDR: 'true',
    OPENVIDU_WEBHOOK: 'true',
    OPENVIDU_WEBHOOK_ENDPOINT: receiver.url,
    OPENVIDU_WEBHOOK_HEADERS: '["X-Test: yes"]',
  })
  const properties = { recordingMode: 'ALWAYS', defaultRecordingProperties: { outputMode: 'INDIVIDUAL' } }
  const id = await session(server, properties)
  const one = await joined(server, id)
  const watcher = await joined(server, id, { role: 'SUBSCRIBER' })
  assert.equal(json(await server.call('GET', '/api/recordings'))['count'], 0)
  await one.publish(vp8.units, VPX)
  assert.deepEqual(await one.notified('recordingStarted'), { id, name: id })
  await recordingIs(server, id, 'started')
  assert.equal(json(await server.call('GET', `/api/sessions/${id}`))['recording'], true)
  await sleep(700)
  await one.unpublish()
  await one.publish(vp8.units, VPX)
  await sleep(700)
  const signal = { session: id, to: [watcher.id], type: 'chat', data: 'hello' }
  assert.equal((await server.call('POST', '/api/signal', { body: signal })).status, 200)
  assert.deepEqual(await watcher.notified('sendMessage'), { data: 'hello', type: 'signal:chat' })
  assert.equal((await server.call('POST', '/api/signal', { body: { ...signal, to: ['con_x'] } })).status, 406)
  assert.ok(!watcher.heard.some(({ method }) => method.startsWith('recording')))
  await one.leave()
  await watcher.leave()
  const ready = await recordingIs(server, id, 'ready')
  assert.ok(Number(ready['duration']) > 1)
  const events = await receiver.until('recordingStatusChanged', ({ status }) => status === 'ready')
  assert.ok(receiver.headers.every((each) => each['x-test'] === 'yes'))
  const names = events.map(({ event }) => event)
  assert.equal(names[0], 'sessionCreated')
  for (const name of [
    'participantJoined',
    'webrtcConnectionCreated',
    'webrtcConnectionDestroyed',
    'participantLeft',
    'signalSent',
  ]) {
    assert.ok(names.includes(name), `${name} is missing of ${names.join(', ')}`)
  }
  const changes = events.filter(({ event }) => event === 'recordingStatusChanged')
  assert.deepEqual(
    changes.map(({ status, reason }) => [status, reason]),
    [
      ['started', undefined],
      ['stopped', 'lastParticipantLeft'],
      ['ready', 'lastParticipantLeft'],
    ],
  )
  const log = (await server.call('GET', '/openvidu/cdr')).text.trim().split('\n')
  assert.deepEqual(
    log.map((line) => Object.keys(JSON.parse(line) as object)[0]),
    names,
  )
})

test('MANUAL classic: everybody leaves and the recording goes on; whoever comes back is in the same; stopping ends the session', async () => {
  await using server = await start('manual')
  const id = await session(server, { customSessionId: 'room', defaultOutputMode: 'INDIVIDUAL' })
  const one = await joined(server, id)
  const started = json(await server.call('POST', '/api/recordings/start', { body: { session: id } }))
  assert.equal(started['status'], 'started')
  await one.publish(vp8.units, VPX)
  await sleep(600)
  await one.leave()
  assert.equal((await server.call('GET', `/api/sessions/${id}`)).status, 200)
  assert.equal(json(await server.call('GET', `/api/recordings/${id}`))['status'], 'started')
  const back = await joined(server, id)
  await back.publish(vp8.units, VPX)
  await sleep(600)
  await back.leave()
  const stopped = json(await server.call('POST', `/api/recordings/stop/${id}`))
  // Not public: no address, and the word of its time.
  assert.deepEqual([stopped['status'], stopped['url']], ['stopped', null])
  assert.ok((await stat(folder.at('manual', 'recordings', 'room.zip'))).size > 0)
  assert.equal((await server.call('GET', `/api/sessions/${id}`)).status, 404)
})

for (const [outputMode, file] of [
  ['INDIVIDUAL', 'zip'],
  ['COMPOSED', 'mp4'],
] as const) {
  test(`killed while it records ${outputMode}: after a restart the recording is final, and its file is whole`, async () => {
    const properties = { OPENVIDU_COMPAT: 'modern' }
    const name = `killed-${file}`
    const killed = await start(name, properties)
    const id = await session(killed, { defaultRecordingProperties: { outputMode, resolution: '320x180' } })
    await using one = await joined(killed, id)
    await one.publish(vp8.units, VPX)
    json(await killed.call('POST', '/api/recordings/start', { body: { session: id } }))
    await sleep(3500)
    await killed.process.kill()
    await using server = await start(name, properties)
    const ready = await recordingIs(server, id, 'ready')
    assert.ok(Number(ready['duration']) > 1, JSON.stringify(ready))
    assert.equal((await server.call('GET', `/openvidu/recordings/${id}/${id}.${file}`)).status, 200)
    if (outputMode === 'COMPOSED') {
      const { format } = await ffprobe(folder.at(name, 'recordings', id, `${id}.mp4`))
      assert.ok(Math.abs(Number(format.duration) - Number(ready['duration'])) < 0.5)
    }
    const next = await session(server, { customSessionId: id })
    await using two = await joined(server, next)
    const again = { session: id, outputMode: 'INDIVIDUAL' }
    assert.equal(json(await server.call('POST', '/api/recordings/start', { body: again }))['id'], `${id}~1`)
    assert.ok(two.id.startsWith('con_'))
  })
}

test('a webhook that is away for a while gets everything, in order', async () => {
  const receiver = await Receiver.open()
  const { port } = new URL(receiver.url)
  await receiver[Symbol.asyncDispose]()
  await using server = await start('away', { OPENVIDU_WEBHOOK: 'true', OPENVIDU_WEBHOOK_ENDPOINT: receiver.url })
  const id = await session(server, { customSessionId: 'room' })
  const one = await joined(server, id)
  await one.leave()
  await sleep(2000)
  await using back = await Receiver.open(Number(port))
  const events = await back.until('sessionDestroyed', () => true)
  assert.deepEqual(
    events.map(({ event }) => event),
    ['sessionCreated', 'participantJoined', 'participantLeft', 'sessionDestroyed'],
  )
  const [, arrived, left, destroyed] = events
  assert.deepEqual([arrived?.['platform'], arrived?.['ip']], ['Test', '127.0.0.1'])
  assert.deepEqual([left?.['reason'], left?.['connectionId']], ['disconnect', one.id])
  assert.deepEqual([destroyed?.['reason'], destroyed?.['sessionId']], ['lastParticipantLeft', 'room'])
})

/** Takes the events that a server posts. */
class Receiver implements AsyncDisposable {
  readonly events: Readonly<Record<string, unknown>>[] = []
  readonly headers: Readonly<Record<string, unknown>>[] = []
  readonly url: string
  readonly #close: () => void

  private constructor(url: string, close: () => void) {
    this.url = url
    this.#close = close
  }

  static async open(listenPort = 0): Promise<Receiver> {
    const server = createServer((request, response) => {
      let text = ''
      request.setEncoding('utf8').on('data', (more: string) => {
        text += more
      })
      request.on('end', () => {
        receiver.events.push(JSON.parse(text) as Readonly<Record<string, unknown>>)
        receiver.headers.push(request.headers)
        response.end()
      })
    })
    server.listen(listenPort, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const receiver = new Receiver(`http://127.0.0.1:${port}/hook`, () => {
      server.close()
      server.closeAllConnections()
    })
    return receiver
  }

  async until(name: string, is: (event: Readonly<Record<string, unknown>>) => boolean): Promise<typeof this.events> {
    const until = performance.now() + PATIENCE_MS
    while (performance.now() < until) {
      if (this.events.some((event) => event['event'] === name && is(event))) return this.events
      await sleep(50)
    }
    throw new Error(`${name} did not come`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close()
  }
}
