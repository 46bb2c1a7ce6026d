import assert from 'node:assert/strict'
import { readdir, truncate, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { Container, ContainerName } from '#containers/container.ts'
import { flv } from '#containers/flv/flv.ts'
import { CONTAINERS, H264_CONTAINERS } from '#test/support/containers.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { partSample, recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { placeUnits, writePart, writerOptions } from '#test/support/write-part.ts'
import { storageErrorFrom } from './errors.ts'
import { createPartFile } from './part-files.ts'
import type { PartDocument, RecordingDocument } from './recording-document.ts'
import { recoverRecording, recoverRecordings } from './recovery.ts'
import { diskInspector, verifyRecording } from './verify.ts'

const containers = CONTAINERS
const signal = new AbortController().signal
const NOW_MS = Date.UTC(2026, 10, 21)
const runtime = { nowMs: () => NOW_MS, log: SILENT_LOGGER }
const options = {
  containers,
  retryMs: 5,
  runtime,
  signal,
  note: () => Promise.resolve(),
  finalNames: () => () => 'unused',
}
const inspector = diskInspector(containers, signal)

let shared: TempFolder
let source: ElementarySource
before(async () => {
  shared = await TempFolder.make()
  source = await makeSource(shared, { video: 'h264', audio: 'aac', seconds: 2 })
})
after(() => shared[Symbol.asyncDispose]())

/** As a kill leaves it: the document says what was last saved, the file holds what was written. */
function unfinished(root: string, format: ContainerName, part: Partial<PartDocument>): RecordingDocument {
  return recordingSample({
    state: 'recording',
    format,
    endedAt: null,
    parts: [partSample({ root, state: 'open', bytes: 0, durationMs: 0, tracks: [], ...part })],
    ledger: {
      tracks: [{ trackId: 1, kind: 'video', codec: 'h264', received: 1000, written: 3, lost: 2 }],
      gaps: [
        {
          track: 1,
          fromMs: 0,
          toMs: 80,
          missingMs: 80,
          accessUnits: 2,
          packets: 0,
          cause: 'overload',
          at: '2026-11-20T06:41:05.250Z',
        },
      ],
    },
  })
}

for (const format of H264_CONTAINERS) {
  test(`${format}: a torn part is finished and its ledger balances`, async () => {
    await using folder = await TempFolder.make()
    const container = containers[format]
    const path = `live/cam1/x.${container.extension}`
    const part = await createPartFile(folder.path, path, { ifExists: 'fail' })
    await placeUnits(container.open(writerOptions(source)), part, source.units)
    await part.close()
    await truncate(folder.at(path), part.sizeBytes - 500)

    const recovered = await recoverRecording(unfinished(folder.path, format, { path }), options)
    assert.equal(recovered.state, 'ready')
    assert.equal(recovered.error, null)
    const [video, audio] = recovered.ledger.tracks
    assert.ok(video !== undefined && video.written > 40 && video.written <= 50)
    assert.equal(video.received, 1000)
    assert.ok(audio !== undefined && audio.received === audio.written && audio.lost === 0)
    assert.ok(
      recovered.ledger.gaps.some(({ cause, accessUnits }) => cause === 'restart' && accessUnits === video.lost - 2),
    )
    assert.ok(recovered.durationMs > 1500 && recovered.durationMs < 2200)
    assert.deepEqual(await verifyRecording(recovered, inspector), [])
    assert.deepEqual(await recoverRecording(recovered, options).then(({ parts }) => parts), recovered.parts)
  })
}

test('a part that was to replace another takes its place', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('cam1.flv'), 'old')
  const part = await createPartFile(folder.path, 'cam1.flv', { ifExists: 'overwrite' })
  await writePart(flv.open(writerOptions(source)), part, source.units)
  await part.close()
  const path = part.relativePath
  const recovered = await recoverRecording(unfinished(folder.path, 'flv', { path }), options)
  assert.equal(recovered.parts[0]?.path, 'cam1.flv')
  assert.deepEqual(await readdir(folder.path), ['cam1.flv'])
  assert.deepEqual(await verifyRecording(recovered, inspector), [])
})

const EMPTY: readonly {
  name: string
  part: Partial<PartDocument>
  content?: string
  state: string
  parts: readonly string[]
  code: string
}[] = [
  { name: 'no file was made', part: { path: '' }, state: 'failed', parts: [], code: 'storage/interrupted' },
  {
    name: 'the file is empty',
    part: { path: 'x.mp4' },
    content: '',
    state: 'failed',
    parts: [],
    code: 'storage/interrupted',
  },
  { name: 'the file is gone', part: { path: 'x.mp4' }, state: 'failed', parts: ['damaged'], code: 'storage/vanished' },
  {
    name: 'the path leads out',
    part: { path: '../x.mp4' },
    state: 'failed',
    parts: ['damaged'],
    code: 'storage/outside-root',
  },
  {
    name: 'the file is none of ours',
    part: { path: 'x.mp4' },
    content: 'not a film but a poem about one',
    state: 'failed',
    parts: ['damaged'],
    code: 'container/not-ours',
  },
]
for (const { name, part, content, state, parts, code } of EMPTY) {
  test(`recovery when ${name}`, async () => {
    await using folder = await TempFolder.make()
    if (content !== undefined) await writeFile(folder.at('x.mp4'), content)
    const recovered = await recoverRecording(unfinished(folder.path, 'mp4', part), options)
    assert.equal(recovered.state, state)
    assert.deepEqual(
      recovered.parts.map((each) => each.state),
      parts,
    )
    assert.equal(recovered.error?.code, code)
    assert.ok(recovered.ledger.tracks.every(({ received, written, lost }) => received === written + lost))
    if (content !== undefined && content !== '')
      assert.deepEqual(await readdir(folder.path), ['x.mp4'], 'its bytes are kept')
  })
}

for (const format of H264_CONTAINERS) {
  test(`${format}: a part killed as it begins holds nothing and goes, but for one that had been longer`, async () => {
    await using folder = await TempFolder.make()
    const container = containers[format]
    const path = `x.${container.extension}`
    const part = await createPartFile(folder.path, path, { ifExists: 'fail' })
    await placeUnits(container.open(writerOptions(source)), part, source.units.slice(0, 1))
    await part.close()
    await truncate(folder.at(path), 300)

    const noted = { trackId: 1, kind: 'video', codec: 'h264', codecString: 'avc1', payloadBytes: 5000 } as const
    const longer = await recoverRecording(
      unfinished(folder.path, format, { path, tracks: [{ ...noted, accessUnits: 3 }] }),
      options,
    )
    assert.deepEqual([longer.parts[0]?.state, longer.error?.code], ['damaged', 'container/torn-head'])
    assert.deepEqual(await readdir(folder.path), [path])

    const begun = await recoverRecording(
      unfinished(folder.path, format, { path, tracks: [{ ...noted, accessUnits: 0, payloadBytes: 0 }] }),
      options,
    )
    assert.deepEqual([begun.parts, begun.error?.code], [[], 'storage/interrupted'])
    assert.deepEqual(await readdir(folder.path), [])
  })
}

test('recordings are recovered newest first, several at a time', async () => {
  const order: string[] = []
  let running = 0
  let most = 0
  const waiting = Array.from({ length: 10 }, (_, n) =>
    recordingSample({ id: `r${n}`, state: 'waiting', parts: [], requestedAt: `2026-11-20T06:00:0${n}.000Z` }),
  )
  await recoverRecordings(waiting, {
    ...options,
    concurrency: 3,
    onRecovered: async ({ id, state }) => {
      order.push(id)
      assert.equal(state, 'failed')
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
    },
  })
  assert.deepEqual(order, waiting.map(({ id }) => id).reverse())
  assert.equal(most, 3)
})

test('a full disk is waited for, not taken for damage', async () => {
  await using folder = await TempFolder.make()
  await using part = await createPartFile(folder.path, 'x.flv', { ifExists: 'fail' })
  await writePart(flv.open(writerOptions(source)), part, source.units)
  let refusals = 3
  const finish: Container['finish'] = async (file) => {
    if (refusals-- > 0) throw storageErrorFrom({ code: 'ENOSPC' }, 'x.flv')
    return flv.finish(file)
  }
  const full = { ...options, containers: { ...containers, flv: { ...flv, finish } } }
  const recovered = await recoverRecording(unfinished(folder.path, 'flv', { path: 'x.flv' }), full)
  assert.equal(refusals, -1)
  assert.deepEqual(await verifyRecording(recovered, inspector), [])

  refusals = Infinity
  const stopping = AbortSignal.timeout(20)
  await assert.rejects(
    recoverRecording(unfinished(folder.path, 'flv', { path: 'x.flv' }), { ...full, signal: stopping }),
  )
})
