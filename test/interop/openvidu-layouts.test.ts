/** Custom layouts: pages of the vendor's users, with its library of 2018 beside them, opened by a real Chromium. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ElementarySource, makeSource } from '#test/support/elementary-source.ts'
import { OpenViduServer } from '#test/support/openvidu-application.ts'
import { ScriptedParticipant } from '#test/support/openvidu-participant.ts'
import { ffprobe } from '#test/support/outside-judges.ts'
import { program } from '#test/support/programs.ts'
import { TempFolder } from '#test/support/temp-folder.ts'
import { vendorPackage } from '#test/support/vendor-package.ts'

const LIBRARY = 'openvidu-browser-2.0.0.min.js'

/**
 * As the vendor's sample of 2018 does it: takes everything from its address, looks for the server at port 4443, and
 * subscribes to whatever there is. Its ground is blue, and red when it is told so; it says when it shows somebody.
 */
const PAGE = `<!doctype html>
<style>body { margin: 0; background: #0000ff } video { position: fixed; left: 50%; top: 0; width: 50%; height: 100%; object-fit: fill }</style>
<script src="${LIBRARY}"></script>
<div id="videos"></div>
<script>
  const url = new URL(window.location.href)
  const sessionId = url.searchParams.get('sessionId')
  const secret = url.searchParams.get('secret')
  const OV = new OpenVidu()
  const session = OV.initSession()
  session.on('streamCreated', (event) => session.subscribe(event.stream, 'videos'))
  session.on('signal:red', () => (document.body.style.background = '#ff0000'))
  const looking = setInterval(() => {
    if (!(document.querySelector('video')?.currentTime > 0)) return
    clearInterval(looking)
    session.signal({ type: 'seen', data: '' })
  }, 100)
  session.connect('wss://' + location.hostname + ':4443' + '?sessionId=' + sessionId + '&secret=' + secret + '&recorder=true')
</script>`

/** For a browser to start, on a machine that has much else to do. */
const SLOW_MS = 40_000

let folder: TempFolder
let vp8: ElementarySource
let server: OpenViduServer

before(async () => {
  folder = await TempFolder.make()
  vp8 = await makeSource(folder, { video: 'vp8', audio: 'opus', seconds: 2 })
  const layouts = folder.at('layouts')
  await mkdir(join(layouts, 'layout1'), { recursive: true })
  await writeFile(join(layouts, 'layout1', 'index.html'), PAGE)
  const library = await vendorPackage('openvidu-browser', '2.0.0')
  await copyFile(join(library, 'static/js', LIBRARY), join(layouts, 'layout1', LIBRARY))
  await mkdir(folder.at('server'))
  server = await OpenViduServer.start(folder.at('server'), { OPENVIDU_RECORDING_CUSTOM_LAYOUT: layouts })
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

test("a layout page with the library of 2.0.0 beside it is recorded with the published picture, and its recorder is nobody's business", async () => {
  const body = { customSessionId: 'room', defaultRecordingLayout: 'CUSTOM', defaultCustomLayout: '/layout1/' }
  await server.call('POST', '/api/sessions', { body })
  const { text } = await server.call('POST', '/api/tokens', { body: { session: 'room' } })
  await using one = await ScriptedParticipant.join((JSON.parse(text) as { token: string }).token)
  await one.publish(vp8.units, { media: ['vp8', 'opus'] })
  for (const name of ['index.html?secret=a_secret', LIBRARY]) {
    const served = await server.call('GET', `/layouts/custom/layout1/${name}`, { user: '' })
    const file = folder.at('layouts', 'layout1', name.replace(/\?.*/, ''))
    assert.ok(served.bytes.equals(await readFile(file)), name)
  }
  const asked = { session: 'room', resolution: '640x360' }
  const started = await server.call('POST', '/api/recordings/start', { body: asked })
  assert.equal(started.status, 200, started.text)
  assert.equal((await one.notified('sendMessage', SLOW_MS))['from'], 'RECORDER')
  await sleep(2000)
  const session = JSON.parse((await server.call('GET', '/api/sessions/room')).text) as {
    connections: { numberOfElements: number; content: readonly { subscribers: readonly unknown[] }[] }
  }
  assert.equal(session.connections.numberOfElements, 1)
  assert.ok(!one.heard.some(({ method }) => method === 'participantJoined'))
  const stopped = await server.call('POST', '/api/recordings/stop/room')
  assert.equal(stopped.status, 200, stopped.text)
  const file = folder.at('server', 'recordings', 'room.mp4')
  const { streams } = await ffprobe(file)
  const [video, audio] = ['video', 'audio'].map((kind) => streams.find((stream) => stream.codec_type === kind))
  assert.deepEqual([video?.codec_name, video?.width, video?.height, audio?.codec_name], ['h264', 640, 360, 'aac'])
  const last = Number((await ffprobe(file)).format.duration) - 1
  const [left, right] = [await colour(file, last, '200:200:20:20'), await colour(file, last, '280:320:340:20')]
  assert.ok(left.blue > 150 && left.red < 100, `the ground is ${JSON.stringify(left)}`)
  assert.ok(Math.abs(right.blue - right.red) < 100, `the picture is ${JSON.stringify(right)}`)
  assert.ok(!one.heard.some(({ method }) => method === 'participantLeft'))
})

test('COMPOSED_QUICK_START: the page is there before it is recorded and between recordings, comes back after a crash, hears signals, and goes with its session', async () => {
  const properties = { outputMode: 'COMPOSED_QUICK_START', recordingLayout: 'CUSTOM', customLayout: 'layout1' }
  const defaultRecordingProperties = { ...properties, resolution: '320x240', frameRate: 15 }
  await server.call('POST', '/api/sessions', { body: { customSessionId: 'quick', defaultRecordingProperties } })
  const { text } = await server.call('POST', '/api/tokens', { body: { session: 'quick' } })
  await using one = await ScriptedParticipant.join((JSON.parse(text) as { token: string }).token)
  await one.publish(vp8.units, { media: ['vp8', 'opus'] })
  assert.equal((await one.notified('sendMessage', SLOW_MS))['from'], 'RECORDER')
  const started = async () => {
    const answer = await server.call('POST', '/api/recordings/start', { body: { session: 'quick' } })
    assert.equal(answer.status, 200, answer.text)
    await sleep(2000)
  }
  /** How long the recording is, and what of the page can be seen shortly before its end. */
  const stopped = async (id: string): Promise<{ seconds: number; colour: Colour }> => {
    const { status, text: told } = await server.call('POST', `/api/recordings/stop/${id}`)
    assert.equal(status, 200, told)
    const { duration, outputMode } = JSON.parse(told) as { duration: number; outputMode: string }
    assert.equal(outputMode, 'COMPOSED_QUICK_START')
    const file = folder.at('server', 'recordings', `${id}.mp4`)
    return { seconds: duration, colour: await colour(file, duration - 0.5, '100:100:20:20') }
  }
  await started()
  const { seconds, colour: ground } = await stopped('quick')
  assert.ok(seconds > 1 && ground.blue > 150 && ground.red < 100, JSON.stringify([seconds, ground]))
  await started()
  const seen = () => one.heard.filter(({ method }) => method === 'sendMessage').length
  assert.equal(seen(), 1, 'the same page all the time')
  const { stdout } = await program('pgrep', ['-P', String(server.process.child.pid), '-f', 'remote-debugging-pipe'])
  process.kill(Number(stdout.trim()), 'SIGKILL')
  await eventually('the page after a crash', () => seen() === 2)
  await one.call('sendMessage', { message: JSON.stringify({ to: ['RECORDER'], type: 'signal:red', data: '' }) })
  await sleep(2000)
  const { seconds: longer, colour: red } = await stopped('quick-1')
  assert.ok(longer > 3 && red.red > 150 && red.blue < 100, JSON.stringify([longer, red]))
  assert.equal((await pages()).length, 1)
  assert.equal((await server.call('DELETE', '/api/sessions/quick')).status, 204)
  await eventually('the end of the page', async () => (await pages()).length === 0)
})

async function eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + SLOW_MS
  while (!(await look())) {
    if (performance.now() > untilMs) assert.fail(`${what} did not come:\n${server.process.log.slice(-20).join('\n')}`)
    await sleep(100)
  }
}

/** Pages that the server has open. */
async function pages(): Promise<readonly object[]> {
  const response = await fetch(new URL('api/v1/pulls', server.process.page))
  return ((await response.json()) as { pulls: readonly object[] }).pulls
}

test('a layout that is not there: 500, and no browser is opened', async () => {
  await server.call('POST', '/api/sessions', { body: { customSessionId: 'other' } })
  const { text } = await server.call('POST', '/api/tokens', { body: { session: 'other' } })
  await using _ = await ScriptedParticipant.join((JSON.parse(text) as { token: string }).token)
  for (const customLayout of ['none', '../server', 'https://other.example/page']) {
    const body = { session: 'other', recordingLayout: 'CUSTOM', customLayout }
    const answer = await server.call('POST', '/api/recordings/start', { body })
    assert.equal(answer.status, 500, customLayout)
    assert.match(answer.text, /Code: 708/)
  }
})

interface Colour {
  readonly red: number
  readonly green: number
  readonly blue: number
}

/** Of a rectangle (`w:h:x:y`) of the picture at a time, on average. */
async function colour(file: string, seconds: number, rectangle: string): Promise<Colour> {
  const { stdout: hex } = await program('sh', [
    '-c',
    `ffmpeg -v error -ss "$1" -i "$2" -frames:v 1 -vf "crop=$3,scale=1:1:flags=area,format=rgb24" -f rawvideo - | od -An -tu1`,
    'sh',
    String(Math.max(0, seconds)),
    file,
    rectangle,
  ])
  const [red = 0, green = 0, blue = 0] = hex.trim().split(/\s+/).map(Number)
  return { red, green, blue }
}
