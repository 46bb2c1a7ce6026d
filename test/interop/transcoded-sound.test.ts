import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AudioCodec } from '#media/codec.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { beepSource, beepsOf } from '#test/support/beeps.ts'
import { launchChromium, mediaState, waitUntilPlaying } from '#test/support/chromium.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { assertVerified, partPaths } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

const SECONDS = 6
const HERTZ = 500
/** RTMP counts in milliseconds, and ffmpeg's first picture and first sound need not begin in the same. */
const TOLERANCE_MS = 10

interface Camera {
  /** ffmpeg's name. */
  readonly encoder: string
  readonly codec: AudioCodec
  readonly rateHz: number
  readonly door: 'RTMP' | 'RTSP over TCP' | 'RTSP over UDP'
}

const PLAYED_ALWAYS: ReadonlySet<AudioCodec> = new Set(['pcma', 'g726'])
const CAMERAS: readonly Camera[] = [
  { encoder: 'pcm_alaw', codec: 'pcma', rateHz: 8_000, door: 'RTMP' },
  { encoder: 'pcm_mulaw', codec: 'pcmu', rateHz: 8_000, door: 'RTSP over UDP' },
  { encoder: 'g722', codec: 'g722', rateHz: 16_000, door: 'RTSP over TCP' },
  { encoder: 'g726', codec: 'g726', rateHz: 8_000, door: 'RTSP over UDP' },
  { encoder: 'pcm_s16be', codec: 'l16', rateHz: 44_100, door: 'RTSP over TCP' },
]
const CAMERA = CAMERAS[0] as Camera
/** One of each door; the others are as these but for their decoder, which unit tests have, too. */
const PLAYED =
  process.env['LONG_TESTS'] === undefined ? CAMERAS.filter(({ codec }) => PLAYED_ALWAYS.has(codec)) : CAMERAS

/** Publishes a picture, and beeps at the beginning of each second, as a camera or its gateway would. */
async function publish(server: ServerProcess, stream: string, { encoder, rateHz, door }: Camera): Promise<void> {
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=320x180:r=25:d=${SECONDS}`]
  const sound = ['-f', 'lavfi', '-i', beepSource(HERTZ, SECONDS, rateHz)]
  const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25']
  const audio = ['-c:a', encoder, '-ar', String(rateHz), '-ac', '1']
  const transport = door === 'RTSP over TCP' ? 'tcp' : 'udp'
  const to =
    door === 'RTMP'
      ? ['-f', 'flv', `${server.rtmp}/${stream}`]
      : ['-f', 'rtsp', '-rtsp_transport', transport, `${server.rtsp}/${stream}`]
  await program('ffmpeg', ['-v', 'error', '-re', ...picture, ...sound, ...video, ...audio, ...to])
}

for (const camera of PLAYED) {
  const { codec, rateHz, door } = camera
  test(`${codec} from ffmpeg by ${door} plays in Chromium, in parts and whole`, { timeout: 120_000 }, async () => {
    await using folder = await TempFolder.make()
    await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
    await using server = await startServerProcess(folder.path)
    const api = new ApiClient(server)
    const stream = 'live/camera'
    const whole = await api.start({ stream, waitForStream: true, name: 'whole' })
    const cut = await api.start({ stream, waitForStream: true, name: 'cut', rotate: { seconds: 2 } })
    await publish(server, stream, camera)
    for (const { id, name } of [
      { id: whole.id, name: 'whole' },
      { id: cut.id, name: 'cut' },
    ]) {
      const recording = await api.untilProved(id)
      assert.equal(recording.error, null, name)
      assert.equal(recording.format, 'mp4')
      await assertVerified(folder.path, recording)
      const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
      assert.equal(track?.codec, codec)
      assert.equal(track.transcoded, 'aac')
      assert.equal(track.lost, 0)
      assert.equal(recording.parts.length, name === 'whole' ? 1 : 3)
      let ends = 0
      for (const [index, path] of partPaths(recording).entries()) {
        const { streams, format } = await ffprobe(path)
        assert.deepEqual(
          streams.map(({ codec_name, sample_rate }) => [codec_name, sample_rate]),
          [
            ['h264', undefined],
            ['aac', String(rateHz)],
          ],
        )
        const { startMs = 0, durationMs = 0 } = recording.parts[index] ?? {}
        assert.ok(Math.abs(Number(format.duration) * 1000 - durationMs) < 5)
        // A beep that a part begins or ends in is heard in part.
        for (const { fromMs, toMs, hertz } of await beepsOf(path)) {
          if (toMs - fromMs < 190) continue
          ends++
          assert.ok(Math.abs(hertz - HERTZ) < 5, `${hertz} Hz`)
          const offMs = ((startMs + toMs + 300) % 1000) - 500
          assert.ok(Math.abs(offMs) < TOLERANCE_MS, `${name} ${index}: a beep ends ${offMs} ms late`)
        }
      }
      assert.ok(ends >= SECONDS - 3, `${ends} whole beeps`)
    }
    await playsInChromium(server, whole.id)
  })
}

async function playsInChromium(server: ServerProcess, id: string): Promise<void> {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    await page.goto(server.page)
    const url = `${server.page}api/v1/recordings/${id}/parts/1`
    const element = `<video id="judged" src="${url}" autoplay muted></video>`
    await page.evaluate(`document.body.innerHTML = ${JSON.stringify(element)}`)
    const video = page.locator('#judged')
    await waitUntilPlaying(video)
    const { duration, error } = await mediaState(video)
    assert.equal(error, '')
    assert.ok(Math.abs(duration - SECONDS) < 0.3, `${duration} s`)
    // What Chromium decodes with Web Audio is what it would let one hear.
    const heard: { seconds: number; loudest: number } = await page.evaluate(`(async () => {
      const bytes = await (await fetch(${JSON.stringify(url)})).arrayBuffer()
      const sound = await new OfflineAudioContext(1, 1, 8000).decodeAudioData(bytes)
      return { seconds: sound.duration, loudest: Math.max(...sound.getChannelData(0).map(Math.abs)) }
    })()`)
    assert.ok(Math.abs(heard.seconds - SECONDS) < 0.3, `${heard.seconds} s of sound`)
    assert.ok(heard.loudest > 0.4, `loudness ${heard.loudest}`)
  } finally {
    await browser.close()
  }
}

test('after kill -9 the file plays with its sound, and no child is left', { timeout: 120_000 }, async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('tapedeck.yaml'), 'rules: []\n')
  let id = ''
  let path = ''
  {
    await using server = await startServerProcess(folder.path)
    const api = new ApiClient(server)
    ;({ id } = await api.start({ stream: 'live/camera', waitForStream: true, name: 'killed' }))
    const publishing = publish(server, 'live/camera', CAMERA).catch(() => {})
    await api.until(id, 'four seconds', ({ durationMs }) => durationMs > 4_000)
    const { pid = 0 } = server.child
    const children = await childrenOf(pid)
    assert.ok(children.length >= 1, 'the transcoder is a child')
    await server.kill()
    await publishing
    for (let tries = 0; children.some((child) => existsSync(`/proc/${child}`)); tries++) {
      assert.ok(tries < 100, 'the transcoder ends with the server')
      await sleep(50)
    }
    path = folder.at('recordings', 'killed.mp4')
    await assertPlays(path)
  }
  await using server = await startServerProcess(folder.path)
  const api = new ApiClient(server)
  const recording = await api.untilProved(id)
  assert.equal(recording.state, 'ready')
  await assertVerified(folder.path, recording)
  const track = recording.ledger.tracks.find(({ kind }) => kind === 'audio')
  assert.equal(track?.transcoded, 'aac')
  assert.equal(track.codec, 'pcma')
  await assertPlays(path)
})

async function assertPlays(path: string): Promise<void> {
  const ends = (await beepsOf(path)).map(({ toMs }) => toMs)
  assert.ok(ends.length >= 2, `${ends.length} beeps`)
  for (const toMs of ends.slice(0, -1)) {
    assert.ok(Math.abs(((toMs + 300) % 1000) - 500) < TOLERANCE_MS, `a beep ends at ${toMs} ms`)
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (Number(ppid) === parent) found.push(Number(name))
  }
  return found
}
