import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from '#test/support/api-client.ts'
import { makeSource } from '#test/support/elementary-source.ts'
import { EvoClient, type EvoRecord, EvoTelnet, startEvostream, until } from '#test/support/evostream.ts'
import { FfmpegPublisher } from '#test/support/ffmpeg-publisher.ts'
import { publishWithFfmpeg8 } from '#test/support/programs.ts'
import { tapedeckCommand } from '#test/support/tapedeck-command.ts'
import { TempFolder } from '#test/support/temp-folder.ts'

/** What the checklist does not say: the other commands, credentials, and how this fits to the rest of the product. */

async function installed(t: TestContext, settings: Readonly<Record<string, string>> = {}) {
  const folder = await TempFolder.make()
  const server = await startEvostream(folder.path, { settings })
  t.after(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  return { folder, server, evo: new EvoClient(server) }
}

type StreamObject = Readonly<Record<string, unknown>>

async function untilPublished(evo: EvoClient, streams = 1): Promise<readonly StreamObject[]> {
  const list = () => evo.success<readonly StreamObject[] | null>('listStreams')
  return (await until('published', list, (found) => (found?.length ?? 0) >= streams)) ?? []
}

test('streams are listed, counted, told of and ended', async (t) => {
  const { evo, server } = await installed(t)
  assert.equal(await evo.success('listStreams'), null)
  assert.deepEqual(await evo.success('getStreamsCount'), { streamCount: 0 })
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/cam?key=x`)
  await untilPublished(evo)
  const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=x')
  await evo.untilStreaming(configId)
  const [source, out] = await untilPublished(evo, 2)
  assert.partialDeepStrictEqual(source, {
    name: 'cam',
    type: 'INR',
    uniqueId: 1,
    outStreamsUniqueIds: [2],
    farIp: '127.0.0.1',
    nearPort: Number(server.rtmp.split(':').at(-1)),
    tcUrl: `${server.rtmp}/live`,
    video: { codec: 'VH264', width: 320, height: 180 },
    audio: { codec: 'AAAC' },
  })
  assert.partialDeepStrictEqual(out, {
    name: 'cam',
    type: 'OFMP4',
    uniqueId: 2,
    inStreamUniqueId: 1,
    recordSettings: { configId },
  })
  const { body } = await evo.raw(`/getStreamInfo?params=${Buffer.from('id=1').toString('base64')}`)
  assert.match(body, /"typeNumeric":5282249572905648128,/)
  assert.match(body, /"creationTimestamp":\d+\.\d{4},/)
  assert.match(body, /"tcUrl":"rtmp:\\\/\\\/127/)
  assert.deepEqual(await evo.success('listStreamsIds'), [1, 2])
  assert.deepEqual(await evo.success('listInboundStreamNames'), [{ name: 'cam' }])
  assert.deepEqual(await evo.success('isStreamRunning', 'id=2'), { Running: true })
  assert.deepEqual(await evo.success('isStreamRunning', 'localStreamName=nobody'), { Running: false })
  const failures: [command: string, text: string][] = [
    ['', 'id or localStreamName parameters needs to be supplied'],
    ['id=1 localStreamName=cam', 'id and localStreamName must not go together, choose only 1'],
    ['id=77', 'Stream 0:77 not found'],
    ['localStreamName=nobody', 'Stream nobody not found'],
  ]
  for (const [parameters, text] of failures) {
    for (const command of ['getStreamInfo', 'shutdownStream']) {
      assert.equal((await evo.command(command, parameters)).description, text)
    }
  }
  const closed = await evo.success<{ streamInfo: StreamObject }>('shutdownStream', 'localStreamName=cam')
  assert.equal(closed.streamInfo['uniqueId'], 1)
  // The publisher was sent away, its recording ended with it, and waits for its return.
  await until(
    'ended',
    () => evo.success<unknown>('listStreams'),
    (streams) => streams === null,
  )
  assert.notEqual((await evo.config(configId))?.status.current.code, 0)
})

test('version, help, timers', async (t) => {
  const { evo, server } = await installed(t)
  assert.equal((await evo.success<StreamObject>('VERSION'))['releaseNumber'], '1.7.1')
  const help = await evo.success<{ command: string; parameters: { name: string; mandatory: boolean }[] }[]>('help')
  const record = help.find(({ command }) => command === 'record')
  assert.deepEqual(
    record?.parameters.filter(({ mandatory }) => mandatory).map(({ name }) => name),
    ['localStreamName', 'pathToFile'],
  )
  const timer = { timerId: 1, triggerCount: 0, value: 600 }
  assert.deepEqual(await evo.success('setTimer', 'value=600'), timer)
  assert.deepEqual(await evo.success('listTimers'), [timer])
  assert.deepEqual(await evo.success('removeTimer', 'id=1'), timer)
  assert.deepEqual(await evo.success('listTimers'), [])
  // A script that pipes its commands in hangs up before it reads.
  using telnet = await EvoTelnet.open(server, 'jsonCli')
  telnet.sendAll('version\ngetStreamsCount\n')
  assert.equal((await telnet.answer()).description, 'Version')
})

test('plain parameters are accepted where none decode', async (t) => {
  const { evo } = await installed(t)
  const { body } = await evo.raw('/record?localStreamName=a+b&pathToFile=x%2Fy&chunkLength=5')
  const { data } = JSON.parse(body)
  assert.partialDeepStrictEqual(data, { localStreamName: 'a b', computedPathToFile: 'x/y.mp4', chunkLength: 5 })
})

test('what the recorder refuses is refused, and leaves nothing behind', async (t) => {
  const { evo, server, folder } = await installed(t)
  const source = await makeSource(folder, { video: 'vp9', audio: 'opus', seconds: 8 })
  const publishing = publishWithFfmpeg8(source.path, `${server.rtmp}/live/cam`, 1)
  await untilPublished(evo)
  const answer = await evo.command('record', 'localStreamName=cam pathToFile=x type=ts')
  assert.deepEqual(answer, { data: null, description: 'Unable to record stream', status: 'FAIL' })
  assert.deepEqual((await evo.success<{ record: EvoRecord[] }>('listConfig')).record, [])
  await publishing
  const rules = await fetch(new URL('api/v1/rules', server.page))
  assert.deepEqual(((await rules.json()) as { rules: unknown[] }).rules, [])
})

test('a configuration is a rule like any other: removed there, it is gone here', async (t) => {
  const { evo, server } = await installed(t)
  const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=x _who=me')
  const response = await fetch(new URL('api/v1/rules', server.page))
  const { rules } = (await response.json()) as { rules: { id: string; match: string; metadata: StreamObject }[] }
  assert.equal(rules[0]?.match, '**/cam')
  assert.equal(rules[0]?.metadata['evostream.configId'], String(configId))
  const removed = await fetch(new URL(`api/v1/rules/${rules[0]?.id}`, server.page), { method: 'DELETE' })
  assert.ok(removed.ok)
  assert.equal(await evo.config(configId), undefined)
})

test('a recording tells whose it is', async (t) => {
  const { evo, server } = await installed(t)
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/cam`)
  await untilPublished(evo)
  const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=x _job=7')
  await evo.success('removeConfig', `id=${configId}`)
  const [recording] = await new ApiClient(server).recordings()
  assert.deepEqual(recording?.metadata, { _job: '7', 'evostream.configId': String(configId) })
})

test('a password is asked for at every door', async (t) => {
  const password = 'a secret'
  const { evo, server } = await installed(t, {
    'facades.evostream.userName': 'evo',
    'facades.evostream.password': password,
  })
  const basic = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } })
  const bearer = { headers: { authorization: 'Bearer nonsense' } }
  for (const init of [
    {},
    basic('evo:wrong'),
    basic(`other:${password}`),
    bearer,
    { headers: { authorization: 'x' } },
  ]) {
    assert.equal((await evo.raw('/version', init)).status, 401)
  }
  assert.equal((await evo.raw('/version', basic(`evo:${password}`))).status, 200)
  for (const door of ['jsonCli', 'asciiCli'] as const) {
    using stranger = await EvoTelnet.open(server, door)
    stranger.send('version\n')
    await stranger.ended
    using wrong = await EvoTelnet.open(server, door)
    wrong.send('login userName=evo password=wrong\nversion\n')
    await wrong.ended
  }
  using known = await EvoTelnet.open(server, 'jsonCli')
  known.send('login userName=evo password=a\\ secret\r\nversion\r\n')
  assert.equal((await known.answer()).description, 'Logged in')
  assert.equal((await known.answer()).description, 'Version')
})

test('beyond loopback a password is needed, and the message says so', async () => {
  await using folder = await TempFolder.make()
  const doors = ['http', 'jsonCli', 'asciiCli'].map((door) => `facades.evostream.${door}.listen`)
  for (const door of doors) {
    const args = ['serve', '--like', 'evostream', '--set', `${door}=0.0.0.0:0`]
    const { exitCode, output } = await tapedeckCommand(folder.path, args)
    assert.equal(exitCode, 2)
    assert.ok(output.includes(door) && output.includes('password:'), output)
  }
})

test('pages of other sites and HTTP on the command lines get nothing', async (t) => {
  const { evo, server } = await installed(t, { 'facades.evostream.http.allowedOrigins': '[https://mine.example]' })
  const from = (headers: Record<string, string>) => evo.raw('/version', { headers })
  assert.equal((await from({ origin: 'https://elsewhere.example' })).status, 403)
  assert.equal((await from({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status, 403)
  const mine = await from({ origin: 'https://mine.example' })
  assert.equal(mine.status, 200)
  assert.equal(mine.headers.get('access-control-allow-origin'), 'https://mine.example')
  using telnet = await EvoTelnet.open(server, 'jsonCli')
  telnet.send('POST / HTTP/1.1\r\nHost: x\r\n\r\nrecord localStreamName=a pathToFile=x\r\n')
  await telnet.ended
  assert.deepEqual((await evo.success<{ record: EvoRecord[] }>('listConfig')).record, [])
})

test('a stream is pulled, recorded, lost and pulled again', async (t) => {
  const origin = await installed(t)
  const { evo, server, folder } = await installed(t)
  const first = new FfmpegPublisher(`${origin.server.rtmp}/live/far`)
  await untilPublished(origin.evo)
  const uri = `${origin.server.rtmp}/live/far`
  const answer = await evo.command<EvoRecord>('pullStream', `uri=${uri} localStreamName=near _mine=1`)
  assert.equal(answer.description, `Stream ${uri} enqueued for pulling`)
  assert.partialDeepStrictEqual(answer.data, {
    _mine: '1',
    configId: 1,
    keepAlive: true,
    localStreamName: 'near',
    operationType: 1,
    uri: {
      document: 'far',
      documentPath: '/live/',
      fullUri: uri,
      host: '127.0.0.1',
      portSpecified: true,
      scheme: 'rtmp',
    },
  })
  await evo.untilStreaming(1)
  const record = await evo.success('record', 'localStreamName=near pathToFile=near')
  await evo.untilStreaming(record.configId)
  const info = await evo.success<{ name: string; pullSettings: EvoRecord }>('getStreamInfo', 'localStreamName=near')
  assert.equal(info.pullSettings.configId, 1)
  await first.stop()
  await evo.untilConfig(record.configId, (config) => config?.status.current.code !== 0)
  await using _second = new FfmpegPublisher(`${origin.server.rtmp}/live/far`)
  await evo.untilStreaming(record.configId)
  await evo.success('removeConfig', `id=${record.configId}`)
  await evo.success('shutdownStream', 'localStreamName=near permanently=1')
  assert.equal(await evo.config(1), undefined)
  assert.deepEqual((await readdir(folder.at('recordings', 'bin'))).sort(), ['near.mp4', 'near_0001.mp4'])
  const unknown = await evo.command('pullStream', 'uri=gopher://a/b')
  assert.equal(unknown.status, 'FAIL')
  assert.match(unknown.description, /^Unable to pull stream: .*gopher/)
  assert.equal(
    (await evo.command('pullStream', 'localStreamName=a')).description,
    'Syntax error. Parameter uri is invalid',
  )
  assert.equal(server.child.exitCode, null)
})

test('events go to a file, those of recordings that the end of the server finishes too', async (t) => {
  const { evo, server, folder } = await installed(t, {
    'facades.evostream.eventLogger.sinks': `[{ type: file, filename: log/events.json, format: json, enabledEvents: [serverStarted, recordChunkCreated, recordChunkClosed, serverStopping] }]`,
    'facades.evostream.eventLogger.customData': 'studio 3',
  })
  await using publisher = new FfmpegPublisher(`${server.rtmp}/live/cam`)
  const { configId } = await evo.success('record', 'localStreamName=cam pathToFile=x')
  await evo.untilStreaming(configId)
  await sleep(500)
  await server.stop()
  await publisher.stop()
  const text = await readFile(folder.at('data', 'facades', 'evostream', 'log', 'events.json'), 'utf8')
  const events = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line.replace(/,$/, '')))
  assert.deepEqual(
    events.map(({ type }) => type),
    ['serverStarted', 'recordChunkCreated', 'serverStopping', 'recordChunkClosed'],
  )
  assert.ok(events.every(({ payload }) => payload.customData === 'studio 3' && payload.PID === server.child.pid))
})

test('hostile lines and requests end nothing but their connection', async (t) => {
  const { evo, server } = await installed(t)
  const lines = [
    '\\',
    '=',
    '= = =',
    'record =',
    `record ${'a=b '.repeat(3000)}`,
    'record localStreamName=../../x pathToFile=x',
    'record localStreamName=a* pathToFile=x',
    'record localStreamName=a//b pathToFile=x',
    `record localStreamName=${'n'.repeat(4000)} pathToFile=x`,
    `record localStreamName=a pathToFile=${'p/'.repeat(4000)}x`,
    'record localStreamName=a pathToFile=x __proto__=1 constructor=2 _toString=3',
    'getConfigInfo id=999999999999999999999999',
    'removeConfig id=-1',
    'setTimer value=1e9',
    '\u0000\u0001\u0002',
    'help commandId={"a":1}',
  ]
  using telnet = await EvoTelnet.open(server, 'jsonCli')
  for (const line of lines) {
    telnet.send(`${line}\n`)
    const { status, description } = await telnet.answer()
    const isFine = /^(help|record localStreamName=a pathToFile=x )/.test(line)
    assert.equal(status, isFine ? 'SUCCESS' : 'FAIL', `${line.slice(0, 60)}: ${description}`)
  }
  for (const path of ['/', '/%', '/%00', '/record?%', '/record?params', '/a/b/c/version', `/${'x'.repeat(5000)}`]) {
    assert.equal((await evo.raw(path)).status, 200, path.slice(0, 40))
  }
  assert.equal((await evo.raw('/version', { method: 'DELETE' })).status, 405)
  assert.equal((await evo.raw(`/record?params=${'A'.repeat(100_000)}`)).status, 431)
  await evo.success('version')
})

test('what is configured is there after a restart, in force, under the same ids', async (t) => {
  const first = await installed(t)
  // Nobody listens there.
  const pull = await first.evo.success('pullStream', 'uri=rtmp://me:secret@127.0.0.1:9/live/far localStreamName=near')
  const once = await first.evo.success('pullStream', 'uri=rtmp://127.0.0.1:9/live/far localStreamName=once keepAlive=0')
  const record = await first.evo.success('record', 'localStreamName=near pathToFile=x chunkLength=5 _job=7')
  await first.evo.untilConfig(pull.configId, (config) => config?.status.current.description === 'Connection failed')
  await first.evo.untilConfig(once.configId, (config) => config === undefined)
  // As a kill in the middle of a roll leaves it.
  const rulesUrl = new URL('api/v1/rules', first.server.page)
  const { rules } = (await (await fetch(rulesUrl)).json()) as { rules: { id: string; metadata: StreamObject }[] }
  const change = { enabled: false, metadata: { ...rules[0]?.metadata, 'evostream.rolling': 'true' } }
  const patched = await fetch(`${rulesUrl}/${rules[0]?.id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  })
  assert.equal(patched.status, 200, await patched.text())
  await first.server.kill()
  await using server = await startEvostream(first.folder.path)
  const evo = new EvoClient(server)
  const { status: _, ...config } = (await evo.config(record.configId)) ?? {}
  assert.deepEqual(config, record)
  const listed = await evo.untilConfig(
    pull.configId,
    (each) => each?.status.current.description === 'Connection failed',
  )
  assert.equal(listed?.localStreamName, 'near')
  assert.ok(!JSON.stringify(await evo.success('listConfig')).includes('secret'))
  await using _publisher = new FfmpegPublisher(`${server.rtmp}/live/near`)
  await evo.untilStreaming(record.configId)
})
