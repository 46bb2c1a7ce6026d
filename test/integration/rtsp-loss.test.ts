import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamLoss } from '#hub/stream.ts'
import { parseTransport } from '#protocols/rtsp/transport.ts'
import { picture, TestCamera, videoDescription } from '#test/support/rtp-media.ts'
import { RtspClient } from '#test/support/rtsp-client.ts'
import { rtspFixture } from '#test/support/rtsp-fixture.ts'
import { Dice } from '../fuzz/mutate.ts'

/** FUZZ_SEED repeats a failure. */
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
const PICTURES = 400
const PER_GOP = 10

/** A picture tells its number, and is as large as its number wants it. */
function numbered(index: number): Uint8Array {
  const payload = picture(index % PER_GOP === 0 ? 'key' : 'inter', 60 + ((index * 137) % 900), index % 100)
  Buffer.from(payload.buffer, payload.byteOffset).writeUInt32BE(index, 8)
  return payload
}
const numberOf = (payload: Uint8Array) => Buffer.from(payload).readUInt32BE(8)

for (const percent of [1, 5]) {
  test(`over UDP with ${percent} % lost and others swapped: all that can be shown arrives, and the account is exact (FUZZ_SEED=${SEED})`, async () => {
    await using fixture = await rtspFixture({ config: { reorderMs: 100 } })
    await using client = await RtspClient.open(fixture.port)
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    using _closing = { [Symbol.dispose]: () => void socket.close() }
    const url = fixture.url('live/cam1')
    const { port } = socket.address()
    await client.expect(200, 'ANNOUNCE', url, [['Content-Type', 'application/sdp']], videoDescription())
    const transport = `RTP/AVP;unicast;client_port=${port}-${port + 1};mode=record`
    const { headers } = await client.expect(200, 'SETUP', `${url}/streamid=0`, [['Transport', transport]])
    const [rtp = 0] = parseTransport(headers.get('Transport') ?? '')[0]?.serverPorts ?? []
    await client.expect(200, 'RECORD', url)
    const tape = await fixture.tape(0)
    const losses: StreamLoss[] = []
    const sink = { format() {}, accessUnit() {}, ended() {}, lost: (loss: StreamLoss) => void losses.push(loss) }
    tape.stream.attach(sink, { from: 'now', live: false })

    const dice = new Dice(SEED)
    const camera = new TestCamera()
    let dropped = 0
    let isBroken = false
    const shown: number[] = []
    for (let index = 0; index < PICTURES; index++) {
      const packets = camera.packets(numbered(index), index * 40)
      // What comes first and last can't be missed: nothing before, or behind, tells of it.
      const mayDrop = index > 0 && index < PICTURES - PER_GOP
      const kept = packets.filter(() => !mayDrop || dice.roll(100) >= percent)
      dropped += packets.length - kept.length
      if (index % PER_GOP === 0 && kept.length === packets.length) isBroken = false
      if (kept.length < packets.length) isBroken = true
      if (!isBroken) shown.push(index)
      for (let at = 0; at + 1 < kept.length; at++) {
        if (dice.roll(100) < 5) kept.splice(at, 2, ...kept.slice(at, at + 2).toReversed())
      }
      for (const packet of kept) socket.send(packet, rtp, '127.0.0.1')
      if (index % 4 === 0) await sleep(2)
    }
    while (tape.units.length < shown.length) await sleep(10)
    await client.expect(200, 'TEARDOWN', url)
    assert.ok(dropped > 0)
    assert.deepEqual(
      tape.units.map(({ payload }) => numberOf(payload)),
      shown,
    )
    for (const { payload } of tape.units) {
      assert.ok(Buffer.from(payload).equals(numbered(numberOf(payload))), 'not a byte is another')
    }
    const told = losses.reduce((sum, { packets }) => sum + packets, 0)
    assert.equal(told, dropped, 'packets told as lost')
    const units = losses.reduce((sum, { accessUnits }) => sum + accessUnits, 0)
    // Of what is lost whole only its packets are known.
    assert.ok(units <= PICTURES - shown.length && units > 0, `${units} of ${PICTURES - shown.length}`)
  })
}
