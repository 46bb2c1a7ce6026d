import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SILENT_LOGGER } from '#base/runtime.ts'
import type { ContainerName } from '#containers/container.ts'
import { Hub, type Publication } from '#hub/hub.ts'
import { NO_CONNECTION_FACTS } from '#hub/stream.ts'
import { AccessUnit } from '#media/access-unit.ts'
import { H264_RECORDS } from '#media/h264/vectors.test-data.ts'
import type { TrackFormat } from '#media/track.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { testAudio, testVideo } from '#test/support/access-units.ts'
import { CONTAINERS, H264_CONTAINERS } from '#test/support/containers.ts'
import { MemoryDisk } from '#test/support/memory-files.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { FilesInUse } from './files-in-use.ts'
import { Recording } from './recording.ts'
import type { RecordingEvents } from './recording-options.ts'
import type { RecordingRequest } from './request.ts'
import { resolveRequest } from './request-defaults.ts'

const [MAIN, BASELINE] = H264_RECORDS.map(({ avcC }) => Uint8Array.from(Buffer.from(avcC, 'hex')))
const VIDEO: readonly TrackFormat[] = [
  testVideo({ configuration: MAIN ?? new Uint8Array() }),
  testVideo({ configuration: BASELINE ?? new Uint8Array() }),
]
const AUDIO: readonly TrackFormat[] = [
  testAudio(),
  testAudio({ configuration: Uint8Array.of(0x12, 0x10), sampleRateHz: 44_100, timescale: 44_100 }),
]
/** One length-prefixed IDR slice, or another slice. */
const KEY = Uint8Array.of(0, 0, 0, 4, 0x65, 1, 2, 3)
const DELTA = Uint8Array.of(0, 0, 0, 4, 0x41, 1, 2, 3)

/** A recording with its own hub, disk and clock; nothing happens unless the test makes it. */
function simulation(format: ContainerName, request: Partial<RecordingRequest> = {}) {
  let nowMs = 0
  const runtime = { nowMs: () => nowMs, monotonicMs: () => nowMs, newId: () => 'id', log: SILENT_LOGGER }
  const hub = new Hub(runtime, { maxPublishers: 1, gopMemoryBytes: 1_000_000 })
  const disk = new MemoryDisk()
  const told: string[] = []
  const counted = { received: 0, written: 0, lost: 0 }
  const tell = (what: string) => () => void told.push(what)
  const events: RecordingEvents = {
    stateChanged: ({ state }) => void told.push(state),
    impaired: tell('impaired'),
    resumed: tell('resumed'),
    gap: tell('gap'),
    partOpened: tell('part.opened'),
    partRenaming: tell('part.renaming'),
    partDated: tell('part.dated'),
    partReady: tell('part.ready'),
    written: (accessUnits) => {
      counted.written += accessUnits
    },
    received: () => {
      counted.received++
    },
    lost: (accessUnits) => {
      counted.lost += accessUnits
    },
  }
  const settings = {
    node: 'node',
    roots: ['/memory'],
    name: '{stream}',
    format,
    timeZone: 'UTC',
    durability: 'process' as const,
    fragmentMs: 900,
    trackWaitMs: 1_000,
    reconnectSeconds: 0,
    queueBytes: 4_000,
    preRollSeconds: 0,
    preRollBytes: 16 * 1024 * 1024,
    containers: CONTAINERS,
  }
  const recording = new Recording({
    id: 'id',
    ruleId: null,
    request: resolveRequest({ stream: 'live/cam1', ...request }, settings),
    runtime,
    settings,
    disk: { files: disk.files, inUse: new FilesInUse() },
    transcoder: new AudioTranscoder({ runtime, aacEncoder: DEFAULT_AAC_ENCODER }), // AAC stays as it is: never starts
    events,
    previous: undefined,
    refusal: () => undefined,
  })
  let publication: Publication | undefined
  let atMs = 0
  let formats: readonly [TrackFormat, TrackFormat] = [VIDEO[0] as TrackFormat, AUDIO[0] as TrackFormat]
  let sent = 0
  let pictures = 0
  const settle = async () => {
    // Long chains of promises, and nothing else, separate a disk operation from its consequences.
    for (let i = 0; i < 60; i++) await Promise.resolve()
  }
  const write = (format: TrackFormat, isKey: boolean) => {
    const arena = hub.payloads.arena()
    const payload = format.kind === 'audio' ? new Uint8Array(20) : isKey ? KEY : DELTA
    const place = arena.reserve(payload.length)
    place.bytes.set(payload)
    arena[Symbol.dispose]()
    const dts = Math.round((atMs * format.timescale) / 1000)
    publication?.stream.write(new AccessUnit(format, { dts, pts: dts, isRandomAccess: isKey }, place))
    if (!recording.isStopping) sent++
  }
  return {
    recording,
    hub,
    disk,
    told,
    counted,
    settle,
    get sent() {
      return sent
    },
    publish() {
      if (publication !== undefined || recording.isStopping) return
      publication = hub.publish('live/cam1', {
        protocol: 'test',
        remoteAddress: '',
        connectionId: '',
        encoder: '',
        ...NO_CONNECTION_FACTS,
        disconnect() {},
      })
      pictures = 0
      recording.attach(publication.stream)
    },
    /** The network takes so many access units of the picture, in so many packets, and the time they would have had. */
    lose(accessUnits: number, packets: number) {
      const fromDts = Math.round((atMs * formats[0].timescale) / 1000)
      atMs += 40 * accessUnits
      const toDts = Math.round((atMs * formats[0].timescale) / 1000)
      publication?.stream.lost({ format: formats[0], accessUnits, packets, fromDts, toDts })
      if (!recording.isStopping) sent += accessUnits
    },
    leave(cause: 'lost' | 'unpublished') {
      publication?.end({ cause, message: '' })
      publication = undefined
    },
    /** Pictures with two pieces of sound each; a GOP has five. */
    async send(count: number) {
      for (let i = 0; i < count && publication !== undefined; i++) {
        for (const format of formats) {
          if (publication.stream.formats.get(format.trackId) !== format) publication.stream.setFormat(format)
        }
        write(formats[0], pictures++ % 5 === 0)
        write(formats[1], true)
        atMs += 20
        write(formats[1], true)
        atMs += 20
      }
      await settle()
    },
    change(video: number, audio: number) {
      formats = [VIDEO[video] ?? formats[0], AUDIO[audio] ?? formats[1]]
      // New parameter sets come with a key.
      pictures = 0
    },
    jump(ms: number) {
      atMs = Math.max(0, atMs + ms)
    },
    async advance(ms: number) {
      for (let passed = 0; passed < ms; passed += 200) {
        nowMs += 200
        recording.tick()
        await settle()
      }
    },
  }
}

type Simulation = ReturnType<typeof simulation>

/** Ends everything on a disk that works again, and checks the account against the files. */
async function assertAccounted(simulated: Simulation): Promise<RecordingDocument> {
  const { recording, disk, hub, counted } = simulated
  disk.failing = undefined
  disk.release()
  const stopped = recording.stop()
  simulated.leave('unpublished')
  for (let i = 0; i < 100 && !recording.isFinal; i++) await simulated.advance(400)
  assert.ok(recording.isFinal, `still ${recording.state}: ${JSON.stringify(recording.toDocument())}`)
  await stopped
  const document = recording.toDocument()
  const { ledger, parts } = document
  let received = 0
  for (const track of ledger.tracks) {
    assert.equal(track.received, track.written + track.lost, JSON.stringify(ledger))
    const inParts = parts.flatMap(({ tracks }) => tracks.filter(({ trackId }) => trackId === track.trackId))
    assert.equal(
      track.written,
      inParts.reduce((sum, { accessUnits }) => sum + accessUnits, 0),
      JSON.stringify(document),
    )
    received += track.received
  }
  assert.equal(received, simulated.sent, 'every access unit was received once')
  assert.equal(counted.received, received)
  const lost = ledger.tracks.reduce((sum, track) => sum + track.lost, 0)
  assert.equal(
    lost,
    ledger.gaps.reduce((sum, gap) => sum + gap.accessUnits, 0),
    'every loss has its gap',
  )
  assert.equal(counted.lost, lost)
  for (const part of parts.filter(({ state }) => state === 'ready')) {
    const file = disk.parts.get(part.path)
    // Final before the disk lost it.
    if (file === undefined && disk.gone.has(part.path)) continue
    assert.ok(file !== undefined, part.path)
    const found = await CONTAINERS[document.format].inspect(file)
    assert.ok(found.finished)
    const summary = (tracks: readonly { trackId: number; accessUnits: number }[]) =>
      tracks
        .filter(({ accessUnits }) => accessUnits > 0)
        .map(({ trackId, accessUnits }) => `${trackId}: ${accessUnits}`)
        .sort()
    assert.deepEqual(summary(found.tracks), summary(part.tracks), part.path)
  }
  assert.equal(hub.payloads.inUseBytes, 0, 'no access unit is kept')
  assert.equal(recording.queuedBytes, 0)
  return document
}

test('the simulation records: a plain run through', async () => {
  for (const format of H264_CONTAINERS) {
    const simulated = simulation(format)
    simulated.publish()
    await simulated.send(60)
    await simulated.advance(1_000)
    assert.equal(simulated.recording.state, 'recording')
    const document = await assertAccounted(simulated)
    assert.equal(document.state, 'ready')
    assert.deepEqual(document.ledger.gaps, [])
    assert.deepEqual(simulated.told, ['part.opened', 'recording', 'finishing', 'part.ready', 'ready'])
  }
})

const STEPS: Readonly<Record<string, (simulated: Simulation) => unknown>> = {
  send: (s) => s.send(7),
  sendMore: (s) => s.send(40),
  wait: (s) => s.advance(400),
  waitLong: (s) => s.advance(6_000),
  full: (s) => {
    s.disk.failing = 'ENOSPC'
  },
  broken: (s) => {
    s.disk.failing = 'EIO'
  },
  hang: (s) => s.disk.hang(),
  gone: (s) => s.disk.vanish(),
  well: (s) => {
    s.disk.failing = undefined
    s.disk.release()
  },
  released: (s) => s.disk.release(),
  split: (s) => s.recording.split(),
  lost: (s) => s.leave('lost'),
  back: (s) => s.publish(),
  newVideo: (s) => s.change(1, 0),
  newAudio: (s) => s.change(0, 1),
  oldFormats: (s) => s.change(0, 0),
  jump: (s) => s.jump(3_600_000),
  jumpBack: (s) => s.jump(-50_000),
  stop: (s) => void s.recording.stop(),
}

test('whatever publisher and disk do, every access unit is counted exactly once, and none is kept', async () => {
  const step = fc.constantFrom(
    ...Object.keys(STEPS).filter((name) => name !== 'stop'),
    'send',
    'sendMore',
    'wait',
    'well',
  )
  const scenario = fc.record({
    format: fc.constantFrom(...H264_CONTAINERS),
    rotate: fc.constantFrom(0, 1),
    steps: fc.array(step, { minLength: 3, maxLength: 40 }),
    stopAt: fc.integer({ min: 2, max: 60 }),
  })
  await fc.assert(
    fc.asyncProperty(scenario, async ({ format, rotate, steps, stopAt }) => {
      const simulated = simulation(format, { reconnectSeconds: 30, rotate: { seconds: rotate } })
      simulated.publish()
      await simulated.send(1)
      for (const [index, name] of steps.entries()) {
        if (index === stopAt) void simulated.recording.stop()
        await STEPS[name]?.(simulated)
        await simulated.settle()
        assert.ok(simulated.recording.queuedBytes <= 4_000 + 100, `${simulated.recording.queuedBytes} bytes queued`)
      }
      await assertAccounted(simulated)
    }),
    { numRuns: 300 },
  )
})

test('what the network took is in the ledger, where it was, and the rest is written', async () => {
  const simulated = simulation('mp4')
  simulated.publish()
  await simulated.send(1)
  // Before the file is begun, and after.
  simulated.lose(2, 7)
  await simulated.send(40)
  await simulated.advance(1_200)
  simulated.lose(3, 5)
  await simulated.send(20)
  const { ledger } = await assertAccounted(simulated)
  assert.deepEqual(
    ledger.gaps.map(({ track, cause, accessUnits, packets, missingMs }) => [
      track,
      cause,
      accessUnits,
      packets,
      missingMs,
    ]),
    [
      [1, 'network', 2, 7, 80],
      [1, 'network', 3, 5, 120],
    ],
  )
  assert.deepEqual(
    ledger.gaps.map(({ fromMs, toMs }) => [Math.round(fromMs), Math.round(toMs)]),
    [
      [40, 120],
      [1720, 1840],
    ],
  )
})
