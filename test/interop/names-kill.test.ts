import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { program } from '#test/support/programs.ts'
import { assertVerified } from '#test/support/recording-judge.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const names = (recording: RecordingDocument) => recording.parts.map(({ path }) => path)

test('a killed server’s files get their last names at the next start: numbers, ends and makings of room', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  const env = { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' }
  const request = { stream: 'live/cam1', format: 'mp4', waitForStream: true } as const
  const ids: string[] = []
  {
    await using server = await startServerProcess(folder.path, { env })
    const api = new ApiClient(server)
    await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
    const first = await api.start({ ...request, path: 'same' })
    await api.until(first.id, 'recording', ({ state }) => state === 'recording')
    await api.stop(first.id)
    const started = [
      await api.start({ ...request, path: 'plain', numbering: 'lastPlain', rotate: { seconds: 1 } }),
      await api.start({ ...request, name: '{name}-{startTimeMillis}-{endTimeMillis}' }),
      await api.start({ ...request, path: 'same', ifExists: 'rename' }),
    ]
    ids.push(first.id, ...started.map(({ id }) => id))
    await api.until(ids[1] ?? '', 'in its fourth part', ({ parts }) => (parts[3]?.bytes ?? 0) > 0)
    await server.kill()
    await publisher.stop().catch(() => undefined)
  }
  await using server = await startServerProcess(folder.path, { env })
  const api = new ApiClient(server)
  const recordings = await Promise.all(ids.map((id) => api.until(id, 'ready', ({ state }) => state === 'ready')))
  const [old, numbered, late, young] = recordings
  assert.ok(old !== undefined && numbered !== undefined && late !== undefined && young !== undefined)
  assert.deepEqual(names(old), ['same_0.mp4'])
  assert.deepEqual(names(young), ['same.mp4'])
  assert.match(names(late)[0] ?? '', /^cam1-\d{13}-\d{13}\.mp4$/)
  assert.deepEqual(names(numbered), [
    ...names(numbered)
      .slice(0, -1)
      .map((_, index) => `plain_${index + 1}.mp4`),
    'plain.mp4',
  ])
  assert.deepEqual((await readdir(folder.at('recordings'))).toSorted(), recordings.flatMap(names).toSorted())
  for (const recording of recordings) {
    await assertVerified(folder.path, recording)
    for (const { root, path } of recording.parts) {
      await program('ffmpeg', ['-v', 'error', '-i', `${root}/${path}`, '-f', 'null', '-'])
    }
    const digested = await api.until(recording.id, 'hashed', ({ parts }) =>
      parts.every(({ sha256 }) => sha256 !== null),
    )
    await assertVerified(folder.path, digested)
  }
  // What the page shows of the one that made room is its own picture and its own file.
  const [part] = (await api.recording(old.id)).parts
  const answer = await fetch(new URL(`api/v1/recordings/${old.id}/parts/1`, server.page))
  assert.equal((await answer.arrayBuffer()).byteLength, part?.bytes)
  const poster = await fetch(new URL(`api/v1/recordings/${old.id}/poster.jpg`, server.page))
  assert.equal(poster.status, 200)
})
