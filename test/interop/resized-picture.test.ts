import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { withParameterSets } from '#ingest/rtp/parameter-sets.ts'
import type { TrackFormat } from '#media/track.ts'
import { launchChromium } from '#test/support/chromium.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { describedSource } from '#test/support/mp4-judges.ts'
import { decodedSizes } from '#test/support/outside-judges.ts'
import { playedSizes } from '#test/support/played-part.ts'
import { RecorderFixture } from '#test/support/recorder-fixture.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

let browser: Browser
let folder: TempFolder
before(async () => {
  browser = await launchChromium()
  folder = await TempFolder.make()
})
after(async () => {
  await browser.close()
  await folder[Symbol.asyncDispose]()
})

const SIZES = ['160x90', '320x180', '640x360', '160x90']
const SECONDS = 2

/** What a browser sends whose bandwidth changes: pictures of other sizes in one track, and sound that goes on. */
async function resizing(video: 'h264' | 'h265' | 'vp8' | 'vp9', audio: 'opus' | 'aac', setsInBand: boolean) {
  const units: SourceUnit[] = []
  let sound: TrackFormat | undefined
  for (const [index, size] of SIZES.entries()) {
    const encoding = video === 'h264' ? ['-bf', '0'] : []
    const source = describedSource(await makeSource(folder, { video, audio, seconds: SECONDS, size, encoding }))
    sound ??= source.formats[1]
    for (const unit of source.units) {
      const format = unit.format.kind === 'audio' && sound !== undefined ? sound : unit.format
      const isKey = unit.format.kind === 'video' && unit.isRandomAccess
      const payload = isKey ? withParameterSets(format, unit.payload, setsInBand) : unit.payload
      const shift = Math.round(index * (SECONDS + 0.1) * format.timescale)
      units.push({ ...unit, format, payload, dts: unit.dts + shift, pts: unit.pts + shift })
    }
  }
  return units
}

async function recorded(fixture: RecorderFixture, units: readonly SourceUnit[]) {
  const { id } = await fixture.start({ waitForStream: true })
  const publisher = fixture.publish('live/cam1')
  await publisher.sendSlowly(units)
  publisher.end('unpublished')
  const recording = await fixture.recorder.stop(id)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  await fixture.assertProved(recording)
  return recording
}

for (const { video, audio, format, mimeType } of [
  { video: 'h264', audio: 'aac', format: 'mp4', mimeType: 'video/mp4' },
  { video: 'vp8', audio: 'opus', format: 'webm', mimeType: 'video/webm' },
  { video: 'vp9', audio: 'opus', format: 'webm', mimeType: 'video/webm' },
] as const) {
  test(`${video} that changes its size with the bandwidth plays as one ${format} file`, async () => {
    await using fixture = await RecorderFixture.open()
    const recording = await recorded(fixture, await resizing(video, audio, true))
    assert.equal(recording.format, format)
    assert.equal(recording.parts.length, 1)
    const [path = ''] = fixture.paths(recording)
    assert.deepEqual(await decodedSizes(path), SIZES)
    // Before the first picture, the size is the largest of the track's.
    assert.deepEqual((await playedSizes(browser, await readFile(path), mimeType)).slice(-SIZES.length), SIZES)
  })
}

test('H.265 that changes its size goes on in one file too', async () => {
  await using fixture = await RecorderFixture.open()
  const recording = await recorded(fixture, await resizing('h265', 'aac', true))
  assert.equal(recording.parts.length, 1)
  assert.deepEqual(await decodedSizes(fixture.paths(recording)[0] ?? ''), SIZES)
})

test('H.264 whose sets don’t come in band begins a new part, as a browser wants it', async () => {
  await using fixture = await RecorderFixture.open()
  const recording = await recorded(fixture, await resizing('h264', 'aac', false))
  assert.equal(recording.parts.length, SIZES.length)
  for (const [index, path] of fixture.paths(recording).entries())
    assert.deepEqual(await decodedSizes(path), [SIZES[index]])
})

test('a key frame without its sets, after they have changed, begins a new part: nobody could seek to it', async () => {
  await using fixture = await RecorderFixture.open()
  const units = await resizing('h264', 'aac', true)
  const keys = units.filter(({ format, isRandomAccess }) => format.kind === 'video' && isRandomAccess)
  const last = keys.at(-1)
  const original = await makeSource(folder, { video: 'h264', seconds: SECONDS, size: '160x90', encoding: ['-bf', '0'] })
  const bare = original.units.filter(({ isRandomAccess }) => isRandomAccess).at(-1)
  assert.ok(last !== undefined && bare !== undefined)
  const recording = await recorded(
    fixture,
    units.map((unit) => (unit === last ? { ...unit, payload: bare.payload } : unit)),
  )
  assert.equal(recording.parts.length, 2)
  assert.deepEqual(await decodedSizes(fixture.paths(recording)[1] ?? ''), ['160x90'])
})
