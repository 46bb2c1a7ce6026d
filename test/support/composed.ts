import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { Composer } from '#compose/composer.ts'
import { RtmpServer } from '#ingest/rtmp/server.ts'
import { cachedMedia } from './cached-media.ts'
import { readSource, type SourceUnit } from './elementary-source.ts'
import { PacedPublisher, type PacedPublisherOptions } from './paced-publisher.ts'
import { RecorderFixture } from './recorder-fixture.ts'
import { testConfig } from './test-config.ts'

const run = promisify(execFile)

/** A hub with a recorder, a composer and a front door for encoders. */
export interface ComposingRoom extends AsyncDisposable {
  readonly fixture: RecorderFixture
  readonly composer: Composer
  /** `rtmp://host:port`. */
  readonly rtmp: string
}

export async function openComposingRoom(capacityCores: number = 4 * availableParallelism()): Promise<ComposingRoom> {
  await using owned = new AsyncDisposableStack()
  const fixture = owned.use(await RecorderFixture.open())
  const { hub, runtime } = fixture
  const access = { authorize: async () => {} }
  const config = testConfig(fixture.folder.path).rtmp
  const server = owned.use(new RtmpServer({ runtime, hub, access, config, dataDir: fixture.folder.path }))
  const { rtmp } = await server.listen()
  const composer = owned.use(new Composer({ runtime, hub, capacityCores }))
  const kept = owned.move()
  return {
    fixture,
    composer,
    rtmp: `rtmp://127.0.0.1:${rtmp?.port}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** What a participant sends: one colour (`0xRRGGBB`), and one tone. */
export async function coloured(colour: string, hertz: number, seconds: number): Promise<readonly SourceUnit[]> {
  const path = await cachedMedia(
    [
      ...['-f', 'lavfi', '-i', `color=c=${colour}:s=320x180:r=25:d=${seconds}`],
      ...['-f', 'lavfi', '-i', `sine=${hertz}:r=44100:d=${seconds}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
      ...['-c:a', 'aac', '-b:a', '64k'],
    ],
    'mp4',
  )
  return (await readSource(path, ['h264', 'aac'])).units
}

/**
 * Publishes all of it as `room/<name>` over RTMP, and says goodbye. Nothing is encoded meanwhile: a machine that is busy
 * with other tests must not make this one's participants late.
 */
export async function participate(
  rtmp: string,
  name: string,
  units: readonly SourceUnit[],
  stall?: PacedPublisherOptions['stall'],
): Promise<void> {
  const options = { rtmp, app: 'room', name, units, ...(stall !== undefined && { stall }) }
  using publisher = await PacedPublisher.start(options)
  await publisher.allArrived()
  publisher.finish()
}

/** Small pictures of a file's video, as ffmpeg decodes it, so many a second: RGB of the pixel at a place. */
export class Frames {
  readonly count: number
  readonly #rgb: Uint8Array
  readonly #width: number
  readonly #height: number
  readonly #rate: number

  private constructor(rgb: Uint8Array, width: number, height: number, rate: number) {
    this.#rgb = rgb
    this.#width = width
    this.#height = height
    this.#rate = rate
    this.count = Math.floor(rgb.length / (3 * width * height))
  }

  static async of(path: string, width: number, height: number, rate: number): Promise<Frames> {
    const filter = `fps=${rate}:start_time=0,scale=${width}:${height}`
    const args = ['-v', 'error', '-i', path, '-map', '0:v:0', '-vf', filter, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-']
    const { stdout } = await run('ffmpeg', args, { encoding: 'buffer', maxBuffer: 2 ** 28 })
    return new Frames(stdout, width, height, rate)
  }

  /** @param x share of the width @param y share of the height */
  at(ms: number, x: number, y: number): readonly [number, number, number] {
    const frame = Math.min(this.count - 1, Math.max(0, Math.floor((ms * this.#rate) / 1_000)))
    const column = Math.floor(x * this.#width)
    const row = Math.floor(y * this.#height)
    const at = 3 * ((frame * this.#height + row) * this.#width + column)
    return [this.#rgb[at] ?? 0, this.#rgb[at + 1] ?? 0, this.#rgb[at + 2] ?? 0]
  }

  /** From when to when a place has this colour; undefined: never. */
  span(x: number, y: number, colour: readonly [number, number, number]): [number, number] | undefined {
    const seen = Array.from({ length: this.count }, (_, frame) => (frame * 1_000) / this.#rate).filter((ms) =>
      isNear(this.at(ms + 1, x, y), colour),
    )
    const [first, last] = [seen[0], seen.at(-1)]
    return first === undefined || last === undefined ? undefined : [first, last]
  }
}

/** The same colour, give or take what encoders do to it. */
export function isNear(seen: readonly number[], colour: readonly number[], tolerance = 40): boolean {
  return seen.every((value, index) => Math.abs(value - (colour[index] ?? 0)) <= tolerance)
}

/** Amplitude of a tone in a piece of sound (Goertzel): 1 is full scale. */
export function toneIn(sound: Float32Array, hertz: number, rateHz: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hertz) / rateHz)
  let [before, last] = [0, 0]
  for (const sample of sound) [before, last] = [last, sample + factor * last - before]
  return (2 * Math.sqrt(Math.max(0, last * last + before * before - factor * last * before))) / sound.length
}

/** From when to when a tone is heard, in steps of 100 ms; undefined: never. Sound at 16 kHz. */
export function toneSpan(sound: Float32Array, hertz: number, least = 0.02): [number, number] | undefined {
  const step = 1_600
  const heard: number[] = []
  for (let at = 0; at + step <= sound.length; at += step) {
    if (toneIn(sound.subarray(at, at + step), hertz, 16_000) > least) heard.push((at * 1_000) / 16_000)
  }
  const [first, last] = [heard[0], heard.at(-1)]
  return first === undefined || last === undefined ? undefined : [first, last]
}
