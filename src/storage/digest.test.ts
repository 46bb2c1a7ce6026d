import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { digestFile } from './digest.ts'
import { type DigestJob, DigestQueue } from './digest-queue.ts'

const bytes = Buffer.alloc(700_000, 'tape')
const sha256 = createHash('sha256').update(bytes).digest('hex')

test('a file is hashed, and the hashing can be called off', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('a'), bytes)
  const running = new AbortController()
  assert.equal(await digestFile(folder.at('a'), { signal: running.signal, bytesPerSecond: Infinity }), sha256)
  const slow = digestFile(folder.at('a'), { signal: running.signal, bytesPerSecond: 1000 })
  running.abort(new Error('called off'))
  await assert.rejects(slow, /called off/)
  await assert.rejects(digestFile(folder.at('b'), { signal: new AbortController().signal, bytesPerSecond: Infinity }), {
    code: 'storage/vanished',
  })
})

test('finished parts are hashed one after the other; cancelled and vanished ones are left out', async () => {
  await using folder = await TempFolder.make()
  const done: string[] = []
  const finished = Promise.withResolvers<void>()
  await using queue = new DigestQueue({
    bytesPerSecond: Infinity,
    log: SILENT_LOGGER,
    onDigest: (job, digest) => {
      done.push(`${job.recordingId} ${job.partIndex} ${digest === sha256}`)
      if (job.recordingId === 'last') finished.resolve()
    },
  })
  const job = (recordingId: string, partIndex = 1): DigestJob => ({
    recordingId,
    partIndex,
    path: folder.at(recordingId),
  })
  for (const name of ['a', 'b', 'last']) await writeFile(folder.at(name), bytes)
  for (const next of [job('a'), job('b'), job('b', 2), job('gone'), job('a', 2), job('last')]) queue.add(next)
  assert.equal(queue.length, 6)
  queue.cancel('b')
  await finished.promise
  assert.deepEqual(done, ['a 1 true', 'a 2 true', 'last 1 true'])
})

test('closing ends the hash under way and forgets the rest', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('a'), bytes)
  const done: string[] = []
  const queue = new DigestQueue({
    bytesPerSecond: 10,
    log: SILENT_LOGGER,
    onDigest: ({ recordingId }) => done.push(recordingId),
  })
  queue.add({ recordingId: 'a', partIndex: 1, path: folder.at('a') })
  queue.add({ recordingId: 'b', partIndex: 1, path: folder.at('a') })
  await new Promise((resolve) => setTimeout(resolve, 20))
  await queue[Symbol.asyncDispose]()
  queue.add({ recordingId: 'c', partIndex: 1, path: folder.at('a') })
  assert.equal(queue.length, 0)
  assert.deepEqual(done, [])
})
