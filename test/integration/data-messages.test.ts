import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AmfEcmaArray, encodeAmf0 } from '#media/flv/amf0.ts'
import { MessageType, type RtmpMessage } from '#protocols/rtmp/message.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { dataTags, walkFlv } from '#test/support/flv-walker.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { sendConfiguration, sendUnit } from '#test/support/rtmp-media.ts'
import { type ServerProcess, startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** Cue points and other data messages, from an encoder's socket to files and players. */

const RULES = `
rules:
  - { match: live/said, request: { format: flv } }
  - { match: live/silent, request: { format: flv, data: false } }
  - { match: live/elsewhere, request: { format: mp4 } }
  - { match: live/parts, request: { format: flv, rotate: { seconds: 1 } } }
  - { match: live/late, record: demand, request: { preRollSeconds: 10 } }
`

let folder: TempFolder
let server: ServerProcess
let source: ElementarySource

before(async () => {
  folder = await TempFolder.make()
  const encoding = ['-bf', '0', '-g', '25']
  source = await makeSource(folder, { video: 'h264', audio: 'aac', seconds: 4, size: '160x90', encoding })
  await writeFile(folder.at('tapedeck.yaml'), RULES)
  server = await startServerProcess(folder.path)
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

/** One message as it is to be found in files and by players. */
interface Said {
  readonly type: number
  readonly timestampMs: number
  readonly body: Buffer
}

const metadata = (title: string) => new AmfEcmaArray({ title, width: 160, height: 90, duration: 0 })

/** What is sent n-th, and what of it is to be found. */
function message(n: number): { readonly typeId: number; readonly sent: Uint8Array; readonly kept?: Uint8Array } {
  const cuePoint = encodeAmf0('onCuePoint', { name: `cue ${n}`, time: n, parameters: { emoji: '🎬' } })
  switch (n % 6) {
    case 0:
      return { typeId: MessageType.data, sent: cuePoint, kept: cuePoint }
    case 1:
      return {
        typeId: MessageType.data,
        sent: encodeAmf0('@setDataFrame', 'onMetaData', metadata(`scene ${n}`)),
        kept: encodeAmf0('onMetaData', metadata(`scene ${n}`)),
      }
    case 2: // The same again says nothing new.
      return { typeId: MessageType.data, sent: encodeAmf0('onMetaData', metadata(`scene ${n - 1}`)) }
    case 3: {
      const amf3 = Uint8Array.of(0, ...encodeAmf0('onCustom', n))
      return { typeId: MessageType.dataAmf3, sent: amf3, kept: amf3 }
    }
    case 4: {
      const framed = Uint8Array.of(0, ...encodeAmf0('@setDataFrame', 'onTextData', { text: `line ${n}` }))
      const kept = Uint8Array.of(0, ...encodeAmf0('onTextData', { text: `line ${n}` }))
      return { typeId: MessageType.dataAmf3, sent: framed, kept }
    }
    default: // More than anybody should have to keep.
      return { typeId: MessageType.data, sent: encodeAmf0('onLarge', 'x'.repeat(60_000), 'y'.repeat(10_000)) }
  }
}

/** Publishes the source with a message after every tenth access unit; gives what is to be found of them. */
async function publish(name: string): Promise<{ client: RtmpClient; said: Said[] }> {
  const client = await RtmpClient.open(Number(new URL(server.rtmp).port))
  assert.equal(await client.status('publish', name), 'NetStream.Publish.Start')
  client.send(MessageType.data, encodeAmf0('@setDataFrame', 'onMetaData', metadata('opening')))
  for (const format of source.formats) sendConfiguration(client, format)
  const said: Said[] = []
  let number = 0
  for (const [index, unit] of source.units.entries()) {
    sendUnit(client, unit)
    if (index % 10 !== 9) continue
    const { typeId, sent, kept } = message(number++)
    const timestampMs = Math.round((unit.dts * 1000) / unit.format.timescale)
    client.send(typeId, sent, { timestampMs })
    if (kept !== undefined) said.push({ type: typeId, timestampMs, body: Buffer.from(kept) })
  }
  return { client, said }
}

async function recorded(stream: string): Promise<RecordingDocument> {
  const api = new ApiClient(server)
  for (;;) {
    const found = (await api.recordings()).find((recording) => recording.stream === stream)
    if (found !== undefined) return await api.untilProved(found.id)
    await sleep(50)
  }
}

const partFiles = ({ parts }: RecordingDocument) =>
  Promise.all(parts.map(async (part) => ({ part, bytes: await readFile(`${part.root}/${part.path}`) })))

/** Publishes to the end; gives the recording's files and what should be in them. */
async function record(name: string) {
  const { client, said } = await publish(name)
  client.deleteStream()
  const recording = await recorded(`live/${name}`)
  client[Symbol.dispose]()
  for (const { received, written, lost } of recording.ledger.tracks) assert.deepEqual([written, lost], [received, 0])
  return { recording, said, files: await partFiles(recording) }
}

test('an FLV recording holds them bit by bit at their times, from the first to the last', async () => {
  const { said, files } = await record('said')
  const bytes = files[0]?.bytes ?? Buffer.alloc(0)
  assert.ok(said.length > 15)
  assert.deepEqual(dataTags(bytes), said)
  const media = walkFlv(bytes).filter(({ type }) => type === 8 || type === 9)
  assert.equal(media.length, source.units.length + source.formats.length)
})

test('data: false leaves them out, and other containers have no place for them', async () => {
  const { files } = await record('silent')
  assert.deepEqual(dataTags(files[0]?.bytes ?? Buffer.alloc(0)), [])
  const { recording, files: mp4 } = await record('elsewhere')
  assert.equal(recording.format, 'mp4')
  const { streams } = await ffprobe(`${mp4[0]?.part.root}/${mp4[0]?.part.path}`)
  assert.deepEqual(streams.map(({ codec_type }) => codec_type).sort(), ['audio', 'video'])
})

test('of a recording in parts, each holds what was said in its time', async () => {
  const { said, files } = await record('parts')
  assert.ok(files.length >= 3)
  const found = files.flatMap(({ part, bytes }) =>
    dataTags(bytes).map((tag) => ({ ...tag, timestampMs: tag.timestampMs + Math.round(part.startMs) })),
  )
  assert.deepEqual(found, said)
  for (const { part, bytes } of files) {
    for (const { timestampMs } of dataTags(bytes)) assert.ok(timestampMs <= part.durationMs + 1)
  }
})

test('a recording that begins in the past has what was said since, and players are sent it as it comes', async () => {
  const { client, said } = await publish('late')
  using player = await RtmpClient.open(Number(new URL(server.rtmp).port))
  assert.equal(await player.status('play', 'late'), 'NetStream.Play.Reset')
  const isData = ({ typeId }: RtmpMessage) => typeId === MessageType.data || typeId === MessageType.dataAmf3
  const nextData = async () => {
    for (;;) {
      const received = player.received.filter(isData)
      if (received.some(({ body }) => said.at(-1)?.body.equals(body))) return received
      await sleep(10)
    }
  }
  // Its own description, then what was said since the random access point it begins with.
  const [description, ...played] = await nextData()
  assert.ok(Buffer.from(description?.body ?? []).includes('onMetaData'))
  assert.ok(played.length > 0 && played.length <= said.length)
  const newest = said.slice(-played.length)
  assert.deepEqual(
    played.map(({ typeId, body }) => ({ type: typeId, body: Buffer.from(body) })),
    newest.map(({ type, body }) => ({ type, body })),
  )

  const { id } = await new ApiClient(server).start({ stream: 'live/late', format: 'flv', preRollSeconds: 10 })
  client.deleteStream()
  const recording = await new ApiClient(server).untilProved(id)
  client[Symbol.dispose]()
  const [file] = await partFiles(recording)
  const found = dataTags(file?.bytes ?? Buffer.alloc(0))
  // Zero is its first picture, which comes 23 ms after the first sound.
  const earlierMs = (said[0]?.timestampMs ?? 0) - (found[0]?.timestampMs ?? 0)
  assert.ok(earlierMs >= 0 && earlierMs < 40)
  assert.deepEqual(
    found,
    said.map((each) => ({ ...each, timestampMs: each.timestampMs - earlierMs })),
  )
})
