/** Rooms of several browsers with the vendor's library, each with a colour and a tone of its own. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { launchChromium } from '#test/support/chromium.ts'
import { Frames, isNear, toneIn } from '#test/support/composed.ts'
import { OpenViduServer } from '#test/support/openvidu-application.ts'
import { OpenViduPage } from '#test/support/openvidu-page.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { readZip } from '#test/support/zip.ts'

const VERSION = '2.32.2'
const TIMEOUT_MS = 240_000
const SIZES = process.env['LONG_TESTS'] === undefined ? [4] : [2, 3, 4, 9]

const COLOURS = ['#ff0000', '#00ff00', '#0000ff', '#ffff00', '#ff00ff', '#00ffff', '#ffffff', '#ff8000', '#8000ff']
/** Colours differ by twice as much; browsers and decoders don't agree on what a matrix of colours is. */
const TOLERANCE = 60
/** Whole periods in what is looked at, so that none is heard in another's place. */
const hertzOf = (index: number) => 400 + 160 * index
/** Of full scale; what each sends is a quarter of it. */
const HEARD = 0.02

let folder: TempFolder
let server: OpenViduServer
let browser: Browser

before(async () => {
  folder = await TempFolder.make()
  server = await OpenViduServer.start(folder.path, { OPENVIDU_COMPAT: 'modern' })
  browser = await launchChromium()
})
after(async () => {
  await browser?.close()
  await server?.[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function post(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const answer = await server.call('POST', `/openvidu/api${path}`, { body })
  assert.equal(answer.status, 200, `${path}: ${answer.text}`)
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

interface Participant extends AsyncDisposable {
  readonly page: OpenViduPage
  readonly connectionId: string
  readonly streamId: string
  readonly rgb: readonly number[]
  readonly hertz: number
}

async function participant(session: string, index: number, frameRate: number): Promise<Participant> {
  const { token } = await post('/tokens', { session })
  const page = await OpenViduPage.open(browser, new URL(server.url).host, VERSION)
  const connectionId = await page.connect(String(token))
  const colour = COLOURS[index] ?? ''
  const hertz = hertzOf(index)
  const streamId = await page.run<string>(`client.publishColour(${JSON.stringify({ colour, hertz, frameRate })})`)
  const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  return { page, connectionId, streamId, rgb, hertz, [Symbol.asyncDispose]: () => page[Symbol.asyncDispose]() }
}

const RATE_HZ = 16_000

async function sound(file: string): Promise<Float32Array> {
  const pcm = `${file}.f32`
  const format = ['-ac', '1', '-ar', String(RATE_HZ), '-f', 'f32le']
  await program('ffmpeg', ['-v', 'error', '-y', '-i', file, '-map', '0:a:0', ...format, pcm])
  const bytes = await readFile(pcm)
  return new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4))
}

/** Tones of the room in a second of sound, in the room's order. @param fromSeconds negative: before its end */
function tonesIn(all: Float32Array, fromSeconds: number, room: readonly Participant[]): number[] {
  const from = Math.max(0, Math.round(fromSeconds * RATE_HZ) + (fromSeconds < 0 ? all.length : 0))
  const heard = all.subarray(from, from + RATE_HZ)
  return room.map(({ hertz }) => hertz).filter((hertz) => toneIn(heard, hertz, RATE_HZ) > HEARD)
}

/** Where a colour is, as shares of width and height, and how much of the picture it takes. */
function placeOf(frames: Frames, ms: number, rgb: readonly number[]): { x: number; y: number; share: number } {
  const steps = 24
  const found: [number, number][] = []
  for (let row = 0; row < steps; row++) {
    for (let column = 0; column < steps; column++) {
      const [x, y] = [(column + 0.5) / steps, (row + 0.5) / steps]
      if (isNear(frames.at(ms, x, y), rgb, TOLERANCE)) found.push([x, y])
    }
  }
  const mean = (axis: 0 | 1) => found.reduce((sum, point) => sum + point[axis], 0) / found.length
  return { x: mean(0), y: mean(1), share: found.length / steps ** 2 }
}

for (const size of SIZES) {
  test(`a room of ${size} browsers: everybody sees everybody, each recorded file holds its own stream only, and a composed one all of them, also when a tab has crashed`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const session = `room-${size}`
    await post('/sessions', { customSessionId: session })
    await using owned = new AsyncDisposableStack()
    const room: Participant[] = []
    // Each is played by all the others, on one machine.
    const frameRate = size > 4 ? 8 : 15
    // One after the other, as people come.
    for (let index = 0; index < size; index++) room.push(owned.use(await participant(session, index, frameRate)))
    await Promise.all(room.map(({ page }) => page.sees(size - 1, 90_000)))

    const individual = { session, outputMode: 'INDIVIDUAL', name: 'single' }
    await post('/recordings/start', individual)
    await room[0]?.page.page.waitForTimeout(2_500)
    await post(`/recordings/stop/${session}`, {})
    const zip = await readZip(folder.at('recordings', session, 'single.zip'))
    assert.equal(zip.size, size + 1)
    await mkdir(folder.at(session))
    for (const { streamId, rgb, hertz } of room) {
      const file = folder.at(session, `${streamId}.webm`)
      await writeFile(file, zip.get(`${streamId}.webm`) ?? Buffer.alloc(0))
      const frames = await Frames.of(file, 16, 12, 5)
      assert.ok(frames.count >= 5, `${streamId} has ${frames.count / 5} s`)
      const { share } = placeOf(frames, 1_000, rgb)
      assert.ok(
        share > 0.9,
        `${rgb.join()} fills ${share} of the picture of ${streamId}: ${frames.at(1_000, 0.5, 0.5)}`,
      )
      assert.deepEqual(tonesIn(await sound(file), -1.2, room), [hertz], streamId)
    }

    const composed = `${session}~1`
    await post('/recordings/start', { session, resolution: '480x360', frameRate: 15 })
    await room[0]?.page.page.waitForTimeout(size > 4 ? 20_000 : 3_500)
    const [crashed, ...others] = room
    const cdp = await crashed?.page.page.context().newCDPSession(crashed.page.page)
    // Nobody is left to answer.
    cdp?.send('Page.crash').catch(() => {})
    await others[0]?.page.page.waitForTimeout(3_000)
    await post(`/recordings/stop/${composed}`, {})
    const file = folder.at('recordings', composed, `${composed}.mp4`)
    const seconds = Number((await ffprobe(file)).format.duration)
    assert.ok(seconds > 5.5, `${seconds} s`)
    const frames = await Frames.of(file, 96, 72, 5)
    // Tiles come within a second, where the processors have time for it.
    const times = Array.from({ length: frames.count }, (_, frame) => frame * 200 + 1)
    const at = (ms: number) => room.map(({ rgb }) => placeOf(frames, ms, rgb))
    const complete = times.find((ms) => at(ms).every(({ share }) => share > 0.5 / size))
    const places = at(complete ?? seconds * 500)
    const shares = places.map(({ share }) => share)
    assert.ok(Math.min(...shares) > 0.5 / size, `shares of the tiles: ${shares.join(' ')}`)
    assert.ok(Math.max(...shares) < 1.5 * Math.min(...shares), `shares of the tiles: ${shares.join(' ')}`)
    const side = Math.sqrt(size)
    if (Number.isInteger(side)) {
      const cells = places.map(({ x, y }) => `${Math.floor(x * side)},${Math.floor(y * side)}`)
      assert.equal(new Set(cells).size, size, `cells of the grid: ${cells.join(' ')}`)
    }
    const mixed = await sound(file)
    const all = room.map(({ hertz }) => hertz)
    const isWhole = times.some((ms) => tonesIn(mixed, ms / 1_000, room).length === size)
    assert.ok(isWhole, `tones at 2 s: ${tonesIn(mixed, 2, room).join()} of ${all.join()}`)
    for (const { rgb } of others) {
      const { share } = placeOf(frames, (seconds - 0.7) * 1_000, rgb)
      assert.ok(share > 0.5 / size, `${rgb.join()} has ${share} of the picture at its end`)
    }
    assert.deepEqual(tonesIn(mixed, -1.2, room), all.slice(1), 'the tones at the end')
  })
}
