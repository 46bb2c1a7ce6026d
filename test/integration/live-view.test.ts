import assert from 'node:assert/strict'
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { mp4Fragments } from '#containers/mp4/mp4.ts'
import { apiFixture, publishTestStream } from '#test/support/api-fixture.ts'
import { makeSource, type SourceUnit, toAccessUnit } from '#test/support/elementary-source.ts'
import { ffprobe, streamHashes } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** A publisher's clock has run for a day when we join. */
const SHIFT_SECONDS = 86_400

test('what live.mp4 sends is the stream, bit for bit, in an MP4 others read', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 2 })
  const listen = { host: '127.0.0.1', port: 0 }
  await using fixture = await apiFixture({
    fragments: mp4Fragments,
    config: { api: { listen, allowedOrigins: [], allowedHosts: [] } },
  })
  const { port } = await fixture.api.listen()
  const { stream, end } = publishTestStream(fixture.hub, 'live/cam1')
  for (const format of source.formats) stream.setFormat(format)
  const write = (units: readonly SourceUnit[]) => {
    for (const unit of units) stream.write(toAccessUnit(stream.payloads, unit, SHIFT_SECONDS * unit.format.timescale))
  }
  write(source.units.slice(0, 20)) // within the first GOP, so that the viewer joins in its middle
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/streams/live/cam1/live.mp4`)
  assert.equal(response.status, 200)
  assert.ok(response.body !== null)
  const file = folder.at('live.mp4')
  const received = pipeline(Readable.fromWeb(response.body), createWriteStream(file))
  write(source.units.slice(20))
  end({ cause: 'unpublished', message: '' })
  await received
  assert.deepEqual(await streamHashes(file), await streamHashes(source.path))
  const { packets } = await ffprobe(file)
  assert.ok(Number(packets[0]?.pts_time) < 1, 'times begin near zero')
  assert.equal(fixture.hub.payloads.inUseBytes, 0)
})
