import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { selfSign } from '#base/tls/self-signed.ts'
import type { PullDocument } from '#control/pull-document.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource, type SourceOptions } from '#test/support/elementary-source.ts'
import { ffprobe, joinedHashes } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, assertSameTimes, type JudgedFile, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { assertBalanced, assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { recordingOf, untilPull } from '#test/support/server-state.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** What FFmpeg serves over HTTP, SRT and UDP, and files: pulled and recorded exactly. */

const WAIT_MS = 60_000
/** FLV's clock has milliseconds; all others are exact, but for the judge's own rounding. */
const ROUNDING_MS = 1.01

/** Framing that MPEG-TS adds. */
const BARE: Readonly<Record<string, readonly string[]>> = {
  h264: ['-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=6-9'],
  h265: ['-bsf:v', 'hevc_mp4toannexb,filter_units=remove_types=32-35|39'],
}

type Codecs = Required<Pick<SourceOptions, 'video' | 'audio'>>

/** A server that records whatever it pulls. */
async function recorder(folder: TempFolder, config: object = {}, env: Record<string, string> = {}) {
  await writeFile(
    folder.at('tapedeck.yaml'),
    JSON.stringify({ rules: [{ match: '**', request: { audio: { codec: 'copy' } } }], ...config }),
  )
  return await startServerProcess(folder.path, {
    env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0', TAPEDECK_RTSP_LISTEN: '', ...env },
  })
}

async function ask(
  server: ServerProcess,
  spec: object,
): Promise<{ status: number; body: PullDocument & { code: string } }> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  })
  return { status: response.status, body: (await response.json()) as PullDocument & { code: string } }
}

async function pull(server: ServerProcess, spec: object): Promise<PullDocument> {
  const { status, body } = await ask(server, spec)
  assert.equal(status, 201, JSON.stringify(body))
  return body
}

/** One part that holds all of the source: every access unit, in order, at its time. */
async function assertWhole(recording: RecordingDocument, source: string, codecs: Codecs): Promise<void> {
  const { stream } = recording
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source, 'bare')]
  const counts = ({ tracks }: JudgedFile) => tracks.map(({ kind, packets }) => [kind, packets.length])
  assert.deepEqual(counts(got), counts(sent), stream)
  assertPlaysAlone(got, path)
  const packets = ({ tracks }: JudgedFile) => tracks.map((track) => track.packets)
  assertSameTimes(packets(got), packets(sent), stream, ROUNDING_MS)
  const filters = BARE[codecs.video] ?? []
  const unwrapped = source.endsWith('.ts') && codecs.audio === 'aac' ? ['-bsf:a', 'aac_adtstoasc'] : []
  assert.deepEqual(
    await joinedHashes([path], filters),
    await joinedHashes([source], [...filters, ...unwrapped]),
    stream,
  )
  assert.equal((await ffprobe(path)).streams.length, 2)
  assertBalanced(
    recording,
    got.tracks.map((track) => track.packets.length),
  )
  assert.deepEqual(recording.ledger.gaps, [])
}

/** Serves a folder's files, with ranges, as any web server does. */
class WebFolder implements AsyncDisposable {
  readonly base: string
  readonly requests: string[] = []
  readonly #server: Server

  private constructor(server: Server, scheme: string, requests: string[]) {
    this.#server = server
    this.requests = requests
    this.base = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async open(folder: string, tls?: { cert: string; key: string }): Promise<WebFolder> {
    const requests: string[] = []
    const answer = async (
      request: import('node:http').IncomingMessage,
      response: import('node:http').ServerResponse,
    ) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://here')
      requests.push(
        `${request.headers.authorization ?? ''} ${pathname}${searchParams.size > 0 ? '?' : ''}${searchParams}`,
      )
      const path = join(folder, normalize(decodeURIComponent(pathname)))
      const size = await stat(path).then(
        (found) => found.size,
        () => undefined,
      )
      if (size === undefined) return response.writeHead(404).end()
      if (pathname.startsWith('/private/') && request.headers.authorization === undefined) {
        return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      }
      const [, from = ''] = /^bytes=(\d+)-/.exec(request.headers.range ?? '') ?? []
      const start = Number(from)
      const range = { 'content-range': `bytes ${start}-${size - 1}/${size}` }
      const headers = { 'accept-ranges': 'bytes', 'content-length': size - start, ...(from === '' ? {} : range) }
      response.writeHead(from === '' ? 200 : 206, headers)
      const stream = createReadStream(path, { start })
      response.on('close', () => stream.destroy())
      return stream.pipe(response)
    }
    const listener = (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => {
      answer(request, response).catch(() => response.destroy())
    }
    const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new WebFolder(server, tls === undefined ? 'http' : 'https', requests)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A UDP port nobody uses now. */
async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

/** ffmpeg copies a file to somewhere. */
function copy(from: string, to: readonly string[], input: readonly string[] = ['-re']): Promise<unknown> {
  return program('ffmpeg', [
    '-v',
    'error',
    '-y',
    ...input,
    '-i',
    from,
    '-map',
    '0',
    '-c',
    'copy',
    '-strict',
    '-2',
    ...to,
  ])
}

/** A file that is all segments of a playlist, one after the other: with them as exact as they are. */
async function joinedSegments(playlist: string): Promise<string> {
  const text = await readFile(playlist, 'utf8')
  const names = [...text.matchAll(/URI="([^"]+)"|^([^#\s].*)$/gm)].map(([, map, segment]) => map ?? segment ?? '')
  const pieces = await Promise.all(names.map((name) => readFile(join(dirname(playlist), name))))
  const joined = `${playlist}.joined${names[0]?.endsWith('.ts') ? '.ts' : '.mp4'}`
  await writeFile(joined, Buffer.concat(pieces))
  return joined
}

const CASES: readonly { name: string; codecs: Codecs; file: string; to: readonly string[] }[] = [
  {
    name: 'HLS of MPEG-TS',
    codecs: { video: 'h264', audio: 'aac' },
    file: 'ts.m3u8',
    to: ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'],
  },
  {
    name: 'HLS of fragmented MP4',
    codecs: { video: 'h265', audio: 'aac' },
    file: 'fmp4.m3u8',
    to: ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', '-hls_segment_type', 'fmp4', '-tag:v', 'hvc1'],
  },
  { name: 'MPEG-TS', codecs: { video: 'h265', audio: 'ac3' }, file: 'a.ts', to: ['-f', 'mpegts'] },
  { name: 'MPEG-TS with Opus', codecs: { video: 'h264', audio: 'opus' }, file: 'opus.ts', to: ['-f', 'mpegts'] },
  { name: 'FLV', codecs: { video: 'h264', audio: 'mp3' }, file: 'a.flv', to: ['-f', 'flv'] },
  { name: 'MP4 with its index at the end', codecs: { video: 'av1', audio: 'opus' }, file: 'a.mp4', to: ['-f', 'mp4'] },
  { name: 'Matroska', codecs: { video: 'vp9', audio: 'flac' }, file: 'a.mkv', to: ['-f', 'matroska'] },
]

test('over HTTP, each container: every byte at its time', { timeout: 180_000 }, async () => {
  await using folder = await TempFolder.make()
  const site = folder.at('site')
  await mkdir(site)
  await using web = await WebFolder.open(site)
  await using server = await recorder(folder)
  const pulls = await Promise.all(
    CASES.map(async ({ codecs, file, to }, index) => {
      const { path } = await makeSource(folder, { seconds: 4, size: '160x90', ...codecs })
      await copy(path, [...to, join(site, file)], [])
      await pull(server, { path: `live/c${index}`, url: `${web.base}/${file}?token=hidden${index}`, keepAlive: false })
      // What the server has to record is what is served: containers differ in what they make of a source.
      return join(site, file)
    }),
  )
  for (const [index, { name, codecs, file }] of CASES.entries()) {
    const recording = await recordingOf(server, `live/c${index}`)
    const served = pulls[index] ?? ''
    const source = file.endsWith('.m3u8') ? await joinedSegments(served) : served
    await assertWhole(recording, source, codecs).catch((error: unknown) => {
      throw new Error(name, { cause: error })
    })
  }
  assert.ok(web.requests.some((request) => request.includes('token=hidden0')))
  assert.ok(!server.log.some((line) => line.includes('hidden')), 'no credential in the log')
  const [first] = await new ApiClient(server).recordings()
  await assertVerified(folder.path, first as RecordingDocument)
})

test('HLS over HTTPS: every byte; no segment from who can not prove who he is', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const site = folder.at('site')
  await mkdir(site)
  const trusted = selfSign(Date.now())
  const stranger = selfSign(Date.now())
  await writeFile(folder.at('trusted.pem'), trusted.certificate)
  await using web = await WebFolder.open(site, { cert: trusted.certificate, key: trusted.key })
  await using other = await WebFolder.open(site, { cert: stranger.certificate, key: stranger.key })
  const [base, otherBase] = [web.base, other.base].map((each) => each.replace('127.0.0.1', 'localhost'))
  const codecs = { video: 'h264', audio: 'aac' } as const
  const { path } = await makeSource(folder, { seconds: 4, size: '160x90', ...codecs })
  await copy(path, ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', join(site, 'live.m3u8')], [])
  const playlist = await readFile(join(site, 'live.m3u8'), 'utf8')
  await writeFile(join(site, 'own.m3u8'), playlist.replaceAll(/^live/gm, `${base}/live`))
  await writeFile(join(site, 'other.m3u8'), playlist.replaceAll(/^live/gm, `${otherBase}/live`))
  await using server = await recorder(folder, {}, { NODE_EXTRA_CA_CERTS: folder.at('trusted.pem') })
  await pull(server, { path: 'live/own', url: `${base}/own.m3u8`, keepAlive: false })
  await pull(server, { path: 'live/other', url: `${base}/other.m3u8` })
  const source = await joinedSegments(join(site, 'live.m3u8'))
  await assertWhole(await recordingOf(server, 'live/own'), source, codecs)
  const refused = await untilPull(server, ({ lastError, path }) => path === 'live/other' && lastError !== null)
  assert.equal(refused.lastError?.code, 'pull/connect-failed', refused.lastError?.message)
  assert.match(refused.lastError?.message ?? '', /certificate/)
  assert.equal(other.requests.length, 0)
})

test('SRT either way round, and UDP: every byte at its time', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const codecs = { video: 'h264', audio: 'aac' } as const
  const { path } = await makeSource(folder, { seconds: 4, size: '160x90', ...codecs })
  const source = folder.at('source.ts')
  await copy(path, [source], [])
  await using server = await recorder(folder, { pullIdleTimeoutMs: 3000 })
  const ports = [await freeUdpPort(), await freeUdpPort(), await freeUdpPort()]
  const [listening, calling, datagrams] = ports.map((port) => `127.0.0.1:${port}`)
  await pull(server, { path: 'live/listening', url: `srt://${listening}?mode=listener&passphrase=hidden-0123456789` })
  await pull(server, { path: 'live/datagrams', url: `udp://${datagrams}` })
  // Whoever is awaited is awaited for as long as it takes.
  await sleep(4000)
  const sending = [
    copy(source, ['-f', 'mpegts', `srt://${listening}?passphrase=hidden-0123456789&linger=5`]),
    copy(source, ['-f', 'mpegts', `srt://${calling}?mode=listener&linger=5`]),
    copy(source, ['-f', 'mpegts', `udp://${datagrams}?pkt_size=1316`]),
  ]
  // ffmpeg takes one call, and a busy machine needs longer than three seconds to make it.
  await using patientFolder = await TempFolder.make()
  await using patient = await recorder(patientFolder)
  await pull(patient, { path: 'live/calling', url: `srt://${calling}` })
  await Promise.all(sending)
  for (const stream of ['live/listening', 'live/datagrams']) {
    await assertWhole(await recordingOf(server, stream), source, codecs)
  }
  await assertWhole(await recordingOf(patient, 'live/calling'), source, codecs)
  const silent = await untilPull(server, ({ lastError, path }) => path === 'live/datagrams' && lastError !== null)
  assert.equal(silent.lastError?.code, 'pull/idle-timeout')
  const gone = await untilPull(server, ({ lastError, path }) => path === 'live/listening' && lastError !== null)
  assert.equal(gone.lastError?.code, 'pull/connection-lost')
  assert.ok(!server.log.some((line) => line.includes('hidden-')), 'no passphrase in the log')
})

test('UDP is waited for on one open port, far longer than silence is borne', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await recorder(folder, { pullIdleTimeoutMs: 1000 })
  await pull(server, { path: 'live/gate', url: `udp://127.0.0.1:${await freeUdpPort()}` })
  await untilPull(server, ({ attempts, path }) => path === 'live/gate' && attempts === 1)
  await sleep(5000)
  const { attempts, lastError } = await untilPull(
    server,
    ({ state, path }) => path === 'live/gate' && state === 'connecting',
  )
  assert.deepEqual([attempts, lastError], [1, null])
})

test('UDP that loses packets: what is recorded is whole, and the ledger has the rest', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  const { path } = await makeSource(folder, { seconds: 8, size: '320x180', video: 'h264', audio: 'aac' })
  const source = folder.at('source.ts')
  await copy(path, [source], [])
  await using server = await recorder(folder, { pullIdleTimeoutMs: 2000 })
  const port = await freeUdpPort()
  await pull(server, { path: 'live/gate', url: `udp://127.0.0.1:${port}` })
  await untilPull(server, ({ attempts, path }) => path === 'live/gate' && attempts === 1)
  await sleep(2000)
  const dropped = await sendWithGaps(await readFile(source), port, 4000)
  assert.ok(dropped > 10, `${dropped}`)
  const recording = await recordingOf(server, 'live/gate')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [file = ''] = partPaths(recording)
  const [got, sent] = [await judgedFile(file, 'bare'), await judgedFile(source, 'bare')]
  assertPlaysAlone(got, file)
  for (const [index, { kind, packets }] of got.tracks.entries()) {
    const known = new Set(sent.tracks[index]?.packets.map(({ hash }) => hash))
    assert.ok(packets.length > 20, `${kind}: ${packets.length}`)
    for (const { hash } of packets) assert.ok(known.has(hash), `${kind}: an access unit that was never sent`)
  }
  assertBalanced(
    recording,
    got.tracks.map(({ packets }) => packets.length),
  )
  assert.deepEqual([...new Set(recording.ledger.gaps.map(({ cause }) => cause))], ['network'])
  assert.ok((recording.ledger.tracks.find(({ kind }) => kind === 'video')?.lost ?? 0) > 0)
})

test('a reading process that is killed: the recording goes on, and the ledger has the gap', {
  timeout: 120_000,
}, async () => {
  await using folder = await TempFolder.make()
  const { path } = await makeSource(folder, { seconds: 20, size: '160x90', video: 'h264', audio: 'aac' })
  const rules = [{ match: '**', request: { reconnectSeconds: 20 } }]
  await using server = await recorder(folder, { rules, log: { level: 'debug' } })
  const url = `udp://127.0.0.1:${await freeUdpPort()}`
  await pull(server, { path: 'live/gate', url })
  await untilPull(server, ({ attempts, path }) => path === 'live/gate' && attempts === 1)
  await using _sender = new Sender(path, url)
  await untilPull(server, ({ state, path }) => path === 'live/gate' && state === 'streaming')
  await sleep(2000)
  process.kill(readerPid(server), 'SIGKILL')
  const waiting = await untilPull(server, ({ lastError, path }) => path === 'live/gate' && lastError !== null)
  assert.equal(waiting.lastError?.code, 'pull/reader-failed')
  await untilPull(server, ({ state, path }) => path === 'live/gate' && state === 'streaming')
  await sleep(2000)
  const api = new ApiClient(server)
  const [begun] = await api.recordings()
  assert.equal(begun?.state, 'recording')
  // One that has nothing to wait for any more is complete at once.
  await server.stop()
  await using after = await recorder(folder, { rules })
  const recording = await new ApiClient(after).untilProved(begun.id)
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  assert.deepEqual(
    [...new Set(recording.ledger.gaps.map(({ cause }) => cause))],
    ['publisher'],
    JSON.stringify(recording.ledger.gaps),
  )
  for (const file of partPaths(recording)) assertPlaysAlone(await judgedFile(file, 'as-is'), file)
  assertBalanced(recording, await packetCounts(recording))
})

test('a server that is killed takes its reading processes along', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const server = await recorder(folder, { log: { level: 'debug' } })
  await pull(server, { path: 'live/gate', url: `udp://127.0.0.1:${await freeUdpPort()}` })
  await untilPull(server, ({ attempts, path }) => path === 'live/gate' && attempts === 1)
  const pid = readerPid(server)
  await sleep(1000)
  await server.kill()
  const endsMs = performance.now() + WAIT_MS
  while (isAlive(pid)) {
    assert.ok(performance.now() < endsMs, 'it lives on')
    await sleep(50)
  }
})

test('files: in real time, only from allowed folders, wherever links lead', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await using elsewhere = await TempFolder.make()
  const codecs = { video: 'h264', audio: 'aac' } as const
  const outside = await makeSource(elsewhere, { seconds: 1, size: '160x90', ...codecs })
  const media = folder.at('media')
  await mkdir(media)
  const { path } = await makeSource(folder, { seconds: 6, size: '160x90', ...codecs })
  const film = join(media, 'a film.mp4')
  await copy(path, [film], [])
  await symlink(outside.path, join(media, 'link.mp4'))
  await writeFile(
    join(media, 'list.m3u8'),
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n${outside.path}\n#EXT-X-ENDLIST\n`,
  )
  await using server = await recorder(folder, { pullFolders: ['media'] })
  const startedMs = performance.now()
  await pull(server, { path: 'live/film', url: `file://${encodeURI(film)}`, keepAlive: false })
  await assertWhole(await recordingOf(server, 'live/film'), film, codecs)
  assert.ok(performance.now() - startedMs > 2500, 'six seconds, of which three may be ahead')

  const other = await ask(server, { path: 'live/other', url: `file://${outside.path}` })
  assert.equal(other.body.code, 'pull/file-forbidden')
  const up = await ask(server, { path: 'live/up', url: `file://${media}/../${outside.path}` })
  assert.equal(up.body.code, 'pull/file-forbidden')
  await pull(server, { path: 'live/link', url: `file://${media}/link.mp4` })
  const link = await untilPull(server, ({ lastError, path }) => path === 'live/link' && lastError !== null)
  assert.equal(link.lastError?.code, 'pull/file-forbidden')
  await pull(server, { path: 'live/list', url: `file://${media}/list.m3u8` })
  const list = await untilPull(server, ({ lastError, path }) => path === 'live/list' && lastError !== null)
  assert.equal(list.lastError?.code, 'pull/format-unknown')
})

test('what can not be pulled says why', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const site = folder.at('site')
  await mkdir(join(site, 'private'), { recursive: true })
  const { certificate, key } = selfSign(Date.now())
  await using web = await WebFolder.open(site)
  await using secure = await WebFolder.open(site, { cert: certificate, key })
  const { path } = await makeSource(folder, { seconds: 1, size: '160x90', video: 'h264', audio: 'aac' })
  await copy(path, [join(site, 'a.ts')], [])
  await copy(path, [join(site, 'private/a.flv')], [])
  await program('ffmpeg', ['-v', 'error', '-i', path, '-an', '-c:v', 'mpeg2video', join(site, 'old.ts')])
  await writeFile(join(site, 'page.html'), '<html>nothing to see</html>')
  const inside = join(site, 'a.ts')
  await writeFile(
    join(site, 'leak.m3u8'),
    `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\nfile://${inside}\n#EXT-X-ENDLIST\n`,
  )
  await using server = await recorder(folder)
  const nobody = await freeUdpPort()
  const CASES = [
    [`${web.base}/missing.m3u8`, 'pull/stream-not-found'],
    [`${web.base}/private/a.flv`, 'pull/refused'],
    [`${web.base}/page.html`, 'pull/format-unknown'],
    [`${web.base}/old.ts`, 'pull/nothing-playable'],
    [`${web.base}/leak.m3u8`, 'pull/format-unknown'],
    [`${secure.base}/a.ts`, 'pull/connect-failed'],
    [`http://127.0.0.1:${nobody}/a.ts`, 'pull/connect-failed'],
    [`srt://127.0.0.1:${nobody}`, 'pull/connect-failed'],
  ] as const
  for (const [index, [url]] of CASES.entries()) await pull(server, { path: `bad/${index}`, url })
  for (const [index, [url, code]] of CASES.entries()) {
    const { lastError } = await untilPull(server, (each) => each.path === `bad/${index}` && each.lastError !== null)
    assert.equal(lastError?.code, code, `${url}: ${lastError?.message}`)
  }
  const streams = await (await fetch(new URL('api/v1/streams', server.page))).json()
  assert.deepEqual((streams as { streams: unknown[] }).streams, [])

  await pull(server, { path: 'good/tls', url: `${secure.base}/a.ts`, verifyTls: false, keepAlive: false })
  const login = `${web.base.replace('//', '//me:hidden@')}/private/a.flv`
  await pull(server, { path: 'good/login', url: login, keepAlive: false })
  for (const stream of ['good/tls', 'good/login']) assert.equal((await recordingOf(server, stream)).state, 'ready')
  assert.ok(!server.log.some((line) => line.includes('hidden')), 'no credential in the log')

  for (const [spec, code] of [
    [{ url: 'srt://host:9710', transport: 'udp' }, 'pull/option-unsupported'],
    [{ url: 'srt://host' }, 'pull/url-invalid'],
    [{ url: 'udp://239.0.0.1:99999' }, 'pull/url-invalid'],
    [{ url: 'file:///etc/passwd' }, 'pull/file-forbidden'],
    [{ url: 'gopher://host/1' }, 'pull/scheme-unknown'],
    [{ url: 'concat:a|b' }, 'pull/scheme-unknown'],
  ] as const) {
    const { body } = await ask(server, { path: 'bad/spec', ...spec })
    assert.equal(body.code, code, spec.url)
  }
})

test('more reading processes than the limit wait', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await recorder(folder, { limits: { pullProcesses: 1 } })
  const { id } = await pull(server, { path: 'live/one', url: `udp://127.0.0.1:${await freeUdpPort()}` })
  await untilPull(server, ({ state, path }) => path === 'live/one' && state === 'connecting')
  await pull(server, { path: 'live/two', url: `udp://127.0.0.1:${await freeUdpPort()}` })
  const two = await untilPull(server, ({ lastError, path }) => path === 'live/two' && lastError !== null)
  assert.equal(two.lastError?.code, 'pull/too-many-processes')
  await fetch(new URL(`api/v1/pulls/${id}`, server.page), { method: 'DELETE' })
  await untilPull(server, ({ state, path }) => path === 'live/two' && state === 'connecting')
})

/** ffmpeg sends a file in real time until it is over or disposed. */
class Sender implements AsyncDisposable {
  readonly #child
  readonly #exited: Promise<unknown>

  constructor(path: string, url: string) {
    const to = ['-c', 'copy', '-f', 'mpegts', `${url}?pkt_size=1316`]
    this.#child = spawn('ffmpeg', ['-v', 'error', '-re', '-i', path, ...to], { stdio: 'ignore' })
    this.#exited = once(this.#child, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

/** Seven packets of MPEG-TS to a datagram, over so many milliseconds; every 29th is left out, but none of the first. @returns how many were */
async function sendWithGaps(bytes: Buffer, port: number, ms: number): Promise<number> {
  const datagramBytes = 7 * 188
  const count = Math.ceil(bytes.length / datagramBytes)
  const socket = createSocket('udp4')
  const startedMs = performance.now()
  let dropped = 0
  for (let i = 0; i < count; i++) {
    const dueMs = startedMs + (i * ms) / count - performance.now()
    if (dueMs > 1) await sleep(dueMs)
    if (i > 50 && i % 29 === 0) dropped++
    else socket.send(bytes.subarray(i * datagramBytes, (i + 1) * datagramBytes), port, '127.0.0.1')
  }
  await sleep(100)
  socket.close()
  return dropped
}

function readerPid(server: ServerProcess): number {
  const line = server.log.findLast((each) => each.includes('"pull.reader-started"'))
  return (JSON.parse(line ?? '{}') as { pid: number }).pid
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function packetCounts(recording: RecordingDocument): Promise<number[]> {
  const files = await Promise.all(partPaths(recording).map((path) => judgedFile(path, 'as-is')))
  const counts: number[] = []
  for (const { tracks } of files) {
    for (const [index, { packets }] of tracks.entries()) counts[index] = (counts[index] ?? 0) + packets.length
  }
  return counts
}
