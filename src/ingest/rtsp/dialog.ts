import { randomBytes } from 'node:crypto'
import { errorCode, TapedeckError } from '#base/error.ts'
import { publicUrl } from '#base/public-url.ts'
import { StreamPathInUseError, TooManyPublishersError } from '#hub/hub.ts'
import type { StreamEnd } from '#hub/stream.ts'
import { normalizeStreamPath } from '#hub/stream-path.ts'
import { parseStreamAddress, type StreamAddress, withoutControl } from '#protocols/rtsp/address.ts'
import { parseDescription } from '#protocols/rtsp/description.ts'
import { type RtspRequest, sequenceOf, writeResponse } from '#protocols/rtsp/message.ts'
import { writeTransport } from '#protocols/rtsp/transport.ts'
import { RtspNoSupportedTrackError, RtspRefusal, RtspRequestError, RtspStreamNotFoundError } from './errors.ts'
import { describeOffer, offeredTracks, trackIdOf, tracksSettled } from './offer.ts'
import type { Peer, RtspSession, Surroundings } from './peer.ts'
import { PlaySession } from './play-session.ts'
import { PublishSession } from './publish-session.ts'
import { Login, RtspLoginRequiredError } from './server-login.ts'

const METHODS =
  'OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER' as const

/** Programs say what they are in less. */
const MAX_ENCODER_CHARACTERS = 200

/** What a request is answered with. */
interface Answer {
  readonly fields?: readonly (readonly [name: string, value: string | number])[]
  readonly body?: Uint8Array
}

/** What the requests of one connection mean. One session at a time: it belongs to its connection and ends with it. */
export class RtspDialog {
  readonly #peer: Peer
  readonly #surroundings: Surroundings
  readonly #login: Login
  #session: PublishSession | PlaySession | undefined
  #isClosed = false

  constructor(peer: Peer, surroundings: Surroundings) {
    this.#peer = peer
    this.#surroundings = surroundings
    this.#login = new Login(surroundings.access, peer)
  }

  get session(): RtspSession | undefined {
    return this.#session
  }

  /** Reads of the connection may gather. */
  get mayGather(): boolean {
    return this.#session?.kind === 'publish' && this.#session.mayGather
  }

  /** Answers one request. @throws what is no refusal: the connection has to end */
  async answer(request: RtspRequest): Promise<void> {
    const { log } = this.#surroundings.runtime
    log.debug({ event: 'rtsp.request', method: request.method, uri: publicUrl(request.uri) })
    try {
      const { fields = [], body } = await this.#handle(request)
      if (!this.#isClosed) this.#respond(request, 200, fields, body)
    } catch (error) {
      if (this.#isClosed) return
      this.#refuse(request, error)
    }
  }

  close(end: StreamEnd): void {
    this.#isClosed = true
    this.#endSession(end)
  }

  async #handle(request: RtspRequest): Promise<Answer> {
    const { method, headers } = request
    const required = headers.get('Require')
    if (required !== undefined) throw new RtspRequestError(method, 551, `it requires ${required}`)
    this.#checkSession(request)
    switch (method) {
      case 'OPTIONS':
        return { fields: [['Public', METHODS]] }
      case 'DESCRIBE':
        return this.#describe(request)
      case 'ANNOUNCE':
        return this.#announce(request)
      case 'SETUP':
        return this.#setup(request)
      case 'PLAY':
        return this.#play(request)
      case 'RECORD':
        return this.#record(request)
      case 'PAUSE':
        this.#needSession(request).pause()
        return { fields: this.#sessionField() }
      case 'TEARDOWN':
        this.#needSession(request)
        this.#endSession({ cause: 'unpublished', message: 'the RTSP client ended the session' })
        return {}
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        // Nothing can be asked or set: these keep sessions alive.
        return { fields: this.#sessionField() }
      default:
        throw new RtspRequestError(method, 501, `the methods are ${METHODS}`)
    }
  }

  #checkSession({ method, headers }: RtspRequest): void {
    const [id] = (headers.get('Session') ?? '').split(';')
    if (id === undefined || id.trim() === '') return
    if (id.trim() !== this.#session?.id) throw new RtspRequestError(method, 454, 'there is no such session')
    this.#session.touch(this.#surroundings.runtime.monotonicMs())
  }

  #needSession({ method }: RtspRequest): PublishSession | PlaySession {
    if (this.#session === undefined) throw new RtspRequestError(method, 455, 'there is no session yet')
    return this.#session
  }

  async #describe(request: RtspRequest): Promise<Answer> {
    const address = parseStreamAddress(request.uri)
    const stream = await this.#streamToPlay(request, address)
    await tracksSettled(stream, this.#surroundings.runtime.nowMs)
    const tracks = offeredTracks(stream)
    if (tracks.length === 0) {
      throw new RtspNoSupportedTrackError([...stream.formats.values()].map(({ kind, codec }) => `${kind} ${codec}`))
    }
    const body = Buffer.from(describeOffer(stream, tracks, this.#peer.localAddress))
    const fields = [
      ['Content-Base', `${address.base}/`],
      ['Content-Type', 'application/sdp'],
    ] as const
    return { fields, body }
  }

  async #streamToPlay(request: RtspRequest, address: StreamAddress) {
    const path = normalizeStreamPath(address.path)
    await this.#login.authorize('play', path, address, request)
    const stream = this.#surroundings.hub.get(path)
    if (stream === undefined) throw new RtspStreamNotFoundError(path)
    return stream
  }

  async #announce(request: RtspRequest): Promise<Answer> {
    const { method, uri, headers, body } = request
    if (this.#session !== undefined) throw new RtspRequestError(method, 455, 'there is a session already')
    const address = parseStreamAddress(uri)
    const path = normalizeStreamPath(address.path)
    await this.#login.authorize('publish', path, address, request)
    const type = (headers.get('Content-Type') ?? 'application/sdp').split(';')[0]?.trim().toLowerCase()
    if (type !== 'application/sdp') throw new RtspRequestError(method, 415, `its body is ${type}, not application/sdp`)
    const description = parseDescription(Buffer.from(body).toString('utf8'))
    if (this.#surroundings.hub.get(path) !== undefined) throw new StreamPathInUseError(path)
    const encoder = (headers.get('User-Agent') ?? description.name).slice(0, MAX_ENCODER_CHARACTERS)
    const [peer, surroundings] = [this.#peer, this.#surroundings]
    this.#begin(new PublishSession({ id: newSessionId(), path, address, description, encoder, peer, surroundings }))
    return { fields: this.#sessionField() }
  }

  async #setup(request: RtspRequest): Promise<Answer> {
    const transport = request.headers.get('Transport') ?? ''
    const session = this.#session ?? (await this.#sessionToPlay(request))
    const spec = await session.setup(request.uri, transport)
    return { fields: [...this.#sessionField(), ['Transport', writeTransport(spec)]] }
  }

  async #sessionToPlay(request: RtspRequest): Promise<PlaySession> {
    const { uri } = request
    const trackId = trackIdOf(uri)
    const address = parseStreamAddress(
      (trackId === undefined ? undefined : withoutControl(uri, `trackID=${trackId}`)) ?? uri,
    )
    const stream = await this.#streamToPlay(request, address)
    const session = new PlaySession({
      id: newSessionId(),
      stream,
      peer: this.#peer,
      surroundings: this.#surroundings,
    })
    this.#begin(session)
    return session
  }

  #begin(session: PublishSession | PlaySession): void {
    if (this.#isClosed) session.end({ cause: 'lost', message: 'the connection is gone' })
    else this.#session = session
  }

  #play(request: RtspRequest): Answer {
    const session = this.#needSession(request)
    if (session.kind !== 'play') throw new RtspRequestError(request.method, 455, 'the session publishes')
    const rtpInfo = session.play(parseStreamAddress(request.uri).base)
    return { fields: [...this.#sessionField(), ['Range', 'npt=now-'], ['RTP-Info', rtpInfo]] }
  }

  #record(request: RtspRequest): Answer {
    const session = this.#needSession(request)
    if (session.kind !== 'publish') throw new RtspRequestError(request.method, 455, 'the session plays')
    session.record()
    return { fields: this.#sessionField() }
  }

  #endSession(end: StreamEnd): void {
    const session = this.#session
    this.#session = undefined
    session?.end(end)
  }

  #sessionField(): (readonly [string, string])[] {
    if (this.#session === undefined) return []
    const { idleTimeoutMs, sessionTimeoutMs } = this.#surroundings.limits
    const timeoutMs = this.#session.kind === 'publish' ? idleTimeoutMs : sessionTimeoutMs
    return [['Session', `${this.#session.id};timeout=${Math.floor(timeoutMs / 1000)}`]]
  }

  #respond(
    request: RtspRequest,
    status: number,
    fields: readonly (readonly [string, string | number])[],
    body?: Uint8Array,
    reason?: string,
  ): void {
    const sequence = sequenceOf(request)
    const common = [...(sequence === undefined ? [] : [['CSeq', sequence] as const]), ['Server', 'Tapedeck'] as const]
    this.#peer.write(writeResponse(status, [...common, ...fields], body, reason))
  }

  #refuse(request: RtspRequest, error: unknown): void {
    if (!(error instanceof TapedeckError)) throw error
    const { code, message } = error
    const { log } = this.#surroundings.runtime
    const fields = { event: 'rtsp.request-refused', method: request.method, code }
    if (error instanceof RtspLoginRequiredError) {
      // Everybody comes without a login first.
      if (request.headers.get('Authorization') === undefined) log.debug(fields, message)
      else log.warn(fields, message)
      this.#respond(
        request,
        error.status,
        error.challenges.map((challenge) => ['WWW-Authenticate', challenge] as const),
      )
      return
    }
    log.warn(fields, message)
    const isTheirs = error.origin === 'client' || error.origin === 'publisher'
    // What is wrong on this side, and where, is for the log: the caller may be anybody.
    const reason = isTheirs ? message : `see the log of the server for ${errorCode(error)}`
    const allowed =
      request.method !== '' && statusOf(error) === 551
        ? [['Unsupported', request.headers.get('Require') ?? ''] as const]
        : []
    this.#respond(request, statusOf(error), allowed, undefined, reason)
    if (code === 'rtsp/login-failed') throw error
  }
}

/** What cannot be guessed cannot be taken over. */
function newSessionId(): string {
  return randomBytes(8).toString('hex').toUpperCase()
}

function statusOf(error: TapedeckError): number {
  if (error instanceof RtspRefusal) return error.status
  if (error instanceof StreamPathInUseError) return 409
  if (error instanceof TooManyPublishersError) return 503
  if (error.code.startsWith('auth/') || error.code === 'rtsp/login-failed') return 403
  return error.origin === 'client' || error.origin === 'publisher' ? 400 : 500
}
