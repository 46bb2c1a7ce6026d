import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { PassThrough, Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '#base/runtime.ts'
import { BelowFloorError } from '#storage/errors.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { MemoryRecorder } from '#test/support/memory-recorder.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { TooManyUploadsError, UploadBrokenOffError, UploadsClosedError, UploadTooLargeError } from './errors.ts'
import { Uploads, type UploadsOptions } from './uploads.ts'

let folder: TempFolder
let media: Uint8Array
before(async () => {
  folder = await TempFolder.make()
  media = await readFile((await makeSource(folder, { video: 'h264', seconds: 1, size: '160x90' })).path)
})
after(() => folder[Symbol.asyncDispose]())

let ids = 0
async function makeUploads(options: Partial<UploadsOptions> = {}) {
  const root = folder.at(`root-${++ids}`)
  const recorder = new MemoryRecorder(root)
  const uploads = new Uploads({
    runtime: { nowMs: Date.now, monotonicMs: () => performance.now(), newId: () => `id${++ids}`, log: SILENT_LOGGER },
    recorder,
    catalog: { findByPart: async () => [] },
    roots: [root],
    refusal: () => undefined,
    maxBytes: 1024 * 1024,
    maxUploads: 1,
    fragmentMs: 900,
    mp4IndexBytes: 64 * 1024,
    ...options,
  })
  return { uploads, left: () => readdir(root, { recursive: true }) }
}

const REQUEST = { stream: 'live/x' }

test('a disk at its floor takes no upload, and breaks off one under way', async () => {
  let isFull = true
  const refusal = (root: string) => (isFull ? new BelowFloorError(root, 1, 2) : undefined)
  const { uploads, left } = await makeUploads({ refusal })
  await assert.rejects(uploads.upload(REQUEST, Readable.from([media])), BelowFloorError)
  isFull = false
  const body = new PassThrough()
  const broken = assert.rejects(uploads.upload(REQUEST, body), BelowFloorError)
  body.write(media.subarray(0, 1_000))
  while ((await left().catch(() => [])).length < 2) await sleep(5)
  isFull = true
  body.write(media.subarray(1_000, 2_000))
  await broken
  assert.deepEqual(await left(), ['.uploads'])
})

test('a sender that falls silent is not waited for', async () => {
  const { uploads, left } = await makeUploads({ idleMs: 50 })
  const body = new PassThrough()
  body.write(media.subarray(0, 1_000))
  await assert.rejects(uploads.upload(REQUEST, body), (error: unknown) => {
    assert.ok(error instanceof UploadBrokenOffError)
    assert.equal(error.receivedBytes, 1_000)
    return true
  })
  assert.deepEqual(await left(), ['.uploads'])
})

test('no more than the limit come at a time, and none when it ends', async () => {
  const { uploads, left } = await makeUploads()
  const body = new PassThrough()
  const first = uploads.upload(REQUEST, body)
  const broken = assert.rejects(first, UploadsClosedError)
  await assert.rejects(uploads.upload(REQUEST, Readable.from([media])), TooManyUploadsError)
  body.write(media.subarray(0, 1_000))
  await uploads[Symbol.asyncDispose]()
  await broken
  await assert.rejects(uploads.upload(REQUEST, Readable.from([media])), UploadsClosedError)
  assert.deepEqual(await left(), ['.uploads'])
})

test('what is too large is told by its announced length, or when it is', async () => {
  const { uploads } = await makeUploads({ maxBytes: 1_000 })
  const announced = { ...REQUEST, expectedBytes: 1_001 }
  await assert.rejects(uploads.upload(announced, Readable.from([media])), UploadTooLargeError)
  await assert.rejects(uploads.upload(REQUEST, Readable.from([media])), UploadTooLargeError)
})
