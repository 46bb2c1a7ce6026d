import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { selfSign } from '#base/tls/self-signed.ts'
import type { PullDocument } from '#control/pull-document.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { type ElementarySource, makeSource, type SourceOptions } from '#test/support/elementary-source.ts'
import { GstRtspServer } from '#test/support/gst-rtsp-server.ts'
import { ffprobe, joinedHashes, remuxWithFfmpeg } from '#test/support/outside-judges.ts'
import { assertPlaysAlone, assertSameTimes, type JudgedFile, judgedFile } from '#test/support/packet-judge.ts'
import { program } from '#test/support/programs.ts'
import { assertBalanced, assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { recordingOf, untilPull } from '#test/support/server-state.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Cameras pulled over RTSP and recorded exactly; GStreamer's RTSP server is the camera. */

/**
 * The clock of a source is followed, and what its reports move is moved gradually: where sender and receiver wait for
 * processors, reports and arrivals differ by this much.
 */
const CLOCK_MS = 100

/** What of a codec is packed how, by GStreamer. */
const LAUNCH = {
  h264: 'h264parse ! rtph264pay config-interval=-1',
  h265: 'h265parse ! rtph265pay config-interval=-1',
  aac: 'aacparse ! rtpmp4gpay',
  opus: 'opusparse ! rtpopuspay',
} as const

/** Framing that GStreamer adds or takes away: parameter sets, delimiters, and where they are, SEI. */
const BARE: Readonly<Record<string, readonly string[]>> = {
  h264: ['-bsf:v', 'h264_mp4toannexb,filter_units=remove_types=6-9'],
  h265: ['-bsf:v', 'hevc_mp4toannexb,filter_units=remove_types=32-35|39'],
}

type Codecs = Required<Pick<SourceOptions, 'video' | 'audio'>> & { video: 'h264' | 'h265'; audio: 'aac' | 'opus' }

/** A file, and the launch line that serves it in real time. */
async function served(folder: TempFolder, codecs: Codecs, options: SourceOptions = {}) {
  const source = await makeSource(folder, { seconds: 4, ...options, ...codecs })
  // qtdemux cuts sound at the edit list; Matroska has none.
  const path = `${source.path}.mkv`
  await remuxWithFfmpeg(source.path, path)
  const { video, audio } = codecs
  const launch = `( filesrc location=${path} ! matroskademux name=d d.video_0 ! queue ! ${LAUNCH[video]} name=pay0 d.audio_0 ! queue ! ${LAUNCH[audio]} name=pay1 )`
  return { source, launch }
}

/** A server that records whatever it pulls. */
async function recorder(folder: TempFolder, config: object = {}): Promise<ServerProcess> {
  await writeFile(
    folder.at('tapedeck.yaml'),
    JSON.stringify({ rules: [{ match: '**', request: { audio: { codec: 'copy' } } }], ...config }),
  )
  return await startServerProcess(folder.path, {
    env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0', TAPEDECK_RTSP_LISTEN: '' },
  })
}

async function pull(server: ServerProcess, spec: object): Promise<PullDocument> {
  const response = await fetch(new URL('api/v1/pulls', server.page), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  })
  assert.equal(response.status, 201, await response.clone().text())
  return (await response.json()) as PullDocument
}

/** The command line in a process of its own. */
async function tapedeck(args: readonly string[]): Promise<{ exitCode: number | null; output: string }> {
  const main = join(import.meta.dirname, '../../src/main.ts')
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const pipe of [child.stdout, child.stderr]) pipe.setEncoding('utf8').on('data', (text) => (output += text))
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, output }
}

/** One part that holds all that was served: every access unit, in order, at its time. */
async function assertServed(recording: RecordingDocument, source: ElementarySource, codecs: Codecs): Promise<void> {
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  const [path = '', ...others] = partPaths(recording)
  assert.deepEqual(others, [])
  const [got, sent] = [await judgedFile(path, 'bare'), await judgedFile(source.path, 'bare')]
  const counts = ({ tracks }: JudgedFile) => tracks.map(({ kind, packets }) => [kind, packets.length])
  assert.deepEqual(counts(got), counts(sent), recording.stream)
  assertPlaysAlone(got, path)
  const packets = ({ tracks }: JudgedFile) => tracks.map((track) => track.packets)
  assertSameTimes(packets(got), packets(sent), recording.stream, CLOCK_MS)
  const filters = BARE[codecs.video] ?? []
  assert.deepEqual(await joinedHashes([path], filters), await joinedHashes([source.path], filters), recording.stream)
  assert.equal((await ffprobe(path)).streams.length, 2)
  assertBalanced(
    recording,
    got.tracks.map((track) => track.packets.length),
  )
  assert.deepEqual(recording.ledger.gaps, [])
  for (const { lost } of recording.ledger.tracks) assert.equal(lost, 0)
}

test('over TCP, UDP, whichever works, TLS and HTTP: all that the camera sent', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  const codecs = { video: 'h264', audio: 'aac' } as const
  const { source, launch } = await served(folder, codecs)
  const { certificate, key } = selfSign(Date.now())
  await writeFile(folder.at('camera.pem'), `${certificate}\n${key}`)
  await using plain = await GstRtspServer.start({ mounts: { '/cam1': launch } })
  await using secure = await GstRtspServer.start({ mounts: { '/cam1': launch }, tls: folder.at('camera.pem') })
  await using server = await recorder(folder)
  const ways = {
    tcp: { url: `rtsp://${plain.address}/cam1`, transport: 'tcp' },
    udp: { url: `rtsp://${plain.address}/cam1`, transport: 'udp' },
    auto: { url: `rtsp://${plain.address}/cam1` },
    http: { url: `rtsp+http://${plain.address}/cam1` },
    tls: { url: `rtsps://${secure.address}/cam1`, verifyTls: false },
    https: { url: `rtsp+https://${secure.address}/cam1`, verifyTls: false },
  }
  for (const [name, way] of Object.entries(ways)) await pull(server, { path: `live/${name}`, keepAlive: false, ...way })
  for (const name of Object.keys(ways)) {
    const recording = await recordingOf(server, `live/${name}`)
    await assertServed(recording, source, codecs)
    await assertVerified(folder.path, recording)
  }
  const streaming = server.log.filter((line) => line.includes('"pull.streaming"')).map((line) => JSON.parse(line))
  const lower = (name: string) => streaming.find(({ stream }) => stream === `live/${name}`)?.tracks[0]
  assert.deepEqual(
    Object.keys(ways).map((name) => lower(name)),
    ['tcp', 'udp', 'udp', 'tcp', 'tcp', 'tcp'].map((way) => `H264 over ${way}`),
  )
})

test('H.265 with Opus, over TCP and UDP', { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  const codecs = { video: 'h265', audio: 'opus' } as const
  const { source, launch } = await served(folder, codecs, { size: '160x90' })
  await using camera = await GstRtspServer.start({ mounts: { '/cam1': launch } })
  await using server = await recorder(folder)
  for (const transport of ['tcp', 'udp']) {
    await pull(server, { path: `live/${transport}`, keepAlive: false, url: `rtsp://${camera.address}/cam1`, transport })
  }
  for (const transport of ['tcp', 'udp']) {
    await assertServed(await recordingOf(server, `live/${transport}`), source, codecs)
  }
})

test('a camera that refuses UDP is pulled over TCP; Basic, Digest, and a wrong password', {
  timeout: 90_000,
}, async () => {
  await using folder = await TempFolder.make()
  const codecs = { video: 'h264', audio: 'aac' } as const
  const { source, launch } = await served(folder, codecs, { size: '160x90' })
  const login = { user: 'admin', password: 'p@ss/word' }
  const mounts = { '/cam1': launch }
  const options = { mounts, protocols: ['tcp'] } as const
  await using basic = await GstRtspServer.start({ ...options, login: { ...login, methods: ['basic'] } })
  await using digest = await GstRtspServer.start({ ...options, login: { ...login, methods: ['digest'] } })
  await using server = await recorder(folder)
  const cameras = { basic, digest }
  for (const [name, { address }] of Object.entries(cameras)) {
    await pull(server, { path: `live/${name}`, keepAlive: false, url: `rtsp://admin:p@ss%2Fword@${address}/cam1` })
  }
  await pull(server, { path: 'live/wrong', url: `rtsp://admin:guess@${digest.address}/cam1` })
  await pull(server, { path: 'live/nobody', url: `rtsp://${digest.address}/cam1` })
  for (const path of ['live/wrong', 'live/nobody']) {
    const refused = await untilPull(server, (each) => each.path === path && each.state === 'waiting')
    assert.equal(refused.lastError?.code, 'pull/refused')
    assert.match(refused.lastError.message, /401/)
  }
  for (const name of Object.keys(cameras)) await assertServed(await recordingOf(server, `live/${name}`), source, codecs)
  const told = server.log.join('\n')
  assert.ok(!told.includes('word') && !told.includes('guess'), 'no password in the log')
  const { address } = basic
  await pull(server, { path: 'live/missing', url: `rtsp://admin:p@ss%2Fword@${address}/cam2` })
  const missing = await untilPull(server, ({ path, state }) => path === 'live/missing' && state === 'waiting')
  assert.equal(missing.lastError?.code, 'pull/stream-not-found')
})

test('a camera that is killed and comes back is pulled again', { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  const { launch } = await served(folder, { video: 'h264', audio: 'aac' }, { size: '160x90', seconds: 30 })
  const camera = await GstRtspServer.start({ mounts: { '/cam1': launch } })
  await using server = await recorder(folder, {
    pulls: [{ path: 'live/cam1', url: `rtsp://${camera.address}/cam1`, transport: 'tcp' }],
  })
  await untilPull(server, ({ state }) => state === 'streaming')
  await sleep(500)
  await camera.kill()
  const lost = await untilPull(server, ({ state }) => state === 'waiting')
  assert.equal(lost.lastError?.code, 'pull/connection-lost')
  const recording = await recordingOf(server, 'live/cam1')
  assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
  await using _back = await GstRtspServer.start({
    mounts: { '/cam1': launch },
    port: Number(camera.address.split(':')[1]),
  })
  await untilPull(server, ({ state }) => state === 'streaming')
})

test('from another Tapedeck, to which ffmpeg publishes: TCP, UDP and TLS, from the last random access point on', {
  timeout: 90_000,
}, async () => {
  await using folder = await TempFolder.make()
  await using originFolder = await TempFolder.make()
  const source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 8, size: '160x90' })
  await using origin = await startServerProcess(originFolder.path, {
    env: { TAPEDECK_RULES: '[]', TAPEDECK_RTSP_TLS_LISTEN: '127.0.0.1:0' },
  })
  const started = origin.log.map((line) => JSON.parse(line)).find(({ event }) => event === 'server.started')
  const secure = `rtsps://127.0.0.1:${started?.addresses.rtsps.port}`
  const ways = {
    tcp: { url: `${origin.rtsp}/live/cam1`, transport: 'tcp' },
    udp: { url: `${origin.rtsp}/live/cam1`, transport: 'udp' },
    tls: { url: `${secure}/live/cam1`, verifyTls: false },
  }
  await using server = await recorder(folder)
  const published = program('ffmpeg', [
    ...['-v', 'error', '-re', '-i', source.path, '-c', 'copy'],
    ...['-f', 'rtsp', '-rtsp_transport', 'tcp', `${origin.rtsp}/live/cam1`],
  ])
  for (const [name, way] of Object.entries(ways)) await pull(server, { path: `live/${name}`, ...way })
  await published
  const sent = await judgedFile(source.path, 'bare')
  for (const name of Object.keys(ways)) {
    const recording = await recordingOf(server, `live/${name}`)
    assert.equal(recording.state, 'ready', JSON.stringify(recording.error))
    const [path = ''] = partPaths(recording)
    const got = await judgedFile(path, 'bare')
    assertPlaysAlone(got, path)
    for (const [index, { kind, packets }] of got.tracks.entries()) {
      const hashes = packets.map(({ hash }) => hash)
      const all = (sent.tracks[index]?.packets ?? []).map(({ hash }) => hash)
      assert.ok(hashes.length > 50, `${name} ${kind}: ${hashes.length}`)
      assert.deepEqual(hashes, all.slice(all.indexOf(hashes[0] ?? '')).slice(0, hashes.length), `${name} ${kind}`)
      assert.ok(all.indexOf(hashes.at(-1) ?? '') >= all.length - 2, `${name} ${kind}: up to the end`)
    }
    for (const { received, written, lost } of recording.ledger.tracks) assert.deepEqual([written, lost], [received, 0])
    assert.deepEqual(recording.ledger.gaps, [])
  }
})

test('tapedeck record rtsp://… out.mp4: to its end, and why it could not begin', { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  const codecs = { video: 'h264', audio: 'aac' } as const
  const { source, launch } = await served(folder, codecs, { size: '160x90' })
  await using camera = await GstRtspServer.start({ mounts: { '/cam1': launch } })
  const url = `rtsp://${camera.address}/cam1`
  const out = folder.at('out.mp4')
  const recorded = await tapedeck(['record', url, out, '--transport', 'tcp', '--json'])
  assert.equal(recorded.exitCode, 0, recorded.output)
  const hashes = await joinedHashes([out], BARE['h264'])
  assert.deepEqual(hashes, await joinedHashes([source.path], BARE['h264']))
  const missing = await tapedeck(['record', `rtsp://me:secret@${camera.address}/cam2`, out])
  assert.equal(missing.exitCode, 1)
  assert.match(missing.output, /\[cli\/source-failed\].*\[pull\/stream-not-found\]/)
  assert.doesNotMatch(missing.output, /secret/)
  const wrong = await tapedeck(['record', `rtsp+http://${camera.address}/cam1`, out, '--transport', 'udp'])
  assert.notEqual(wrong.exitCode, 0)
  assert.match(wrong.output, /pull\/option-unsupported/)
})
