import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ElementarySource } from '#test/support/elementary-source.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { RtmpClient } from '#test/support/rtmp-client.ts'
import { sendUnits } from '#test/support/rtmp-media.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { TypedPublisher } from '#test/support/typed-publisher.ts'
import { baselineSource, codesOf, lasts, USER, WowzaServer } from '#test/support/wowza-server.ts'

/** What the checklist has no line for: streamrecorders over REST, limits of applications, strict options, profiles. */

let server: WowzaServer
let endless: ElementarySource
let short: ElementarySource

before(async () => {
  const applications = [
    '{ name: capped, maxDurationSeconds: 1 }',
    '{ name: small, maxSizeBytes: 64KiB }',
    '{ name: none, recordMode: none }',
    '{ name: over, recordMode: always, existing: overwrite, folder: "all/{app}" }',
  ]
  server = await WowzaServer.start(`strictNames: true, deleteOnLive: true, applications: [${applications.join(', ')}]`)
  ;[endless, short] = await Promise.all([baselineSource(server.folder, 60), baselineSource(server.folder, 2)])
})
after(() => server[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

const authorization = `Basic ${btoa(`${USER.name}:${USER.password}`)}`

async function rest(method: string, path: string, body?: unknown, accept = 'application/json'): Promise<Answer> {
  const text = await restText(method, path, body, accept)
  return { status: text.status, body: JSON.parse(text.text) as Answer['body'] }
}

async function restText(method: string, path: string, body: unknown, accept: string) {
  const base = `http://${server.server.facades['wowza']?.['rest']}/v2/servers/_defaultServer_/vhosts/_defaultVHost_`
  const url = `${base}/applications/liverec/instances/_definst_/streamrecorders${path}`
  const response = await fetch(url, {
    method,
    headers: { authorization, accept, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') ?? '' }
}

const ok = (answer: Answer) => assert.equal(answer.body['success'], true, JSON.stringify(answer))

test('a recorder made before its stream waits, records, splits, outlives the stream and a restart, and ends', async () => {
  ok(await rest('POST', '/early', { fileFormat: 'MP4', outputPath: 'rest', baseFile: 'early.mp4' }))
  assert.equal((await rest('POST', '/early', {})).status, 409)
  assert.equal((await rest('GET', '/early')).body['recorderState'], 'Waiting for stream')
  assert.equal((await rest('PUT', '/early/actions/splitRecording')).body['success'], false)
  {
    using publishing = await server.publisher({ name: 'mp4:early', units: endless.units, speed: 1 })
    await sleep(1_500)
    const { body } = await rest('GET', '/mp4:early')
    assert.equal(body['recorderState'], 'Recording in Progress')
    assert.equal(body['currentFile'], 'rest/early.mp4')
    assert.ok(Number(body['currentSize']) > 0 && Number(body['currentDuration']) > 0, JSON.stringify(body))
    await publishing.finish()
  }
  assert.ok((await server.untilFinal(server.folder.at('recordings/rest/early.mp4'))) > 1)
  assert.equal((await rest('GET', '/early')).body['recorderState'], 'Waiting for stream')
  await server.killAndRestart(async () => {})
  const listed = (await rest('GET', '')).body
  assert.equal(listed['instanceName'], '_definst_')
  assert.deepEqual(
    (listed['streamrecorder'] as Record<string, unknown>[]).map(({ recorderName, baseFile }) => [
      recorderName,
      baseFile,
    ]),
    [['early', 'early.mp4']],
  )
  using again = await server.publisher({ name: 'mp4:early', units: endless.units, speed: 1 })
  await sleep(1_500)
  ok(await rest('PUT', '/early/actions/stopRecording'))
  assert.equal((await rest('GET', '/early')).status, 404)
  // The default keeps what was there.
  assert.ok((await lasts(server.folder.at('recordings/rest/early.mp4'))) > 1)
  assert.ok((await lasts(server.folder.at('recordings/rest/early_0.mp4'))) > 1)
  await again.finish()
})

test('segments by duration, size and schedule, with a back buffer and a template', async () => {
  using publishing = await server.publisher({ name: 'mp4:cut', units: endless.units, speed: 1 })
  await sleep(2_500)
  // One recorder a stream: each kind has its turn.
  const kinds = [
    { outputPath: 'by-duration', segmentationType: 'SegmentByDuration', segmentDuration: 2_000 },
    {
      outputPath: 'by-size',
      segmentationType: 'SegmentBySize',
      segmentSize: 65_536,
      fileTemplate: `\${SourceStreamName}-\${SegmentNumber}`,
    },
    {
      outputPath: 'by-schedule',
      segmentationType: 'SegmentBySchedule',
      segmentSchedule: '*/2 * * * * *',
      fileTemplate: `\${BaseFileName}_\${SegmentTime}`,
      backBufferTime: 2_000,
    },
  ]
  for (const kind of kinds) {
    ok(await rest('POST', '/cut', { ...kind, option: 'Overwrite existing file' }))
    await sleep(6_500)
    ok(await rest('PUT', '/cut/actions/stopRecording'))
    const made = await server.files(kind.outputPath)
    assert.ok(made.length >= 2, `${kind.outputPath}: ${made.join()}`)
    for (const path of made) await lasts(server.folder.at('recordings', path))
  }
  assert.deepEqual((await server.files('by-size')).slice(0, 2), ['by-size/cut-0.mp4', 'by-size/cut-1.mp4'])
  await publishing.finish()
})

test('refusals of the REST interface are said in its own words, JSON or XML', async () => {
  for (const [path, body] of [
    ['/bad', { segmentationType: 'Sometimes' }],
    ['/bad', { option: 'Burn existing file' }],
    ['/bad', { segmentationType: 'SegmentByDuration', fileTemplate: `\${Nothing}` }],
    ['/bad', { outputPath: '../up' }],
    ['/bad', { segmentationType: 'SegmentBySchedule', segmentSchedule: 'whenever' }],
    ['/b*d', {}],
    ['/bad', []],
  ] as const) {
    const answer = await rest('POST', path, body)
    assert.deepEqual(
      [answer.status, answer.body['success'], answer.body['data']],
      [400, false, null],
      JSON.stringify(body),
    )
  }
  assert.equal((await rest('GET', '/nosuch')).status, 404)
  assert.equal((await rest('PUT', '/nosuch/actions/stopRecording')).status, 404)
  const xml = await restText('GET', '/nosuch<&', undefined, 'application/xml')
  assert.match(xml.type, /^application\/xml/)
  assert.match(xml.text, /^<\?xml .*<Result><success>false<\/success>/s)
  const anonymous = await fetch(`http://${server.server.facades['wowza']?.['rest']}/v2/anything`)
  assert.equal(anonymous.status, 401)
  await anonymous.text()
})

test('limits of an application end its recordings; another records always, in a folder of its own', async () => {
  using capped = await server.publisher({
    app: 'capped',
    name: 'mp4:x',
    type: 'record',
    units: endless.units,
    speed: 2,
  })
  using small = await server.publisher({ app: 'small', name: 'mp4:x', type: 'record', units: endless.units, speed: 2 })
  for (const publisher of [capped, small]) {
    await publisher.until('NetStream.Record.Stop')
    const told = codesOf(await publisher.finish())
    assert.deepEqual(told, ['Publish.Start', 'Record.Start', 'Record.Stop', 'Unpublish.Success'])
  }
  const seconds = await lasts(server.place('x.mp4', 'capped'))
  assert.ok(seconds > 0.8 && seconds < 1.3, `${seconds} s`)
  assert.ok((await lasts(server.place('x.mp4', 'small'))) > 0)
  for (const type of ['live', 'record']) await server.publish({ app: 'over', name: 'mp4:x', type, units: short.units })
  assert.deepEqual(await server.files('all'), ['all/over/x.mp4'])
})

test('strict names: H.264 without mp4: is refused; live deletes what was recorded under the name', async () => {
  const refused = await server.publish({ name: 'plain', type: 'record', units: short.units })
  assert.deepEqual(codesOf(refused), ['Publish.Start', 'Record.Failed', 'Unpublish.Success'])
  await server.publish({ name: 'mp4:strict', type: 'record', units: short.units })
  assert.ok((await lasts(server.place('strict.mp4'))) > 1)
  const live = await server.publish({ name: 'mp4:strict', type: 'live', units: short.units })
  assert.deepEqual(codesOf(live), ['Publish.Start', 'Unpublish.Success'])
  assert.equal((await server.files()).includes('liverec/streams/_definst_/strict.mp4'), false)
})

test('appendWithGap leaves the time between two publications free, append does not', async () => {
  const pauseMs = 1_500
  for (const [type, kept] of [
    ['appendWithGap', true],
    ['append', false],
  ] as const) {
    const name = `mp4:${type}.mp4`
    for (let i = 0; i < 2; i++) {
      if (i > 0) await sleep(pauseMs)
      await server.publish({ name, type, units: short.units })
    }
    const path = server.place(`${type}.mp4`)
    await lasts(path)
    const { packets, streams } = await ffprobe(path)
    const [recording] = (await server.api.recordings()).filter(({ stream }) => stream.includes(type))
    const [gap] = recording?.ledger.gaps ?? []
    assert.ok(gap !== undefined && gap.missingMs >= pauseMs && gap.missingMs < pauseMs + 2_000)
    for (const kind of ['video', 'audio']) {
      const times = packets
        .filter(({ stream_index }) => streams[stream_index]?.codec_type === kind)
        .map(({ dts_time }) => Number(dts_time) * 1000)
      const widestMs = Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)))
      if (kept) assert.ok(Math.abs(widestMs - gap.missingMs) < 100, `${kind}: ${widestMs} of ${gap.missingMs}`)
      else assert.ok(widestMs < 80, `${kind}: ${widestMs}`)
    }
    assert.ok(Math.abs(gap.toMs - gap.fromMs - (kept ? gap.missingMs : 0)) < 1)
  }
})

test('strange stream names give a file below the root, or a clear refusal', async () => {
  const names = [
    '../../x',
    'a\0b',
    'x'.repeat(4_000),
    'ä😀',
    'a/b',
    '.hidden',
    '..hidden',
    'a//b',
    'CON',
    ' x ',
    'x.',
    'mp4:{id}',
    '%2e%2e%2f',
  ]
  const before = new Set(await readdir(server.folder.path, { recursive: true }))
  for (const name of names) {
    using client = await RtmpClient.open(server.rtmpPort, 'strange')
    const code = await client.status('publish', name.includes(':') ? name : `mp4:${name}`, 'record')
    if (code === 'NetStream.Publish.BadName') continue
    assert.equal(code, 'NetStream.Publish.Start', name.slice(0, 20))
    sendUnits(client, short.units)
    assert.equal(await client.nextStatus(), 'NetStream.Record.Start', name.slice(0, 20))
    client.deleteStream()
    assert.equal(await client.nextStatus(), 'NetStream.Record.Stop', name.slice(0, 20))
  }
  const made = (await readdir(server.folder.path, { recursive: true })).filter((path) => !before.has(path))
  assert.deepEqual(
    made.filter((path) => !/^(recordings\/strange|data)/.test(path)),
    [],
  )
  const files = await server.files('strange')
  assert.ok(
    files.some((path) => path.endsWith('ä😀.mp4')) && files.some((path) => path.endsWith('a/b.mp4')),
    files.join(),
  )
  assert.ok(
    files.every((path) => path.startsWith('strange/streams/_definst_/') && !/\/\./.test(path)),
    files.join(),
  )
})

test('--like wowza: its ports, files in one folder, nothing recorded unasked, users of admin.password', async () => {
  await using folder = await TempFolder.make()
  await writeFile(folder.at('admin.password'), '# name password group\nroot hunter2 admin\n')
  const doors = "http: { listen: '127.0.0.1:0' }, rest: { listen: '127.0.0.1:0' }"
  await writeFile(folder.at('tapedeck.yaml'), `facades: { wowza: { ${doors}, passwordFile: admin.password } }\n`)
  await using like = await startServerProcess(folder.path, { args: ['--like', 'wowza'] })
  using publisher = await TypedPublisher.start({
    rtmp: like.rtmp,
    app: 'live',
    name: 'mp4:x',
    units: endless.units,
    speed: 1,
  })
  const page = `http://${like.facades['wowza']?.['http']}/livestreamrecord?app=live&streamname=mp4:x`
  const headers = { authorization: `Basic ${btoa('root:hunter2')}` }
  await (await fetch(`${page}&action=startRecording`, { headers })).text()
  await sleep(1_500)
  await (await fetch(`${page}&action=stopRecording`, { headers })).text()
  const { streams } = await ffprobe(folder.at('recordings/x.mp4'))
  assert.equal(streams.length, 2)
  await publisher.finish()
})
