import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openComposingRoom } from '#test/support/composed.ts'
import { ffprobe } from '#test/support/outside-judges.ts'

/** More than any machine of ours can encode in time. */
const TOO_LARGE = { widthPixels: 4096, heightPixels: 4096, frameRate: 60 } as const

test('when there is no time pictures are left out, the sound is whole, and both keep their clock', {
  timeout: 60_000,
}, async () => {
  await using room = await openComposingRoom(Number.POSITIVE_INFINITY)
  const { fixture, composer } = room
  const request = { output: 'room/all', video: true, audio: true, layout: 'best-fit' } as const
  const composition = await composer.start({ ...request, ...TOO_LARGE, videoBitrateBps: 4_000_000 })
  const startMs = performance.now()
  const { id } = await fixture.start({ stream: 'room/all', format: 'mp4' })
  await sleep(3_000)
  const wasOverloaded = composition.isOverloaded(5_000)
  await composition.end()
  const lengthMs = performance.now() - startMs
  const { droppedPictures } = composition.overload
  assert.ok(droppedPictures > 20, `${droppedPictures} left out`)
  assert.ok(wasOverloaded, 'and no other composition would have been let in')
  const recording = await fixture.until(id, ({ state }) => state === 'ready' || state === 'failed')
  const [path = ''] = fixture.paths(recording)
  const { packets, streams } = await ffprobe(path)
  const times = (kind: string) => {
    const index = streams.findIndex(({ codec_type }) => codec_type === kind)
    return packets.filter(({ stream_index }) => stream_index === index).map(({ pts_time }) => Number(pts_time) * 1_000)
  }
  const sound = times('audio')
  for (const [index, ms] of sound.entries()) {
    const stepMs = ms - (sound[index - 1] ?? ms)
    assert.ok(index === 0 || Math.abs(stepMs - 1_024 / 48) < 0.1, `${stepMs} ms after access unit ${index}`)
  }
  const pictures = times('video')
  assert.ok(pictures.length < (lengthMs * TOO_LARGE.frameRate) / 1_000 - 20, `${pictures.length} pictures`)
  const [lastPicture = 0, lastSound = 0] = [pictures.at(-1), sound.at(-1)]
  // On the clock: as long as it took, give or take what was late when it ended.
  for (const ms of [lastPicture, lastSound]) assert.ok(Math.abs(ms - lengthMs) < 1_000, `${ms} of ${lengthMs} ms`)
})

test('who makes the composing process crash again and again is left out', { timeout: 60_000 }, async () => {
  await using room = await openComposingRoom()
  const { fixture, composer } = room
  const small = { widthPixels: 320, heightPixels: 180, frameRate: 10 }
  const request = { output: 'room/all', video: true, audio: true, layout: 'best-fit' } as const
  const composition = await composer.start({ ...request, ...small })
  const publishers = ['good', 'bad'].map((name) => fixture.publish(`room/${name}`))
  for (const name of ['good', 'bad']) {
    const stream = fixture.hub.get(`room/${name}`)
    assert.ok(stream !== undefined)
    composition.add(stream, { name, kind: 'camera' })
  }
  for (let crash = 1; crash <= 3; crash++) {
    while (composition.pid === undefined || composition.state !== 'running') await sleep(10)
    process.kill(composition.pid, 'SIGSEGV')
    while (composition.state === 'running') await sleep(10)
    assert.equal(composition.tiles.length, crash < 3 ? 2 : 1)
  }
  while (composition.state !== 'running') await sleep(10)
  assert.deepEqual(
    composition.tiles.map(({ stream }) => stream.path),
    ['room/good'],
  )
  for (const publisher of publishers) publisher.end('unpublished')
  assert.deepEqual(composition.tiles, [])
})

test('a composing process that hangs is replaced', { timeout: 60_000 }, async () => {
  await using room = await openComposingRoom()
  const small = { widthPixels: 320, heightPixels: 180, frameRate: 10 }
  const request = { output: 'room/all', video: true, audio: true, layout: 'best-fit' } as const
  const composition = await room.composer.start({ ...request, ...small })
  const { pid } = composition
  assert.ok(pid !== undefined)
  process.kill(pid, 'SIGSTOP')
  while (composition.restarts === 0 || composition.state !== 'running') await sleep(50)
  assert.notEqual(composition.pid, pid)
})
