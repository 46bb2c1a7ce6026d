import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { DiskSpace } from '#control/disk-space.ts'
import { apiFixture } from '#test/support/api-fixture.ts'
import { assertMatches } from '#test/support/matches-schema.ts'
import { ReadinessSchema, ServerSchema } from './schemas/server.ts'

test('ready means that the recorder is, and that its disk takes bytes', async () => {
  await using fixture = await apiFixture()
  const root = fixture.folder.at('recordings')
  await mkdir(root)
  const ready = await fixture.request({ url: '/readyz' })
  assert.equal(ready.statusCode, 200, ready.body)
  assert.equal(assertMatches(ReadinessSchema, ready.json()).disks?.[0]?.root, root)
  fixture.recorder.isReady = false
  const starting = await fixture.request({ url: '/readyz' })
  assert.equal(starting.statusCode, 503)
  assert.equal(starting.json().recorder, 'starting')
})

test('a root that is not there, or too full, is not ready and says why', async () => {
  await using missing = await apiFixture()
  const gone = await missing.request({ url: '/readyz' })
  assert.equal(gone.statusCode, 503)
  assert.match(gone.json().disks[0].problem, /ENOENT/)
  assert.equal((await missing.request({ url: '/healthz' })).statusCode, 200)
})

test('a read-only root is not ready and says why', async () => {
  // The kernel lets nobody make files there, not even root; elsewhere a test would have to mount something.
  const root = '/proc/sys'
  const disks = new DiskSpace({ monotonicMs: () => 0 }, [root], 0)
  const [state] = await disks.states()
  assert.equal(state?.isWritable, false)
  assert.match(state?.problem ?? '', /EROFS|EACCES/)
})

test('the server says what it is and where to publish', async () => {
  await using fixture = await apiFixture()
  const answer = await fixture.request({ url: '/api/v1/server' })
  const { publish, access, version } = assertMatches(ServerSchema, answer.json())
  assert.equal(version, '0.0.0-test')
  // The test's door listens everywhere, at RTMP's own port: it is reached by the name we were asked by.
  assert.deepEqual(publish, [
    { protocol: 'rtmp', url: 'rtmp://127.0.0.1/{app}/{stream}', server: 'rtmp://127.0.0.1/live' },
  ])
  assert.deepEqual(access, { name: 'local', role: 'admin', permissions: ['view', 'record', 'publish', 'manage'] })
})
