import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'

const MEDIA = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff))
let fixture: ApiFixture
let finished: RecordingDocument
let growing: RecordingDocument
before(async () => {
  fixture = await apiFixture()
  finished = await fixture.recorder.add({}, MEDIA)
  growing = await fixture.recorder.add({ state: 'recording' }, MEDIA)
})
after(() => fixture[Symbol.asyncDispose]())

const urlOf = ({ id }: RecordingDocument) => `/api/v1/recordings/${id}/parts/1`
const get = (headers: Record<string, string> = {}) => fixture.request({ url: urlOf(finished), headers })

const RANGES = [
  { range: 'bytes=0-0', first: 0, last: 0 },
  { range: 'bytes=0-', first: 0, last: 999_999 },
  { range: 'bytes=262143-262145', first: 262_143, last: 262_145 },
  { range: 'bytes=-7', first: 999_993, last: 999_999 },
  { range: 'bytes=999999-2000000', first: 999_999, last: 999_999 },
]
for (const { range, first, last } of RANGES) {
  test(`Range ${range} gives exactly these bytes`, async () => {
    const answer = await get({ range })
    assert.equal(answer.statusCode, 206)
    assert.equal(answer.headers['content-range'], `bytes ${first}-${last}/1000000`)
    assert.equal(answer.headers['content-length'], String(last - first + 1))
    assert.equal(MEDIA.subarray(first, last + 1).equals(answer.rawPayload), true)
  })
}

test('without a range, and with several, it is the whole file', async () => {
  for (const headers of [{}, { range: 'bytes=0-1,5-6' }]) {
    const answer = await get(headers)
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], 'video/mp4')
    assert.equal(answer.headers['accept-ranges'], 'bytes')
    assert.equal(answer.headers['content-disposition'], 'inline')
    assert.equal(MEDIA.equals(answer.rawPayload), true)
  }
})

test('a range behind the end is refused with the size', async () => {
  const answer = await get({ range: 'bytes=1000000-' })
  assert.equal(answer.statusCode, 416)
  assert.equal(answer.headers['content-range'], 'bytes */1000000')
})

test('HEAD says all that GET would, without the bytes', async () => {
  const head = await fixture.request({ method: 'HEAD', url: urlOf(finished) })
  assert.equal(head.statusCode, 200)
  assert.equal(head.headers['content-length'], '1000000')
  assert.equal(head.rawPayload.length, 0)
  const { etag } = (await get()).headers
  assert.match(String(etag), /^"[^"]+"$/)
  assert.equal(head.headers.etag, etag)
})

describe('conditions', () => {
  test('If-None-Match and If-Modified-Since save the transfer', async () => {
    const { etag, 'last-modified': lastModified } = (await get()).headers
    const same = await get({ 'if-none-match': String(etag) })
    assert.equal(same.statusCode, 304)
    assert.equal(same.rawPayload.length, 0)
    assert.equal((await get({ 'if-modified-since': String(lastModified) })).statusCode, 304)
    assert.equal((await get({ 'if-none-match': '"other"' })).statusCode, 200)
  })

  test('If-Range gives the range of the same file, and all of another', async () => {
    const { etag } = (await get()).headers
    const range = 'bytes=5-9'
    assert.equal((await get({ range, 'if-range': String(etag) })).statusCode, 206)
    const other = await get({ range, 'if-range': '"other"' })
    assert.equal(other.statusCode, 200)
    assert.equal(other.rawPayload.length, MEDIA.length)
  })
})

test('a part still recorded has its present size and nothing a cache could keep', async () => {
  const answer = await fixture.request({ url: urlOf(growing), headers: { range: 'bytes=0-99', 'if-range': '"x"' } })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers.etag, undefined)
  assert.equal(answer.headers['last-modified'], undefined)
  const ranged = await fixture.request({ url: urlOf(growing), headers: { range: 'bytes=0-99' } })
  assert.equal(MEDIA.subarray(0, 100).equals(ranged.rawPayload), true)
})

test('a download has a name of its own', async () => {
  const answer = await fixture.request({ url: `${urlOf(finished)}?download=1` })
  assert.equal(
    answer.headers['content-disposition'],
    `attachment; filename="live_${finished.id}.mp4"; filename*=UTF-8''live_${finished.id}.mp4`,
  )
})

test('sound alone is audio/mp4, and each container has its type', async () => {
  const [part] = finished.parts
  assert.ok(part !== undefined)
  const audio = await fixture.recorder.add({}, MEDIA)
  const tracks = part.tracks.filter(({ kind }) => kind === 'audio')
  const silent = await fixture.recorder.add(
    { id: audio.id, parts: audio.parts.map((each) => ({ ...each, tracks })) },
    MEDIA,
  )
  assert.equal((await fixture.request({ method: 'HEAD', url: urlOf(silent) })).headers['content-type'], 'audio/mp4')
  for (const [format, type] of [
    ['flv', 'video/x-flv'],
    ['ts', 'video/mp2t'],
  ] as const) {
    const other = await fixture.recorder.add({ format }, MEDIA)
    assert.equal((await fixture.request({ method: 'HEAD', url: urlOf(other) })).headers['content-type'], type)
  }
})

test('an empty file, a missing file, a missing part', async () => {
  const empty = await fixture.recorder.add({}, Buffer.alloc(0))
  const answer = await fixture.request({ url: urlOf(empty) })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-length'], '0')
  await rm(`${empty.parts[0]?.root}/${empty.parts[0]?.path}`)
  assert.equal((await fixture.request({ url: urlOf(empty) })).json().code, 'api/part-file-missing')
  assert.equal((await fixture.request({ url: urlOf(empty).replace(/1$/, '2') })).json().code, 'recorder/part-not-found')
})
