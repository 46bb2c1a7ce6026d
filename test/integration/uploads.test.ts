import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { ffprobe, joinedHashes, remuxWithFfmpeg } from '#test/support/outside-judges.ts'
import { assertSameTimes, judgedFile } from '#test/support/packet-judge.ts'
import { assertVerified } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const WAIT_MS = 60_000
const TOKENS = [
  { name: 'desk', token: 'desk-token-desk-token', role: 'record', match: 'desk/**' },
  { name: 'eyes', token: 'eyes-token-eyes-token', role: 'play', match: '**' },
]

let folder: TempFolder
let server: ServerProcess
let h264: string
let vp8: string

before(async () => {
  folder = await TempFolder.make()
  const size = '160x90'
  h264 = (await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 3, size, encoding: ['-bf', '2'] })).path
  vp8 = (await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 3, size })).path
  server = await startServerProcess(folder.path, { env: { TAPEDECK_LIMITS_UPLOAD_BYTES: '8MiB' } })
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

function uploadUrl(to: Pick<ServerProcess, 'page'>, query: Record<string, string>): URL {
  return new URL(`api/v1/uploads?${new URLSearchParams(query)}`, to.page)
}

async function upload(path: string, query: Record<string, string>): Promise<RecordingDocument> {
  const answer = await fetch(uploadUrl(server, query), { method: 'POST', body: await readFile(path) })
  const text = await answer.text()
  assert.equal(answer.status, 201, text)
  const recording: RecordingDocument = JSON.parse(text)
  assert.equal(answer.headers.get('location'), `/api/v1/recordings/${recording.id}`)
  return recording
}

async function refusal(body: string | Uint8Array<ArrayBuffer>, query: Record<string, string>) {
  const answer = await fetch(uploadUrl(server, query), { method: 'POST', body })
  const { code }: { code: string } = JSON.parse(await answer.text())
  return { status: answer.status, code }
}

/** What the server says to a request that does not come to its end. */
async function answered(options: RequestOptions, send: (sending: ClientRequest) => void) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sending = request(uploadUrl(server, { stream: 'desk/large' }), { method: 'POST', ...options }, resolve)
  sending.on('error', reject)
  send(sending)
  const answer = await promise
  const body = await text(answer)
  sending.destroy()
  return { status: answer.statusCode, body }
}

/** Everything in the roots, hidden folders too. */
async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

async function until(what: string, isIt: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MS
  while (!(await isIt())) {
    if (performance.now() > endMs) throw new Error(`not ${what}`)
    await sleep(20)
  }
}

for (const { extension, format } of [
  { extension: 'mp4', format: 'mp4' },
  { extension: 'mkv', format: 'mp4' },
  { extension: 'flv', format: 'mp4' },
  { extension: 'webm', format: 'webm' },
] as const) {
  test(`an uploaded .${extension} is a recording in ${format}, bit for bit`, async () => {
    const source = folder.at(`source.${extension}`)
    await remuxWithFfmpeg(extension === 'webm' ? vp8 : h264, source)
    const { id } = await upload(source, { stream: 'desk/clips', name: `of a .${extension}.pretended` })
    const recording = await new ApiClient(server).untilProved(id)
    const [part] = recording.parts
    assert.equal(recording.state, 'ready')
    assert.equal(recording.format, format)
    assert.equal(recording.metadata['origin'], 'upload')
    assert.equal(recording.rule, null)
    assert.equal(part?.path, `desk/clips/of a .${extension}.pretended.${format}`)
    const path = folder.at('recordings', part?.path ?? '')
    assert.deepEqual(await joinedHashes([path]), await joinedHashes([source]))
    const { packets } = await ffprobe(source)
    const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source, 'bare')]
    const timesOf = ({ tracks }: typeof got) => tracks.map((track) => track.packets)
    assertSameTimes(timesOf(got), timesOf(sent), path, 1)
    const { tracks, gaps } = recording.ledger
    assert.equal(
      tracks.reduce((sum, { received }) => sum + received, 0),
      packets.length,
    )
    assert.deepEqual(
      tracks.map(({ received, written, lost }) => [received - written, lost]),
      [
        [0, 0],
        [0, 0],
      ],
    )
    assert.deepEqual(gaps, [])
    assert.ok(Math.abs(recording.durationMs - 3_000) < 150, `lasts ${recording.durationMs} ms`)
    await assertVerified(folder.path, recording)
    const poster = await fetch(new URL(`api/v1/recordings/${id}/poster.jpg`, server.page))
    assert.equal(poster.headers.get('content-type'), 'image/jpeg')
    await poster.arrayBuffer()
    const deleted = await fetch(new URL(`api/v1/recordings/${id}`, server.page), { method: 'DELETE' })
    assert.equal(deleted.status, 204)
    await assert.rejects(stat(path), { code: 'ENOENT' })
  })
}

test('without a name the template is followed, by the time that was given', async () => {
  const startedAt = '2020-02-03T04:05:06.000Z'
  const recording = await upload(h264, { stream: 'desk/dated', startedAt })
  assert.equal(recording.startedAt, startedAt)
  assert.match(recording.parts[0]?.path ?? '', /^desk\/dated\/2020-02-0[234]-\d\d-\d\d-\d\d\.mp4$/)
})

test('a name that is taken gets a number', async () => {
  const paths: (string | undefined)[] = []
  for (let i = 0; i < 3; i++) paths.push((await upload(h264, { stream: 'desk/twice', name: 'x' })).parts[0]?.path)
  assert.deepEqual(paths, ['desk/twice/x.mp4', 'desk/twice/x_v2.mp4', 'desk/twice/x_v3.mp4'])
})

test('a hostile name is refused, or made safe, and leads nowhere', async () => {
  const before = new Set(await filesOf(folder.path))
  for (const name of ['../../up', '/etc/up', 'a/../../../up', '..', 'a\0b']) {
    assert.deepEqual(await refusal('x', { stream: 'desk/bad', name }), {
      status: 400,
      code: 'recorder/request-invalid',
    })
  }
  for (const name of ['.hidden', 'CON', 'a\\..\\b', '{stream}', '%2e%2e%2fx', 'ü'.repeat(500), '‮gpj.exe']) {
    await upload(h264, { stream: 'desk/bad', name })
  }
  const made = (await filesOf(folder.path)).filter((path) => !before.has(path) && !path.includes('/data/'))
  assert.equal(made.length, 7)
  const root = folder.at('recordings', 'desk', 'bad')
  for (const path of made) {
    assert.ok(path.startsWith(`${root}/`), path)
    assert.ok(
      !path
        .slice(root.length)
        .split('/')
        .some((component) => component.startsWith('.')),
      path,
    )
  }
})

test('what is no media leaves nothing behind', async () => {
  const before = await filesOf(folder.at('recordings'))
  const truncated = (await readFile(h264)).subarray(0, 2_000)
  for (const [what, body] of [
    ['text', 'hello '.repeat(1_000)],
    ['nothing', ''],
    ['noise', crypto.getRandomValues(new Uint8Array(60_000))],
    ['a playlist', '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'],
    ['a list of files', "ffconcat version 1.0\nfile '/etc/passwd'\n"],
    ['an MP4 without its index', Uint8Array.from(truncated)],
  ] as const) {
    const { status, code } = await refusal(body, { stream: 'desk/none' })
    assert.equal(status, 415, what)
    assert.match(code, /^upload\/not(-media|hing-usable)$/, what)
  }
  assert.deepEqual(await filesOf(folder.at('recordings')), before)
})

test('what is too large is refused before it is read, or when it turns out to be', async () => {
  const before = await filesOf(folder.at('recordings'))
  const told = { 'content-length': 9 * 1024 * 1024 }
  // Nothing is sent: a connection that is closed over what nobody reads may lose the answer.
  const refused = await answered({ headers: told }, (sending) => sending.flushHeaders())
  assert.equal(refused.status, 413)
  assert.equal((JSON.parse(refused.body) as { code: string }).code, 'upload/too-large')
  const { status } = await answered({ headers: { 'transfer-encoding': 'chunked' } }, (sending) => {
    sending.write(new Uint8Array(8 * 1024 * 1024 + 1))
  })
  assert.equal(status, 413)
  assert.deepEqual(await filesOf(folder.at('recordings')), before)
})

test('an upload whose sender goes away leaves nothing behind', async () => {
  const before = await filesOf(folder.at('recordings'))
  const sending = request(uploadUrl(server, { stream: 'desk/half' }), { method: 'POST' })
  sending.on('error', () => {})
  sending.setHeader('content-length', 1_000_000)
  sending.write(new Uint8Array(500_000))
  await until('begun', async () => (await filesOf(folder.at('recordings'))).length > before.length)
  sending.destroy()
  await until('tidied', async () => (await filesOf(folder.at('recordings'))).length === before.length)
})

test('a server killed in the middle of an upload leaves nothing of it after its next start', async () => {
  await using own = await TempFolder.make()
  const first = await startServerProcess(own.path)
  const sending = request(uploadUrl(first, { stream: 'desk/killed' }), { method: 'POST' })
  sending.on('error', () => {})
  sending.setHeader('content-length', 1_000_000)
  sending.write(new Uint8Array(500_000))
  const root = own.at('recordings')
  await until('begun', async () => (await filesOf(root).catch(() => [])).length > 0)
  await first.kill()
  assert.equal((await filesOf(root)).length, 1)
  // What somebody keeps there himself lies not in the folder of uploads.
  await writeFile(join(root, 'mine.txt'), 'mine')
  await using second = await startServerProcess(own.path)
  await until('tidied', async () => (await filesOf(root)).length === 1)
  assert.deepEqual(await filesOf(root), [join(root, 'mine.txt')])
  assert.deepEqual(await new ApiClient(second).recordings(), [])
})

test('a server killed while it takes an upload over leaves nothing of it after its next start', async () => {
  await using own = await TempFolder.make()
  const first = await startServerProcess(own.path)
  const answer = fetch(uploadUrl(first, { stream: 'desk/killed' }), { method: 'POST', body: await readFile(h264) })
  const failed = assert.rejects(answer)
  const root = own.at('recordings')
  await until('taken over', async () => (await filesOf(root).catch(() => [])).length === 2)
  await first.kill()
  await failed
  await using second = await startServerProcess(own.path)
  const api = new ApiClient(second)
  // Had it got as far as its name before the kill, it would be a recording, whole.
  await until('settled', async () => {
    const recordings = await api.recordings()
    return (
      (await filesOf(root)).length === recordings.length &&
      recordings.every(({ state, parts }) => state === 'ready' && parts[0]?.path.startsWith('desk/killed/') === true)
    )
  })
})

test('uploading takes the role record, for the stream', async () => {
  await using own = await TempFolder.make()
  await writeFile(own.at('tapedeck.yaml'), JSON.stringify({ auth: { tokens: TOKENS } }))
  await using guarded = await startServerProcess(own.path)
  const body = await readFile(h264)
  const status = async (stream: string, token?: string): Promise<number> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(uploadUrl(guarded, { stream }), { method: 'POST', body, headers })
    await answer.text()
    return answer.status
  }
  assert.equal(await status('desk/x'), 401)
  assert.equal(await status('desk/x', 'eyes-token-eyes-token'), 403)
  assert.equal(await status('elsewhere/x', 'desk-token-desk-token'), 403)
  assert.equal(await status('desk/x', 'desk-token-desk-token'), 201)
})
