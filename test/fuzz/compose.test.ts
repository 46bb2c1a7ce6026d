import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openComposingRoom } from '#test/support/composed.ts'
import { makeSource, type SourceUnit } from '#test/support/elementary-source.ts'
import { Dice, mutate } from './mutate.ts'

/** Damaged pictures and sound, as native decoders get them from whoever publishes. */

const CODECS = [
  { video: 'h264', audio: 'pcmu' },
  { video: 'vp8', audio: 'opus' },
  { video: 'vp9', audio: 'opus' },
  { video: 'av1', audio: 'opus' },
  { video: 'h265', audio: 'aac' },
  { video: 'mpeg4', audio: 'ac3' },
] as const

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const ROUNDS = process.env['LONG_TESTS'] === '1' ? 50 : 3
/** A day, there and back. */
const MAX_JUMP_TICKS = 90_000 * 86_400

/** Two of three units are damaged or empty, say that they begin a GOP, or come at impossible times. */
function damaged(unit: SourceUnit, dice: Dice, others: readonly Buffer[]): SourceUnit {
  const how = dice.roll(12)
  if (how === 0) return { ...unit, payload: new Uint8Array(0) }
  if (how === 1) return { ...unit, isRandomAccess: true }
  if (how === 2) {
    const jump = dice.roll(MAX_JUMP_TICKS) - MAX_JUMP_TICKS / 2
    return { ...unit, dts: unit.dts + jump, pts: unit.pts + jump }
  }
  return how < 8 ? { ...unit, payload: mutate(Buffer.from(unit.payload), dice, others) } : unit
}

test('damaged media of one participant ends neither the composition nor anybody else’s tile', {
  timeout: 120_000,
}, async () => {
  await using room = await openComposingRoom()
  const { fixture, composer } = room
  const size = { widthPixels: 320, heightPixels: 180, frameRate: 10 }
  const composition = await composer.start({
    ...size,
    output: 'room/all',
    video: true,
    audio: true,
    layout: 'best-fit',
  })
  const dice = new Dice(SEED)
  for (const { video, audio } of CODECS) {
    const { units } = await makeSource(fixture.folder, { video, audio, seconds: 1, size: '96x64' })
    const payloads = units.map(({ payload }) => Buffer.from(payload))
    for (let round = 0; round < ROUNDS; round++) {
      const publisher = fixture.publish(`room/${video}-${round}`)
      const stream = fixture.hub.get(`room/${video}-${round}`)
      assert.ok(stream !== undefined)
      composition.add(stream, { name: video, kind: 'camera' })
      await publisher.sendSlowly(units.map((unit) => damaged(unit, dice, payloads)))
      await sleep(150)
      publisher.end('lost')
    }
  }
  const before = composition.stream.counters.get(1)?.accessUnits ?? 0
  await sleep(1_000)
  const pictures = (composition.stream.counters.get(1)?.accessUnits ?? 0) - before
  assert.ok(pictures > 3, `${pictures} pictures in the last second`)
  assert.deepEqual([composition.state, composition.restarts, composition.tiles], ['running', 0, []], `seed ${SEED}`)
})
