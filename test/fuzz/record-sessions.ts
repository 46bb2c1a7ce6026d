import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeAmf0 } from '#media/flv/amf0.ts'
import { encodeU32, MessageType } from '#protocols/rtmp/message.ts'
import { hex } from '#test/support/bytes.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { program, publishWithFfmpeg8 } from '#test/support/programs.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import type { RtmpFixture } from '#test/support/rtmp-fixture.ts'
import { AVC_CONFIGURATION } from '#test/support/rtmp-media.ts'

/** Stream name in every recorded session; replaced by another of the same length in each input. */
export const RECORDED_NAME = 'fuzz-000000'

/** What real publishers send, byte by byte: ffmpeg, FFmpeg 8 with enhanced RTMP, and the rare forms by hand. */
export async function recordSessions(fixture: RtmpFixture): Promise<Buffer[]> {
  const sessions: Buffer[] = []
  const proxy = createServer((client) => relay(client, fixture.port, sessions))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const url = `rtmp://127.0.0.1:${port}/live/${RECORDED_NAME}`
  try {
    const avc = await makeSource(fixture.folder, { video: 'h264', audio: 'aac', seconds: 1 })
    await program('ffmpeg', ['-v', 'error', '-i', avc.path, '-c', 'copy', '-f', 'flv', url])
    const hevc = await makeSource(fixture.folder, { video: 'h265', audio: 'opus', seconds: 1 })
    await pathFree(fixture)
    await publishWithFfmpeg8(hevc.path, url)
    const vp9 = await makeSource(fixture.folder, { video: 'vp9', audio: 'ac3', seconds: 1 })
    await pathFree(fixture)
    await publishWithFfmpeg8(vp9.path, url)
    await pathFree(fixture)
    await rareForms(port)
    while (sessions.length < 4) await sleep(10)
  } finally {
    proxy.close()
    await once(proxy, 'close')
  }
  return sessions
}

/** All sessions use one name: each waits until the server has seen the end of the one before. */
async function pathFree(fixture: RtmpFixture): Promise<void> {
  while (fixture.hub.size > 0) await sleep(10)
}

/** Forwards both ways and keeps what the client said. */
function relay(client: Socket, port: number, sessions: Buffer[]): void {
  const server = connect(port, '127.0.0.1')
  const said: Buffer[] = []
  client.on('data', (bytes) => void said.push(bytes))
  client.on('error', () => {}).on('close', () => server.destroy())
  server.on('error', () => {}).on('close', () => client.destroy())
  client.on('close', () => void sessions.push(Buffer.concat(said)))
  client.pipe(server).pipe(client)
}

async function rareForms(port: number): Promise<void> {
  using client = await RtmpClient.open(port)
  assert.equal(await client.status('publish', RECORDED_NAME, 'append'), 'NetStream.Publish.Start')
  const avc1 = '61766331'
  client.send(
    MessageType.data,
    encodeAmf0('@setDataFrame', 'onMetaData', { width: 320, list: [1, 'a', new Date(0), null] }),
  )
  client.send(
    MessageType.commandAmf3,
    hex('00 02 0007 756e6b6e6f776e 00 3ff0000000000000 11 0a 0b 01 03 61 09 05 01 06 03 62 04 01 01'),
  )
  client.send(MessageType.video, Buffer.concat([hex('1700000000'), AVC_CONFIGURATION]))
  client.send(
    MessageType.aggregate,
    hex('09 00000b 0003e8 00 000000 1701000000 00000002 6588 00000016 08 000002 0003f0 00 000000 af01 0000000d'),
  )
  client.send(MessageType.video, hex(`a7 02 07a120 03 ${avc1} 00000002 4188`), { timestampMs: 0x100_0000 })
  client.send(MessageType.video, Buffer.concat([hex(`96 00 ${avc1} 02`), AVC_CONFIGURATION]))
  client.send(MessageType.video, hex('96 21 61763031 00 000002 1200 76703038 01 00000a f000009d0124001b400000'))
  client.send(MessageType.audio, hex('95 11 2e6d7033 00 000004 fffb9064 01 000004 fffb9064'))
  for (const tag of ['72 d5d5d5', '82 ffff', 'b2 00', '2f fffb9064', '90 664c6143 00', '94 4f707573 010200000003']) {
    client.send(MessageType.audio, hex(tag))
  }
  client.send(MessageType.abort, encodeU32(4))
  client.send(MessageType.userControl, hex('0006 00000001'))
  await client.status('deleteStream', 1)
}
