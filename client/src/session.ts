import type { RecordingDocument } from '../../src/storage/recording-document.ts'
import { type PlayOptions, PlayStream } from './play-stream.ts'
import { PublishStream, type StreamContext, type StreamOptions } from './publish-stream.ts'
import { Recordings } from './recordings.ts'
import { Server } from './server.ts'
import { type UploadOptions, uploadFile } from './upload.ts'

/** Where the server is and who asks. */
export interface SessionOptions {
  /** The server's address, as its page has it. */
  readonly url: string | URL
  /** Token of a role that may publish, or play; none where the server asks for none. */
  readonly token?: string
  /** Token of the role record, where `token` may only publish. */
  readonly recordToken?: string
  /** STUN and TURN servers besides those that the server names. */
  readonly iceServers?: readonly RTCIceServer[]
  /** The browser's own, unless a test brings others. */
  readonly environment?: Partial<Pick<typeof globalThis, 'fetch' | 'RTCPeerConnection'>>
}

/** One server, as one person uses it. Made by `createSession()`. */
export class Session {
  readonly #server: Server
  readonly #context: StreamContext

  constructor({ url, token = '', recordToken = token, iceServers = [], environment = {} }: SessionOptions) {
    const base = new URL(url)
    if (!base.pathname.endsWith('/')) base.pathname += '/'
    base.search = ''
    base.hash = ''
    // Looked up late: browsers want fetch called on its window.
    const fetchNow: typeof fetch = (...request) => (environment.fetch ?? globalThis.fetch)(...request)
    this.#server = new Server({ url: base, token, recordToken, fetch: fetchNow })
    this.#context = {
      server: this.#server,
      recordings: new Recordings(this.#server),
      iceServers,
      RTCPeerConnection: environment.RTCPeerConnection ?? globalThis.RTCPeerConnection,
    }
  }

  /** A stream to publish; nothing happens until its publish(). */
  createStream(options: StreamOptions): PublishStream {
    return new PublishStream(this.#context, options)
  }

  /** Plays a live stream in a media element. @throws {TapedeckError} the server refuses, or nothing comes through */
  async play(name: string, element: HTMLMediaElement, options: PlayOptions = {}): Promise<PlayStream> {
    return this.createPlayer(name, element, options).start()
  }

  /** As play(), for who wants to hear of the states before it begins with start(). */
  createPlayer(name: string, element: HTMLMediaElement, options: PlayOptions = {}): PlayStream {
    return new PlayStream(this.#context, name, element, options)
  }

  /** Puts a media file into the library. @throws {TapedeckError} the server refuses or is away */
  async upload(file: Blob, options: UploadOptions): Promise<RecordingDocument> {
    return uploadFile(this.#server, file, options)
  }

  /** Where one of a recording's files plays, or is downloaded. Holds the token: for elements, not for sharing. */
  fileUrl(recording: Pick<RecordingDocument, 'id'>, part = 1, options: { readonly download?: boolean } = {}): string {
    return this.#context.recordings.partUrl(recording.id, part, options.download === true)
  }
}
