import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from '#test/support/api-client.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { type ReceivedWebhook, WebhookReceiver } from '#test/support/webhook-receiver.ts'

/** Webhooks of a whole server, to a receiver of its own process's choosing: up, down, refusing, and the server killed. */

const SECRET = 'a secret of sixteen characters and more'
const KILLS = process.env['LONG_TESTS'] === undefined ? 2 : 20
const CAMERAS = ['cam1', 'cam2', 'cam3']

async function configure(folder: TempFolder, receiver: WebhookReceiver): Promise<void> {
  await writeFile(
    folder.at('tapedeck.yaml'),
    `rules: [{ match: '**', request: { rotate: { seconds: 1 } } }]
hooks:
  webhooks: [{ name: desk, url: '${receiver.url}', secret: '${SECRET}', timeoutMs: 2000 }]
`,
  )
}

const start = (folder: TempFolder) =>
  startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })

const types = (webhooks: readonly ReceivedWebhook[]) =>
  webhooks.map(({ type, part }) => (part === undefined ? type : `${type} ${part}`))

/** Everything about a recording was told, each thing in its place. */
function assertToldInOrder(recording: RecordingDocument, webhooks: readonly ReceivedWebhook[]): void {
  const told = types(webhooks)
  const at = (what: string) => {
    assert.ok(told.includes(what), `${recording.id} ${what} is missing in ${told.join(', ')}`)
    return told.indexOf(what)
  }
  const order = [
    at('recording.waiting'),
    ...(recording.state === 'ready' ? [at('recording.started')] : []),
    at(`recording.${recording.state}`),
  ]
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
    told.join(', '),
  )
  for (const { index, state } of recording.parts) {
    assert.ok(at(`part.opened ${index}`) > at('recording.waiting'))
    if (state !== 'ready') continue
    assert.ok(at(`part.opened ${index}`) < at(`part.ready ${index}`), told.join(', '))
    assert.ok(at(`part.ready ${index}`) < at(`recording.${recording.state}`), told.join(', '))
    assert.ok(index === 1 || at(`part.ready ${index - 1}`) < at(`part.ready ${index}`), told.join(', '))
  }
  assert.equal(told.at(-1), `recording.${recording.state}`)
}

test('a receiver is down and the server killed meanwhile, again and again: nothing is lost, nothing out of order', async (t) => {
  await using folder = await TempFolder.make()
  await using receiver = await WebhookReceiver.open(SECRET)
  await configure(folder, receiver)
  await receiver.goDown()
  for (let kill = 0; kill < KILLS; kill++) {
    await using server = await start(folder)
    await using publishers = new AsyncDisposableStack()
    for (const camera of CAMERAS) publishers.use(new FfmpegPublisher(`${server.rtmp}/live/${camera}`))
    const lastsMs = Math.round(1_000 + 2_500 * Math.random())
    t.diagnostic(`killed after ${lastsMs} ms`)
    await sleep(lastsMs)
    await server.kill()
    // In a long run the receiver is there every other time, so that some is sent while the server is killed.
    if (kill % 4 === 1) await receiver.comeBack()
    if (kill % 4 === 3) await receiver.goDown()
  }
  await using server = await start(folder)
  const api = new ApiClient(server)
  const live = new FfmpegPublisher(`${server.rtmp}/live/cam4`)
  await sleep(1_500)
  if (!receiver.isUp) await receiver.comeBack()
  // Some deliveries fail once more: a server that has just come up.
  let refusals = 5
  receiver.answer = () => (refusals-- > 0 ? 503 : 200)
  await live.stop()
  const recordings: RecordingDocument[] = []
  for (const { id } of await api.recordings()) {
    recordings.push(await api.until(id, 'over', ({ state }) => state === 'ready' || state === 'failed'))
  }
  assert.ok(recordings.length > CAMERAS.length, `${recordings.length}`)
  const isOver = ({ type }: ReceivedWebhook) => type === 'recording.ready' || type === 'recording.failed'
  await receiver.until('all ends', (received) => {
    return new Set(received.filter(isOver).map(({ recording }) => recording?.id)).size >= recordings.length
  })
  for (const recording of recordings) assertToldInOrder(recording, receiver.about(recording.id))
  assert.deepEqual(receiver.problems, [])
})

test('one that is refused holds up its own recording only', async () => {
  await using folder = await TempFolder.make()
  await using receiver = await WebhookReceiver.open(SECRET)
  await configure(folder, receiver)
  let stubborn: string | undefined
  receiver.answer = ({ recording, type }) => {
    stubborn ??= recording?.id
    return recording !== undefined && recording.id === stubborn && type !== 'recording.waiting' ? 500 : 200
  }
  await using server = await start(folder)
  await using _first = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  await sleep(1_500)
  const second = new FfmpegPublisher(`${server.rtmp}/live/cam2`)
  await sleep(1_500)
  await second.stop()
  await receiver.until('the second', (received) => received.some(({ type }) => type === 'recording.ready'))
  assert.deepEqual(types(receiver.about(stubborn ?? '')), ['recording.waiting'])
  receiver.answer = () => 200
  await receiver.until('the first', (received) => {
    return received.some(({ type, recording }) => type === 'recording.started' && recording?.id === stubborn)
  })
  assert.deepEqual(receiver.problems, [])
})

test('what was given up or delivered can be looked at and sent again', async () => {
  await using folder = await TempFolder.make()
  await using receiver = await WebhookReceiver.open(SECRET)
  await configure(folder, receiver)
  await using server = await start(folder)
  const publisher = new FfmpegPublisher(`${server.rtmp}/live/cam1`)
  await sleep(1_500)
  await publisher.stop()
  await receiver.until('the end', (received) => received.some(({ type }) => type === 'recording.ready'))
  const ready = receiver.received.find(({ type }) => type === 'recording.ready')
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(new URL(`api/v1/${path}`, server.page), init)
    assert.equal(response.status, 200, path)
    return response.json()
  }
  const { deliveries } = (await get(`webhooks/deliveries?recording=${ready?.recording?.id}&limit=1000`)) as {
    deliveries: { id: string; event: { type: string }; state: string }[]
  }
  const newest = deliveries[0]
  assert.deepEqual([newest?.id, newest?.event.type], [ready?.delivery, 'recording.ready'])
  const whole = (await get(`webhooks/deliveries/${newest?.id}`)) as { body: unknown }
  assert.deepEqual(whole.body, JSON.parse(ready?.body ?? ''))
  const replayed = (await get(`webhooks/deliveries/${newest?.id}/replay`, { method: 'POST' })) as { state: string }
  assert.equal(replayed.state, 'pending')
  await receiver.until('it again', (received) => {
    return received.filter(({ delivery }) => delivery === ready?.delivery).length === 2
  })
})
