import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeBye, writeSenderReport } from '#protocols/rtp/rtcp.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { ElementarySource, SourceUnit } from '#test/support/elementary-source.ts'
import { decodedSizes } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, judgedFile } from '#test/support/packet-judge.ts'
import { RecordedCamera } from '#test/support/recorded-camera.ts'
import { assertBalanced, partPaths } from '#test/support/recording-judge.ts'
import { type CameraPeer, CameraTrack } from '#test/support/scripted-camera.ts'

/** What cameras do in the middle of it, pulled over RTSP and recorded by a whole server. */

const SECONDS = 2
const FRAME_MS = 40
const TICKS = 90_000

/** At the pace of a camera. */
async function send(peer: CameraPeer, track: CameraTrack, units: readonly SourceUnit[]): Promise<void> {
  const startMs = performance.now()
  for (const [index, unit] of units.entries()) {
    for (const packet of track.packets(unit)) peer.send(0, packet)
    await sleep(Math.max(0, startMs + (index + 1) * FRAME_MS - performance.now()))
  }
}

/** The part holds these units, each once, and plays alone. */
async function assertHolds(path: string, sources: readonly ElementarySource[]): Promise<void> {
  const part = await judgedFile(path, 'bare')
  assertPlaysAlone(part, path)
  const sent: (string | undefined)[] = []
  for (const source of sources) {
    const { tracks } = await judgedFile(source.path, 'bare')
    sent.push(...(tracks[0]?.packets.map(({ hash }) => hash) ?? []))
  }
  const packets = part.tracks[0]?.packets ?? []
  assert.deepEqual(
    packets.map(({ hash }) => hash),
    sent,
  )
  for (const [index, { dtsMs }] of packets.entries()) assert.ok(dtsMs > (packets[index - 1]?.dtsMs ?? -1))
}

test('a camera changes its picture size: the file goes on, not a picture lost', { timeout: 60_000 }, async () => {
  await using scene = await RecordedCamera.open()
  const [small, large] = [await scene.footage('160x90'), await scene.footage('320x180')]
  const peer = await scene.camera.peer(0)
  const track = new CameraTrack(96)
  for (const { units } of [small, large, small]) {
    await send(peer, track, units)
    track.zero += SECONDS * TICKS
  }
  peer.send(0, writeBye(track.ssrc), true)
  const recording = await scene.recording()
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  assert.deepEqual(await decodedSizes(path), ['160x90', '320x180', '160x90'])
  await assertHolds(path, [small.source, large.source, small.source])
  assertBalanced(recording, [3 * small.units.length])
  assert.deepEqual(recording.ledger.gaps, [])
})

test('a camera begins its timestamps anew: the file goes on', { timeout: 60_000 }, async () => {
  await using scene = await RecordedCamera.open()
  const { source, units } = await scene.footage('160x90')
  const peer = await scene.camera.peer(0)
  const track = new CameraTrack(96)
  await send(peer, track, units)
  track.zero = 17
  await send(peer, track, units)
  peer.send(0, writeBye(track.ssrc), true)
  const recording = await scene.recording()
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  await assertHolds(path, [source, source])
  assertBalanced(recording, [2 * units.length])
  assert.ok(Math.abs(recording.durationMs - 2 * SECONDS * 1000) < 500, `${recording.durationMs} ms`)
  for (const { cause, accessUnits } of recording.ledger.gaps) assert.deepEqual([cause, accessUnits], ['publisher', 0])
})

test('a camera is silent for a while: the gap is in the ledger', { timeout: 60_000 }, async () => {
  await using scene = await RecordedCamera.open()
  const { source, units } = await scene.footage('160x90')
  const peer = await scene.camera.peer(0)
  const track = new CameraTrack(96)
  await send(peer, track, units)
  const silenceMs = 1_600
  await sleep(silenceMs)
  track.zero += SECONDS * TICKS + (silenceMs * TICKS) / 1000
  await send(peer, track, units)
  peer.send(0, writeBye(track.ssrc), true)
  const recording = await scene.recording()
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  await assertHolds(path, [source, source])
  assertBalanced(recording, [2 * units.length])
  assert.deepEqual(
    recording.ledger.gaps.map(({ cause, missingMs, accessUnits }) => [cause, Math.round(missingMs / 100), accessUnits]),
    [['publisher', silenceMs / 100, 0]],
  )
})

test('a camera falls silent without a word and comes back: one recording, with the gap', {
  timeout: 90_000,
}, async () => {
  await using scene = await RecordedCamera.open({
    request: { reconnectSeconds: 30 },
    rtsp: { idleTimeoutMs: 1_000 },
    keepAlive: true,
  })
  const { source, units } = await scene.footage('160x90')
  await send(await scene.camera.peer(0), new CameraTrack(96), units)
  const back = await scene.camera.peer(1)
  const rebooted = new CameraTrack(96, { ssrc: 0xbeef, sequenceNumber: 5, zero: 1_000_000 })
  await send(back, rebooted, units)
  const [running] = await scene.api.recordings()
  assert.equal(running?.state, 'recording')
  await scene.api.stop(running.id)
  const recording = await scene.recording()
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  await assertHolds(path, [source, source])
  assertBalanced(recording, [2 * units.length])
  const [gap, ...more] = recording.ledger.gaps
  assert.deepEqual(more, [])
  assert.equal(gap?.cause, 'publisher')
  assert.ok(gap.missingMs > 0 && gap.toMs === gap.fromMs, JSON.stringify(gap))
  assert.ok(Math.abs(gap.fromMs - SECONDS * 1000) < 200, JSON.stringify(gap))
})

test('each part says what the camera’s own clock said at its beginning, once the camera tells', {
  timeout: 60_000,
}, async () => {
  await using scene = await RecordedCamera.open({ request: { rotate: { seconds: 1 } } })
  const { units } = await scene.footage('160x90')
  const peer = await scene.camera.peer(0)
  const track = new CameraTrack(96)
  const wallClockMs = Date.parse('2001-02-03T04:05:06.789Z')
  await send(peer, track, units)
  const [before] = await scene.api.recordings()
  assert.equal(before?.parts[0]?.sourceStartedAt, null)
  const facts = { ssrc: track.ssrc, rtpTimestamp: track.zero >>> 0, packets: 0, payloadBytes: 0 }
  peer.send(0, writeSenderReport({ ...facts, wallClockMs }, 'camera'), true)
  track.zero += SECONDS * TICKS
  await send(peer, track, units)
  peer.send(0, writeBye(track.ssrc), true)
  const { id, parts } = await scene.recording()
  assert.equal(parts.length, 4)
  const dated = parts.filter(({ sourceStartedAt }) => sourceStartedAt !== null)
  // Parts that were final before the camera told stay without.
  assert.ok(dated.length >= 3 && dated.includes(parts.at(-1) as never), JSON.stringify(parts))
  for (const { startMs, sourceStartedAt } of dated) {
    const saidMs = Date.parse(sourceStartedAt ?? '')
    assert.ok(Math.abs(saidMs - startMs - wallClockMs) <= 1, `${sourceStartedAt} at ${startMs}`)
  }
  const manifest = await fetch(new URL(`api/v1/recordings/${id}/manifest`, scene.server.page))
  const { recording } = (await manifest.json()) as { recording: RecordingDocument }
  assert.deepEqual(
    recording.parts.map(({ sourceStartedAt }) => sourceStartedAt),
    parts.map(({ sourceStartedAt }) => sourceStartedAt),
  )
})
