import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAvcC } from '#media/h264/avcc.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import { ApiClient } from './api-client.ts'
import { type ElementarySource, makeSource, type SourceUnit } from './elementary-source.ts'
import { assertVerified } from './recording-judge.ts'
import { ScriptedCamera } from './scripted-camera.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { TempFolder } from './temp-folder.ts'

const SDP = [
  ...['v=0', 'o=- 0 0 IN IP4 0.0.0.0', 's=Camera', 't=0 0', 'a=control:*'],
  ...['m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1', 'a=control:trackID=1', ''],
].join('\r\n')

/** A scripted camera, a server that pulls and records it, and the recording. */
export class RecordedCamera implements AsyncDisposable {
  readonly folder: TempFolder
  readonly camera: ScriptedCamera
  readonly server: ServerProcess
  readonly api: ApiClient

  private constructor(folder: TempFolder, camera: ScriptedCamera, server: ServerProcess) {
    this.folder = folder
    this.camera = camera
    this.server = server
    this.api = new ApiClient(server)
  }

  static async open(
    options: { request?: object; rtsp?: object; keepAlive?: boolean; transport?: 'tcp' | 'udp' } = {},
  ): Promise<RecordedCamera> {
    await using opening = new AsyncDisposableStack()
    const folder = opening.use(await TempFolder.make())
    const camera = opening.use(await ScriptedCamera.start({ sdp: SDP }))
    const { request = {}, rtsp = {}, keepAlive = false, transport = 'tcp' } = options
    const url = `rtsp://${camera.address}/stream`
    const config = {
      rules: [{ match: '**', request }],
      pulls: [{ path: 'live/cam1', url, transport, keepAlive }],
      rtsp,
    }
    await writeFile(folder.at('tapedeck.yaml'), JSON.stringify(config))
    const server = await startServerProcess(folder.path, { env: { TAPEDECK_RECORDINGS_KEEP_MIN_FREE_BYTES: '0' } })
    opening.move()
    return new RecordedCamera(folder, camera, server)
  }

  /** H.264 without reordered pictures, its parameter sets in front of every random access point. */
  async footage(size: string, seconds = 2): Promise<{ source: ElementarySource; units: SourceUnit[] }> {
    const source = await makeSource(this.folder, { video: 'h264', size, seconds, encoding: ['-bf', '0'] })
    const { sps, pps } = parseAvcC(source.formats[0]?.configuration ?? new Uint8Array(0))
    const sets = [...sps, ...pps].flatMap((set) => [0, 0, 0, set.length, ...set])
    const units = source.units.map((unit) =>
      unit.isRandomAccess ? { ...unit, payload: Uint8Array.from([...sets, ...unit.payload]) } : unit,
    )
    return { source, units }
  }

  /** The only recording there ever was, when it is over. */
  async recording(): Promise<RecordingDocument> {
    for (;;) {
      const [recording, ...others] = await this.api.recordings()
      assert.deepEqual(others, [])
      if (recording !== undefined) {
        const proved = await this.api.untilProved(recording.id)
        assert.equal(proved.state, 'ready', JSON.stringify(proved.error))
        await assertVerified(this.folder.path, proved)
        return proved
      }
      await sleep(50)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.camera[Symbol.asyncDispose]()
    await this.folder[Symbol.asyncDispose]()
  }
}
