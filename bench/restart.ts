/**
 * How long a restart takes after a kill: `node bench/restart.ts [parts] [unfinished]`, by default 10,000 finished parts in
 * the catalog and 100 recordings that the kill left open. Once as they are, once with the finished files taken away
 * before they were hashed, as hooks do. Prints JSON.
 */
import { copyFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { SqliteCatalog } from '#storage/catalog/sqlite-catalog.ts'
import { ManifestStore } from '#storage/manifests.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const parts = Number(process.argv[2] ?? 10_000)
const unfinished = Number(process.argv[3] ?? 100)

const SECONDS_RECORDED = 5
const SHA256 = '0'.repeat(64)

await using folder = await TempFolder.make()
{
  const server = await startServerProcess(folder.path)
  const publisher = new FfmpegPublisher(`${server.rtmp}/live/cam`)
  await sleep(SECONDS_RECORDED * 1000)
  await server.kill()
  await publisher.stop()
}
for (const sha256 of [SHA256, null]) {
  const copy = folder.at(sha256 === null ? 'taken' : 'kept')
  for (const name of ['data', 'recordings']) await cp(folder.at(name), join(copy, name), { recursive: true })
  await fill(copy, sha256)
  const startMs = performance.now()
  await using server = await startServerProcess(copy)
  const readyMs = Math.round(performance.now() - startMs)
  const left = async () => {
    const response = await fetch(`${server.page}api/v1/recordings?state=recording&limit=1`)
    return ((await response.json()) as { recordings: unknown[] }).recordings.length
  }
  while ((await left()) > 0) await sleep(20)
  const recoveredMs = Math.round(performance.now() - startMs)
  console.log(JSON.stringify({ files: sha256 === null ? 'taken' : 'kept', parts, unfinished, readyMs, recoveredMs }))
}

/** Copies of the recording that the kill left open, and finished ones. */
async function fill(into: string, sha256: string | null): Promise<void> {
  const data = join(into, 'data')
  const runtime = { nowMs: Date.now, log: SILENT_LOGGER }
  await using catalog = await SqliteCatalog.open({ folder: data, runtime, onReplaced: () => {} })
  const manifests = new ManifestStore(join(data, 'manifests'), 'process')
  const saves: Promise<void>[] = []
  const save = (recording: RecordingDocument) => saves.push(manifests.save(recording), catalog.save(recording))
  const [killed] = (await catalog.list({ limit: 1 })).recordings
  if (killed === undefined) throw new Error('nothing was recorded')
  const root = join(into, 'recordings')
  for (let n = 0; n < unfinished; n++) {
    const parts = killed.parts.map((part) => ({ ...part, root, path: n === 0 ? part.path : `live/${n}.mp4` }))
    const recording = n === 0 ? { ...killed, parts } : { ...killed, id: `open-${n}`, parts }
    for (const { path } of n === 0 ? [] : parts)
      await copyFile(folder.at('recordings', killed.parts[0]?.path ?? ''), join(root, path))
    save(recording)
  }
  for (let n = 0; n < parts; n++) {
    const part = partSample({ root, path: `old/${n}.mp4`, sha256 })
    save(recordingSample({ id: `old-${n}`, node: killed.node, parts: [part] }))
  }
  await Promise.all(saves)
}
