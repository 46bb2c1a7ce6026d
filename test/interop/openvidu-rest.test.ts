/** The vendor's library for applications, of six versions as they are published, against this server. */
import assert from 'node:assert/strict'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { NODE_CLIENTS, nodeClient, OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { readZip } from '#test/support/zip.ts'

const NO_SESSION = { message: '404' }

let folder: TempFolder
let vp8: ElementarySource
let classic: OpenViduServer
let modern: OpenViduServer

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
  const inFolder = async (name: string) => {
    await mkdir(folder.at(name))
    return folder.at(name)
  }
  classic = await OpenViduServer.start(await inFolder('classic'), { OPENVIDU_RECORDING_PUBLIC_ACCESS: 'true' })
  modern = await OpenViduServer.start(await inFolder('modern'), { OPENVIDU_COMPAT: 'modern' })
})
after(async () => {
  await Promise.all([classic?.[Symbol.asyncDispose](), modern?.[Symbol.asyncDispose]()])
  await folder[Symbol.asyncDispose]()
})

const VPX = { media: ['vp8', 'opus'] } as const

/** The oldest, the first with the new paths, and the newest; those between only differ from them in what they send. */
const ALWAYS: readonly string[] = ['2.4.0', '2.16.0', '2.32.2']
const CLIENTS = NODE_CLIENTS.filter((version) => process.env['LONG_TESTS'] !== undefined || ALWAYS.includes(version))

for (const version of CLIENTS) {
  describe(`openvidu-node-client ${version}`, () => {
    const isNew = Number(version.split('.')[1]) >= 16
    const application = async (server: OpenViduServer, secret = server.secret) => {
      const { OpenVidu } = await nodeClient(version)
      return new OpenVidu(server.url, secret)
    }

    test('createSession with defaults and with each property; the same customSessionId twice resolves to the same id', async () => {
      const server = await application(classic)
      const session = await server.createSession()
      assert.match(session.getSessionId(), /^[a-z0-9]{16}$/)
      const customSessionId = `same-${version.replaceAll('.', '_')}`
      const properties = {
        customSessionId,
        recordingMode: 'ALWAYS',
        mediaMode: 'ROUTED',
        defaultRecordingLayout: 'CUSTOM',
      }
      const first = await server.createSession(properties)
      const second = await server.createSession(properties)
      assert.equal(first.getSessionId(), customSessionId)
      assert.equal(second.getSessionId(), customSessionId)
      await session.close()
      await first.close()
      await assert.rejects(first.close(), NO_SESSION)
    })

    test('generateToken gives a token URL with which somebody joins; role and data come back', async () => {
      const server = await application(classic)
      const session = await server.createSession()
      const token = await session.generateToken({ role: 'MODERATOR', data: 'from the server' })
      assert.match(token, /^wss:\/\/[^/?]+:\d+\?.*sessionId=.*&token=tok_\w{16}/)
      if (isNew) {
        const connection = await session.createConnection({ data: 'x' })
        assert.equal(connection.status, 'pending')
        const noCamera = { type: 'IPCAM', rtspUri: 'http://camera.example/' }
        // 2.16 knows no cameras.
        if (version !== '2.16.0') await assert.rejects(session.createConnection(noCamera), { message: '400' })
      }
      await using participant = await ScriptedParticipant.join(token, 'from the client')
      assert.equal(participant.joined['metadata'], 'from the client%/%from the server')
      assert.equal(participant.joined['role'], 'MODERATOR')
      // Late libraries know the connection from making it; its status changes.
      assert.equal(await session.fetch(), true)
      const [active] = session.activeConnections
      assert.deepEqual(
        [active?.['connectionId'], active?.['serverData'], active?.['clientData'], active?.['role']],
        [participant.id, 'from the server', 'from the client', 'MODERATOR'],
      )
      assert.deepEqual([active?.['publishers'], active?.['subscribers']], [[], []])
      assert.equal(await session.fetch(), false)
      await session.forceDisconnect(participant.id)
      assert.equal((await participant.notified('participantEvicted'))['reason'], 'forceDisconnectByServer')
      await assert.rejects(session.forceDisconnect('con_nobody'), (error: Error) => /^40[04]$/.test(error.message))
    })

    test('a wrong secret rejects with 401, every method', async () => {
      const server = await application(classic, 'wrong')
      const refused = { message: '401' }
      await assert.rejects(server.createSession(), refused)
      await assert.rejects(server.startRecording('x'), refused)
      await assert.rejects(server.stopRecording('x'), refused)
      await assert.rejects(server.getRecording('x'), refused)
      await assert.rejects(server.listRecordings(), refused)
      await assert.rejects(server.deleteRecording('x'), refused)
    })

    test('startRecording where it cannot be', async () => {
      const old = await application(classic)
      await assert.rejects(old.startRecording('unknown'), { message: '404' })
      const never = await old.createSession()
      await assert.rejects(old.startRecording(never.getSessionId()), { message: '404' })
      // Early libraries know one server at a time.
      const late = await application(modern)
      const empty = await late.createSession()
      await assert.rejects(late.startRecording(empty.getSessionId()), { message: '406' })
      const relayed = await late.createSession({ mediaMode: 'RELAYED' })
      await assert.rejects(late.startRecording(relayed.getSessionId()), { message: '409' })
      await using _ = await ScriptedParticipant.join(await empty.generateToken())
      const both = { hasAudio: false, hasVideo: false }
      if (version !== '2.4.0') {
        await assert.rejects(late.startRecording(empty.getSessionId(), both), { message: '422' })
        // The libraries of 2.8 to 2.15 send both as false when nothing is said of them, and the vendor refuses that.
        if (!isNew) await assert.rejects(late.startRecording(empty.getSessionId(), { name: 'x' }), { message: '422' })
        const small = { hasAudio: true, hasVideo: true, resolution: '50x50' }
        await assert.rejects(late.startRecording(empty.getSessionId(), small), { message: '422' })
      }
      await assert.rejects(late.startRecording(empty.getSessionId(), 'a b'), { message: '400' })
    })

    if (version !== '2.4.0') {
      test('INDIVIDUAL: a zip with every stream and an index; ids are numbered; delete takes the files', async () => {
        const server = await application(modern)
        const session = await server.createSession()
        const sessionId = session.getSessionId()
        await using one = await ScriptedParticipant.join(await session.generateToken({ data: 'server' }), 'one')
        const streamId = await one.publish(vp8.units, VPX)
        const asked = { name: 'take', outputMode: 'INDIVIDUAL', hasAudio: true, hasVideo: true }
        const started = await server.startRecording(sessionId, asked)
        assert.deepEqual([started.id, started.status], [sessionId, 'started'])
        assert.equal((await server.getRecording(sessionId)).status, 'started')
        assert.ok((await server.listRecordings()).some(({ id }) => id === sessionId))
        await assert.rejects(server.deleteRecording(sessionId), { message: '409' })
        await assert.rejects(server.startRecording(sessionId, asked), { message: '409' })
        await sleep(1500)
        await using two = await ScriptedParticipant.join(await session.generateToken(), 'two')
        const audioId = await two.publish(
          vp8.units.filter(({ format }) => format.kind === 'audio'),
          { media: ['opus'] },
        )
        await sleep(1500)
        const stopped = await server.stopRecording(sessionId)
        assert.equal(stopped.status, 'ready')
        assert.equal(
          stopped['url'],
          `${modern.url}/openvidu/recordings/${sessionId}/take.zip`.replace('127.0.0.1', 'localhost'),
        )
        const media = join(modern.recordings, sessionId)
        assert.deepEqual((await readdir(media)).sort(), [`.recording.${sessionId}`, 'take.zip'])
        const zip = await readZip(join(media, 'take.zip'))
        const index = JSON.parse(zip.get('take.json')?.toString() ?? '') as {
          files: Readonly<Record<string, unknown>>[]
        }
        const [picture, sound] = index.files
        assert.deepEqual([picture?.['name'], sound?.['name']], [`${streamId}.webm`, `${audioId}.webm`])
        assert.deepEqual(
          [picture?.['typeOfVideo'], picture?.['hasVideo'], sound?.['hasVideo']],
          ['CAMERA', true, false],
        )
        assert.deepEqual([picture?.['clientData'], picture?.['serverData']], ['one', 'server'])
        const late = Number(sound?.['startTimeOffset']) - Number(picture?.['startTimeOffset'])
        assert.ok(late > 1000 && late < 4000, `the second comes ${late} ms late`)
        const sizes = [`${streamId}.webm`, `${audioId}.webm`].map((name) => zip.get(name)?.length ?? 0)
        assert.equal(stopped['size'], (sizes[0] ?? 0) + (sizes[1] ?? 0))
        await assert.rejects(server.stopRecording(sessionId), { message: '404' })
        const again = await server.startRecording(sessionId, { ...asked, name: 'again' })
        assert.equal(again.id, `${sessionId}~1`)
        await sleep(500)
        await server.stopRecording(again.id)
        await server.deleteRecording(sessionId)
        await assert.rejects(stat(media))
        await assert.rejects(server.getRecording(sessionId), { message: '404' })
        await server.deleteRecording(again.id)
      })
    }

    test('COMPOSED: an mp4 of the size asked for, served under every address there was', async () => {
      const server = await application(classic)
      const session = await server.createSession()
      const sessionId = session.getSessionId()
      await using one = await ScriptedParticipant.join(await session.generateToken())
      await one.publish(vp8.units, VPX)
      const started = await server.startRecording(sessionId)
      assert.equal(started.status, 'started')
      await sleep(3000)
      const stopped = await server.stopRecording(sessionId)
      assert.equal(stopped.status, 'available')
      const { size: bytes } = await stat(join(classic.recordings, `${sessionId}.mp4`))
      assert.equal(stopped['size'], bytes)
      const probed = await ffprobe(join(classic.recordings, `${sessionId}.mp4`))
      assert.ok(JSON.stringify(probed).includes('h264'))
      for (const path of [
        `/recordings/${sessionId}.mp4`,
        `/recordings/${sessionId}/${sessionId}.mp4`,
        `/openvidu/recordings/${sessionId}/${sessionId}.mp4`,
      ]) {
        const answer = await classic.call('GET', path, { user: '', headers: { range: 'bytes=0-9' } })
        assert.deepEqual([answer.status, answer.bytes.length, answer.headers['content-type']], [206, 10, 'video/mp4'])
      }
      await server.deleteRecording(sessionId)
      assert.deepEqual(
        (await readdir(classic.recordings)).filter((name) => name.includes(sessionId)),
        [],
      )
    })
  })
}
