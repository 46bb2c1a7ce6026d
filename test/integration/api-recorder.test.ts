import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Type } from 'typebox'
import { RecordingListSchema, RecordingSchema } from '#api/schemas/recording.ts'
import { StreamSchema } from '#api/schemas/stream.ts'
import { NEW_RULE } from '#recorder/new-rule.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { EventReader } from '#test/support/event-reader.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { ffprobe, streamHashes } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { testConfig } from '#test/support/test-config.ts'
import { startServer } from '../../src/server.ts'

const run = promisify(execFile)

const ManifestSchema = Type.Object({ recording: Type.Object({ id: Type.String() }) })

test('a stream is seen, recorded twice, watched, played, proved and deleted through the API', {
  timeout: 60_000,
}, async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3 })
  const config = testConfig(folder.path, { rules: [{ ...NEW_RULE, match: '**', request: { format: 'mp4' } }] })
  await using owned = new AsyncDisposableStack()
  const server = await startServer({ ...config, log: { level: 'error', format: 'json' } })
  owned.defer(() => server.close())
  const origin = `http://127.0.0.1:${server.addresses.api.port}`
  const api = `${origin}/api/v1`
  const get = async (path: string) => (await fetch(`${api}${path}`)).json()
  await using events = await EventReader.open(`${api}/events`)
  const eventOf = async (type: string) => {
    for (;;) {
      const event = await events.next()
      if (event.event === type) return JSON.parse(event.data).data
    }
  }

  const url = `rtmp://127.0.0.1:${server.addresses.rtmp?.port}/live/cam1`
  const publisher = run('ffmpeg', ['-v', 'error', '-re', '-i', source.path, '-c', 'copy', '-f', 'flv', url])
  // A publisher that fails ends the wait.
  const started = await Promise.race([eventOf('recording.started'), publisher.then(() => undefined)])
  const byRule = assertMatches(RecordingSchema.properties.id, started?.recording.id)
  const stream = assertMatches(StreamSchema, await get('/streams/live/cam1'))
  assert.deepEqual(stream.recordings, [byRule])
  assert.deepEqual(stream.tracks.map(({ kind }) => kind).sort(), ['audio', 'video'])

  const asked = await fetch(`${api}/recordings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ stream: 'live/cam1', format: 'flv', name: 'asked/{stream}' }),
  })
  assert.equal(asked.status, 201)
  const { id: byRequest } = assertMatches(RecordingSchema, await asked.json())
  const watched = fetch(`${api}/streams/live/cam1/live.mp4`).then((response) => response.bytes())
  await publisher

  await eventOf('stream.ended')
  for (const id of [byRule, byRequest]) {
    const stopped = await fetch(`${api}/recordings/${id}/stop`, { method: 'POST' })
    assert.equal(assertMatches(RecordingSchema, await stopped.json()).state, 'ready')
  }
  const { recordings } = assertMatches(RecordingListSchema, await get('/recordings'))
  assert.deepEqual(recordings.map(({ id }) => id).sort(), [byRule, byRequest].sort())
  for (const { ledger } of recordings) {
    for (const { received, written, lost } of ledger.tracks) assert.equal(received, written + lost)
  }

  const recording = assertMatches(RecordingSchema, await get(`/recordings/${byRule}`))
  const [part] = recording.parts
  assert.ok(part !== undefined)
  const onDisk = await readFile(`${part.root}/${part.path}`)
  const whole = await (await fetch(`${origin}${part.url}`)).bytes()
  assert.equal(onDisk.equals(whole), true)
  const range = await fetch(`${origin}${part.url}`, { headers: { range: 'bytes=1000-4999' } })
  assert.equal(range.status, 206)
  assert.equal(onDisk.subarray(1000, 5000).equals(await range.bytes()), true)
  assert.deepEqual(await streamHashes(`${part.root}/${part.path}`), await streamHashes(source.path))

  await writeFile(folder.at('live.mp4'), await watched)
  assert.equal((await ffprobe(folder.at('live.mp4'))).streams.length, 2)
  const manifest = assertMatches(ManifestSchema, await get(`/recordings/${byRule}/manifest`))
  assert.equal(manifest.recording.id, byRule)
  for (const id of [byRule, byRequest]) {
    const poster = await fetch(`${api}/recordings/${id}/poster.jpg`)
    assert.equal(poster.headers.get('content-type'), 'image/jpeg', id)
    await poster.body?.cancel()
  }
  const metrics = await (await fetch(`${origin}/metrics`)).text()
  assert.match(metrics, /^tapedeck_recordings_ended_total\{outcome="ready"\} 2$/m)
  assert.match(metrics, /^tapedeck_finish_duration_seconds_count 2$/m)

  const deleted = await fetch(`${api}/recordings/${byRule}`, { method: 'DELETE' })
  assert.equal(deleted.status, 204)
  assert.equal((await eventOf('recording.deleted')).recording.id, byRule)
  assert.equal(existsSync(`${part.root}/${part.path}`), false)
  assert.equal((await fetch(`${api}/recordings/${byRule}`)).status, 404)
})
