import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type ApiFixture, apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { ProblemSchema } from './schemas/problem.ts'
import { RecordingListSchema, RecordingSchema } from './schemas/recording.ts'

const URL = '/api/v1/recordings'
let fixture: ApiFixture
before(async () => {
  fixture = await apiFixture()
})
after(() => fixture[Symbol.asyncDispose]())

test('start, split, hold, stop, delete', async () => {
  fixture.recorder.published.add('live/cam1')
  const started = await fixture.request({
    method: 'POST',
    url: URL,
    payload: { stream: '/live/cam1', metadata: { a: 'b' } },
  })
  assert.equal(started.statusCode, 201, started.body)
  const { id, stream, state, metadata } = assertMatches(RecordingSchema, started.json())
  assert.deepEqual({ stream, state, metadata }, { stream: 'live/cam1', state: 'recording', metadata: { a: 'b' } })
  assert.equal(started.headers.location, `${URL}/${id}`)
  const step = async (method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path: string, payload?: object) =>
    fixture.request({ method, url: `${URL}/${id}${path}`, ...(payload === undefined ? {} : { payload }) })
  assertMatches(RecordingSchema, (await step('POST', '/split')).json())
  assert.equal((await step('DELETE', '')).statusCode, 409)
  assert.equal((await step('POST', '/stop')).json().state, 'ready')
  assert.equal((await step('POST', '/split')).statusCode, 409)
  assert.equal((await step('PATCH', '', { held: true })).json().held, true)
  assert.equal((await step('DELETE', '')).statusCode, 409)
  await step('PATCH', '', { held: false })
  assert.equal((await step('DELETE', '')).statusCode, 204)
  const gone = await step('GET', '')
  assert.equal(gone.statusCode, 404)
  assert.equal(assertMatches(ProblemSchema, gone.json()).code, 'recorder/recording-not-found')
})

test('a part says where it can be fetched, and deletion takes the file', async () => {
  const { id } = await fixture.recorder.add({}, Buffer.from('media'))
  const recording = assertMatches(RecordingSchema, (await fixture.request({ url: `${URL}/${id}` })).json())
  const part = recording.parts[0]
  assert.equal((await fixture.request({ url: part?.url ?? '' })).body, 'media')
  const file = `${part?.root}/${part?.path}`
  assert.equal(existsSync(file), true)
  await fixture.request({ method: 'DELETE', url: `${URL}/${id}` })
  assert.equal(existsSync(file), false)
})

test('the list is filtered and comes in pages', async () => {
  for (let i = 0; i < 3; i++) await fixture.recorder.add({ stream: 'list/a' }, Buffer.from('x'))
  const first = assertMatches(
    RecordingListSchema,
    (await fixture.request({ url: `${URL}?stream=list/a&limit=2&state=ready` })).json(),
  )
  assert.equal(first.recordings.length, 2)
  const rest = await fixture.request({ url: `${URL}?stream=list/a&limit=2&cursor=${first.nextCursor}` })
  const second = assertMatches(RecordingListSchema, rest.json())
  assert.equal(second.recordings.length, 1)
  assert.equal(second.nextCursor, null)
})

test('the manifest is given as it is on the disk', async () => {
  const { id } = await fixture.recorder.add({}, Buffer.from('x'))
  const early = await fixture.request({ url: `${URL}/${id}/manifest` })
  assert.equal(early.json().code, 'recording/manifest-not-found')
  assert.equal(early.statusCode, 404)
  await writeFile(fixture.folder.at(`${id}.json`), '{"manifest":1}')
  const answer = await fixture.request({ url: `${URL}/${id}/manifest` })
  assert.equal(answer.body, '{"manifest":1}')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
})

test('an id that can be none is answered in words', async () => {
  const answer = await fixture.request({ url: `${URL}/cam1` })
  assert.match(assertMatches(ProblemSchema, answer.json()).detail, /path\.id: must be an id: 26 /)
})

describe('malformed requests name the field and what would be right', () => {
  const CASES = [
    { payload: '', code: 'api/malformed-body', says: /empty|body/ },
    { payload: '{"stream":', code: 'api/malformed-body', says: /JSON/ },
    { payload: '[]', code: 'api/invalid-request', says: /body: must be of type object/ },
    { payload: '{}', code: 'api/invalid-request', says: /body\.stream: is missing/ },
    { payload: '{"stream":7}', code: 'api/invalid-request', says: /body\.stream: must be of type string/ },
    {
      payload: '{"stream":"a","format":"avi"}',
      code: 'api/invalid-request',
      says: /body\.format: must be one of .*"mp4"/,
    },
    {
      payload: '{"stream":"a","rotate":{"seconds":"9"}}',
      code: 'api/invalid-request',
      says: /body\.rotate\.seconds: must be of type number/,
    },
    {
      payload: '{"stream":"a","rotate":{"secs":9}}',
      code: 'api/invalid-request',
      says: /body\.rotate\.secs: is not known; known are seconds, bytes/,
    },
    {
      payload: '{"stream":"a","fromat":"mp4"}',
      code: 'api/invalid-request',
      says: /body\.fromat: is not known; known are stream, format/,
    },
    { payload: '{"stream":"../etc"}', code: 'stream/path-invalid', says: /\.\./ },
    { payload: '{"stream":"a","__proto__":{"x":1}}', code: 'api/malformed-body', says: /__proto__/ },
    { payload: JSON.stringify({ stream: 'a', name: 'x'.repeat(70_000) }), code: 'api/body-too-large', says: /65536/ },
  ]
  for (const { payload, code, says } of CASES) {
    test(payload.slice(0, 60), async () => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fixture.request({ method: 'POST', url: URL, headers, payload })
      const problem = assertMatches(ProblemSchema, answer.json())
      assert.equal(problem.code, code, problem.detail)
      assert.match(problem.detail, says)
      assert.equal(problem.status, answer.statusCode)
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 500)
    })
  }

  const QUERIES = [
    { url: `${URL}?limit=0`, says: /query\.limit/ },
    { url: `${URL}?limit=ten`, says: /query\.limit: must be of type integer/ },
    { url: `${URL}?state=done`, says: /query\.state: must be one of/ },
    { url: `${URL}?from=yesterday`, says: /query\.from/ },
    { url: `${URL}?stat=ready`, says: /query\.stat: is not known/ },
    { url: `${URL}/%zz`, says: /path: must be valid percent-encoding/ },
    { url: `${URL}/..%2f..%2fetc`, says: /path\.id/ },
    { url: `${URL}/01jd3e7vzy8k2n4q6s8t0w2y4a/parts/0`, says: /path\.n/ },
    { url: `${URL}/01jd3e7vzy8k2n4q6s8t0w2y4a/parts/..%2f1`, says: /path\.n/ },
  ]
  for (const { url, says } of QUERIES) {
    test(url, async () => {
      const answer = await fixture.request({ url })
      assert.equal(answer.statusCode, 400)
      assert.match(answer.json().detail, says)
    })
  }
})

test('any body gives a recording or a problem, never a failure of ours', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.record({ stream: fc.string() }).map((body) => JSON.stringify(body)),
      ),
      async (payload) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await fixture.request({ method: 'POST', url: URL, headers, payload })
        assert.ok([400, 404, 413].includes(answer.statusCode), `${answer.statusCode} ${payload}`)
        assertMatches(ProblemSchema, answer.json())
      },
    ),
    { numRuns: 200 },
  )
})
