import { errorCode, errorMessage, TapedeckError } from '#base/error.ts'
import { StreamPathInUseError } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { StreamPathError } from '#hub/stream-path.ts'
import { type AmfValue, amfFields } from '#media/flv/amf-value.ts'
import type { MessageHead, Placement } from '#protocols/rtmp/chunk-reader.ts'
import {
  decodeCommand,
  decodeU32,
  decodeUserControl,
  encodePeerBandwidth,
  encodeU32,
  MessageType,
  type RtmpCommand,
  type RtmpMessage,
  splitAggregate,
  UserControlEvent,
} from '#protocols/rtmp/message.ts'
import { Answers } from './answers.ts'
import { connectAnswer } from './connect-answer.ts'
import { Decision } from './decision.ts'
import { RtmpCommandError, RtmpStreamNotFoundError } from './errors.ts'
import type { PublishRequest, RtmpCaller, SendStatus, StreamRequest } from './extension.ts'
import { MAX_MESSAGE_STREAMS, MessageStreams } from './message-streams.ts'
import type { ClientDescription, Peer, Surroundings } from './peer.ts'
import { PlaySession } from './play-session.ts'
import { openPublishSession } from './publish-session.ts'
import { applicationPlace, type StreamTarget, streamTarget } from './stream-name.ts'

/** Ours are larger than the default of 128 bytes, which would cost a header every 128 bytes of media. */
const OUTGOING_CHUNK_BYTES = 65_536
const WINDOW_BYTES = 2_500_000
/** Calls of one connection whose answers are still to come. */
const MAX_CALLS_IN_PROGRESS = 32

/** What the messages of one connection mean: connect, createStream, publish, play and their ends. Adobe RTMP 1.0 §7. */
export class NetConnection {
  readonly #peer: Peer
  readonly #surroundings: Surroundings
  readonly #answers: Answers
  readonly #streams = new MessageStreams()
  readonly #decision: Decision
  #client: ClientDescription | undefined
  #callsInProgress = 0
  #hasCalled = false
  #isClosed = false

  constructor(peer: Peer, surroundings: Surroundings) {
    this.#peer = peer
    this.#surroundings = surroundings
    this.#answers = new Answers(peer)
    this.#decision = new Decision(peer, (message) => this.message(message))
  }

  get isConnected(): boolean {
    return this.#client !== undefined
  }

  get isPublishing(): boolean {
    return this.#streams.publishing !== undefined
  }

  /** Publishes, plays, waits for our decision about it, or makes calls that are answered. */
  get isUseful(): boolean {
    return this.#streams.isBusy || this.#decision.isPending || this.#hasCalled
  }

  /** Media comes in and nobody watches: reads may be few and large. */
  get mayGather(): boolean {
    return this.#streams.publishing?.isWatched === false
  }

  place(head: MessageHead, firstBytes: Uint8Array): Placement | undefined {
    if (this.#decision.isPending) return undefined
    return this.#streams.publishSession(head.messageStreamId)?.input.place(head, firstBytes)
  }

  /** @throws {TapedeckError} the peer breaks the protocol */
  message(message: RtmpMessage): void {
    if (this.#isClosed || this.#decision.hold(message)) return
    switch (message.typeId) {
      case MessageType.audio:
      case MessageType.video:
        this.#streams.publishSession(message.messageStreamId)?.input.media(message)
        break
      case MessageType.aggregate:
        for (const part of splitAggregate(message)) if (part.typeId !== MessageType.aggregate) this.message(part)
        break
      case MessageType.data:
      case MessageType.dataAmf3:
        this.#streams.publishSession(message.messageStreamId)?.input.data(message)
        break
      case MessageType.command:
      case MessageType.commandAmf3:
        this.#command(message.messageStreamId, decodeCommand(message))
        break
      case MessageType.windowAcknowledgementSize:
        this.#peer.setAcknowledgementWindow(decodeU32(message))
        break
      case MessageType.userControl: {
        const { event, values } = decodeUserControl(message)
        if (event === UserControlEvent.pingRequest) this.#answers.pong(values[0] ?? 0)
        break
      }
      // Chunk size and abort were obeyed by the reader. Acknowledgements and the peer's bandwidth wishes limit what we
      // send, which is TCP's work; shared objects and unknown types are nobody's.
      default:
    }
  }

  /** The socket has room again. */
  drained(): void {
    for (const session of this.#streams.sessions()) if (session.kind === 'play') session.drained()
  }

  /** @throws {NoSupportedTrackError} */
  checkTracks(): void {
    for (const session of this.#streams.sessions()) if (session.kind === 'publish') session.input.checkTracks()
  }

  /** Ends everything the connection published and played. Idempotent. */
  close(end: StreamEnd): void {
    this.#isClosed = true
    this.#decision.cancel()
    this.#streams.endAll(end)
  }

  #command(messageStreamId: number, { name, transactionId, args }: RtmpCommand): void {
    if (name === 'connect') {
      this.#connect(transactionId, args)
      return
    }
    const client = this.#client
    if (client === undefined) throw new RtmpCommandError(name, 'connect comes first')
    switch (name) {
      case 'createStream':
        this.#createStream(transactionId)
        break
      case 'publish':
      case 'play':
        this.#decide(name, messageStreamId, client, args)
        break
      case 'releaseStream':
        this.#answers.result(transactionId, null)
        break
      case 'FCPublish':
        this.#answers.result(transactionId, null)
        this.#answers.announce('onFCPublish', 'NetStream.Publish.Start', text(args[1]))
        break
      case 'FCUnpublish':
        this.#answers.result(transactionId, null)
        this.#answers.announce('onFCUnpublish', 'NetStream.Unpublish.Success', text(args[1]))
        this.#endPolitely(this.#streams.idOfPublished(text(args[1])))
        break
      case 'deleteStream':
        this.#closeStream(number(args[1]) ?? messageStreamId)
        break
      case 'closeStream':
        this.#endPolitely(messageStreamId)
        break
      case 'receiveAudio':
        this.#streams.playSession(messageStreamId)?.receive('audio', args[1] !== false)
        break
      case 'receiveVideo':
        this.#streams.playSession(messageStreamId)?.receive('video', args[1] !== false)
        break
      case 'pause':
      case 'pauseRaw':
        this.#pause(messageStreamId, args[1] === true)
        break
      case 'seek':
        this.#answers.status(messageStreamId, 'error', 'NetStream.Seek.Failed', 'a live stream has no other place')
        break
      case 'getStreamLength':
        this.#answers.result(transactionId, null, 0)
        break
      case '_result':
      case '_error':
      case 'onStatus':
        break // of calls we never made
      default:
        this.#call(name, transactionId, client, args)
    }
  }

  /** A call of the front end's, answered when it has been done; media and other commands go on meanwhile. */
  #call(name: string, transactionId: number, client: ClientDescription, args: readonly AmfValue[]): void {
    const { extension, runtime } = this.#surroundings
    const command = name.slice(0, 100)
    if (this.#callsInProgress >= MAX_CALLS_IN_PROGRESS) {
      this.#answers.failed(transactionId, `${MAX_CALLS_IN_PROGRESS} calls are in progress: wait for their answers`)
      return
    }
    const published = this.#streams.publishedPaths()
    const done = extension?.command?.({ ...this.#caller(client), name, args, published })
    if (done === undefined) {
      // DVRGetStreamInfo of FMLE, _checkbw of Flash players …: their callers go on without.
      runtime.log.debug({ event: 'rtmp.unknown-command', command })
      this.#answers.failed(transactionId, `no such method: ${command}`)
      return
    }
    this.#callsInProgress++
    void done
      .then((value) => {
        this.#hasCalled = true
        this.#answers.result(transactionId, null, value)
      })
      .catch((error: unknown) => {
        const code = errorCode(error)
        const level = error instanceof TapedeckError ? 'warn' : 'error'
        runtime.log[level]({ event: 'rtmp.call-failed', command, code, err: error }, errorMessage(error))
        this.#answers.failed(transactionId, answerTo(error, `${command} failed`))
      })
      .finally(() => {
        this.#callsInProgress--
      })
  }

  #caller({ place, encoder }: ClientDescription): RtmpCaller {
    const { id, protocol, remoteAddress } = this.#peer
    return { connectionId: id, protocol, remoteAddress, encoder, ...place }
  }

  #connect(transactionId: number, args: readonly AmfValue[]): void {
    if (this.#client !== undefined) throw new RtmpCommandError('connect', 'the connection is connected already')
    const fields = amfFields(args[0])
    const encoder = text(fields['flashVer']).slice(0, 200)
    const [app, tcUrl] = [text(fields['app']), text(fields['tcUrl'])]
    this.#client = { app, tcUrl, place: applicationPlace(app, tcUrl), encoder }
    this.#peer.sendControl(MessageType.windowAcknowledgementSize, encodeU32(WINDOW_BYTES))
    this.#peer.sendControl(MessageType.setPeerBandwidth, encodePeerBandwidth(WINDOW_BYTES))
    this.#peer.sendChunkSize(OUTGOING_CHUNK_BYTES)
    this.#answers.streamBegin(0)
    const { properties, information } = connectAnswer(fields)
    this.#answers.result(transactionId, properties, information)
    this.#peer.setupComplete()
    this.#surroundings.runtime.log.debug({ event: 'rtmp.connected', app: this.#client.app, encoder })
  }

  #createStream(transactionId: number): void {
    const id = this.#streams.create()
    if (id === undefined) this.#answers.failed(transactionId, `a connection has at most ${MAX_MESSAGE_STREAMS} streams`)
    else this.#answers.result(transactionId, null, id)
  }

  #decide(
    action: 'publish' | 'play',
    messageStreamId: number,
    client: ClientDescription,
    args: readonly AmfValue[],
  ): void {
    // NetStream.publish(false) ends the stream.
    if (action === 'publish' && args[1] === false) {
      this.#endPolitely(messageStreamId)
      return
    }
    if (!this.#streams.has(messageStreamId) || this.#streams.session(messageStreamId) !== undefined) {
      const reason = this.#streams.has(messageStreamId) ? 'is in use already' : 'was never created'
      this.#answers.status(messageStreamId, 'error', 'NetStream.Failed', `message stream ${messageStreamId} ${reason}`)
      return
    }
    const name = text(args[1])
    const caller = this.#caller(client)
    const work =
      action === 'publish'
        ? this.#publish(messageStreamId, client, { ...caller, action, name, publishType: text(args[2]) })
        : this.#play(messageStreamId, client, { ...caller, action, name })
    const { path } = streamTarget(client.app, client.tcUrl, name)
    this.#decision.begin(work, (error) => this.#refuse(action, messageStreamId, path, error))
  }

  /** @throws {TapedeckError} refused */
  #target({ app, tcUrl }: ClientDescription, request: StreamRequest): StreamTarget {
    return this.#surroundings.extension?.target?.(request) ?? streamTarget(app, tcUrl, request.name)
  }

  /** @throws {TapedeckError} refused */
  async #publish(messageStreamId: number, client: ClientDescription, request: PublishRequest): Promise<void> {
    const target = this.#target(client, request)
    await this.#authorize('publish', target)
    if (this.#isClosed) return
    const session = openPublishSession(target, request.name, client, this.#peer, this.#surroundings)
    this.#streams.begin(messageStreamId, session)
    this.#answers.streamBegin(messageStreamId)
    const status: SendStatus = (level, code, description) => {
      if (!this.#isClosed) this.#answers.status(messageStreamId, level, code, description, request.name)
    }
    status('status', 'NetStream.Publish.Start', `${session.path} is now published`)
    session.accompany((stream) => this.#surroundings.extension?.published?.(request, stream, status))
  }

  /** @throws {TapedeckError} refused, or nobody publishes it */
  async #play(messageStreamId: number, client: ClientDescription, request: StreamRequest): Promise<void> {
    const target = this.#target(client, request)
    await this.#authorize('play', target)
    if (this.#isClosed) return
    const stream = this.#surroundings.hub.get(target.path)
    if (stream === undefined) throw new RtmpStreamNotFoundError(target.path)
    this.#answers.streamBegin(messageStreamId)
    this.#answers.status(messageStreamId, 'status', 'NetStream.Play.Reset', `${stream.path} is about to play`)
    this.#answers.status(messageStreamId, 'status', 'NetStream.Play.Start', `${stream.path} is playing`)
    const log = this.#surroundings.runtime.log.child({ stream: stream.path })
    const onEnded = () => this.#playEnded(messageStreamId, stream.path)
    this.#streams.begin(messageStreamId, new PlaySession({ peer: this.#peer, stream, messageStreamId, log, onEnded }))
    log.info({ event: 'rtmp.play-started' }, 'player accepted')
  }

  async #authorize(action: 'publish' | 'play', { path, query }: StreamTarget): Promise<void> {
    const { protocol, remoteAddress } = this.#peer
    await this.#surroundings.access.authorize({ action, path, protocol, remoteAddress, query })
  }

  #refuse(action: 'publish' | 'play', messageStreamId: number, path: string, error: unknown): void {
    if (!(error instanceof TapedeckError)) throw error
    const { code, message } = error
    this.#surroundings.runtime.log.warn({ event: `rtmp.${action}-refused`, stream: path, code }, message)
    const answer = answerTo(error, `${action} of ${path} refused`)
    if (!this.#isClosed) this.#answers.status(messageStreamId, 'error', refusalStatus(action, error), answer)
  }

  #playEnded(messageStreamId: number, path: string): void {
    this.#answers.status(messageStreamId, 'status', 'NetStream.Play.UnpublishNotify', `${path} is no longer published`)
    this.#answers.streamEof(messageStreamId)
    // FFmpeg and VLC end at this status; at StreamEOF alone they would wait for the connection to close.
    this.#answers.status(messageStreamId, 'status', 'NetStream.Play.Stop', `${path} has ended`)
    this.#streams.end(messageStreamId, { cause: 'unpublished', message: 'the stream ended' })
  }

  #pause(messageStreamId: number, isPaused: boolean): void {
    this.#streams.playSession(messageStreamId)?.pause(isPaused)
    const code = isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify'
    this.#answers.status(messageStreamId, 'status', code, isPaused ? 'paused' : 'live again')
  }

  #closeStream(messageStreamId: number): void {
    this.#endPolitely(messageStreamId)
    this.#streams.delete(messageStreamId)
  }

  #endPolitely(messageStreamId: number | undefined): void {
    if (messageStreamId === undefined) return
    const end: StreamEnd = { cause: 'unpublished', message: 'the publisher ended the stream' }
    const ended = this.#streams.end(messageStreamId, end)
    if (ended?.kind !== 'publish') return
    const { path, streamName, farewell } = ended
    const succeed = () => {
      if (this.#isClosed) return
      const description = `${path} is no longer published`
      this.#answers.status(messageStreamId, 'status', 'NetStream.Unpublish.Success', description, streamName)
    }
    if (farewell === undefined) succeed()
    // What the publisher asks for next waits: a name it publishes again has to be free.
    else this.#decision.begin(farewell.then(succeed), (error) => this.#peer.fail(error))
  }
}

/** What a caller is told. What is wrong on this side, and where, is for the log: the caller may be anybody. */
function answerTo(error: unknown, what: string): string {
  const isTheirs = error instanceof TapedeckError && (error.origin === 'client' || error.origin === 'publisher')
  return isTheirs ? error.message : `${what}: the server's log has the reason (${errorCode(error)})`
}

/** The onStatus code clients know for a refusal. */
function refusalStatus(action: 'publish' | 'play', error: TapedeckError): string {
  if (action === 'play') {
    const isMissing = error instanceof RtmpStreamNotFoundError || error instanceof StreamPathError
    return isMissing ? 'NetStream.Play.StreamNotFound' : 'NetStream.Play.Failed'
  }
  const isBadName = error instanceof StreamPathInUseError || error instanceof StreamPathError
  return isBadName ? 'NetStream.Publish.BadName' : 'NetStream.Publish.Rejected'
}

function text(value: AmfValue): string {
  return typeof value === 'string' ? value : ''
}

function number(value: AmfValue): number | undefined {
  return typeof value === 'number' ? value : undefined
}
