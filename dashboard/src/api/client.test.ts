import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiClient } from './client.ts'
import { ProblemError, UnreachableError } from './problem.ts'

/** A client whose requests are remembered and answered by the case. */
function clientWith(answer: () => Response | Promise<Response>, token = '') {
  const requests: Request[] = []
  const fetch = async (input: URL | Request | string, init?: RequestInit) => {
    requests.push(new Request(input, init))
    return answer()
  }
  return { requests, client: new ApiClient({ baseUrl: 'http://deck/api/v1/', fetch, token: () => token }) }
}

test('the token goes into the header, and into the query only for media', async () => {
  const { client, requests } = clientWith(() => Response.json({ streams: [] }), 's3cret/+')
  await client.streams()
  assert.equal(requests[0]?.headers.get('authorization'), 'Bearer s3cret/+')
  assert.equal(requests[0]?.url, 'http://deck/api/v1/streams')
  assert.equal(client.downloadUrl('a', 1), 'http://deck/api/v1/recordings/a/parts/1?download=1&token=s3cret%2F%2B')
})

test('stream paths keep their slashes, and nothing else that means something in an address', () => {
  const { client } = clientWith(() => new Response())
  assert.equal(client.liveUrl('live/a b?#%'), 'http://deck/api/v1/streams/live/a%20b%3F%23%25/live.mp4')
})

test('empty filters are not sent', async () => {
  const { client, requests } = clientWith(() => Response.json({ recordings: [], nextCursor: null }))
  await client.recordings({ stream: '', state: '', limit: 24 })
  await client.recordings({ stream: 'live/a', state: 'ready', limit: 24, cursor: 'c' })
  assert.deepEqual(
    requests.map(({ url }) => new URL(url).search),
    ['?limit=24', '?limit=24&stream=live%2Fa&state=ready&cursor=c'],
  )
})

test('a problem document becomes an error with its sentence and code', async () => {
  const body = { status: 409, title: 'Conflict', detail: 'it still records: stop it first', code: 'recording/busy' }
  const { client } = clientWith(() => Response.json(body, { status: 409 }))
  await assert.rejects(client.remove('a'), (error: unknown) => {
    assert.ok(error instanceof ProblemError)
    assert.deepEqual(
      [error.status, error.code, error.message],
      [409, 'recording/busy', 'it still records: stop it first'],
    )
    return true
  })
})

test('a refusal that is no problem document, and no answer at all', async () => {
  const { client } = clientWith(() => new Response('<html>Bad gateway</html>', { status: 502 }))
  await assert.rejects(client.streams(), { name: 'ProblemError', status: 502 })
  const away = clientWith(() => Promise.reject(new TypeError('fetch failed')))
  await assert.rejects(away.client.streams(), UnreachableError)
})
