import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingRequest } from '#recorder/request.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { type ElementarySource, makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import {
  assertPlaysUnrepaired,
  assertRecovered,
  missingMs,
  type Sent,
  sentCounts,
} from '#test/support/killed-recording.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'
import { ProcessorPressure } from '#test/support/processor-pressure.ts'
import { assertVerified, JudgedSource } from '#test/support/recording-judge.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/**
 * Promise 3: kill -9 of the server at random moments of five recordings. Every file plays as it is, in FFmpeg 5.1 and
 * FFmpeg 8, and after the next start; at most a second is missing of what publishers had written to their sockets.
 */

const IS_LONG = process.env['LONG_TESTS'] !== undefined

/** What a kill may cost. */
const ALLOWED_MS = 1_000

const CAMERAS = [
  { name: 'cam1', format: 'mp4', bPictures: 0 },
  { name: 'cam2', format: 'flv', bPictures: 2 },
  { name: 'cam3', format: 'ts', bPictures: 2 },
  { name: 'cam4', format: 'mp4', bPictures: 2 },
  { name: 'cam5', format: 'mkv', bPictures: 2 },
] as const

interface Camera {
  readonly name: string
  readonly format: RecordingDocument['format']
  readonly source: ElementarySource
  readonly judged: JudgedSource
}

let folder: TempFolder
before(async () => {
  folder = await TempFolder.make()
})
after(() => folder[Symbol.asyncDispose]())

async function cameras(seconds: number, audio: 'aac' | undefined = 'aac'): Promise<readonly Camera[]> {
  const made = new Map<number, Pick<Camera, 'source' | 'judged'>>()
  const codecs = ['h264', ...(audio === undefined ? [] : [audio])]
  for (const bPictures of [0, 2]) {
    const encoding = ['-bf', String(bPictures)]
    const options = { video: 'h264', seconds, size: '160x90', encoding, ...(audio !== undefined && { audio }) } as const
    const source = await makeSource(folder, options)
    made.set(bPictures, { source, judged: new JudgedSource(source.path, codecs) })
  }
  return CAMERAS.flatMap(({ name, format, bPictures }) => {
    const media = made.get(bPictures)
    return media === undefined ? [] : [{ name, format, ...media }]
  })
}

/** A recording in progress, and who publishes it. */
interface Take {
  readonly camera: Camera
  readonly id: string
  readonly path: string
  readonly publisher: PacedPublisher
  /** Whole publications of the source that the file held before. */
  readonly times: number
}

/** The same after the kill. */
interface KilledTake extends Take {
  readonly sent: Sent
  readonly before: readonly number[]
}

/** Servers that follow each other in one folder. */
class Campaign {
  readonly folder: TempFolder
  readonly random: () => number
  readonly pressure = new ProcessorPressure()
  /** Most that was missing, of what publishers had written and of what the server had read. */
  worstMs = 0
  worstReadMs = 0

  constructor(ownFolder: TempFolder, seed: number) {
    this.folder = ownFolder
    this.random = randomFrom(seed)
  }

  static async run(t: TestContext, use: (campaign: Campaign) => Promise<void>): Promise<void> {
    const seed = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)
    await using ownFolder = await TempFolder.make()
    await writeFile(ownFolder.at('tapedeck.yaml'), 'rules: []\n')
    const campaign = new Campaign(ownFolder, seed)
    using _ = campaign.pressure
    try {
      await use(campaign)
    } finally {
      const { worstMs, worstReadMs } = campaign
      t.diagnostic(
        `KILL_SEED=${seed}: at most ${worstMs} ms missing of what was sent, ${worstReadMs} ms of what was read`,
      )
    }
  }

  start(): Promise<ServerProcess> {
    return startServerProcess(this.folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })
  }

  between(fromMs: number, toMs: number): number {
    return Math.round(fromMs + this.random() * (toMs - fromMs))
  }

  async begin(
    server: ServerProcess,
    camera: Camera,
    options: { name: string; times?: number; speed?: number } & Pick<RecordingRequest, 'ifExists'>,
  ): Promise<Take> {
    const { name, times = 0, speed = 1, ...request } = options
    const { format } = camera
    const stream = `live/${camera.name}`
    const { id } = await new ApiClient(server).start({ stream, waitForStream: true, format, name, ...request })
    const { units } = camera.source
    const publisher = await PacedPublisher.start({ rtmp: server.rtmp, app: 'live', name: camera.name, units, speed })
    return { camera, id, path: this.folder.at('recordings', `${name}.${format}`), publisher, times }
  }

  /** Kills the server, and judges the files as they are. */
  async kill(server: ServerProcess, takes: readonly Take[]): Promise<KilledTake[]> {
    const stalledMs = this.pressure.stalledMs(ALLOWED_MS)
    const written = takes.map(({ publisher }) => publisher.written())
    const arrived = takes.map(({ publisher }) => publisher.arrived())
    await server.kill()
    const killed: KilledTake[] = []
    for (const [index, take] of takes.entries()) {
      take.publisher[Symbol.dispose]()
      const { camera, times } = take
      const upTo = (units: readonly SourceUnit[] | undefined): Sent => {
        const counts = sentCounts(units ?? [], camera.source.units, times)
        return { source: camera.judged, format: camera.format, counts }
      }
      const sent = upTo(written[index])
      const held = await assertPlaysUnrepaired(take.path, sent)
      const lostMs = await missingMs(sent, held)
      this.worstMs = Math.max(this.worstMs, Math.round(lostMs))
      this.worstReadMs = Math.max(this.worstReadMs, Math.round(await missingMs(upTo(arrived[index]), held)))
      assert.ok(
        lostMs <= ALLOWED_MS + stalledMs,
        `${take.path}: ${lostMs} ms missing of ${sent.counts.join()} access units (the machine stalled ${stalledMs} ms)`,
      )
      killed.push({ ...take, sent, before: held })
    }
    return killed
  }

  /** Judges what the next server made of the files. */
  async assertRecovered(server: ServerProcess, killed: readonly KilledTake[]): Promise<RecordingDocument[]> {
    const api = new ApiClient(server)
    const recovered: RecordingDocument[] = []
    for (const { id, path, before: held, sent } of killed) {
      const isOver = ({ state }: RecordingDocument) => state === 'ready' || state === 'failed'
      const { state } = await api.until(id, 'finished after the restart', isOver)
      const recording = state === 'ready' ? await api.untilProved(id) : await api.recording(id)
      await assertRecovered(recording, path, held, sent)
      if (state === 'ready') await assertVerified(this.folder.path, recording)
      recovered.push(recording)
    }
    return recovered
  }
}

/** Numbers from 0 to 1, the same everywhere for the same seed: a linear congruence, of which the high bits are used. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function assertRestartNoted({ state, ledger }: RecordingDocument): void {
  if (state === 'ready') assert.equal(ledger.gaps.at(-1)?.cause, 'restart', JSON.stringify(ledger))
}

/** Begins the recordings, kills the server after a while, and again. */
async function killAgainAndAgain(
  t: TestContext,
  sources: readonly Camera[],
  options: { kills: number; fromMs: number; toMs: number },
): Promise<void> {
  await Campaign.run(t, async (campaign) => {
    let server = await campaign.start()
    try {
      for (let round = 1; round <= options.kills; round++) {
        const name = (camera: Camera) => `round${round}/${camera.name}`
        const takes = await Promise.all(sources.map((camera) => campaign.begin(server, camera, { name: name(camera) })))
        await sleep(campaign.between(options.fromMs, options.toMs))
        const killed = await campaign.kill(server, takes)
        server = await campaign.start()
        for (const recording of await campaign.assertRecovered(server, killed)) assertRestartNoted(recording)
      }
      const states = new Set((await new ApiClient(server).recordings()).map(({ state }) => state))
      assert.ok(states.isSubsetOf(new Set(['ready', 'failed'])), [...states].join())
    } finally {
      await server.stop()
    }
  })
}

test('killed at random moments of five recordings', { timeout: 1_800_000 }, async (t) => {
  const sources = await cameras(IS_LONG ? 10 : 6)
  await killAgainAndAgain(t, sources, { kills: IS_LONG ? 100 : 4, fromMs: 100, toMs: IS_LONG ? 9_000 : 4_500 })
})

test('killed while files begin, of streams whose sound is waited for', { timeout: 1_800_000 }, async (t) => {
  const sources = await cameras(3, undefined)
  await killAgainAndAgain(t, sources, { kills: IS_LONG ? 60 : 4, fromMs: 650, toMs: 1_150 })
})

test('killed while recordings are being stopped', { timeout: 1_800_000 }, async (t) => {
  const kills = IS_LONG ? 60 : 3
  const sources = await cameras(2)
  let unfinished = 0
  await Campaign.run(t, async (campaign) => {
    let server = await campaign.start()
    try {
      for (let round = 1; round <= kills; round++) {
        const name = (camera: Camera) => `round${round}/${camera.name}`
        const takes = await Promise.all(sources.map((camera) => campaign.begin(server, camera, { name: name(camera) })))
        await Promise.all(takes.map(({ publisher }) => publisher.allArrived()))
        const api = new ApiClient(server)
        const answered = new Set<string>()
        for (const { id } of takes) {
          api.stop(id).then(
            ({ state }) => state === 'ready' && answered.add(id),
            () => {}, // the server is gone
          )
        }
        await sleep(campaign.between(0, 8)) // a stop takes a few milliseconds
        const final = new Set(answered)
        const killed = await campaign.kill(server, takes)
        server = await campaign.start()
        const recovered = await campaign.assertRecovered(server, killed)
        unfinished += recovered.filter(({ ledger }) => ledger.gaps.length > 0).length
        for (const recording of recovered.filter(({ id }) => final.has(id))) {
          assert.deepEqual(recording.ledger.gaps, [], 'what was ready is untouched')
          for (const { lost } of recording.ledger.tracks) assert.equal(lost, 0)
        }
      }
    } finally {
      await server.stop()
    }
  })
  t.diagnostic(`${unfinished} of ${kills * CAMERAS.length} were not final at the kill`)
})

test('killed while finished files are being continued', { timeout: 1_800_000 }, async (t) => {
  const kills = IS_LONG ? 20 : 2
  const sources = await cameras(3)
  await Campaign.run(t, async (campaign) => {
    let server = await campaign.start()
    try {
      for (let round = 1; round <= kills; round++) {
        const options = (camera: Camera) => ({ name: `round${round}/${camera.name}`, ifExists: 'append' as const })
        const first = await Promise.all(
          sources.map((camera) => campaign.begin(server, camera, { ...options(camera), speed: 20 })),
        )
        await Promise.all(first.map(({ publisher }) => publisher.allArrived()))
        const api = new ApiClient(server)
        for (const { publisher, id } of first) {
          publisher.finish()
          await api.until(id, 'ready', ({ state }) => state === 'ready')
        }
        const second = await Promise.all(
          sources.map((camera) => campaign.begin(server, camera, { ...options(camera), times: 1 })),
        )
        assert.deepEqual(
          second.map(({ id }) => id),
          first.map(({ id }) => id),
        )
        await sleep(campaign.between(50, 2_800))
        const killed = await campaign.kill(server, second)
        server = await campaign.start()
        for (const recording of await campaign.assertRecovered(server, killed)) {
          assert.equal(recording.parts.length, 1)
          assertRestartNoted(recording)
        }
      }
    } finally {
      await server.stop()
    }
  })
})
