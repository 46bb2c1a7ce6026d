import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ComposedTile } from '#compose/composed-tile.ts'
import type { Composition } from '#compose/composition.ts'
import { beepSource, beepsOf, soundOf } from '#test/support/beeps.ts'
import { coloured, Frames, isNear, openComposingRoom, participate, toneIn, toneSpan } from '#test/support/composed.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { flashesOf } from '#test/support/flashes.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { PacedPublisher } from '#test/support/paced-publisher.ts'

/** Composed recordings, judged by the pixels and the sound of the file. */

const RED = [220, 20, 20] as const
const BLUE = [20, 20, 220] as const
/** Who comes or leaves is seen and heard, or not any more, within a second. */
const SOON_MS = 1_000

/** White for 200 ms at the beginning of each second. */
const FLASHING = "drawbox=color=white:t=fill:enable='lt(mod(t,1),0.2)'"

/**
 * At the beginning of a stream: once something has been so late, everything has that long to come. A machine that is
 * busy with other tests keeps the sending one waiting, but not for that long.
 */
const STALL = { fromMs: 300, toMs: 1_200 } as const

/** Small: what a busy machine has no time to encode is left out, as it should. */
const SIZE = { widthPixels: 320, heightPixels: 180, frameRate: 25 } as const

test('two encoders side by side, the second later and shorter: both are seen and heard when they are there', {
  timeout: 90_000,
}, async () => {
  const [redUnits, blueUnits] = [await coloured('0xdc1414', 440, 9), await coloured('0x1414dc', 1_000, 3)]
  await using room = await openComposingRoom()
  const { fixture, composer, rtmp } = room
  const composition = await composer.start({
    ...SIZE,
    output: 'room/all',
    video: true,
    audio: true,
    layout: 'best-fit',
  })
  const joined = new Map<string, number>()
  const left = new Map<string, number>()
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  const startedMs = performance.now()
  using _arrivals = fixture.hub.streamStarted.listen((stream) => {
    if (stream === composition.stream) return
    joined.set(stream.path, performance.now() - startedMs)
    composition.add(stream, { name: stream.path, kind: 'camera' })
  })
  using _leaving = fixture.hub.streamEnded.listen(({ path }) => void left.set(path, performance.now() - startedMs))
  const red = participate(rtmp, 'red', redUnits)
  await sleep(3_000)
  await participate(rtmp, 'blue', blueUnits)
  await red
  await sleep(1_500)
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  assert.equal(recording.state, 'ready')
  assert.equal(recording.parts.length, 1)
  const [path = ''] = fixture.paths(recording)
  const { streams } = await ffprobe(path)
  assert.deepEqual(streams.map(({ codec_name }) => codec_name).sort(), ['aac', 'h264'])
  const frames = await Frames.of(path, 64, 36, 25)
  const sound = await soundOf(path)
  // Alone red fills the frame; with blue it is on the left.
  const [redFrom = 0, redTo = 0] = frames.span(0.25, 0.5, RED) ?? []
  const [blueFrom = 0, blueTo = 0] = frames.span(0.75, 0.5, BLUE) ?? []
  const facts = JSON.stringify({ redFrom, redTo, blueFrom, blueTo, joined: [...joined], left: [...left] })
  const near = (seenMs: number, cameMs: number | undefined) => {
    assert.ok(cameMs !== undefined && Math.abs(seenMs - cameMs) < SOON_MS, `${seenMs} for ${cameMs}: ${facts}`)
  }
  near(redFrom, joined.get('room/red'))
  near(redTo, left.get('room/red'))
  near(blueFrom, joined.get('room/blue'))
  near(blueTo, left.get('room/blue'))
  for (const [hertz, name] of [
    [440, 'room/red'],
    [1_000, 'room/blue'],
  ] as const) {
    const [from = 0, to = 0] = toneSpan(sound, hertz) ?? []
    near(from, joined.get(name))
    near(to, left.get(name))
  }
  assert.deepEqual(frames.at(blueFrom - 1_000, 0.75, 0.5).map(Math.round), frames.at(blueFrom - 1_000, 0.25, 0.5))
})

test('a flash and its beep stay together', { timeout: 60_000 }, async () => {
  await using room = await openComposingRoom()
  const { fixture, composer, rtmp } = room
  const composition = await composer.start({
    ...SIZE,
    output: 'room/all',
    video: true,
    audio: true,
    layout: 'best-fit',
  })
  using _arrivals = fixture.hub.streamStarted.listen((stream) => {
    if (stream.path === 'room/clock') composition.add(stream, { name: 'clock', kind: 'screen' })
  })
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  const { units } = await makeSource(fixture.folder, {
    ...({ video: 'h264', audio: 'aac', seconds: 8 } as const),
    sound: beepSource(1_000, 8, 44_100),
    encoding: ['-vf', `fps=30,drawbox=color=black:t=fill,${FLASHING}`, '-bf', '0', '-g', '30'],
  })
  using publisher = await PacedPublisher.start({ rtmp, app: 'room', name: 'clock', units, stall: STALL })
  await publisher.allArrived()
  await sleep(1_000)
  publisher.finish()
  await sleep(500)
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  const [path = ''] = fixture.paths(recording)
  const flashes = await flashesOf(path)
  const beeps = (await beepsOf(path)).filter(({ fromMs, toMs }) => toMs - fromMs > 150)
  // The first seconds may be missing: the composition joins a stream at its key frame, and the stream stalls.
  assert.ok(flashes.length >= 6 && beeps.length >= 6, JSON.stringify({ flashes, beeps }))
  for (const flashMs of flashes.slice(-5)) {
    const offMs = Math.min(...beeps.map(({ fromMs }) => Math.abs(fromMs - flashMs)))
    assert.ok(offMs <= 40, `flash at ${flashMs} ms, beep ${offMs} ms away: ${JSON.stringify(beeps)}`)
  }
})

test('a killed composing process is replaced, and the recording goes on, with a gap', {
  timeout: 60_000,
}, async () => {
  const units = await coloured('0xdc1414', 440, 30)
  await using room = await openComposingRoom()
  const { fixture, composer, rtmp } = room
  const composition = await composer.start({
    ...SIZE,
    output: 'room/all',
    video: true,
    audio: true,
    layout: 'best-fit',
  })
  using _arrivals = fixture.hub.streamStarted.listen((stream) => {
    if (stream.path === 'room/red') composition.add(stream, { name: 'red', kind: 'camera' })
  })
  const own = await fixture.start({ stream: 'room/red', format: 'mp4', waitForStream: true })
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  using red = await PacedPublisher.start({ rtmp, app: 'room', name: 'red', units })
  await sleep(4_000)
  assert.ok(composition.pid !== undefined)
  process.kill(composition.pid, 'SIGKILL')
  for (const endMs = performance.now() + 60_000; composition.restarts === 0 || composition.state !== 'running'; ) {
    assert.ok(performance.now() < endMs, `it is ${composition.state}`)
    await sleep(20)
  }
  await sleep(2_500)
  red.finish()
  assert.deepEqual([composition.state, composition.restarts], ['running', 1])
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  assert.equal(recording.state, 'ready')
  assert.equal(recording.parts.length, 1)
  const { gaps } = recording.ledger
  assert.deepEqual(gaps.map(({ cause }) => cause).sort(), ['restart', 'restart'], JSON.stringify(recording.ledger))
  const gap = gaps.find(({ track }) => track === 1)
  assert.ok(gap !== undefined)
  const [path = ''] = fixture.paths(recording)
  const [frames, sound] = [await Frames.of(path, 64, 36, 25), await soundOf(path)]
  const gapEndMs = gap.toMs
  assert.ok(gap.missingMs < 5_000)
  for (const ms of [gap.fromMs - 500, gapEndMs + 1_500]) {
    assert.ok(isNear(frames.at(ms, 0.5, 0.5), RED), `at ${ms} ms: ${frames.at(ms, 0.5, 0.5)}`)
    assert.ok(toneSpan(sound.subarray(ms * 16, (ms + 200) * 16), 440) !== undefined, `at ${ms} ms`)
  }
  // The participant's own recording has seen nothing of it.
  const individual = await fixture.until(own.id, ({ state }) => state === 'ready' || state === 'failed')
  assert.deepEqual([individual.parts.length, individual.ledger.gaps], [1, []])
})

test('a publisher that stalls freezes its own tile; one whose picture ends leaves its name', {
  timeout: 60_000,
}, async () => {
  const redUnits = await coloured('0xdc1414', 440, 10)
  await using room = await openComposingRoom()
  const { fixture, composer, rtmp } = room
  const black = ['-vf', `drawbox=color=black:t=fill,${FLASHING}`, '-bf', '0']
  const flashing = await makeSource(fixture.folder, { video: 'h264', seconds: 10, encoding: black })
  const request = { ...SIZE, output: 'room/all', video: true, audio: true, layout: 'best-fit' } as const
  const composition = await composer.start(request)
  const tiles = new Map<string, ComposedTile>()
  using _arrivals = fixture.hub.streamStarted.listen((stream) => {
    if (stream === composition.stream) return
    const order = stream.path === 'room/clock' ? 1 : 0
    tiles.set(stream.path, composition.add(stream, { name: 'Zoë', kind: 'camera', order }))
  })
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  const publishing = [
    participate(rtmp, 'red', redUnits, { fromMs: 4_000, toMs: 6_500 }),
    participate(rtmp, 'clock', flashing.units),
  ]
  await sleep(4_000)
  const stoppedMs = mediaMs(composition)
  await sleep(4_500)
  const mutedMs = mediaMs(composition)
  tiles.get('room/red')?.update({ name: 'Zoë', kind: 'camera', isVideoMuted: true })
  await Promise.all(publishing)
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  const [path = ''] = fixture.paths(recording)
  const frames = await Frames.of(path, 64, 36, 25)
  for (let ms = stoppedMs; ms < stoppedMs + 2_500; ms += 100) {
    assert.ok(isNear(frames.at(ms, 0.1, 0.5), RED), `red at ${ms} ms: ${frames.at(ms, 0.1, 0.5)}`)
  }
  // Meanwhile the other tile goes on: it flashes every second.
  const brightness = Array.from({ length: 24 }, (_, step) => frames.at(stoppedMs + step * 100, 0.75, 0.5)[0])
  const flashes = brightness.filter((value, index) => value > 128 && (brightness[index - 1] ?? 255) <= 128)
  assert.ok(flashes.length >= 2, brightness.join(' '))
  // And so does the sound of the first, but for the stall.
  const sound = await soundOf(path)
  const toneAt = (ms: number) => toneIn(sound.subarray(ms * 16, (ms + 200) * 16), 440, 16_000)
  assert.ok(toneAt(stoppedMs - 500) > 0.02 && toneAt(stoppedMs + 1_700) < 0.005 && toneAt(mutedMs) > 0.02)
  const muted = frames.at(mutedMs + SOON_MS, 0.03, 0.3)
  assert.ok(isNear(muted, [33, 33, 33]), `a dark tile with the name: ${muted}`)
})

/** Milliseconds of the composed stream's recording, which begins with it. */
function mediaMs(composition: Composition): number {
  const counters = composition.stream.counters.get(1)
  return ((counters?.accessUnits ?? 0) * 1_000) / SIZE.frameRate
}

test('sound alone is mixed without gaps', { timeout: 60_000 }, async () => {
  await using room = await openComposingRoom()
  const { fixture, composer, rtmp } = room
  const request = { ...SIZE, output: 'room/all', video: false, audio: true, layout: 'best-fit' } as const
  const composition = await composer.start(request)
  using _arrivals = fixture.hub.streamStarted.listen((stream) => {
    if (stream !== composition.stream) composition.add(stream, { name: '', kind: 'camera' })
  })
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  const publish = async (hertz: number) => {
    const sound = `sine=${hertz}:r=44100:d=6`
    const { units } = await makeSource(fixture.folder, { audio: 'aac', seconds: 6, sound })
    await participate(rtmp, String(hertz), units, STALL)
  }
  await Promise.all([440, 1_000].map(publish))
  await sleep(1_500)
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  const [path = ''] = fixture.paths(recording)
  const { streams } = await ffprobe(path)
  assert.deepEqual(
    streams.map(({ codec_name }) => codec_name),
    ['aac'],
  )
  const sound = await soundOf(path)
  for (const hertz of [440, 1_000]) {
    const [from = 0, to = 0] = toneSpan(sound, hertz) ?? []
    assert.ok(to - from > 4_500, `${hertz} Hz from ${from} to ${to}`)
    // But for the beginning, when it is not yet known how long everything has to wait.
    const holes: number[] = []
    for (let ms = from + 1_500; ms < to - 200; ms += 50) {
      if (toneIn(sound.subarray(ms * 16, (ms + 50) * 16), hertz, 16_000) <= 0.08) holes.push(ms)
    }
    assert.deepEqual(holes, [], `${hertz} Hz from ${from} to ${to}`)
  }
})
