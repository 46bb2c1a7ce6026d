import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiFixture, publishTestStream, TEST_FORMAT, writeTestUnit } from '#test/support/api-fixture.ts'
import { NotViewableError, TooManyViewersError } from './errors.ts'
import type { LiveView } from './live-view.ts'

const GOODBYE = { cause: 'unpublished', message: '' } as const

async function readAll(view: LiveView): Promise<string> {
  let text = ''
  for await (const piece of view) text += `${new TextDecoder().decode(piece)} `
  return text.trim()
}

test('a viewer gets the last GOP first, then what comes, until the stream ends', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  writeTestUnit(publication, { dts: 0, isRandomAccess: true, payload: 'old' })
  writeTestUnit(publication, { dts: 3600, isRandomAccess: true, payload: 'key' })
  writeTestUnit(publication, { dts: 7200, isRandomAccess: false, payload: 'a' })
  const view = fixture.control.liveViews.open(publication.stream)
  assert.equal(publication.stream.isWatched, true)
  const text = readAll(view)
  writeTestUnit(publication, { dts: 10_800, isRandomAccess: false, payload: 'b' })
  publication.end(GOODBYE)
  assert.equal(await text, 'key a b')
  assert.equal(fixture.control.liveViews.viewers, 0)
  assert.equal(publication.stream.isWatched, false)
  const { inUseBytes } = fixture.hub.payloads
  assert.equal(inUseBytes, 0)
})

const ENDINGS = [
  { name: 'a new format', units: [{ dts: 3600, isRandomAccess: true, payload: 'x', format: { ...TEST_FORMAT } }] },
  { name: 'time going back', units: [{ dts: -1, isRandomAccess: false, payload: 'x' }] },
  { name: 'time standing still', units: [{ dts: 0, isRandomAccess: false, payload: 'x' }] },
  { name: 'time far ahead', units: [{ dts: 90_000 * 60, isRandomAccess: true, payload: 'x' }] },
]
for (const { name, units } of ENDINGS) {
  test(`${name} ends the view: the viewer asks again`, async () => {
    await using fixture = await apiFixture()
    const publication = publishTestStream(fixture.hub, 'live/cam1')
    writeTestUnit(publication, { dts: 0, isRandomAccess: true, payload: 'key' })
    const text = readAll(fixture.control.liveViews.open(publication.stream))
    for (const unit of units) {
      if ('format' in unit && unit.format !== undefined) publication.stream.setFormat(unit.format)
      writeTestUnit(publication, unit)
    }
    assert.equal(await text, 'key')
    publication.end(GOODBYE)
    assert.equal(fixture.hub.payloads.inUseBytes, 0)
  })
}

test('nothing is shown before the first random access point', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  const text = readAll(fixture.control.liveViews.open(publication.stream))
  writeTestUnit(publication, { dts: 0, isRandomAccess: false, payload: 'a' })
  writeTestUnit(publication, { dts: 3600, isRandomAccess: true, payload: 'key' })
  publication.end(GOODBYE)
  assert.equal(await text, 'key')
  assert.equal(fixture.hub.payloads.inUseBytes, 0)
})

test('a viewer who leaves is forgotten at once, also while he waits', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  const view = fixture.control.liveViews.open(publication.stream)
  const text = readAll(view)
  await new Promise(setImmediate)
  view[Symbol.dispose]()
  assert.equal(await text, '')
  assert.equal(fixture.control.liveViews.viewers, 0)
  assert.equal(publication.stream.sinkCount, 0)
  publication.end(GOODBYE)
})

test('a viewer who does not read loses whole GOPs and holds bounded memory', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  const view = fixture.control.liveViews.open(publication.stream)
  const payload = 'x'.repeat(400_000)
  for (let i = 0; i < 100; i++) writeTestUnit(publication, { dts: i * 3600, isRandomAccess: i % 10 === 0, payload })
  assert.ok(fixture.hub.payloads.inUseBytes < 12 * 1024 * 1024, `${fixture.hub.payloads.inUseBytes}`)
  view[Symbol.dispose]()
  publication.end(GOODBYE)
  assert.equal(fixture.hub.payloads.inUseBytes, 0)
})

test('what can not be viewed is refused with the reason', async () => {
  await using fixture = await apiFixture()
  const publication = publishTestStream(fixture.hub, 'live/cam1')
  publication.stream.setFormat({ ...TEST_FORMAT, codec: 'vp8' })
  assert.throws(
    () => fixture.control.liveViews.open(publication.stream),
    (error) => error instanceof NotViewableError && error.codecs.join() === 'vp8',
  )
  publication.stream.setFormat(TEST_FORMAT)
  const views = Array.from({ length: 200 }, () => fixture.control.liveViews.open(publication.stream))
  assert.throws(() => fixture.control.liveViews.open(publication.stream), TooManyViewersError)
  for (const view of views) view[Symbol.dispose]()
  assert.equal(fixture.control.liveViews.viewers, 0)
  publication.end(GOODBYE)
})
