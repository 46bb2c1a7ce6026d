import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'

test('G.711 becomes AAC in MP4', async () => {
  await using fixture = await RecorderFixture.open()
  const source = await makeSource(fixture.folder, { video: 'h264', audio: 'pcma', seconds: 4 })
  const publisher = fixture.publish('live/cam1')
  publisher.announce(source.formats)
  const { id } = await fixture.start()
  await publisher.sendSlowly(source.units)
  const recording = await fixture.recorder.stop(id)
  await fixture.assertProved(recording)
  const [path = ''] = fixture.paths(recording)
  const probed = await ffprobe(path)
  console.log(JSON.stringify(recording.ledger), JSON.stringify(recording.parts[0]?.tracks))
  console.log(probed.streams.map((s) => [s.codec_name, s.sample_rate]), probed.format.duration)
  assert.equal(recording.error, null)
})
