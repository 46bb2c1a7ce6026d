import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { H264_CONTAINERS } from '#test/support/containers.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { EventReader } from '#test/support/event-reader.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'
import { judgedFile } from '#test/support/packet-judge.ts'
import { ProcessorPressure } from '#test/support/processor-pressure.ts'
import { program } from '#test/support/programs.ts'
import { assertBalanced, assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { SmallDisk } from '#test/support/small-disk.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Promise 6 on a real full disk: the publisher never waits, what is lost is counted, recording resumes by itself. */

const SECONDS = 13

/** Less than this is free: no fragment of a second fits any more. */
const FULL_BYTES = 256 * 1024

/** Free when recording begins: a second or two of media for each file. */
const ROOM_BYTES = 3 * 1024 * 1024

test('a full disk is announced, costs whole GOPs, and recording resumes by itself', { timeout: 120_000 }, async (t) => {
  await using folder = await TempFolder.make()
  await using owned = new AsyncDisposableStack()
  const disk = owned.use(await SmallDisk.mount(folder.at('recordings'), '16m'))
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  const source = await makeSource(folder, {
    ...{ video: 'h264', audio: 'aac', seconds: SECONDS, size: '640x360' },
    encoding: ['-b:v', '2500k', '-minrate', '2500k', '-maxrate', '2500k', '-bufsize', '1M', '-nal-hrd', 'cbr'],
  })
  const pressure = owned.use(new ProcessorPressure())
  const server = owned.use(
    await startServerProcess(folder.path, {
      env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0', TAPEDECK_LIMITS_RECORDING_QUEUE_BYTES: '1MiB' },
    }),
  )
  const api = new ApiClient(server)
  const events = owned.use(await EventReader.open(new URL('api/v1/events', server.page).href))
  const announced: string[] = []
  const reading = (async () => {
    for (;;) announced.push((await events.next()).event)
  })().catch(() => {}) // the server ends the stream

  const ids: string[] = []
  for (const format of H264_CONTAINERS) {
    ids.push((await api.start({ stream: 'live/cam1', waitForStream: true, format, name: format })).id)
  }
  await disk.fill(ROOM_BYTES)
  const { units } = source
  using publisher = await PacedPublisher.start({ rtmp: server.rtmp, app: 'live', name: 'cam1', units })

  await disk.untilFreeBelow(FULL_BYTES)
  const fullMs = performance.now()
  const isImpaired = ({ state, error }: RecordingDocument) => state === 'recording' && error !== null
  for (const id of ids) {
    const { error } = await api.until(id, 'impaired', isImpaired)
    assert.equal(error?.code, 'storage/full')
  }
  const visibleMs = Math.round(performance.now() - fullMs)
  t.diagnostic(`full after ${publisher.sent} of ${units.length} access units, visible ${visibleMs} ms later`)
  // The last fragment that fits, the first that does not, and the poll above.
  assert.ok(visibleMs < 2_000 + pressure.stalledMs(2_000), `visible only after ${visibleMs} ms`)
  await sleep(4_500) // 1.4 MB of media, which the queues don't hold
  await disk.free()
  for (const id of ids) await api.until(id, 'recording again', ({ error }) => error === null)
  await publisher.allArrived()
  assert.ok(publisher.isConnected, 'the publisher stayed')
  assert.equal(publisher.mostUnsentBytes, 0, 'and was never made to wait')
  publisher.finish()

  const sentHashes = await Promise.all([judgedFile(source.path, 'as-is'), judgedFile(source.path, 'bare')])
  for (const id of ids) {
    const recording = await api.untilProved(id)
    const { format, ledger } = recording
    assert.equal(recording.state, 'ready', JSON.stringify(recording))
    const inFiles = [0, 0]
    for (const path of partPaths(recording)) {
      await program('ffmpeg', ['-v', 'error', '-xerror', '-i', path, '-f', 'null', '-'])
      const { tracks } = await judgedFile(path, format === 'ts' ? 'bare' : 'as-is')
      const sent = sentHashes[format === 'ts' ? 1 : 0]
      for (const [track, { packets, kind }] of tracks.entries()) {
        const known = new Set(sent?.tracks[track]?.packets.map(({ hash }) => hash))
        assert.ok(
          packets.every(({ hash }) => known.has(hash)),
          `${path}: every ${kind} packet was sent so`,
        )
        assert.ok(packets[0]?.isKey)
        inFiles[track] = (inFiles[track] ?? 0) + packets.length
      }
    }
    assertBalanced(recording, inFiles)
    for (const track of ledger.tracks) {
      const sent = units.filter(({ format: { kind } }) => kind === track.kind).length
      assert.equal(track.received, sent, 'everything sent was received')
    }
    const lost = ledger.tracks.reduce((sum, track) => sum + track.lost, 0)
    assert.ok(lost > 0 && lost < units.length / 2, `${lost} of ${units.length} lost`)
    const gaps = ledger.gaps.filter(({ cause }) => cause === 'disk')
    assert.equal(
      gaps.reduce((sum, gap) => sum + gap.accessUnits, 0),
      lost,
      JSON.stringify(ledger),
    )
    await assertVerified(folder.path, recording)
  }
  for (const type of ['recording.impaired', 'recording.resumed']) {
    assert.equal(announced.filter((event) => event === type).length, ids.length, `${type}: ${announced.join()}`)
  }
  await events[Symbol.asyncDispose]()
  await reading
})
