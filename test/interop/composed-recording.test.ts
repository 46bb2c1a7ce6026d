import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { soundOf } from '#test/support/beeps.ts'
import { Frames, openComposingRoom, participant, toneSpan } from '#test/support/composed.ts'
import { ffprobe } from '#test/support/outside-judges.ts'

/** Composed recordings, judged by the pixels and the sound of the file. */

const RED = [220, 20, 20] as const
const BLUE = [20, 20, 220] as const
/** Who comes or leaves is seen and heard, or not any more, within a second. */
const SOON_MS = 1_000

const SIZE = { widthPixels: 640, heightPixels: 360, frameRate: 25 } as const

test('two encoders side by side, the second later and shorter: both are seen and heard when they are there', {
  timeout: 90_000,
}, async () => {
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
  const red = participant(`${rtmp}/room/red`, '0xdc1414', 440, 9)
  await sleep(3_000)
  await participant(`${rtmp}/room/blue`, '0x1414dc', 1_000, 3)
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
