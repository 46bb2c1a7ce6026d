import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const LAUNCHER = join(import.meta.dirname, '../../bin/tapedeck.mjs')

interface Outcome {
  readonly exitCode: number | null
  readonly out: string
  readonly notes: string
}

/** Runs bin/tapedeck.mjs as a shell would; `interruptWhen` presses Ctrl-C as soon as it comes true. */
async function tapedeck(
  args: readonly string[],
  folder: TempFolder,
  interruptWhen?: () => Promise<boolean>,
): Promise<Outcome> {
  const env = { ...process.env, TAPEDECK_DATA: folder.at('data'), TAPEDECK_RECORDINGS_ROOT: folder.at('recordings') }
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: folder.path,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let notes = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    notes += text
  })
  const closed = once(child, 'close', { signal: AbortSignal.timeout(60_000) })
  if (interruptWhen !== undefined) {
    while (!(await interruptWhen()) && child.exitCode === null) await sleep(50)
    child.kill('SIGINT')
  }
  const [exitCode] = await closed
  return { exitCode, out: out.trim(), notes }
}

async function makeClip(folder: TempFolder, seconds: number): Promise<string> {
  const path = folder.at('clip.mp4')
  const video = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=25:d=${seconds}`]
  const audio = ['-f', 'lavfi', '-i', `sine=440:d=${seconds}`]
  const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-c:a', 'aac']
  await program('ffmpeg', ['-v', 'error', ...video, ...audio, ...coding, '-shortest', path])
  return path
}

async function streamHashes(path: string): Promise<string> {
  return (await program('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'streamhash', '-'])).stdout
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  assert.ok(typeof address === 'object' && address !== null)
  return address.port
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

test('start, list, show, stop, verify, inspect and rm against a running server', { timeout: 90_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path, { env: { TAPEDECK_RULES: '[]' } })
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  const to = ['--server', server.page]
  let id = ''
  for (let attempt = 0; id === ''; attempt++) {
    const started = await tapedeck(
      ['start', 'live/cam1', '--name', 'takes/{stream}', '--metadata', 'take=1', ...to],
      folder,
    )
    if (started.exitCode === 0) id = started.out
    else assert.ok(started.exitCode === 3 && attempt < 100, started.notes + publisher.errors)
  }
  for (let attempt = 0; ; attempt++) {
    const { out } = await tapedeck(['list', '--state', 'recording', ...to], folder)
    if (new RegExp(`${id} +recording +live/cam1`).test(out)) break
    assert.ok(attempt < 50, out)
  }
  await sleep(1500)
  const stopped = await tapedeck(['stop', id, '--json', ...to], folder)
  assert.equal(JSON.parse(stopped.out).state, 'ready', stopped.notes)
  const file = folder.at('recordings', 'takes', 'cam1.mp4')
  assert.deepEqual((await ffprobe(file)).streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'])
  assert.match((await tapedeck(['show', id, ...to], folder)).out, /metadata {2}take=1/)

  assert.deepEqual(await tapedeck(['verify', id], folder), {
    exitCode: 0,
    out: `recording ${id} is complete: nothing is missing`,
    notes: '',
  })
  const inspected = JSON.parse((await tapedeck(['inspect', file, '--json'], folder)).out)
  assert.equal(inspected.finished, true)
  assert.match((await tapedeck(['repair', file], folder)).out, /nothing to repair$/)

  const damaged = folder.at('damaged.mp4')
  await copyFile(file, damaged)
  const original = await readFile(file)
  await writeFile(file, original.subarray(0, original.length - 1000))
  const wrong = await tapedeck(['verify', file, '--json'], folder)
  assert.equal(wrong.exitCode, 4)
  assert.ok(JSON.parse(wrong.out).findings.length > 0)

  assert.equal((await tapedeck(['rm', id, ...to], folder)).exitCode, 0)
  assert.equal((await tapedeck(['show', id, ...to], folder)).exitCode, 3)
  await assert.rejects(readFile(file), { code: 'ENOENT' })
})

test('record reads a file through libavformat, to its end and bit-exact', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const clip = await makeClip(folder, 2)
  const recorded = await tapedeck(['record', clip, 'out.mp4', '--json'], folder)
  assert.equal(recorded.exitCode, 0, recorded.notes)
  const { state, ledger } = JSON.parse(recorded.out)
  assert.equal(state, 'ready')
  assert.deepEqual(ledger.gaps, [])
  const hashes = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\d+,/, ''))
      .sort()
  assert.deepEqual(hashes(await streamHashes(folder.at('out.mp4'))), hashes(await streamHashes(clip)))
})

test('record ends cleanly on Ctrl-C with a final file, and says why it could not begin', {
  timeout: 60_000,
}, async () => {
  await using folder = await TempFolder.make()
  const clip = await makeClip(folder, 30)
  const hasMedia = async () => {
    const bytes = await readFile(folder.at('cut.flv')).catch(() => Buffer.alloc(0))
    return bytes.length > 100_000
  }
  const { exitCode, out, notes } = await tapedeck(['record', clip, 'cut.flv'], folder, hasMedia)
  assert.equal(exitCode, 0, notes)
  assert.match(out, /ready/)
  assert.equal(JSON.parse((await tapedeck(['inspect', 'cut.flv', '--json'], folder)).out).finished, true)
  assert.ok(Number((await ffprobe(folder.at('cut.flv'))).format.duration) > 0.5)

  const missing = await tapedeck(['record', 'missing.mp4', 'x.mp4'], folder)
  assert.equal(missing.exitCode, 1)
  assert.match(missing.notes, /\[cli\/source-failed\] missing\.mp4: no such file/)
})

test('record --listen waits for an encoder and ends with it', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  const port = await freePort()
  const url = `rtmp://127.0.0.1:${port}/live/cam1`
  const recording = tapedeck(['record', '--listen', url, 'heard.ts'], folder)
  while (!(await accepts(port))) await sleep(50)
  {
    await using publisher = new FfmpegPublisher(url)
    await sleep(2500)
    assert.equal(publisher.errors, '')
  }
  const { exitCode, notes } = await recording
  assert.equal(exitCode, 0, notes)
  const codecs = (await ffprobe(folder.at('heard.ts'))).streams.map(({ codec_name }) => codec_name)
  assert.deepEqual(codecs.sort(), ['aac', 'h264'])
})

test('repair finishes in place what a kill left open', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await using server = await startServerProcess(folder.path)
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  const folderOf = folder.at('recordings', 'live', 'cam1')
  const parts = async () => (await readdir(folderOf).catch(() => [])).map((name) => join(folderOf, name))
  let file: string | undefined
  while (file === undefined || (await readFile(file)).length < 1_200_000) {
    await sleep(200)
    file ??= (await parts())[0]
    assert.equal(publisher.errors, '')
  }
  const copy = folder.at('copy.mp4')
  await copyFile(file, copy)
  await truncate(copy, (await readFile(copy)).length - 777)
  assert.equal((await tapedeck(['verify', copy], folder)).exitCode, 4)
  const early = await tapedeck(['repair', file], folder)
  assert.match(early.notes, /storage\/file-in-use/, 'what a server is recording is not to be cut off')
  const repaired = await tapedeck(['repair', copy], folder)
  assert.equal(repaired.exitCode, 0, repaired.notes)
  assert.match(repaired.out, /repaired$/)
  assert.equal((await tapedeck(['verify', copy], folder)).exitCode, 0)
  assert.ok(Number((await ffprobe(copy)).format.duration) > 0.5)
})

test('a folder that can’t be made is named with its key', { timeout: 60_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('taken'), '')
  const args = ['--data', folder.at('data'), '--recordings', folder.at('taken'), '--log-level', 'error']
  const { exitCode, notes } = await tapedeck(['serve', ...args], folder)
  assert.equal(exitCode, 2)
  assert.match(notes, /config\/folder-unusable\] recordings\.root .*taken/)
})
