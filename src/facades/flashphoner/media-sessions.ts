import { randomUUID } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Publisher, Stream } from '#hub/stream.ts'

/** Application of the streams that multiple recorders are made of: those are no sessions of anybody's. */
export const MULTI_RECORDER_APP = 'multi-recorder'

/** Where a stream comes from, in the words of this vendor's answers. */
export type MediaProvider = 'WebRTC' | 'Flash' | 'RTSP' | 'Mixer'

/** What a signalling session says of the stream it is about to publish; everybody else's streams get defaults. */
export interface SessionFacts {
  readonly mediaSessionId: string
  readonly name: string
  readonly login: string
  readonly appKey: string
  /** A stream of a room is never rotated: its parts could not be merged. spec section 4. */
  readonly isInRoom: boolean
  /** The signalling's connection; without it, the publisher's. */
  readonly sessionId?: string
}

/** A stream with the names this vendor's clients know it by. */
export interface MediaSession extends SessionFacts {
  /** `/client address:port/server address:port`. */
  readonly sessionId: string
  readonly provider: MediaProvider
  readonly stream: Stream
  /** What the publisher says of itself; its signalling changes it. */
  readonly muted: { audio: boolean; video: boolean }
}

/** Every stream of the hub from publish to end, by mediaSessionId. */
export class MediaSessions implements Disposable {
  readonly started: Signal<MediaSession>
  readonly ended: Signal<MediaSession>
  readonly #byId = new Map<string, MediaSession>()
  readonly #byStream = new Map<Stream, MediaSession>()
  /** By the connection that will publish. */
  readonly #announced = new Map<string, SessionFacts>()
  readonly #owned = new DisposableStack()

  constructor(runtime: Runtime, hub: Hub) {
    const onListenerError = (error: unknown) => runtime.log.error({ event: 'facade.listener-failed', err: error })
    this.started = new Signal(onListenerError)
    this.ended = new Signal(onListenerError)
    this.#owned.use(hub.streamStarted.listen((stream) => this.#add(stream)))
    this.#owned.use(hub.streamEnded.listen((stream) => this.#remove(stream)))
    for (const stream of hub.streams()) this.#add(stream)
  }

  /** What is known of the stream that this connection will publish; dispose once it is, or will not be. */
  announce(connectionId: string, facts: SessionFacts): Disposable {
    this.#announced.set(connectionId, facts)
    return { [Symbol.dispose]: () => void this.#announced.delete(connectionId) }
  }

  get(mediaSessionId: string): MediaSession | undefined {
    return this.#byId.get(mediaSessionId)
  }

  /** The stream of this name, whichever way it came; the first, where several applications have one. */
  named(name: string): MediaSession | undefined {
    for (const session of this.#byId.values()) if (session.name === name) return session
    return undefined
  }

  all(): IterableIterator<MediaSession> {
    return this.#byId.values()
  }

  #add(stream: Stream): void {
    const { publisher } = stream
    if (publisher.protocol === 'combined' && stream.path.startsWith(`${MULTI_RECORDER_APP}/`)) return
    const facts = this.#announced.get(publisher.connectionId) ?? {
      // Invented for who has none; stable for the life of the stream.
      mediaSessionId: randomUUID(),
      name: streamName(stream),
      login: publisher.query['login'] ?? publisher.query['user'] ?? '',
      appKey: 'defaultApp',
      isInRoom: false,
    }
    const session = {
      sessionId: sessionId(publisher),
      ...facts,
      provider: providerOf(publisher.protocol),
      stream,
      muted: { audio: false, video: false },
    }
    this.#byId.set(session.mediaSessionId, session)
    this.#byStream.set(stream, session)
    this.started.emit(session)
  }

  #remove(stream: Stream): void {
    const session = this.#byStream.get(stream)
    if (session === undefined) return
    this.#byStream.delete(stream)
    this.#byId.delete(session.mediaSessionId)
    this.ended.emit(session)
  }

  [Symbol.dispose](): void {
    this.#owned.dispose()
  }
}

/** What follows the application; the whole path where there is none. */
function streamName({ path, publisher }: Stream): string {
  const applications = [`${publisher.app}/${publisher.instance}/`, `${publisher.app}/`]
  const prefix = publisher.app === '' ? undefined : applications.find((each) => path.startsWith(each))
  if (prefix !== undefined) return path.slice(prefix.length)
  return path.slice(path.indexOf('/') + 1)
}

type ConnectionFacts = Pick<Publisher, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>

/** `/client address:port/server address:port`. */
export function sessionId({ remoteAddress, remotePort, localAddress, localPort }: ConnectionFacts): string {
  return `/${hostPort(remoteAddress, remotePort)}/${hostPort(localAddress, localPort)}`
}

function hostPort(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}

function providerOf(protocol: string): MediaProvider {
  if (protocol.startsWith('rtsp')) return 'RTSP'
  if (protocol.startsWith('web') || protocol === 'whip') return 'WebRTC'
  return protocol.startsWith('rtmp') ? 'Flash' : 'Mixer'
}
