import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CLIENT_HELLO_BYTES, HANDSHAKE_BLOCK_BYTES } from '#protocols/rtmp/handshake.ts'
import { MessageType } from '#protocols/rtmp/message.ts'
import { hex } from '#test/support/bytes.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { type RtmpFixture, rtmpFixture } from '#test/support/rtmp-fixture.ts'
import { AVC_CONFIGURATION } from '#test/support/rtmp-media.ts'
import { Dice, mutate } from './mutate.ts'
import { RECORDED_NAME, recordSessions } from './record-sessions.ts'

/** Inputs of one run; FUZZ_INPUTS and FUZZ_SEED choose others, to look further or to repeat a failure. */
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? (process.env['LONG_TESTS'] === '1' ? 100_000 : 3_000))
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const PARALLEL = 90
/** Setup, configurations and the first pictures: what follows is more of the same. */
const MAX_INPUT_BYTES = 24 * 1024
const HANDSHAKE_BYTES = CLIENT_HELLO_BYTES + HANDSHAKE_BLOCK_BYTES

test(`RTMP: ${INPUTS} damaged sessions of real publishers, a healthy one beside them (FUZZ_SEED=${SEED})`, async () => {
  await using fixture = await rtmpFixture()
  const sessions = (await recordSessions(fixture)).map((bytes) => bytes.subarray(0, MAX_INPUT_BYTES))
  const dice = new Dice(SEED)
  const healthy = await startHealthy(fixture)
  const trouble: unknown[] = []
  let next = 0
  const work = async () => {
    while (next < INPUTS) {
      await play(fixture.port, damaged(sessions, next++, dice))
      // Nothing of what was logged and taped is needed but unexpected errors.
      const failed = ({ event, code }: { event: string; code?: unknown }) =>
        event === 'hub.sink-failed' || code === 'internal/unexpected'
      trouble.push(...fixture.events.filter(failed))
      fixture.events.length = 0
      fixture.tapes.length = 0
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  assert.deepEqual(trouble, [])
  await healthy.finish()
  while (fixture.server.counters.connections > 0) await sleep(10)
  assert.equal(fixture.hub.size, 0, 'every stream has ended')
  assert.equal(fixture.hub.payloads.inUseBytes, 0, 'all payload memory is back')
})

/** A session under a stream name of its own, with damage; one in eight has it in the handshake too. */
function damaged(sessions: readonly Buffer[], index: number, dice: Dice): Buffer {
  const bytes = Buffer.from(dice.pick(sessions))
  const name = Buffer.from(`fuzz-${String(index % 1_000_000).padStart(6, '0')}`)
  for (let at = bytes.indexOf(RECORDED_NAME); at >= 0; at = bytes.indexOf(RECORDED_NAME, at + 1)) name.copy(bytes, at)
  if (dice.roll(8) === 0) return mutate(bytes, dice, sessions)
  const rest = mutate(bytes.subarray(HANDSHAKE_BYTES), dice, sessions)
  return Buffer.concat([bytes.subarray(0, HANDSHAKE_BYTES), rest])
}

/** Sends it all and waits until the server has closed. */
async function play(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.end(bytes)
  if (!socket.destroyed) await once(socket, 'close')
}

/** A publisher that sends a picture every 20 ms; at its end every one of them must have arrived. */
async function startHealthy(fixture: RtmpFixture) {
  const client = await RtmpClient.open(fixture.port)
  assert.equal(await client.status('publish', 'healthy'), 'NetStream.Publish.Start')
  const tape = fixture.tapes.at(-1)
  assert.equal(tape?.stream.path, 'live/healthy')
  client.send(MessageType.video, Buffer.concat([hex('1700000000'), AVC_CONFIGURATION]))
  let sent = 0
  const timer = setInterval(() => {
    client.send(MessageType.video, hex('1701000000 00000002 6588'), { timestampMs: 20 * sent++ })
  }, 20)
  return {
    finish: async () => {
      clearInterval(timer)
      await client.status('deleteStream', 1)
      client[Symbol.dispose]()
      assert.equal((await tape?.ended)?.cause, 'unpublished')
      assert.deepEqual(
        tape?.units.map((unit) => unit.dts),
        Array.from({ length: sent }, (_, index) => index * 1800),
      )
    },
  }
}
