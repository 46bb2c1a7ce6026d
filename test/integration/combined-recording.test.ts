import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CombinedStreams } from '#control/combined-streams.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'

test('the track that parts begin with leaves: another one takes its place, and nothing is lost', async () => {
  await using fixture = await RecorderFixture.open()
  using combined = new CombinedStreams(fixture.runtime, fixture.hub)
  const { units } = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 6 })
  const upTo = units.findIndex(({ format, dts }) => dts >= 2 * format.timescale)
  combined.create('room/all')
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4', rotate: { seconds: 1 } })
  for (const name of ['a', 'b']) combined.add('room/all', `room/${name}`)
  const [a, b] = [fixture.publish('room/a'), fixture.publish('room/b')]
  a.send(units.slice(0, upTo))
  b.send(units.slice(0, upTo))
  const tracks = () => combined.list()[0]?.sources.flatMap(({ trackIds }) => trackIds).length
  while (tracks() !== 4) await sleep(10)
  a.end('unpublished')
  await b.sendSlowly(units.slice(upTo))
  b.end('unpublished')
  combined.end('room/all')
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  await fixture.assertProved(recording)
  const received = recording.ledger.tracks.reduce((sum, track) => sum + track.received, 0)
  assert.equal(received, upTo + units.length)
  assert.ok(recording.parts.length >= 5, `${recording.parts.length} parts`)
  assert.deepEqual(
    recording.parts
      .at(-1)
      ?.tracks.map(({ trackId }) => trackId)
      .toSorted(),
    [3, 4],
  )
})

test('a recording that begins when the first source has left begins with a picture of the second', async () => {
  await using fixture = await RecorderFixture.open()
  using combined = new CombinedStreams(fixture.runtime, fixture.hub)
  const { units } = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 4 })
  const upTo = units.findIndex(({ format, dts }) => dts >= 2.5 * format.timescale)
  combined.create('room/all')
  for (const name of ['a', 'b']) combined.add('room/all', `room/${name}`)
  const [a, b] = [fixture.publish('room/a'), fixture.publish('room/b')]
  a.send(units.slice(0, upTo))
  b.send(units.slice(0, upTo))
  const tracks = () => combined.list()[0]?.sources.flatMap(({ trackIds }) => trackIds).length
  while (tracks() !== 4) await sleep(10)
  a.end('unpublished')
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  await b.sendSlowly(units.slice(upTo))
  b.end('unpublished')
  combined.end('room/all')
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  await fixture.assertProved(recording)
  const ids = new Set(recording.parts.flatMap(({ tracks }) => tracks.map(({ trackId }) => trackId)))
  assert.ok(ids.has(3) && ids.has(4), JSON.stringify(recording.parts))
})
