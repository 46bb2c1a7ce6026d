import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PullDocument } from '#control/pull-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { freePort } from '#test/support/free-port.ts'
import { NginxOrigin } from '#test/support/nginx-origin.ts'
import { judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { assertRecordingOf, assertVerified, JudgedSource, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Streams fetched from other servers, recorded exactly: Tapedeck, nginx-rtmp and ffmpeg as origins. */

const ENV = { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' }
/** A pull pauses for up to 30 s before it tries again. */
const WAIT_MS = 60_000

/** A server that pulls these, and records what it gets. */
async function puller(folder: TempFolder, pulls: readonly object[]): Promise<ServerProcess> {
  await writeFile(folder.at('tapedeck.yaml'), JSON.stringify({ rules: [{ match: '**' }], pulls }))
  return await startServerProcess(folder.path, { env: ENV })
}

async function pullsOf(server: ServerProcess): Promise<readonly PullDocument[]> {
  const response = await fetch(new URL('api/v1/pulls', server.page))
  assert.equal(response.status, 200)
  return ((await response.json()) as { pulls: PullDocument[] }).pulls
}

async function until(server: ServerProcess, isIt: (pull: PullDocument) => boolean): Promise<PullDocument> {
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const pulls = await pullsOf(server)
    const found = pulls.find(isIt)
    if (found !== undefined) return found
    if (performance.now() > endsMs)
      throw new Error(`waited too long: ${JSON.stringify(pulls)}\n${server.log.join('\n')}`)
    await sleep(30)
  }
}

/** ffmpeg sends a file in real time, at this multiple. */
function publish({ path }: ElementarySource, url: string, speed = 1): Promise<unknown> {
  const media = ['-c', 'copy', '-flvflags', 'no_duration_filesize', '-f', 'flv', url]
  return program('ffmpeg', ['-v', 'error', '-readrate', String(speed), '-i', path, ...media])
}

async function onlyRecording(server: ServerProcess) {
  const api = new ApiClient(server)
  const endsMs = performance.now() + WAIT_MS
  for (;;) {
    const [recording] = await api.recordings()
    if (recording !== undefined) return await api.untilProved(recording.id)
    if (performance.now() > endsMs) throw new Error(`nothing was recorded\n${server.log.join('\n')}`)
    await sleep(50)
  }
}

test('from nginx-rtmp: all that its publisher sent, byte for byte', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using nginx = await NginxOrigin.start(folder)
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 5, size: '160x90' })
  await using server = await puller(folder, [{ path: 'live/gate', url: `${nginx.rtmp}/live/cam1` }])
  // nginx lets a player wait for the publisher, so nothing is missed.
  await until(server, ({ state, attempts }) => state === 'connecting' && attempts >= 1)
  await sleep(500)
  await publish(source, `${nginx.rtmp}/live/cam1`)
  const recording = await onlyRecording(server)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  assert.equal(recording.stream, 'live/gate')
  await assertRecordingOf(recording, new JudgedSource(source.path, ['h264', 'aac']), { times: 1, cut: false })
  await assertVerified(folder.path, recording)
})

test('from ffmpeg -listen 1: the whole file', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4, size: '160x90' })
  const port = await freePort()
  const url = `rtmp://127.0.0.1:${port}/live/cam1`
  await using server = await puller(folder, [])
  const output = ['-c', 'copy', '-flvflags', 'no_duration_filesize', '-f', 'flv', '-listen', '1', url]
  const child = spawn('ffmpeg', ['-v', 'error', '-re', '-i', source.path, ...output], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: 'live/gate', url }),
  })
  assert.equal(response.status, 201, await response.text())
  await exited
  const recording = await onlyRecording(server)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  await assertRecordingOf(recording, new JudgedSource(source.path, ['h264', 'aac']), { times: 1, cut: false })
  const waiting = await until(server, ({ state }) => state === 'waiting')
  assert.match(waiting.lastError?.code ?? '', /^pull\//)
})

test('from another Tapedeck: from its last random access point on; killed and back, the pull is too', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using originFolder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 6, size: '160x90' })
  const port = await freePort()
  const originEnv = { ...ENV, TAPEDECK_RULES: '[]', TAPEDECK_RTMP_LISTEN: `127.0.0.1:${port}` }
  const origin = await startServerProcess(originFolder.path, { env: originEnv })
  let id: string
  {
    await using server = await puller(folder, [
      { path: 'live/gate', url: `rtmp://127.0.0.1:${port}/live/cam1?key=hidden` },
    ])
    const missing = await until(server, ({ state }) => state === 'waiting')
    assert.equal(missing.lastError?.code, 'pull/stream-not-found')
    id = missing.id
    const published = publish(source, `${origin.rtmp}/live/cam1`)
    await until(server, ({ state }) => state === 'streaming')
    await published
    const recording = await onlyRecording(server)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    const [path = ''] = partPaths(recording)
    const [got, sent] = [await judgedFile(path, 'as-is'), await judgedFile(source.path, 'as-is')]
    for (const [index, { kind, packets }] of got.tracks.entries()) {
      const wanted = (sent.tracks[index]?.packets ?? []).slice(-packets.length)
      assert.ok(packets.length > 25 && packets[0]?.isKey === true, `${kind}: ${packets.length}`)
      assert.deepEqual(
        packets.map(({ hash }) => hash),
        wanted.map(({ hash }) => hash),
        kind,
      )
    }
    for (const { received, written, lost } of recording.ledger.tracks) assert.deepEqual([written, lost], [received, 0])
    await assertVerified(folder.path, recording)
    const again = publish(source, `${origin.rtmp}/live/cam1`).catch(() => 'killed')
    await until(server, ({ state }) => state === 'streaming')
    await origin.kill()
    assert.equal((await until(server, ({ state }) => state === 'waiting')).lastError?.code, 'pull/connection-lost')
    assert.equal(await again, 'killed')
    await using back = await startServerProcess(originFolder.path, { env: originEnv })
    // Until the pull finds it: the longer the restart took, the longer it pauses before it tries again.
    await using _third = new FfmpegPublisher(`${back.rtmp}/live/cam1`)
    await until(server, ({ state }) => state === 'streaming')
    assert.ok(!server.log.some((line) => line.includes('hidden')), 'no credential in the log')
  }
  await using restarted = await puller(folder, [
    { path: 'live/gate', url: `rtmp://127.0.0.1:${port}/live/cam1?key=hidden` },
  ])
  assert.equal((await pullsOf(restarted))[0]?.id, id)
})

test('a pull added over the API is there after a kill, and gone after DELETE', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using nginx = await NginxOrigin.start(folder)
  await using _publisher = new FfmpegPublisher(`${nginx.rtmp}/live/cam1`)
  const server = await puller(folder, [])
  const answer = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: 'live/gate', url: `${nginx.rtmp}/live/cam1` }),
  })
  const { id } = (await answer.json()) as PullDocument
  await until(server, ({ state }) => state === 'streaming')
  await server.kill()
  await using after = await puller(folder, [])
  await until(after, (pull) => pull.id === id && pull.state === 'streaming')
  const removed = await fetch(new URL(`api/v1/pulls/${id}`, after.page), { method: 'DELETE' })
  assert.equal(removed.status, 204)
  const streams = (await (await fetch(new URL('api/v1/streams', after.page))).json()) as { streams: unknown[] }
  assert.deepEqual(streams.streams, [])
  assert.deepEqual(await pullsOf(after), [])
})
