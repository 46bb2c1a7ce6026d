/** Files of the vendor's recordings, and when they end by themselves. */
import assert from 'node:assert/strict'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { type Answer, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { readZip } from '#test/support/zip.ts'

const VPX = { media: ['vp8', 'opus'] } as const
const PATIENCE_MS = 60_000

let folder: TempFolder
let vp8: ElementarySource
let h264: ElementarySource
let modern: OpenViduServer

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
  h264 = await makeSource(folder, { video: 'h264', audio: 'opus', seconds: 2, encoding: ['-bf', '0'] })
  modern = await start('modern', { OPENVIDU_COMPAT: 'modern', OPENVIDU_RECORDING_AUTOSTOP_TIMEOUT: '4' })
})
after(async () => {
  await modern?.[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function start(name: string, properties: Readonly<Record<string, string>>): Promise<OpenViduServer> {
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
  const { token } = json(await server.call('POST', `/openvidu/api/sessions/${id}/connection`, { body }))
  return await ScriptedParticipant.join(String(token))
}

async function record(server: OpenViduServer, id: string, body: object = {}) {
  return json(await server.call('POST', '/openvidu/api/recordings/start', { body: { session: id, ...body } }))
}

async function stop(server: OpenViduServer, id: string) {
  return json(await server.call('POST', `/openvidu/api/recordings/stop/${id}`))
}

async function eventually<Value>(what: string, look: () => Promise<Value | undefined | false>): Promise<Value> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > until) throw new Error(`${what} did not happen`)
    await sleep(100)
  }
}

interface Index {
  readonly files: readonly Readonly<Record<string, unknown>>[]
}

async function indexOf(id: string): Promise<Index & { readonly zip: Map<string, Buffer> }> {
  const zip = await readZip(folder.at('modern', 'recordings', id, `${id}.zip`))
  return { ...(JSON.parse(zip.get(`${id}.json`)?.toString() ?? '') as Index), zip }
}

test('COMPOSED: sound alone becomes webm, pictures alone an mp4 without sound, and a poster is 480 wide', async () => {
  const id = await session(modern)
  await using one = await joined(modern, id)
  await one.publish(vp8.units, VPX)
  await record(modern, id, { hasVideo: false, name: 'sound' })
  await sleep(1500)
  const sound = await stop(modern, id)
  assert.deepEqual([sound['status'], sound['hasVideo'], 'resolution' in sound], ['ready', false, false])
  const soundFile = folder.at('modern', 'recordings', id, 'sound.webm')
  assert.equal((await stat(soundFile)).size, sound['size'])
  assert.deepEqual(
    (await ffprobe(soundFile)).streams.map(({ codec_type }) => codec_type),
    ['audio'],
  )
  const started = await record(modern, id, { hasAudio: false, resolution: '640x480', frameRate: 20 })
  assert.deepEqual([started['id'], started['resolution'], started['frameRate']], [`${id}~1`, '640x480', 20])
  await sleep(2500)
  const picture = await stop(modern, `${id}~1`)
  const pictureFile = folder.at('modern', 'recordings', `${id}~1`, `${id}~1.mp4`)
  const [video, ...others] = (await ffprobe(pictureFile)).streams
  assert.deepEqual([video?.codec_name, others.length], ['h264', 0])
  assert.deepEqual([picture['resolution'], picture['hasAudio']], ['640x480', false])
  const poster = pictureFile.replace(/mp4$/, 'jpg')
  await eventually('the poster', () => stat(poster).catch(() => undefined))
  const shown = await program('ffprobe', ['-v', 'error', '-show_entries', 'stream=width', '-of', 'csv=p=0', poster])
  assert.equal(shown.stdout.toString().trim(), '480')
  const served = await modern.call('GET', `/openvidu/recordings/${id}~1/${id}~1.jpg`)
  assert.deepEqual([served.status, served.headers['content-type']], [200, 'image/jpeg'])
})

test('INDIVIDUAL: H.264 is Matroska, a stream that is published again a second file, record false is left out', async () => {
  const id = await session(modern)
  await using one = await joined(modern, id)
  await using hidden = await joined(modern, id, { record: false })
  await hidden.publish(vp8.units, VPX)
  const first = await one.publish(h264.units)
  await record(modern, id, { outputMode: 'INDIVIDUAL' })
  await sleep(1500)
  await one.unpublish()
  const second = await one.publish(vp8.units, VPX)
  await sleep(1500)
  await stop(modern, id)
  const { files, zip } = await indexOf(id)
  assert.deepEqual(
    files.map(({ name }) => name),
    [`${first}.mkv`, `${second}.webm`],
  )
  assert.deepEqual([...zip.keys()], [`${first}.mkv`, `${second}.webm`, `${id}.json`])
  for (const { startTimeOffset, endTimeOffset } of files) assert.ok(Number(endTimeOffset) > Number(startTimeOffset))
})

test('INDIVIDUAL with hasVideo false: files of sound; nothing published: an empty index', async () => {
  const id = await session(modern)
  await using one = await joined(modern, id)
  await one.publish(vp8.units, VPX)
  await record(modern, id, { outputMode: 'INDIVIDUAL', hasVideo: false })
  await sleep(1200)
  await stop(modern, id)
  const [file] = (await indexOf(id)).files
  assert.deepEqual([file?.['hasAudio'], file?.['hasVideo'], file?.['typeOfVideo']], [true, false, undefined])
  await one.unpublish()
  const empty = await record(modern, id, { outputMode: 'INDIVIDUAL' })
  const stopped = await stop(modern, String(empty['id']))
  assert.deepEqual([stopped['status'], stopped['size'], stopped['duration']], ['ready', 0, 0])
  assert.deepEqual((await indexOf(String(empty['id']))).files, [])
})

test('MANUAL modern: with nobody there it stops after the time-out and closes the session; publishing cancels that', async () => {
  const id = await session(modern)
  const one = await joined(modern, id)
  await record(modern, id, { outputMode: 'INDIVIDUAL' })
  // Nobody publishes: the time runs, and publishing ends that.
  await sleep(500)
  await one.publish(vp8.units, VPX)
  await sleep(4500)
  assert.equal(json(await modern.call('GET', `/api/recordings/${id}`))['status'], 'started')
  await one.leave()
  const joining = await joined(modern, id)
  assert.equal(json(await modern.call('GET', `/api/recordings/${id}`))['status'], 'started')
  // Joining alone does not cancel it; somebody is there, so the session stays.
  const { reason } = await joining.notified('recordingStopped')
  assert.equal(reason, 'automaticStop')
  assert.equal(json(await modern.call('GET', `/api/recordings/${id}`))['status'], 'ready')
  assert.equal((await modern.call('GET', `/api/sessions/${id}`)).status, 200)
  await record(modern, id, { outputMode: 'INDIVIDUAL' })
  await joining.leave()
  await eventually(
    'the end of the session',
    async () => (await modern.call('GET', `/api/sessions/${id}`)).status === 404,
  )
})

test('deleting a session stops its recording, and the file is finished', async () => {
  const id = await session(modern)
  await using one = await joined(modern, id)
  await one.publish(vp8.units, VPX)
  await record(modern, id, { outputMode: 'INDIVIDUAL' })
  await sleep(1000)
  assert.equal((await modern.call('DELETE', `/api/sessions/${id}`)).status, 204)
  assert.equal((await one.notified('participantEvicted'))['reason'], 'sessionClosedByServer')
  await eventually('the end of the recording', async () => {
    return json(await modern.call('GET', `/api/recordings/${id}`))['status'] === 'ready'
  })
  assert.equal((await indexOf(id)).files.length, 1)
})

test('the server ends while it records: the file is whole', async () => {
  const properties = { OPENVIDU_COMPAT: 'modern' }
  const ending = await start('ending', properties)
  const id = await session(ending)
  await using one = await joined(ending, id)
  await one.publish(vp8.units, VPX)
  await record(ending, id, { outputMode: 'INDIVIDUAL' })
  await sleep(1000)
  await ending.process.stop()
  const files = await readdir(folder.at('ending', 'recordings', id))
  assert.deepEqual(files.sort(), [`.recording.${id}`, `${id}.zip`])
  assert.equal((await readZip(folder.at('ending', 'recordings', id, `${id}.zip`))).size, 2)
  await using again = await start('ending', properties)
  assert.equal(json(await again.call('GET', `/api/recordings/${id}`))['status'], 'ready')
})

test('classic: ids S, S-1, S-2; a second file of a name overwrites nothing; who is told is said by the notification', async () => {
  await using server = await start('classic', { OPENVIDU_RECORDING_NOTIFICATION: 'all' })
  const id = await session(server, { customSessionId: 'S' })
  await using one = await joined(server, id, { role: 'SUBSCRIBER' })
  await using two = await joined(server, id)
  await two.publish(vp8.units, VPX)
  const ids: unknown[] = []
  for (let round = 0; round < 3; round++) {
    const started = await record(server, id, { name: 'same', outputMode: 'INDIVIDUAL' })
    ids.push(started['id'])
    await sleep(300)
    assert.equal((await stop(server, String(started['id'])))['name'], 'same')
  }
  assert.deepEqual(ids, ['S', 'S-1', 'S-2'])
  assert.deepEqual(await one.notified('recordingStarted'), { id: 'S', name: 'same' })
  const names = (await readdir(folder.at('classic', 'recordings'))).sort()
  assert.deepEqual(names, ['.recording.S', '.recording.S-1', '.recording.S-2', 'same.zip', 'same~1.zip', 'same~2.zip'])
  assert.equal((await server.call('DELETE', '/api/recordings/S-1')).status, 204)
  assert.equal((await record(server, id, { outputMode: 'INDIVIDUAL' }))['id'], 'S-1')
})
