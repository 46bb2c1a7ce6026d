/** Streams that are kept besides a composed recording: through a kill, composed again, and deleted with it. */
import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecompositionDocument } from '#control/recompositions.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { type Answer, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { tapedeckCommand } from '#test/support/tapedeck-command.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const PATIENCE_MS = 120_000

let folder: TempFolder
let vp8: ElementarySource
let h264: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
  h264 = await makeSource(folder, { video: 'h264', audio: 'opus', seconds: 2, encoding: ['-bf', '0'] })
})
after(() => folder[Symbol.asyncDispose]())

async function start(name: string, properties: Readonly<Record<string, string>>): Promise<OpenViduServer> {
  await mkdir(folder.at(name), { recursive: true })
  return await OpenViduServer.start(folder.at(name), properties)
}

function json(answer: Answer): Readonly<Record<string, unknown>> {
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

/** A composed recording of two, who go on. */
async function recordTwo(server: OpenViduServer): Promise<AsyncDisposable & { readonly id: string }> {
  await using owned = new AsyncDisposableStack()
  const id = String(json(await server.call('POST', '/openvidu/api/sessions', { body: {} }))['id'])
  for (const [source, media] of [
    [vp8, ['vp8', 'opus']],
    [h264, ['h264', 'opus']],
  ] as const) {
    const { token } = json(await server.call('POST', '/openvidu/api/tokens', { body: { session: id } }))
    const one = owned.use(await ScriptedParticipant.join(String(token)))
    await one.publish(source.units, { media })
  }
  const body = { session: id, outputMode: 'COMPOSED', resolution: '320x180' }
  json(await server.call('POST', '/openvidu/api/recordings/start', { body }))
  const kept = owned.move()
  return { id, [Symbol.asyncDispose]: () => kept.disposeAsync() }
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

/** All three recordings of a composed room of two have so much. */
async function recordedFor(server: OpenViduServer, ms: number): Promise<void> {
  const api = new ApiClient(server.process)
  await eventually(`${ms} ms of media`, async () => {
    const all = await api.recordings()
    return all.length === 3 && all.every(({ durationMs }) => durationMs >= ms)
  })
}

async function job(server: OpenViduServer, path: string, body?: object): Promise<RecompositionDocument> {
  const headers = { 'content-type': 'application/json' }
  const asked = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(new URL(`api/v1/${path}`, server.process.page), asked)
  const text = await response.text()
  assert.ok(response.ok, text)
  return JSON.parse(text) as RecompositionDocument
}

/** Every file below, but those that are being composed, and pictures, which come when there is time for them. */
async function files(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const found = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return found.filter((file) => !file.includes('/.composing/') && !/\.jpg(\.new)?$/.test(file)).sort()
}

function isTrack({ metadata }: RecordingDocument): boolean {
  return metadata['publication'] !== undefined
}

test('killed while it is composed, its tracks are whole; killed while it is composed again, nothing is half there', {
  timeout: 300_000,
}, async () => {
  const properties = { OPENVIDU_COMPAT: 'modern' }
  await using killed = await start('killed', properties)
  await using recorded = await recordTwo(killed)
  const { id } = recorded
  await recordedFor(killed, 3_000)
  await killed.process.kill()

  await using second = await start('killed', properties)
  await eventually('the recording', async () => {
    return json(await second.call('GET', `/openvidu/api/recordings/${id}`))['status'] === 'ready'
  })
  const api = new ApiClient(second.process)
  const recordings = await eventually('all of them', async () => {
    const all = await api.recordings()
    return all.every(({ state }) => state === 'ready') && all
  })
  const tracks = recordings.filter(isTrack)
  const [composed, ...more] = recordings.filter((recording) => !isTrack(recording))
  assert.deepEqual([tracks.length, more.length], [2, 0])
  for (const { parts, durationMs, ledger } of tracks) {
    const [part] = parts
    assert.ok(part !== undefined && durationMs > 1_500, JSON.stringify({ parts, durationMs }))
    const path = join(part.root, part.path)
    assert.match(path, /\/\.tracks\/[^/]+\.mkv$/)
    const { packets } = await ffprobe(path)
    const written = ledger.tracks.reduce((sum, track) => sum + track.written, 0)
    assert.equal(packets.length, written)
  }
  // Clients are told of one file.
  const recording = json(await second.call('GET', `/openvidu/api/recordings/${id}`))
  assert.equal(recording['size'], composed?.bytes)
  const visible = (await readdir(folder.at('killed', 'recordings', id))).filter((name) => !name.startsWith('.'))
  assert.deepEqual(
    visible.filter((name) => !name.endsWith('.jpg')),
    [`${id}.mp4`],
  )

  const before = await files(folder.at('killed', 'recordings'))
  const slow = { widthPixels: 1920, heightPixels: 1080, frameRate: 60 }
  const begun = await job(second, `recordings/${composed?.id}/compose`, slow)
  await eventually('progress', async () => {
    const now = await job(second, `compose-jobs/${begun.id}`)
    assert.notEqual(now.state, 'failed', now.error?.message)
    return now.progress > 0
  })
  await second.process.kill()
  assert.deepEqual(await files(folder.at('killed', 'recordings')), before)
  assert.equal((await readdir(folder.at('killed', 'recordings', '.composing'))).length, 1)

  await using third = await start('killed', properties)
  await eventually('tidying', async () => (await readdir(folder.at('killed', 'recordings', '.composing'))).length === 0)
  // A track of the room's stands for all of them.
  const wanted = [tracks[0]?.id ?? '', '--layout', 'picture-in-picture', '--name', 'again', '--json']
  const env = { TAPEDECK_SERVER: third.process.page }
  const { exitCode, output } = await tapedeckCommand(folder.at('killed'), ['compose', ...wanted], env)
  assert.equal(exitCode, 0, output)
  const made = JSON.parse(output) as RecordingDocument
  assert.equal(made.metadata['composedFrom']?.split(' ').length, 2)
  const path = join(made.parts[0]?.root ?? '', made.parts[0]?.path ?? '')
  assert.match(path, /again\.mp4$/)
  const { streams, format } = await ffprobe(path)
  assert.deepEqual(
    streams.map(({ codec_name, width }) => [codec_name, width]),
    [
      ['h264', 320],
      ['aac', undefined],
    ],
    'as large as it was',
  )
  assert.ok(Math.abs(Number(format.duration) - (composed?.durationMs ?? 0) / 1_000) < 0.2, format.duration)

  assert.equal((await third.call('DELETE', `/openvidu/api/recordings/${id}`)).status, 204)
  const left = await new ApiClient(third.process).recordings()
  assert.deepEqual(
    left.map((each) => each.id),
    [made.id],
  )
  assert.deepEqual(await files(folder.at('killed', 'recordings')), [path])
})

test('the flat layout: kept where nobody sees them, and deleted with the recording', { timeout: 180_000 }, async () => {
  await using server = await start('flat', { OPENVIDU_COMPAT: 'classic' })
  await using recorded = await recordTwo(server)
  const { id } = recorded
  await recordedFor(server, 500)
  json(await server.call('POST', `/openvidu/api/recordings/stop/${id}`))
  const root = folder.at('flat', 'recordings')
  assert.equal((await readdir(join(root, `.streams.${id}`))).length, 2)
  assert.equal((await new ApiClient(server.process).recordings()).length, 3)
  assert.equal((await server.call('DELETE', `/openvidu/api/recordings/${id}`)).status, 204)
  assert.deepEqual(await new ApiClient(server.process).recordings(), [])
  assert.deepEqual(await readdir(root), [])
})
