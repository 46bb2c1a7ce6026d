import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { ManifestStore } from '#storage/manifests.ts'
import type { GapDocument, LedgerTrackDocument } from '#storage/recording-document.ts'
import { CONTAINERS } from '#test/support/containers.ts'
import { recordingSample } from '#test/support/recording-sample.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { runCommandLine } from './run.ts'

/** Runs a command line with nothing of this process but its network. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const out: string[] = []
  const notes: string[] = []
  const exitCode = await runCommandLine(args, {
    env,
    cwd: tmpdir(),
    facades: [],
    print: (line) => out.push(line),
    note: (line) => notes.push(line),
    progress: undefined,
    startServer: () => assert.fail('this command starts no server'),
    containers: () => Promise.resolve(CONTAINERS),
    onInterrupt: () => ({ [Symbol.dispose]() {} }),
  })
  return { exitCode, out: out.join('\n'), notes: notes.join('\n') }
}

/** An HTTP server that answers every request from a table and remembers what it was asked. */
async function withApi(
  answers: Readonly<Record<string, { status?: number; body: object }>>,
  use: (env: Record<string, string>, asked: string[]) => Promise<void>,
) {
  const asked: string[] = []
  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const text of request.setEncoding('utf8')) body += text
    asked.push([request.method, request.url, request.headers.authorization ?? '', body].join(' ').trim())
    const answer = answers[`${request.method} ${request.url}`]
    response.writeHead(answer?.status ?? (answer === undefined ? 404 : 200), { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer?.body ?? { code: 'recording/not-found', detail: 'no such recording' }))
  }
  const server = createServer((request, response) => void answerTo(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  try {
    await use({ TAPEDECK_SERVER: `http://127.0.0.1:${address.port}/` }, asked)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const RECORDING = {
  id: '01jd0000000000000000000000',
  node: 'node-1',
  stream: 'live/cam1',
  state: 'ready',
  format: 'mp4',
  rule: null,
  startedAt: '2026-11-20T07:00:00.000Z',
  endedAt: '2026-11-20T08:02:03.000Z',
  requestedAt: '2026-11-20T07:00:00.000Z',
  durationMs: 3_723_000,
  bytes: 1_500_000_000,
  parts: [],
  ledger: {
    tracks: [{ trackId: 1, kind: 'video', codec: 'h264', received: 10, written: 8, lost: 2 }],
    gaps: [
      {
        track: 1,
        fromMs: 1000,
        toMs: 2000,
        missingMs: 1040,
        accessUnits: 2,
        packets: 0,
        cause: 'disk',
        at: '2026-11-20T07:00:02.000Z',
      },
    ],
  },
  metadata: { room: 'a' },
  held: true,
  error: null,
}

test('list prints a line per recording and where the next page is', async () => {
  const body = { recordings: [RECORDING], nextCursor: 'abc' }
  await withApi({ 'GET /api/v1/recordings?limit=100&state=ready': { body } }, async (env) => {
    const { exitCode, out, notes } = await run(['list', '--state', 'ready'], env)
    assert.equal(exitCode, 0)
    assert.match(out, /01jd0{22} {2}ready {2}live\/cam1 .* 1:02:03 {2}1\.40 GiB {2}1 gap, 2 access units lost$/)
    assert.equal(notes, 'more: --cursor abc')
  })
})

test('show prints all about a recording, or the answer as it is', async () => {
  await withApi({ [`GET /api/v1/recordings/${RECORDING.id}`]: { body: RECORDING } }, async (env) => {
    const { out } = await run(['show', RECORDING.id], env)
    assert.match(out, /gap +0:01 to 0:02, track 1, disk, 2 access units, 1.0 s missing/)
    assert.match(out, /metadata {2}room=a/)
    const json = await run(['show', RECORDING.id, '--json'], env)
    assert.deepEqual(JSON.parse(json.out), RECORDING)
  })
})

test('start sends the request that its options describe, with the token', async () => {
  await withApi({ 'POST /api/v1/recordings': { status: 201, body: RECORDING } }, async (env, asked) => {
    const options = ['--format', 'ts', '--rotate-bytes', '1GiB', '--no-audio', '--metadata', 'a=b', '--wait']
    options.push('--rotate-at', '0 * * * *', '--rotate-cut', 'exact', '--path', 'a/b', '--pre-roll-seconds', '5')
    const { exitCode, out } = await run(['start', 'live/cam1', ...options, '--token', 'secret'], env)
    assert.equal(exitCode, 0)
    assert.equal(out, RECORDING.id)
    const expected = {
      stream: 'live/cam1',
      format: 'ts',
      rotate: { bytes: 1024 ** 3, at: '0 * * * *', cut: 'exact' },
      tracks: { audio: false, video: true },
      metadata: { a: 'b' },
      path: 'a/b',
      preRollSeconds: 5,
      waitForStream: true,
    }
    assert.deepEqual(asked, [`POST /api/v1/recordings Bearer secret ${JSON.stringify(expected)}`])
  })
})

test('stop and rm name the recording', async () => {
  const path = `/api/v1/recordings/${RECORDING.id}`
  await withApi(
    { [`POST ${path}/stop`]: { body: RECORDING }, [`DELETE ${path}`]: { body: {} } },
    async (env, asked) => {
      assert.equal((await run(['stop', RECORDING.id], env)).exitCode, 0)
      assert.equal((await run(['rm', RECORDING.id], env)).out, `${RECORDING.id} deleted`)
      assert.deepEqual(asked, [`POST ${path}/stop`, `DELETE ${path}`])
    },
  )
})

const EXIT_CODES: readonly {
  name: string
  args: string[]
  env?: Record<string, string>
  exitCode: number
  says: RegExp
}[] = [
  { name: 'no command', args: [], exitCode: 2, says: /Usage: tapedeck/ },
  { name: 'unknown command', args: ['lst'], exitCode: 2, says: /Did you mean list/ },
  { name: 'missing argument', args: ['stop'], exitCode: 2, says: /missing required argument/ },
  { name: 'bad option value', args: ['start', 'a', '--max-seconds', 'x'], exitCode: 2, says: /whole number/ },
  { name: 'bad configuration', args: ['config', '--set', 'log.level=loud'], exitCode: 2, says: /\[config\/invalid\]/ },
  { name: 'open to strangers', args: ['serve', '--rtmp-listen', '0.0.0.0'], exitCode: 2, says: /publish: key/ },
  { name: 'file not there', args: ['inspect', 'none.mp4'], exitCode: 3, says: /\[cli\/file-not-found\]/ },
  { name: 'target of no known format', args: ['record', 'x', 'y.avi'], exitCode: 2, says: /must end in \.mp4/ },
  { name: 'no server', args: ['list', '--server', 'http://127.0.0.1:1'], exitCode: 5, says: /tapedeck serve/ },
]
for (const { name, args, env, exitCode, says } of EXIT_CODES) {
  test(`exit code ${exitCode}: ${name}`, async () => {
    const result = await run(args, env)
    assert.equal(result.exitCode, exitCode)
    assert.match(result.notes, says)
  })
}

const REFUSALS = [
  { status: 401, exitCode: 6, says: /TAPEDECK_TOKEN/ },
  { status: 403, exitCode: 6, says: /because/ },
  { status: 404, exitCode: 3, says: /because/ },
  { status: 409, exitCode: 1, says: /\[recording\/busy\] because/ },
] as const
for (const { status, exitCode, says } of REFUSALS) {
  test(`exit code ${exitCode}: the server answers ${status}`, async () => {
    const body = { code: 'recording/busy', detail: 'because' }
    await withApi({ 'GET /api/v1/recordings/x': { status, body } }, async (env) => {
      const result = await run(['show', 'x', '--json'], env)
      assert.equal(result.exitCode, exitCode)
      const { error } = JSON.parse(result.notes)
      assert.match(`[${error.code}] ${error.message}`, says)
    })
  })
}

test('config shows values and origins but no secret', async () => {
  const token = '0123456789abcdef0123'
  const env = {
    TAPEDECK_AUTH_TOKENS: `[{ name: a, role: admin, token: ${token} }]`,
    TAPEDECK_AUTH_PUBLISH: '{ http: "https://me:hunter2@example.org/may" }',
  }
  const { exitCode, out } = await run(['config', '--log-level', 'debug'], env)
  assert.equal(exitCode, 0)
  assert.match(out, /log\.level +"debug" +--log-level/)
  assert.match(out, /auth\.tokens .*TAPEDECK_AUTH_TOKENS/)
  assert.doesNotMatch(out, new RegExp(`${token}|hunter2`))
})

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(await run(['--version']), { exitCode: 0, out: version, notes: '' })
})

test('a folder is not a file', async () => {
  const { exitCode, notes } = await run(['inspect', '.'])
  assert.equal(exitCode, 3)
  assert.match(notes, /is not a file/)
})

test('verify does not say that nothing is missing when the ledger has gaps', async () => {
  await using folder = await TempFolder.make()
  const gap: GapDocument = {
    track: 1,
    fromMs: 0,
    toMs: 200,
    missingMs: 200,
    accessUnits: 5,
    packets: 0,
    cause: 'disk',
    at: '2026-11-20T07:00:02Z',
  }
  const track: LedgerTrackDocument = { trackId: 1, kind: 'video', codec: 'h264', received: 5, written: 0, lost: 5 }
  const ledger = { tracks: [track], gaps: [gap] }
  const recording = recordingSample({ state: 'failed', parts: [], ledger })
  await new ManifestStore(folder.at('manifests'), 'process').save(recording)
  const env = { TAPEDECK_DATA: folder.path }
  const { exitCode, out } = await run(['verify', recording.id], env)
  assert.match(out, /as its ledger says: 1 gap, 5 access units lost/)
  assert.equal(exitCode, 0)
})
