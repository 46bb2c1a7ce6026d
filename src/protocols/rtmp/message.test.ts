import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeCommand,
  decodeData,
  decodeUserControl,
  encodeCommand,
  encodePeerBandwidth,
  encodeUserControl,
  MessageType,
  splitAggregate,
} from './message.ts'

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const of = (typeId: number, body: Uint8Array, timestampMs = 0) => ({ typeId, timestampMs, messageStreamId: 1, body })

test('command: what is written is read back', () => {
  const body = encodeCommand('connect', 1, { app: 'live' }, null)
  const command = decodeCommand(of(MessageType.command, body))
  assert.deepEqual(JSON.parse(JSON.stringify(command)), {
    name: 'connect',
    transactionId: 1,
    args: [{ app: 'live' }, null],
  })
})

test('command of type 17: with and without the zero byte, values in AMF3', () => {
  const amf3Object = hex('11 0a 0b 01 07 617070 06 09 6c697665 01')
  const start = encodeCommand('connect', 1)
  for (const prefix of [[0], []]) {
    const command = decodeCommand(of(MessageType.commandAmf3, Uint8Array.of(...prefix, ...start, ...amf3Object)))
    assert.deepEqual(JSON.parse(JSON.stringify(command)), {
      name: 'connect',
      transactionId: 1,
      args: [{ app: 'live' }],
    })
  }
})

test('command without a transaction id: 0', () => {
  assert.equal(decodeCommand(of(MessageType.command, hex('02 0001 61'))).transactionId, 0)
})

for (const body of ['', '05', '00 0000000000000000']) {
  test(`command refused: ${body || 'empty'}`, () => {
    assert.throws(() => decodeCommand(of(MessageType.command, hex(body))), { code: 'rtmp/message-malformed' })
  })
}

test('data of type 15 skips its zero byte', () => {
  assert.deepEqual(decodeData(of(MessageType.dataAmf3, hex('00 02 0001 61'))), ['a'])
})

test('user control and peer bandwidth', () => {
  assert.deepEqual(encodeUserControl(3, 1, 500), hex('0003 00000001 000001f4'))
  assert.deepEqual(decodeUserControl(of(4, hex('0003 00000001 000001f4'))), { event: 3, values: [1, 500] })
  assert.deepEqual(encodePeerBandwidth(2_500_000), hex('002625a0 02'))
  assert.throws(() => decodeUserControl(of(4, hex('00'))), { code: 'rtmp/message-malformed' })
})

test('aggregate: timestamps move so that the first has the aggregate’s (§7.1.6)', () => {
  const body = hex('08 000001 0003e8 00 000000 aa 0000000c 09 000002 0003f2 00 000000 bbcc 0000000d')
  assert.deepEqual(
    splitAggregate(of(MessageType.aggregate, body, 5000)).map((m) => [
      m.typeId,
      m.timestampMs,
      Buffer.from(m.body).toString('hex'),
    ]),
    [
      [8, 5000, 'aa'],
      [9, 5010, 'bbcc'],
    ],
  )
  assert.throws(() => splitAggregate(of(22, hex('08 0000ff 000000 00 000000 aa'))), {
    code: 'rtmp/message-malformed',
  })
})
