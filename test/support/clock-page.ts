import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { beepsOf } from './beeps.ts'

const run = promisify(execFile)

const IN_PAGE = join(import.meta.dirname, 'clock-page.in-page.js')

/** The picture shows a number of this many bits as black and white bars. */
const BITS = 16
/** Small, so that a busy machine can encode all of it; larger where it has to take a bitrate. */
const SMALL = { width: 320, height: 180 }
const LARGE = { width: 640, height: 360 }
/** It beeps at each of these, counted as the picture counts. */
const BEEP_EVERY_MS = 1_000

export interface ClockPageOptions {
  /** Default VP8. */
  readonly codec?: 'VP8' | 'VP9' | 'H264' | 'AV1'
  /** The lower half is noise, which takes all the bitrate there is. */
  readonly noise?: boolean
  /** Bits per second that the browser does not exceed by itself. */
  readonly bitrate?: number
}

/** What the browser says of its sending. */
export interface SendingState {
  readonly bytesSent: number
  readonly picturesSent: number
  readonly retransmittedPackets: number
  readonly nacks: number
  readonly pictureLosses: number
  /** What it believes the path can take; 0: it does not say. */
  readonly availableBps: number
}

/** A page that publishes a picture that shows the time of its sound in milliseconds, with a beep each second. */
export class ClockPage {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  /** @param exchange gets the offer, gives the answer  @returns once connected */
  static async publish(
    page: Page,
    exchange: (offer: string) => Promise<string>,
    options: ClockPageOptions = {},
  ): Promise<ClockPage> {
    const { codec = 'VP8', noise = false, bitrate } = options
    await page.evaluate(await readFile(IN_PAGE, 'utf8'))
    const facts = { ...(noise ? LARGE : SMALL), bits: BITS, everyMs: BEEP_EVERY_MS, codec, noise, bitrate }
    const clockPage = new ClockPage(page)
    const answer = await exchange(await clockPage.#call<string>('offer', facts))
    await clockPage.#call('accept', answer)
    return clockPage
  }

  state(): Promise<SendingState> {
    return this.#call('state')
  }

  /** Switches the camera off and on. */
  show(isOn: boolean): Promise<void> {
    return this.#call('show', isOn)
  }

  resize(width: number, height: number): Promise<void> {
    return this.#call('resize', width, height)
  }

  /** By how much sound is later than pictures before anybody has sent them, at each beep. */
  own(): Promise<readonly OwnSyncPoint[]> {
    return this.#call('own')
  }

  stop(): Promise<void> {
    return this.#call('stop')
  }

  #call<Result>(name: string, ...values: unknown[]): Promise<Result> {
    const list = values.map((value) => JSON.stringify(value)).join(', ')
    return this.page.evaluate<Result>(`clockPage.${name}(${list})`)
  }
}

/** At a beep: the time that pictures show then, of 16 bits, and by how much sound is later than its picture. */
export interface OwnSyncPoint {
  readonly shownMs: number
  readonly soundLateMs: number
}

/** At a moment of a recording: by how much its sound is later than its picture. */
export interface SyncPoint extends OwnSyncPoint {
  readonly atMs: number
}

/** Compares, at each beep, when it is heard with when the picture shows its time. */
export async function syncOf(path: string): Promise<SyncPoint[]> {
  const pictures = await shownTimes(path)
  const points: SyncPoint[] = []
  let beforeMs = 0
  for (const { fromMs, toMs } of await beepsOf(path)) {
    const pauseMs = fromMs - beforeMs
    beforeMs = toMs
    // One whose beginning was lost tells nothing.
    if (pauseMs < BEEP_EVERY_MS / 2) continue
    // When the pictures around the beep were taken, by the clock that beeps.
    const near = pictures.filter(({ ptsMs }) => Math.abs(ptsMs - fromMs) < 300)
    if (near.length < 3) continue
    const leads = near.map(({ ptsMs, shownMs }) => shownMs - ptsMs).toSorted((a, b) => a - b)
    const lead = leads[leads.length >> 1] ?? 0
    const takenMs = Math.round((fromMs + lead) / BEEP_EVERY_MS) * BEEP_EVERY_MS
    const shownMs = takenMs % 2 ** BITS
    points.push({ atMs: fromMs, shownMs, soundLateMs: fromMs + lead - takenMs })
  }
  return points
}

/** The time that each picture of a file shows, unwrapped. */
async function shownTimes(path: string): Promise<{ ptsMs: number; shownMs: number }[]> {
  const bars = [
    '-map',
    '0:v:0',
    '-vf',
    `crop=iw:ih/4:0:0,scale=${BITS}:1:flags=area,format=gray`,
    '-fps_mode',
    'passthrough',
  ]
  const [{ stdout: grey }, { stdout: times }] = await Promise.all([
    run('ffmpeg', ['-v', 'error', '-i', path, ...bars, '-f', 'rawvideo', '-'], {
      encoding: 'buffer',
      maxBuffer: 2 ** 28,
    }),
    run(
      'ffprobe',
      ['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', path],
      { maxBuffer: 2 ** 28 },
    ),
  ])
  const shown: { ptsMs: number; shownMs: number }[] = []
  let last = 0
  for (const [index, time] of times.trim().split('\n').entries()) {
    let code = 0
    for (let bit = 0; bit < BITS; bit++) if ((grey[index * BITS + bit] ?? 0) > 127) code |= 1 << bit
    let count = code
    for (let shift = code >> 1; shift > 0; shift >>= 1) count ^= shift
    const ahead = ((count - last) << (32 - BITS)) >> (32 - BITS)
    last += ahead
    shown.push({ ptsMs: Number.parseFloat(time) * 1000, shownMs: last })
  }
  return shown
}
