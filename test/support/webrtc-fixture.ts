import { once } from 'node:events'
import type { PublishRequest, WebRtcSession } from '#hub/webrtc.ts'
import { WebRtcServer } from '#ingest/webrtc/server.ts'
import { SoundForPlayers } from '#ingest/webrtc/sound-for-players.ts'
import { AudioTranscoder } from '#transcode/audio-transcoder.ts'
import { DEFAULT_AAC_ENCODER } from '#transcode/target.ts'
import { type TapedHub, tapedHub } from './taped-hub.ts'
import { testConfig } from './test-config.ts'
import { WebRtcPublisher, type WebRtcPublisherOptions } from './webrtc-publisher.ts'

const LOOPBACK = '127.0.0.1'

/** A publisher by script with its session on the server. */
export interface Publishing extends Disposable {
  readonly peer: WebRtcPublisher
  readonly session: WebRtcSession
}

export interface WebRtcFixture extends TapedHub, AsyncDisposable {
  readonly server: WebRtcServer
  /** A publisher's offer, as HTTP would bring it. */
  offer(path: string, sdp: string, more?: Partial<PublishRequest>): Promise<WebRtcSession>
  /** A publisher that has its answer, and is connecting. */
  connecting(path: string, options?: WebRtcPublisherOptions, more?: Partial<PublishRequest>): Promise<Publishing>
  /** A publisher that is connected, on both sides. */
  publishing(path: string, options?: WebRtcPublisherOptions, more?: Partial<PublishRequest>): Promise<Publishing>
  /** Waits for something that follows from what happens on streams and sessions, looked at every few milliseconds. */
  until(isSo: () => boolean, what: string): Promise<void>
}

/** A WebRTC server on a free port that tapes every stream in memory. */
export async function webRtcFixture(
  config: Partial<ReturnType<typeof testConfig>['webrtc']> = {},
): Promise<WebRtcFixture> {
  await using owned = new AsyncDisposableStack()
  const taped = tapedHub()
  const { hub, runtime, events } = taped
  const transcoder = owned.use(new AudioTranscoder({ runtime, aacEncoder: DEFAULT_AAC_ENCODER }))
  const sound = new SoundForPlayers({ runtime, transcoder })
  const udp = { host: LOOPBACK, port: 0 }
  const whole = { ...testConfig('/nowhere').webrtc, ...config, udp }
  const server = owned.use(await WebRtcServer.start({ runtime, hub, sound, config: whole }))
  const offer: WebRtcFixture['offer'] = (path, sdp, more = {}) => {
    const facts = { remoteAddress: LOOPBACK, remotePort: 4000, localAddress: LOOPBACK, localPort: 8080 }
    return server.publish({ path, sdp, ...facts, encoder: 'a test/1.0', query: { camera: '1' }, ...more })
  }
  const connecting: WebRtcFixture['connecting'] = async (path, options, more) => {
    const peer = await WebRtcPublisher.offer(options)
    try {
      const session = await offer(path, peer.sdp, more)
      peer.accept(session.answer)
      return { peer, session, [Symbol.dispose]: () => peer.close() }
    } catch (error) {
      peer.close()
      throw error
    }
  }
  const until: WebRtcFixture['until'] = async (isSo, what) => {
    for (const endMs = performance.now() + 60_000; !isSo(); await once(AbortSignal.timeout(5), 'abort')) {
      if (performance.now() > endMs) throw new Error(`in vain: ${what}\n${JSON.stringify(events)}`)
    }
  }
  const kept = owned.move()
  return {
    ...taped,
    server,
    offer,
    connecting,
    async publishing(path, options, more) {
      const publishing = await connecting(path, options, more)
      await publishing.peer.connected()
      await until(() => publishing.session.state !== 'connecting', 'the server is connected')
      return publishing
    },
    until,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
