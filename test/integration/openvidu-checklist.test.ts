/** Lines of the vendor's behaviour that a room of scripted participants shows: who is told, codecs, insecure sessions. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { type Answer, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { WebRtcPlayer } from '#test/support/webrtc-player.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'
import { type OfferedCodec, readAnswer } from '#test/support/webrtc-sdp.ts'
import { readZip } from '#test/support/zip.ts'

const VPX = { media: ['vp8', 'opus'] } as const
const PATIENCE_MS = 30_000

let folder: TempFolder
let vp8: ElementarySource
/** Tells only moderators. */
let classic: OpenViduServer
/** Tells nobody. */
let modern: OpenViduServer

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
  for (const name of ['classic', 'modern']) await mkdir(folder.at(name))
  classic = await OpenViduServer.start(folder.at('classic'), { OPENVIDU_RECORDING_NOTIFICATION: 'moderator' })
  const properties = { OPENVIDU_COMPAT: 'modern', OPENVIDU_RECORDING_NOTIFICATION: 'none' }
  modern = await OpenViduServer.start(folder.at('modern'), properties)
})
after(async () => {
  await Promise.all([classic?.[Symbol.asyncDispose](), modern?.[Symbol.asyncDispose]()])
  await folder[Symbol.asyncDispose]()
})

function json(answer: Answer): Readonly<Record<string, unknown>> {
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Readonly<Record<string, unknown>>
}

async function session(server: OpenViduServer, id: string, body: object = {}): Promise<void> {
  json(await server.call('POST', '/api/sessions', { body: { customSessionId: id, ...body } }))
}

async function token(server: OpenViduServer, id: string, role = 'PUBLISHER'): Promise<string> {
  return String(json(await server.call('POST', '/api/tokens', { body: { session: id, role } }))['token'])
}

async function eventually(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (!(await look())) {
    if (performance.now() > until) throw new Error(`${what} did not happen`)
    await sleep(50)
  }
}

function ofRecordings({ heard }: ScriptedParticipant): string[] {
  return heard.map(({ method }) => method).filter((method) => method.startsWith('recording'))
}

test('notification moderator: moderators are told of recordings, also when they come late, and nobody else', async () => {
  await session(classic, 'told', { defaultOutputMode: 'INDIVIDUAL' })
  await using publisher = await ScriptedParticipant.join(await token(classic, 'told'))
  await using moderator = await ScriptedParticipant.join(await token(classic, 'told', 'MODERATOR'))
  json(await classic.call('POST', '/api/recordings/start', { body: { session: 'told' } }))
  assert.deepEqual(await moderator.notified('recordingStarted'), { id: 'told', name: 'told' })
  await using late = await ScriptedParticipant.join(await token(classic, 'told', 'MODERATOR'))
  await using guest = await ScriptedParticipant.join(await token(classic, 'told'))
  assert.deepEqual([late.joined['recordingId'], late.joined['recordingName']], ['told', 'told'])
  assert.equal(guest.joined['recordingId'], undefined)
  json(await classic.call('POST', '/api/recordings/stop/told'))
  const stopped = { id: 'told', name: 'told', reason: 'recordingStoppedByServer' }
  for (const each of [moderator, late]) assert.deepEqual(await each.notified('recordingStopped'), stopped)
  // What comes by the same socket afterwards has overtaken nothing.
  await publisher.call('sendMessage', { message: '{"data":"after"}' })
  for (const each of [publisher, guest]) {
    await each.notified('sendMessage')
    assert.deepEqual(ofRecordings(each), [])
  }
  assert.deepEqual(
    [ofRecordings(moderator), ofRecordings(late)],
    [['recordingStarted', 'recordingStopped'], ['recordingStopped']],
  )
})

test('notification none: not even moderators are told', async () => {
  await session(modern, 'quiet', { defaultRecordingProperties: { outputMode: 'INDIVIDUAL' } })
  await using moderator = await ScriptedParticipant.join(await token(modern, 'quiet', 'MODERATOR'))
  json(await modern.call('POST', '/api/recordings/start', { body: { session: 'quiet' } }))
  await using late = await ScriptedParticipant.join(await token(modern, 'quiet', 'MODERATOR'))
  assert.equal(late.joined['recordingId'], undefined)
  json(await modern.call('POST', '/api/recordings/stop/quiet'))
  await late.call('sendMessage', { message: '{"data":"after"}' })
  await moderator.notified('sendMessage')
  assert.deepEqual(ofRecordings(moderator), [])
})

test('insecure sessions, classic: who shows the secret makes the session, publishes, and is recorded until the last has left', async () => {
  const secret = `wss://${new URL(classic.url).host}?sessionId=insecure&secret=a_secret`
  const one = await ScriptedParticipant.join(secret)
  const two = await ScriptedParticipant.join(secret)
  assert.deepEqual([one.joined['role'], two.joined['role']], ['PUBLISHER', 'PUBLISHER'])
  const made = json(await classic.call('GET', '/api/sessions/insecure'))
  assert.deepEqual([made['recordingMode'], made['mediaMode'], made['recording']], ['ALWAYS', 'ROUTED', false])
  await one.publish(vp8.units, VPX)
  await eventually('the recording', async () => {
    const { status, text } = await classic.call('GET', '/api/recordings/insecure')
    return status === 200 && (JSON.parse(text) as { status: string }).status === 'started'
  })
  await one.leave()
  assert.equal((await classic.call('GET', '/api/sessions/insecure')).status, 200)
  await two.leave()
  await eventually('the end of the recording', async () => {
    return json(await classic.call('GET', '/api/recordings/insecure'))['status'] === 'stopped'
  })
  assert.equal((await classic.call('GET', '/api/sessions/insecure')).status, 404)
  assert.ok(Number(json(await classic.call('GET', '/api/recordings/insecure'))['size']) > 0)
})

test('insecure participants, modern: the session has to be there, and they only watch', async () => {
  const secret = (id: string) => `wss://${new URL(modern.url).host}?sessionId=${id}&secret=a_secret`
  await assert.rejects(ScriptedParticipant.join(secret('nowhere')), /^Error: 202 /)
  await session(modern, 'watched')
  await using watcher = await ScriptedParticipant.join(secret('watched'))
  assert.equal(watcher.joined['role'], 'SUBSCRIBER')
  await assert.rejects(watcher.publish(vp8.units, VPX), /^Error: 401 /)
})

/** Offers to publish these; resolves with the codec of the answer. */
async function publishing(
  participant: ScriptedParticipant,
  codecs: readonly OfferedCodec[],
): Promise<string | undefined> {
  const media = await WebRtcPublisher.offer({ media: [codecs] })
  try {
    const { sdpAnswer } = await participant.call('publishVideo', { sdpOffer: media.sdp, typeOfVideo: 'CAMERA' })
    return readAnswer(String(sdpAnswer)).media[0]?.codec
  } finally {
    media.close()
  }
}

test('forcedVideoCodec: the codec is taken of the offer, 800 without it; with allowTranscoding others are taken, too', async () => {
  const answers: unknown[] = []
  for (const [id, forcedVideoCodec, allowTranscoding, codecs] of [
    ['h264', 'H264', false, ['vp8', 'h264', 'vp9']],
    ['vp9', 'VP9', false, ['vp8', 'h264', 'vp9']],
    ['lacking', 'H264', false, ['vp8', 'vp9']],
    ['allowed', 'H264', true, ['vp9', 'vp8']],
    ['none', 'NONE', false, ['vp9']],
    ['preferred', null, null, ['vp9', 'h264', 'vp8']],
  ] as const) {
    await session(modern, id, { forcedVideoCodec, allowTranscoding })
    const told = json(await modern.call('GET', `/api/sessions/${id}`))
    const expected = [forcedVideoCodec ?? 'MEDIA_SERVER_PREFERRED', allowTranscoding ?? false]
    assert.deepEqual([told['forcedVideoCodec'], told['allowTranscoding']], expected)
    await using participant = await ScriptedParticipant.join(await token(modern, id))
    answers.push(await publishing(participant, codecs).catch((error: Error) => error.message.slice(0, 3)))
  }
  assert.deepEqual(answers, ['h264', 'vp9', '800', 'vp8', 'vp9', 'vp8'])
})

test('a stream is announced when there is something to play: of one that never connects nobody hears', async () => {
  await session(modern, 'announced')
  await using other = await ScriptedParticipant.join(await token(modern, 'announced'))
  await using one = await ScriptedParticipant.join(await token(modern, 'announced'))
  await publishing(one, ['vp8'])
  await using late = await ScriptedParticipant.join(await token(modern, 'announced'))
  const [, seen] = late.joined['value'] as readonly object[]
  assert.ok(seen !== undefined && !('streams' in seen))
  await one.call('unpublishVideo', {})
  const id = await one.publish(vp8.units, VPX)
  const told = { id: one.id, streams: [id] }
  const { id: from, streams } = (await other.notified('participantPublished')) as {
    streams: readonly { id: string }[]
  } & { id: string }
  assert.deepEqual({ id: from, streams: streams.map((stream) => stream.id) }, told)
  assert.ok(!other.heard.some(({ method }) => method === 'participantUnpublished'))
})

test('a subscriber without the codec of a stream: 303, or 800 where it is forced', async () => {
  for (const [id, forcedVideoCodec, code] of [
    ['free', 'NONE', '303'],
    ['forced', 'VP8', '800'],
  ] as const) {
    await session(modern, id, { forcedVideoCodec })
    await using publisher = await ScriptedParticipant.join(await token(modern, id))
    const sender = await publisher.publish(vp8.units, VPX)
    await using subscriber = await ScriptedParticipant.join(await token(modern, id, 'SUBSCRIBER'))
    using lacking = await WebRtcPlayer.offer({ media: [['h264'], ['opus']] })
    // What the stream is of shows with its first picture.
    await eventually(`the refusal with ${code}`, async () => {
      const asked = subscriber.call('receiveVideoFrom', { sender, sdpOffer: lacking.sdp })
      return await asked.then(
        () => false,
        ({ message }: Error) => message.startsWith(`${code} `),
      )
    })
    using able = await WebRtcPlayer.offer({ media: [['h264', 'vp8'], ['opus']] })
    const { sdpAnswer } = await subscriber.call('receiveVideoFrom', { sender, sdpOffer: able.sdp })
    assert.equal(readAnswer(String(sdpAnswer)).media[0]?.codec, 'vp8')
  }
})

test('connections are pending until their token is used, active while somebody is there, and gone afterwards', async () => {
  await session(modern, 'states')
  const path = '/openvidu/api/sessions/states/connection'
  const statuses = async (query = '') => {
    const { content } = json(await modern.call('GET', `${path}${query}`)) as {
      content: Readonly<Record<string, unknown>>[]
    }
    return content.map(({ status }) => status)
  }
  const made = json(await modern.call('POST', path, { body: { type: null, data: null, record: null, role: null } }))
  assert.deepEqual(
    ['status', 'activeAt', 'location', 'ip', 'platform', 'clientData', 'publishers', 'subscribers'].map(
      (name) => made[name],
    ),
    ['pending', null, null, null, null, null, null, null],
  )
  const other = json(await modern.call('POST', path, { body: { role: 'SUBSCRIBER' } }))
  assert.deepEqual([await statuses(), await statuses('?pendingConnections=false')], [['pending', 'pending'], []])
  const participant = await ScriptedParticipant.join(String(made['token']), 'client')
  const active = json(await modern.call('GET', `${path}/${participant.id}`))
  assert.deepEqual(
    [active['connectionId'], active['status'], active['clientData'], active['publishers'], active['subscribers']],
    [made['connectionId'], 'active', 'client', [], []],
  )
  await participant.publish(vp8.units, VPX)
  const [publisher] = json(await modern.call('GET', `${path}/${participant.id}`))['publishers'] as {
    streamId: string
  }[]
  assert.match(publisher?.streamId ?? '', /^str_CAM_/)
  const changed = json(
    await modern.call('PATCH', `${path}/${participant.id}`, { body: { role: 'MODERATOR', record: false } }),
  )
  assert.deepEqual([changed['role'], changed['record']], ['MODERATOR', false])
  assert.deepEqual(await participant.notified('connectionPropertyChanged'), { property: 'role', newValue: 'MODERATOR' })
  assert.deepEqual([await statuses(), await statuses('?pendingConnections=false')], [['active', 'pending'], ['active']])
  assert.equal((await modern.call('DELETE', `${path}/${String(other['connectionId'])}`)).status, 204)
  await assert.rejects(ScriptedParticipant.join(String(other['token'])), /^Error: 401 /)
  await using stays = await ScriptedParticipant.join(await token(modern, 'states'))
  await participant.leave()
  await stays.notified('participantLeft')
  assert.deepEqual(await statuses(), ['active'])
  assert.equal((await modern.call('GET', `${path}/${participant.id}`)).status, 404)
})

describe('who is lost, side by side', { concurrency: true }, () => {
  test('a publisher that is killed in the midst of a recording: the others go on, and the file of each is as long as it was there', async () => {
    await session(modern, 'killed', { defaultRecordingProperties: { outputMode: 'INDIVIDUAL' } })
    await using stays = await ScriptedParticipant.join(await token(modern, 'killed'))
    await using killed = await ScriptedParticipant.join(await token(modern, 'killed'))
    const [whole, cut] = [await stays.publish(vp8.units, VPX), await killed.publish(vp8.units, VPX)]
    json(await modern.call('POST', '/api/recordings/start', { body: { session: 'killed' } }))
    await sleep(1500)
    killed.kill()
    const left = await stays.notified('participantLeft', PATIENCE_MS)
    assert.deepEqual([left['connectionId'], left['reason']], [killed.id, 'networkDisconnect'])
    await sleep(500)
    const stopped = json(await modern.call('POST', '/api/recordings/stop/killed'))
    const zip = await readZip(folder.at('modern', 'recordings', 'killed', 'killed.zip'))
    const { files } = JSON.parse(zip.get('killed.json')?.toString() ?? '') as {
      files: readonly { name: string; streamId: string; startTimeOffset: number; endTimeOffset: number }[]
    }
    assert.deepEqual(new Set(zip.keys()), new Set([`${whole}.webm`, `${cut}.webm`, 'killed.json']))
    const seconds = (id: string) => {
      const file = files.find(({ streamId }) => streamId === id)
      return file === undefined ? 0 : (file.endTimeOffset - file.startTimeOffset) / 1000
    }
    // It has ten seconds to come back, and did not.
    assert.ok(
      seconds(cut) > 1 && seconds(cut) < 5 && seconds(whole) > 9,
      JSON.stringify([seconds(cut), seconds(whole)]),
    )
    assert.ok(Math.abs(Number(stopped['duration']) - seconds(whole)) < 1, JSON.stringify(stopped))
  })

  test('a socket that is cut for three seconds: the recording goes on without a gap, and nobody is told', async () => {
    await session(modern, 'cut', { defaultRecordingProperties: { outputMode: 'INDIVIDUAL' } })
    await using other = await ScriptedParticipant.join(await token(modern, 'cut'))
    await using one = await ScriptedParticipant.join(await token(modern, 'cut'))
    const id = await one.publish(vp8.units, VPX)
    json(await modern.call('POST', '/api/recordings/start', { body: { session: 'cut' } }))
    await sleep(500)
    one.cut()
    await sleep(2500)
    await other.call('sendMessage', { message: '{"type":"signal:x","data":"meanwhile"}' })
    await sleep(500)
    await one.resume()
    assert.deepEqual(await one.notified('sendMessage'), { data: 'meanwhile', type: 'signal:x', from: other.id })
    await sleep(500)
    json(await modern.call('POST', '/api/recordings/stop/cut'))
    const zip = await readZip(folder.at('modern', 'recordings', 'cut', 'cut.zip'))
    const file = folder.at(`${id}.webm`)
    await writeFile(file, zip.get(`${id}.webm`) ?? Buffer.alloc(0))
    const entries = ['-show_entries', 'packet=pts_time', '-of', 'csv=p=0']
    const { stdout } = await program('ffprobe', ['-v', 'error', '-select_streams', 'a', ...entries, file])
    const times = stdout.trim().split('\n').map(Number)
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    assert.ok((times.at(-1) ?? 0) > 3.5 && Math.max(...gaps) < 0.3, `${times.at(-1)} s, gaps of ${Math.max(...gaps)} s`)
    assert.deepEqual(
      other.heard.map(({ method }) => method).filter((method) => !method.startsWith('recording')),
      ['participantJoined', 'participantPublished', 'sendMessage'],
    )
  })
})

test('REST: signals to RECORDER, forceUnpublish; what is not there is 404; a RECORDER that has crashed makes way', async () => {
  await session(modern, 'forced-by-rest')
  await using one = await ScriptedParticipant.join(await token(modern, 'forced-by-rest'))
  const address = `wss://${new URL(modern.url).host}?sessionId=forced-by-rest&secret=a_secret&recorder=true`
  await using page = await ScriptedParticipant.join(address)
  const signal = { session: 'forced-by-rest', to: ['RECORDER'], type: 'signal:layout', data: 'grid' }
  assert.equal((await modern.call('POST', '/openvidu/api/signal', { body: signal })).status, 200)
  assert.deepEqual(await page.notified('sendMessage'), { type: 'signal:layout', data: 'grid' })
  const id = await one.publish(vp8.units, VPX)
  await page.notified('participantPublished')
  const streams = '/openvidu/api/sessions/forced-by-rest/stream'
  assert.equal((await modern.call('DELETE', `${streams}/${id}`)).status, 204)
  const told = { connectionId: one.id, name: one.id, reason: 'forceUnpublishByServer' }
  for (const each of [one, page]) assert.deepEqual(await each.notified('participantUnpublished'), told)
  assert.equal((await modern.call('DELETE', `${streams}/${id}`)).status, 404)
  assert.equal((await modern.call('DELETE', '/openvidu/api/sessions/nowhere/stream/x')).status, 400)
  assert.ok(!one.heard.some(({ method }) => method === 'sendMessage'))
  // One that has crashed is not waited for.
  page.cut()
  let next: ScriptedParticipant | undefined
  await eventually('the next RECORDER', async () => {
    next = await ScriptedParticipant.join(address).catch(() => undefined)
    return next !== undefined
  })
  await next?.leave()
})
