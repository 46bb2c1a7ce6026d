import { errorMessage, TapedeckError } from '#base/error.ts'
import type { Runtime } from '#base/runtime.ts'
import type { StreamAccess } from '#hub/access.ts'
import { type Hub, StreamPathInUseError } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { StreamPathError } from '#hub/stream-path.ts'
import { type AmfValue, amfFields } from '#media/flv/amf-value.ts'
import type { AmfEncodable } from '#media/flv/amf0.ts'
import type { MessageHead, Placement } from '#protocols/rtmp/chunk-reader.ts'
import { ChunkStreamId, type OutgoingMessage } from '#protocols/rtmp/chunk-writer.ts'
import {
  decodeCommand,
  decodeData,
  decodeU32,
  decodeUserControl,
  encodeCommand,
  encodePeerBandwidth,
  encodeU32,
  encodeUserControl,
  MessageType,
  type RtmpCommand,
  type RtmpMessage,
  splitAggregate,
  UserControlEvent,
} from '#protocols/rtmp/message.ts'
import { connectAnswer } from './connect-answer.ts'
import { RtmpCommandError, RtmpStreamNotFoundError } from './errors.ts'
import { PlaySession } from './play-session.ts'
import { PublishSession } from './publish-session.ts'
import { type StreamTarget, streamTarget } from './stream-name.ts'

/** Ours are larger than the default of 128 bytes, which would cost a header every 128 bytes of media. */
const OUTGOING_CHUNK_BYTES = 65_536
const WINDOW_BYTES = 2_500_000
/** Message streams one connection may have; encoders use one. */
const MAX_MESSAGE_STREAMS = 16

/** What a NetConnection needs of the connection below it. */
export interface Peer {
  readonly unsentBytes: number
  send(message: OutgoingMessage): void
  sendControl(typeId: number, body: Uint8Array): void
  sendChunkSize(bytes: number): void
  setAcknowledgementWindow(bytes: number): void
  setupComplete(): void
  stopReading(): void
  resumeReading(): void
  fail(error: unknown): void
  disconnect(end: StreamEnd): void
}

type Session = PublishSession | PlaySession

/** What the commands of one connection mean: connect, createStream, publish, play and their ends. Adobe RTMP 1.0 §7.2. */
export class NetConnection {
  readonly #id: string
  readonly #protocol: string
  readonly #remoteAddress: string
  readonly #runtime: Runtime
  readonly #hub: Hub
  readonly #access: StreamAccess
  readonly #peer: Peer
  readonly #messageStreams = new Set<number>()
  readonly #sessions = new Map<number, Session>()
  /** The publisher's session of the last media message: there is hardly ever another. */
  #lastPublish: { messageStreamId: number; session: PublishSession } | undefined
  #app: string | undefined
  #tcUrl = ''
  #encoder = ''
  #lastMessageStreamId = 0
  /** Messages that came in the same read as a publish or play which is still being decided. */
  #waiting: RtmpMessage[] | undefined
  #isClosed = false

  constructor(options: {
    id: string
    protocol: string
    remoteAddress: string
    runtime: Runtime
    hub: Hub
    access: StreamAccess
    peer: Peer
  }) {
    this.#id = options.id
    this.#protocol = options.protocol
    this.#remoteAddress = options.remoteAddress
    this.#runtime = options.runtime
    this.#hub = options.hub
    this.#access = options.access
    this.#peer = options.peer
  }

  get isConnected(): boolean {
    return this.#app !== undefined
  }

  get isPublishing(): boolean {
    return this.#lastPublish !== undefined
  }

  /** Publishes, plays, or waits for our decision about it. */
  get isUseful(): boolean {
    return this.#sessions.size > 0 || this.#waiting !== undefined
  }

  /** Media comes in and nobody watches: reads may be few and large. */
  get mayGather(): boolean {
    return this.#lastPublish !== undefined && !this.#lastPublish.session.isWatched
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    if (this.#waiting !== undefined) return undefined
    return this.#publishSession(head.messageStreamId)?.input.place(head, firstBytes)
  }

  message(message: RtmpMessage): void {
    if (this.#isClosed) return
    if (this.#waiting !== undefined) {
      this.#waiting.push({ ...message, body: message.body.slice() })
      return
    }
    switch (message.typeId) {
      case MessageType.audio:
      case MessageType.video:
        this.#publishSession(message.messageStreamId)?.input.media(message)
        return
      case MessageType.aggregate:
        for (const part of splitAggregate(message)) if (part.typeId !== MessageType.aggregate) this.message(part)
        return
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#publishSession(message.messageStreamId)?.input.data(decodeData(message), message.body.length)
        return
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#command(message.messageStreamId, decodeCommand(message))
        return
      case MessageType.windowAcknowledgementSize:
        this.#peer.setAcknowledgementWindow(decodeU32(message))
        return
      case MessageType.userControl: {
        const { event, values } = decodeUserControl(message)
        if (event === UserControlEvent.pingRequest) {
          this.#peer.sendControl(
            MessageType.userControl,
            encodeUserControl(UserControlEvent.pingResponse, values[0] ?? 0),
          )
        }
        return
      }
      // Chunk size and abort were obeyed by the reader. Acknowledgements and the peer's bandwidth wishes limit what we
      // send, which is TCP's work; shared objects and unknown types are nobody's.
      default:
    }
  }

  /** The socket has room again. */
  drained(): void {
    for (const session of this.#sessions.values()) if (session.kind === 'play') session.drained()
  }

  /** @throws {NoSupportedTrackError} */
  checkTracks(): void {
    for (const session of this.#sessions.values()) if (session.kind === 'publish') session.input.checkTracks()
  }

  /** Ends everything the connection published and played. Idempotent. */
  close(end: StreamEnd): void {
    this.#isClosed = true
    this.#waiting = undefined
    for (const messageStreamId of [...this.#sessions.keys()]) this.#endSession(messageStreamId, end)
  }

  #publishSession(messageStreamId: number): PublishSession | undefined {
    if (this.#lastPublish?.messageStreamId === messageStreamId) return this.#lastPublish.session
    const session = this.#sessions.get(messageStreamId)
    if (session?.kind !== 'publish') return undefined
    this.#lastPublish = { messageStreamId, session }
    return session
  }

  #command(messageStreamId: number, { name, transactionId, args }: RtmpCommand): void {
    if (name === 'connect') {
      this.#connect(transactionId, args)
      return
    }
    if (this.#app === undefined) throw new RtmpCommandError(name, 'connect comes first')
    switch (name) {
      case 'createStream':
        this.#createStream(transactionId)
        return
      case 'publish':
        this.#decide('publish', messageStreamId, args)
        return
      case 'play':
      case 'play2':
        this.#decide('play', messageStreamId, args)
        return
      case 'FCPublish':
        this.#result(transactionId, null)
        this.#reply('onFCPublish', { code: 'NetStream.Publish.Start', description: text(args[1]) })
        return
      case 'FCUnpublish':
        this.#result(transactionId, null)
        this.#reply('onFCUnpublish', { code: 'NetStream.Unpublish.Success', description: text(args[1]) })
        this.#unpublish(text(args[1]))
        return
      case 'releaseStream':
        this.#result(transactionId, null)
        return
      case 'deleteStream':
        this.#closeStream(number(args[1]) ?? messageStreamId)
        return
      case 'closeStream':
        this.#closeStream(messageStreamId)
        return
      case 'receiveAudio':
        this.#playSession(messageStreamId)?.receive('audio', args[1] !== false)
        return
      case 'receiveVideo':
        this.#playSession(messageStreamId)?.receive('video', args[1] !== false)
        return
      case 'pause':
      case 'pauseRaw':
        this.#pause(messageStreamId, args[1] === true)
        return
      case 'seek':
        this.#status(messageStreamId, 'error', 'NetStream.Seek.Failed', 'a live stream has no other place')
        return
      case 'getStreamLength':
        this.#result(transactionId, null, 0)
        return
      // Answers of the client to calls of ours, and calls that want no answer.
      case '_result':
      case '_error':
      case 'onStatus':
      case 'setDataFrame':
        return
      default:
        // DVRGetStreamInfo of FMLE, _checkbw of Flash players …: they go on without.
        this.#runtime.log.debug({ event: 'rtmp.unknown-command', command: name.slice(0, 100) })
        if (transactionId !== 0)
          this.#error(transactionId, 'NetConnection.Call.Failed', `no such method: ${name.slice(0, 100)}`)
    }
  }

  #connect(transactionId: number, args: readonly AmfValue[]): void {
    if (this.#app !== undefined) throw new RtmpCommandError('connect', 'the connection is connected already')
    const fields = amfFields(args[0])
    this.#app = text(fields['app'])
    this.#tcUrl = text(fields['tcUrl'])
    this.#encoder = text(fields['flashVer']).slice(0, 200)
    this.#peer.sendControl(MessageType.windowAcknowledgementSize, encodeU32(WINDOW_BYTES))
    this.#peer.sendControl(MessageType.setPeerBandwidth, encodePeerBandwidth(WINDOW_BYTES))
    this.#peer.sendChunkSize(OUTGOING_CHUNK_BYTES)
    this.#peer.sendControl(MessageType.userControl, encodeUserControl(UserControlEvent.streamBegin, 0))
    const { properties, information } = connectAnswer(fields)
    this.#result(transactionId, properties, information)
    this.#peer.setupComplete()
    this.#runtime.log.debug({ event: 'rtmp.connected', app: this.#app, encoder: this.#encoder })
  }

  #createStream(transactionId: number): void {
    if (this.#messageStreams.size >= MAX_MESSAGE_STREAMS) {
      const reason = `a connection has at most ${MAX_MESSAGE_STREAMS} streams`
      this.#error(transactionId, 'NetConnection.Call.Failed', reason)
      return
    }
    const messageStreamId = ++this.#lastMessageStreamId
    this.#messageStreams.add(messageStreamId)
    this.#result(transactionId, null, messageStreamId)
  }

  /** Asks whether the path may be published or played; until that is known nothing more is read. */
  #decide(action: 'publish' | 'play', messageStreamId: number, args: readonly AmfValue[]): void {
    const streamName = text(args[1])
    // publish(false) and an empty name close the stream, as NetStream.publish documents.
    if (action === 'publish' && args[1] === false) {
      this.#closeStream(messageStreamId)
      return
    }
    if (!this.#messageStreams.has(messageStreamId)) {
      const reason = `message stream ${messageStreamId} was not created`
      this.#status(messageStreamId, 'error', 'NetStream.Failed', reason)
      return
    }
    if (this.#sessions.has(messageStreamId)) {
      this.#status(messageStreamId, 'error', 'NetStream.Failed', 'this stream publishes or plays already')
      return
    }
    const target = streamTarget(this.#app ?? '', this.#tcUrl, streamName)
    const decision =
      action === 'publish' ? this.#publish(messageStreamId, streamName, target) : this.#play(messageStreamId, target)
    this.#waiting = []
    this.#peer.stopReading()
    void decision
      .catch((error: unknown) => this.#refuse(action, messageStreamId, target, error))
      .then(() => this.#decided())
      .catch((error: unknown) => this.#peer.fail(error))
  }

  #decided(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    if (this.#isClosed) return
    while (waiting.length > 0) {
      const [message] = waiting.splice(0, 1)
      if (message !== undefined) this.message(message)
      // One of them was a publish or play itself: the rest waits for that.
      if (this.#defer(waiting)) return
    }
    this.#peer.resumeReading()
  }

  /** Keeps messages for later when a decision is pending. */
  #defer(messages: readonly RtmpMessage[]): boolean {
    this.#waiting?.push(...messages)
    return this.#waiting !== undefined
  }

  async #authorize(action: 'publish' | 'play', { path, query }: StreamTarget): Promise<void> {
    await this.#access.authorize({ action, path, protocol: this.#protocol, remoteAddress: this.#remoteAddress, query })
  }

  /**
   * The publish type (live, record, append) does not matter here: rules and requests decide what is recorded.
   * @throws {TapedeckError} refused
   */
  async #publish(messageStreamId: number, streamName: string, target: StreamTarget): Promise<void> {
    await this.#authorize('publish', target)
    if (this.#isClosed) return
    const publication = this.#hub.publish(target.path, {
      protocol: this.#protocol,
      remoteAddress: this.#remoteAddress,
      connectionId: this.#id,
      encoder: this.#encoder,
      disconnect: (reason) => this.#peer.disconnect({ cause: 'disconnected', message: reason }),
    })
    const { path } = publication.stream
    const { log, monotonicMs } = this.#runtime
    const session = new PublishSession({ publication, streamName, log: log.child({ stream: path }), monotonicMs })
    this.#sessions.set(messageStreamId, session)
    this.#lastPublish = { messageStreamId, session }
    log.info({ event: 'rtmp.publish-started', stream: path, encoder: this.#encoder }, 'publisher accepted')
    this.#peer.sendControl(MessageType.userControl, encodeUserControl(UserControlEvent.streamBegin, messageStreamId))
    this.#status(messageStreamId, 'status', 'NetStream.Publish.Start', `${path} is now published`, streamName)
  }

  /** @throws {TapedeckError} refused, or nobody publishes it */
  async #play(messageStreamId: number, target: StreamTarget): Promise<void> {
    await this.#authorize('play', target)
    if (this.#isClosed) return
    const stream = this.#hub.get(target.path)
    if (stream === undefined) throw new RtmpStreamNotFoundError(target.path)
    this.#peer.sendControl(MessageType.userControl, encodeUserControl(UserControlEvent.streamBegin, messageStreamId))
    this.#status(messageStreamId, 'status', 'NetStream.Play.Reset', `${target.path} is about to play`)
    this.#status(messageStreamId, 'status', 'NetStream.Play.Start', `${target.path} is playing`)
    const log = this.#runtime.log.child({ stream: target.path })
    const session = new PlaySession({
      connection: this.#peer,
      stream,
      messageStreamId,
      log,
      onEnded: () => this.#playEnded(messageStreamId, target.path),
    })
    this.#sessions.set(messageStreamId, session)
    log.info({ event: 'rtmp.play-started' }, 'player accepted')
  }

  #refuse(action: 'publish' | 'play', messageStreamId: number, { path }: StreamTarget, error: unknown): void {
    if (!(error instanceof TapedeckError)) throw error
    this.#runtime.log.warn({ event: `rtmp.${action}-refused`, stream: path, code: error.code }, error.message)
    this.#status(messageStreamId, 'error', refusalCode(action, error), errorMessage(error))
  }

  #playEnded(messageStreamId: number, path: string): void {
    if (this.#isClosed) return
    this.#status(messageStreamId, 'status', 'NetStream.Play.UnpublishNotify', `${path} is no longer published`)
    this.#peer.sendControl(MessageType.userControl, encodeUserControl(UserControlEvent.streamEof, messageStreamId))
    // FFmpeg and VLC end at this status; at StreamEOF alone they would wait for the connection to close.
    this.#status(messageStreamId, 'status', 'NetStream.Play.Stop', `${path} has ended`)
    this.#endSession(messageStreamId, { cause: 'unpublished', message: 'the stream ended' })
  }

  #pause(messageStreamId: number, isPaused: boolean): void {
    this.#playSession(messageStreamId)?.pause(isPaused)
    const code = isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify'
    this.#status(messageStreamId, 'status', code, isPaused ? 'paused' : 'live again')
  }

  #playSession(messageStreamId: number): PlaySession | undefined {
    const session = this.#sessions.get(messageStreamId)
    return session?.kind === 'play' ? session : undefined
  }

  /** FCUnpublish names the stream instead of giving its id. */
  #unpublish(streamName: string): void {
    for (const [messageStreamId, session] of this.#sessions) {
      if (session.kind === 'publish' && session.streamName === streamName) this.#politeEnd(messageStreamId)
    }
  }

  #closeStream(messageStreamId: number): void {
    this.#politeEnd(messageStreamId)
    this.#messageStreams.delete(messageStreamId)
  }

  #politeEnd(messageStreamId: number): void {
    const session = this.#sessions.get(messageStreamId)
    if (session === undefined) return
    this.#endSession(messageStreamId, { cause: 'unpublished', message: 'the publisher ended the stream' })
    if (session.kind === 'publish') {
      const { path } = session.publication.stream
      this.#status(messageStreamId, 'status', 'NetStream.Unpublish.Success', `${path} is no longer published`)
    }
  }

  #endSession(messageStreamId: number, end: StreamEnd): void {
    const session = this.#sessions.get(messageStreamId)
    if (session === undefined) return
    this.#sessions.delete(messageStreamId)
    if (this.#lastPublish?.messageStreamId === messageStreamId) this.#lastPublish = undefined
    if (session.kind === 'play') {
      session[Symbol.dispose]()
      return
    }
    session.end(end)
    const { path } = session.publication.stream
    this.#runtime.log.info({ event: 'rtmp.publish-ended', stream: path, cause: end.cause }, end.message)
  }

  #status(
    messageStreamId: number,
    level: 'status' | 'error',
    code: string,
    description: string,
    details?: string,
  ): void {
    const info = details === undefined ? { level, code, description } : { level, code, description, details }
    this.#send(messageStreamId, encodeCommand('onStatus', 0, null, info))
  }

  #reply(name: string, info: AmfEncodable): void {
    this.#send(0, encodeCommand(name, 0, null, info))
  }

  #result(transactionId: number, ...values: readonly AmfEncodable[]): void {
    if (transactionId !== 0) this.#send(0, encodeCommand('_result', transactionId, ...values))
  }

  #error(transactionId: number, code: string, description: string): void {
    this.#send(0, encodeCommand('_error', transactionId, null, { level: 'error', code, description }))
  }

  #send(messageStreamId: number, body: Uint8Array): void {
    const chunkStreamId = ChunkStreamId.command
    this.#peer.send({ chunkStreamId, typeId: MessageType.command, timestampMs: 0, messageStreamId, body: [body] })
  }
}

function refusalCode(action: 'publish' | 'play', error: TapedeckError): string {
  if (error instanceof StreamPathInUseError || error instanceof StreamPathError) {
    return action === 'publish' ? 'NetStream.Publish.BadName' : 'NetStream.Play.StreamNotFound'
  }
  if (error instanceof RtmpStreamNotFoundError) return 'NetStream.Play.StreamNotFound'
  return action === 'publish' ? 'NetStream.Publish.Rejected' : 'NetStream.Play.Failed'
}

function text(value: AmfValue): string {
  return typeof value === 'string' ? value : ''
}

function number(value: AmfValue): number | undefined {
  return typeof value === 'number' ? value : undefined
}
