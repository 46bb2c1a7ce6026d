import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { apiFixture } from '#test/support/api-fixture.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { PosterUnavailableError } from './errors.ts'

const run = promisify(execFile)

/** A tiny file made by ffmpeg from these arguments. */
async function media(folder: TempFolder, name: string, args: readonly string[]): Promise<Uint8Array> {
  await run('ffmpeg', ['-v', 'error', '-y', ...args, folder.at(name)])
  return readFile(folder.at(name))
}

const PICTURE = [
  '-f',
  'lavfi',
  '-i',
  'testsrc2=size=800x600:rate=5:duration=1',
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
]
const FRAGMENTED = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-g', '1']

test('a poster is the first picture, at most 640 pixels wide, and is kept', async () => {
  await using folder = await TempFolder.make()
  await using fixture = await apiFixture()
  const { id } = await fixture.recorder.add({}, await media(folder, 'a.mp4', PICTURE))
  const answer = await fixture.request({ url: `/api/v1/recordings/${id}/poster.jpg` })
  assert.equal(answer.statusCode, 200, answer.body)
  assert.equal(answer.headers['content-type'], 'image/jpeg')
  const kept = fixture.folder.at('data', 'posters', `${id}.jpg`)
  const { streams } = await ffprobe(kept)
  assert.deepEqual(
    streams.map(({ width, height }) => [width, height]),
    [[640, 480]],
  )
  assert.equal((await readFile(kept)).equals(answer.rawPayload), true)
  await fixture.recorder.remove(id)
  while (existsSync(kept)) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('a recording in progress has one too, in square pixels, made once for all who ask', async () => {
  await using folder = await TempFolder.make()
  await using fixture = await apiFixture()
  const whole = await media(folder, 'a.mp4', [...PICTURE, '-vf', 'scale=160:120,setsar=2', ...FRAGMENTED])
  const torn = whole.subarray(0, whole.length - 700)
  const { id } = await fixture.recorder.add({ state: 'recording' }, torn)
  const pictures = await Promise.all([1, 2, 3].map(() => fixture.control.posters.get(id)))
  assert.ok(pictures.every((picture) => Buffer.compare(picture, pictures[0] ?? picture) === 0))
  const { streams } = await ffprobe(fixture.folder.at('data', 'posters', `${id}.jpg`))
  assert.deepEqual(
    streams.map(({ width, height }) => [width, height]),
    [[320, 120]],
  )
})

const WITHOUT_PICTURE = [
  {
    name: 'noise',
    reason: /Invalid data|open input/,
    make: async () => Buffer.from('not a film at all, '.repeat(100)),
  },
  { name: 'nothing', reason: /Invalid data|open input/, make: async () => Buffer.alloc(0) },
  {
    name: 'sound',
    reason: /no video/,
    make: (folder: TempFolder) => media(folder, 'a.mp4', ['-f', 'lavfi', '-i', 'sine=duration=1', '-c:a', 'aac']),
  },
]
for (const { name, reason, make } of WITHOUT_PICTURE) {
  test(`${name} has no poster, which is remembered for a while`, async () => {
    await using folder = await TempFolder.make()
    await using fixture = await apiFixture()
    const { id } = await fixture.recorder.add({}, await make(folder))
    await assert.rejects(
      fixture.control.posters.get(id),
      (error) => error instanceof PosterUnavailableError && reason.test(error.reason),
    )
    const answer = await fixture.request({ url: `/api/v1/recordings/${id}/poster.jpg` })
    assert.equal(answer.statusCode, 404)
    assert.equal(answer.json().code, 'poster/unavailable')
  })
}

test('closing ends the decoder in progress', async () => {
  await using folder = await TempFolder.make()
  const fixture = await apiFixture()
  const { id } = await fixture.recorder.add({}, await media(folder, 'a.mp4', PICTURE))
  const poster = fixture.control.posters.get(id)
  const outcome = poster.then(
    () => 'made',
    (error: unknown) => error,
  )
  await new Promise((resolve) => setTimeout(resolve, 20))
  await fixture[Symbol.asyncDispose]()
  const ended = await outcome
  assert.ok(ended === 'made' || ended instanceof PosterUnavailableError || isGone(ended), String(ended))
})

/** The test's folder went away with the fixture before the picture was read. */
function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
