import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgoraServer, eventually, PROJECT } from '#test/support/agora.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { WebRtcPublisher } from '#test/support/webrtc-publisher.ts'

const CUSTOMER = { id: 'a customer', secret: 'his:secret' }
const CNAME = 'meeting'

/** What the service answered. */
interface Answer {
  readonly http: number
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly resourceId?: string
  readonly sid?: string
  readonly serverResponse?: {
    readonly status?: number
    readonly fileListMode: string
    readonly fileList: string | readonly { readonly fileName: string; readonly uid: string; mixedAllUser: boolean }[]
    readonly uploadingStatus?: string
  }
}

/** Calls as applications of the vendor's make them, to another host. */
class CloudClient {
  readonly #base: string
  readonly #uid: string
  headers: Readonly<Record<string, string>> = {
    authorization: `Basic ${Buffer.from(`${CUSTOMER.id}:${CUSTOMER.secret}`).toString('base64')}`,
    'content-type': 'application/json;charset=utf-8',
  }

  constructor(server: AgoraServer, { appId = PROJECT.vendorKey as string, uid = '527841' } = {}) {
    this.#uid = uid
    this.#base = `${server.web}/v1/apps/${appId}/cloud_recording`
  }

  async call(method: 'GET' | 'POST', path: string, clientRequest?: object | string): Promise<Answer> {
    const call = { cname: CNAME, uid: this.#uid, clientRequest }
    const body = typeof clientRequest === 'string' ? clientRequest : JSON.stringify(call)
    const response = await fetch(`${this.#base}/${path}`, {
      method,
      headers: this.headers,
      ...(method === 'POST' && { body }),
    })
    return { http: response.status, ...((await response.json()) as Omit<Answer, 'http'>) }
  }

  async start(mode: string, clientRequest: object): Promise<string> {
    const { resourceId = '', http } = await this.call('POST', 'acquire', { resourceExpiredHour: 24, scene: 0 })
    assert.equal(http, 200)
    const started = await this.call('POST', `resourceid/${resourceId}/mode/${mode}/start`, clientRequest)
    assert.equal(started.http, 200, started.reason)
    assert.equal(started.resourceId, resourceId)
    return `resourceid/${resourceId}/sid/${started.sid}/mode/${mode}`
  }
}

const runServer = () => {
  const settings = { CLOUD_CUSTOMER_ID: CUSTOMER.id, CLOUD_CUSTOMER_SECRET: CUSTOMER.secret }
  return AgoraServer.run(settings, { TAPEDECK_WEBRTC_UDP: '127.0.0.1:0' })
}

/** A browser by script, which sends the same over and over until it is disposed. */
async function browseInto(server: AgoraServer, channel: string, uid: number): Promise<AsyncDisposable> {
  const source = await makeSource(server.folder, { video: 'h264', audio: 'opus', seconds: 4, size: '160x90' })
  const publisher = await WebRtcPublisher.whip(`${server.server.page}whip/${channel}/${uid}`)
  const ending = new AbortController()
  const played = (async () => {
    while (!ending.signal.aborted) await publisher.play(source.units, { signal: ending.signal })
  })()
  return {
    async [Symbol.asyncDispose]() {
      ending.abort()
      await played
      await publisher[Symbol.asyncDispose]()
    },
  }
}

test('an encoder and a browser are mixed, in another layout half way, and recorded one by one meanwhile', async () => {
  await using server = await runServer()
  await using _ann = server.publish('meeting', 1, ['-s', '160x90'])
  await using _bob = await browseInto(server, 'meeting', 2)
  await server.present('meeting', 1, 2)
  const client = new CloudClient(server)
  const mixed = await client.start('mix', {
    token: 'ignored here',
    recordingConfig: {
      channelType: 1,
      maxIdleTime: 30,
      audioProfile: 1,
      transcodingConfig: { width: 320, height: 180, fps: 15, bitrate: 300, mixedVideoLayout: 1 },
    },
    recordingFileConfig: { avFileType: ['hls', 'mp4'] },
    storageConfig: { vendor: 1, region: 0, bucket: 'b', accessKey: 'x', secretKey: 'y', fileNamePrefix: ['mixed'] },
  })
  const single = await client.call('POST', 'acquire', {})
  assert.equal(single.http, 200)
  const again = await client.call('POST', `resourceid/${single.resourceId}/mode/individual/start`, {})
  assert.deepEqual([again.http, again.code], [400, 53], 'a uid records a channel once')

  const other = new CloudClient(server, { uid: '2' })
  const singly = await other.start('individual', { recordingFileConfig: { avFileType: ['mp4'] } })

  const layout = { mixedVideoLayout: 2, maxResolutionUid: '2', backgroundColor: '#FF0000' }
  assert.equal((await client.call('POST', `${mixed}/updateLayout`, layout)).http, 200)
  const custom = await client.call('POST', `${mixed}/updateLayout`, { mixedVideoLayout: 3, layoutConfig: [] })
  assert.deepEqual([custom.http, custom.code], [400, 1028])
  const update = { streamSubscribe: { audioUidList: { subscribeAudioUids: ['1'] }, videoUidList: {} } }
  assert.equal((await client.call('POST', `${mixed}/update`, update)).http, 200)
  // Some seconds of media, however slow the machine is.
  await eventually(async () => {
    const { recordings } = (await (await fetch(`${server.server.page}api/v1/recordings`)).json()) as {
      recordings: readonly { durationMs: number }[]
    }
    return recordings.length === 4 && recordings.every(({ durationMs }) => durationMs > 2_000)
  }, 'two seconds of all files')
  const { http, serverResponse: going } = await client.call('GET', `${mixed}/query`)
  assert.deepEqual([http, going?.status, going?.fileListMode], [200, 5, 'json'])

  const stopped = await client.call('POST', `${mixed}/stop`, {})
  assert.equal(stopped.http, 200, stopped.reason)
  const { sid = '', serverResponse } = stopped
  assert.deepEqual([serverResponse?.uploadingStatus, serverResponse?.fileListMode], ['uploaded', 'json'])
  assert.ok(typeof serverResponse?.fileList === 'object')
  assert.deepEqual(serverResponse.fileList.map(({ fileName }) => fileName).toSorted(), [
    `mixed/${sid}_meeting.m3u8`,
    `mixed/${sid}_meeting_0.mp4`,
  ])
  assert.ok(serverResponse.fileList.every(({ uid, mixedAllUser }) => uid === '0' && mixedAllUser))
  for (const { fileName } of serverResponse.fileList) {
    const { streams, format } = await ffprobe(server.path(fileName))
    const video = streams.find(({ codec_type: type }) => type === 'video')
    assert.deepEqual([video?.codec_name, video?.width, video?.height], ['h264', 320, 180], fileName)
    assert.ok(streams.some(({ codec_name: codec }) => codec === 'aac'))
    assert.ok(Number(format.duration) > 2, `${fileName} lasts ${format.duration}`)
  }
  const { serverResponse: ofUsers } = await other.call('POST', `${singly}/stop`, {})
  assert.ok(typeof ofUsers?.fileList === 'object')
  assert.deepEqual(ofUsers.fileList.map(({ uid }) => uid).toSorted(), ['1', '2'])
  for (const { fileName, uid } of ofUsers.fileList) {
    assert.match(fileName, new RegExp(`^[0-9a-f]{32}_meeting__uid_s_${uid}__uid_e_0\\.mp4$`))
    const { streams } = await ffprobe(server.path(fileName))
    assert.deepEqual(streams.map(({ codec_name: codec }) => codec).toSorted(), ['aac', 'h264'], fileName)
  }
  assert.deepEqual((await client.call('GET', `${mixed}/query`)).http, 404)
  assert.deepEqual((await client.call('POST', `${mixed}/stop`, {})).code, 49)
})

test('calls are taken of the customer only, about his project, and refused in the vendor’s words', async () => {
  await using server = await runServer()
  const client = new CloudClient(server)
  const { authorization: _, ...anonymous } = client.headers
  const wrong = `Basic ${Buffer.from(`${CUSTOMER.id}:wrong`).toString('base64')}`
  for (const [headers, http, message] of [
    [anonymous, 401, 'Unauthorized'],
    [{ ...client.headers, authorization: 'Bearer x' }, 401, 'Invalid authentication credentials'],
    [{ ...client.headers, authorization: wrong }, 401, 'Invalid authentication credentials'],
  ] as const) {
    const stranger = new CloudClient(server)
    stranger.headers = headers
    const answer = await stranger.call('POST', 'acquire', {})
    assert.deepEqual(answer, { http, message })
  }
  const otherProject = new CloudClient(server, { appId: '0'.repeat(32) })
  assert.deepEqual(await otherProject.call('POST', 'acquire', {}), { http: 400, message: 'appid is invalid' })
  assert.deepEqual(await client.call('GET', 'acquire'), { http: 404, message: 'no Route matched with those values' })
  const unknownMode = await client.call('POST', 'resourceid/x/mode/raw/start', {})
  assert.deepEqual(unknownMode, { http: 404, message: 'no Route matched with those values' })
  assert.deepEqual((await client.call('POST', 'acquire', '{')).code, 2)
  assert.equal((await client.call('POST', 'acquire', `"${'x'.repeat(100_000)}"`)).http, 413)
  client.headers = { ...client.headers, 'content-type': 'text/plain' }
  assert.deepEqual((await client.call('POST', 'acquire', {})).code, 8)

  await using closed = await AgoraServer.run()
  const refused = await new CloudClient(closed).call('POST', 'acquire', {})
  assert.deepEqual([refused.http, refused.code], [400, 62])
})
