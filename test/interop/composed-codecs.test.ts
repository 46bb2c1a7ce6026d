import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { soundOf } from '#test/support/beeps.ts'
import { Frames, isNear, openComposingRoom, toneSpan } from '#test/support/composed.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import type { TestPublisher } from '#test/support/recorder-fixture.ts'

/** What encoders, cameras and browsers send, in one composition. */

const SECONDS = 5
const PARTICIPANTS = [
  { video: 'h264', audio: 'aac', hertz: 440 },
  { video: 'vp8', audio: 'opus', hertz: 700 },
  { video: 'vp9', audio: 'opus', hertz: 1_000 },
  { video: 'av1', audio: 'aac', hertz: 1_300 },
  { video: 'h265', audio: 'aac', hertz: 1_600 },
  { video: 'jpeg', audio: 'pcma', hertz: 1_900 },
] as const

/** At the pace it was made for. */
async function publish(publisher: TestPublisher, units: readonly SourceUnit[]): Promise<void> {
  const startMs = performance.now()
  for (let at = 0; at < units.length; ) {
    const nowMs = performance.now() - startMs
    let end = at
    while (end < units.length && dtsMs(units[end]) <= nowMs) end++
    publisher.send(units.slice(at, end))
    at = end
    await sleep(10)
  }
}

function dtsMs(unit: SourceUnit | undefined): number {
  return unit === undefined ? 0 : (unit.dts * 1_000) / unit.format.timescale
}

test('pictures and sounds of every codec are in one', { timeout: 120_000 }, async () => {
  await using room = await openComposingRoom()
  const { fixture, composer } = room
  const sources = []
  for (const { video, audio, hertz } of PARTICIPANTS) {
    const options = { video, audio, seconds: SECONDS, size: '160x120', sound: `sine=${hertz}:d=${SECONDS}` }
    sources.push(await makeSource(fixture.folder, options))
  }
  const composition = await composer.start({
    output: 'room/all',
    widthPixels: 480,
    heightPixels: 240,
    frameRate: 25,
    video: true,
    audio: true,
    layout: 'best-fit',
  })
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  await Promise.all(
    sources.map(async ({ units }, index) => {
      const publisher = fixture.publish(`room/${index}`)
      const stream = fixture.hub.get(`room/${index}`)
      if (stream !== undefined) composition.add(stream, { name: '', kind: 'camera', order: index })
      await publish(publisher, units)
      await sleep(300)
      publisher.end('unpublished')
    }),
  )
  await composition.end()
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  const [path = ''] = fixture.paths(recording)
  const [frames, sound] = [await Frames.of(path, 480, 240, 10), await soundOf(path)]
  // Three columns and two rows: the test picture begins with a red and ends with a cyan stripe.
  for (const [index, { video, hertz }] of PARTICIPANTS.entries()) {
    const left = (index % 3) / 3
    const y = Math.floor(index / 3) / 2 + 0.45
    const [red, cyan] = [frames.at(3_500, left + 0.02, y), frames.at(3_500, left + 0.32, y)]
    assert.ok(isNear(red, [250, 20, 10], 70) && isNear(cyan, [10, 250, 250], 70), `${video}: ${red}, ${cyan}`)
    const [from = 0, to = 0] = toneSpan(sound, hertz) ?? []
    assert.ok(to - from > 3_000, `${hertz} Hz is heard from ${from} to ${to}`)
  }
})
