import { Signal } from '#base/events.ts'
import type { Runtime } from '#base/runtime.ts'
import type { Hub } from '#hub/hub.ts'
import type { Stream } from '#hub/stream.ts'
import type { RecorderApi } from '#recorder/recorder-api.ts'
import type { RecordingDocument } from '#storage/recording-document.ts'
import type { RoomComposer } from './composing.ts'
import {
  SessionConflictError,
  SessionNotFoundError,
  SessionNotRecordedError,
  SessionRecordedAlreadyError,
  SessionTokenError,
  TooManySessionsError,
} from './errors.ts'
import { checkId, randomText } from './ids.ts'
import { Participant, type ParticipantRequest, type ParticipantRoom } from './participant.ts'
import { MANUAL_RECORDING, type RecordingPolicy } from './policy.ts'
import { type LeaveReason, Publication, type Subscription, type UnpublishReason } from './publication.ts'
import { type RecordingStopReason, SessionRecording, type SessionRecordingRequest } from './session-recording.ts'

/** Why a room was closed. `empty`: the last participant left, and nothing keeps it. */
export type CloseReason = 'empty' | 'requested' | 'never-joined' | 'unused' | 'shutdown'

/** What happens in a room. Hidden participants are subject of nothing. */
export type SessionEvent =
  | { readonly type: 'joined'; readonly session: Session; readonly participant: Participant }
  | {
      readonly type: 'left'
      readonly session: Session
      readonly participant: Participant
      readonly reason: LeaveReason
    }
  | { readonly type: 'published'; readonly session: Session; readonly publication: Publication }
  | {
      readonly type: 'unpublished'
      readonly session: Session
      readonly publication: Publication
      readonly reason: UnpublishReason
    }
  | {
      readonly type: 'subscribed' | 'unsubscribed'
      readonly session: Session
      readonly participant: Participant
      readonly subscription: Subscription
    }
  | { readonly type: 'recording-started'; readonly session: Session; readonly recording: SessionRecording }
  /** It takes nothing more; its files are being finished. */
  | { readonly type: 'recording-stopping'; readonly session: Session; readonly recording: SessionRecording }
  /** Its files are final. Of one that could not be started at all, the reason is `failed`. */
  | {
      readonly type: 'recording-stopped'
      readonly session: Session
      readonly recording: SessionRecording
      readonly documents: readonly RecordingDocument[]
    }
  | { readonly type: 'closed'; readonly session: Session; readonly reason: CloseReason }

/** Who may come: a secret, for one use. */
export interface Invitation {
  readonly token: string
  readonly createdAtMs: number
  readonly participant: Omit<ParticipantRequest, 'left'>
}

/** What a room is created with. */
export interface SessionRequest {
  /** Default: a new one. */
  readonly id?: string
  /** Its streams are `<prefix>/<session>/<publication>`. */
  readonly streamPrefix: string
  readonly recording?: RecordingPolicy
  /** The front end that made it, for those who list rooms. */
  readonly origin: string
  /** What was agreed on for automatic and other tokens; default 16 random letters and digits. */
  readonly makeToken?: () => string
}

export interface SessionOptions {
  readonly runtime: Runtime
  readonly hub: Hub
  readonly recorder: Pick<RecorderApi, 'start' | 'stop' | 'get'>
  readonly composer: () => RoomComposer | undefined
  readonly maxParticipants: number
  readonly ended: (session: Session, reason: CloseReason) => void
}

/** A room with more open invitations is being flooded. */
const MAX_INVITATIONS = 10_000

/** A room: who is in it, what they publish, and what is recorded of it. */
export class Session {
  readonly id: string
  readonly createdAtMs: number
  readonly origin: string
  readonly streamPrefix: string
  readonly policy: RecordingPolicy
  readonly events: Signal<SessionEvent>
  readonly #options: SessionOptions
  readonly #makeToken: () => string
  readonly #invitations = new Map<string, Invitation>()
  readonly #participants = new Map<string, Participant>()
  readonly #publications = new Map<string, Publication>()
  readonly #room: ParticipantRoom
  #recording: SessionRecording | undefined
  #unusedTimer: NodeJS.Timeout | undefined
  #wasJoined = false
  #wasStoppedOnRequest = false
  #closed: CloseReason | undefined

  constructor(request: SessionRequest, options: SessionOptions) {
    const { runtime } = options
    this.id = checkId('session', request.id ?? runtime.newId())
    this.createdAtMs = runtime.nowMs()
    this.origin = request.origin
    this.streamPrefix = request.streamPrefix
    this.policy = request.recording ?? MANUAL_RECORDING
    this.#options = options
    this.#makeToken = request.makeToken ?? (() => randomText(16))
    this.events = new Signal((err) => runtime.log.error({ event: 'session.listener-failed', session: this.id, err }))
    this.#room = {
      nowMs: runtime.nowMs,
      publish: (participant, publication) => this.#publish(participant, publication),
      subscribed: (subscription, participant) => this.#subscription('subscribed', subscription, participant),
      unsubscribed: (subscription, participant) => this.#subscription('unsubscribed', subscription, participant),
      left: (participant, reason) => this.#left(participant, reason),
    }
  }

  /** Set once it is closed: nobody can come in any more. */
  get closed(): CloseReason | undefined {
    return this.#closed
  }

  /** Somebody has been in it. */
  get wasJoined(): boolean {
    return this.#wasJoined
  }

  /** Everybody but the hidden ones, in the order they came. */
  participants(): Participant[] {
    return [...this.#participants.values()].filter(({ isHidden }) => !isHidden)
  }

  /** Hidden ones are found as well. */
  participant(id: string): Participant | undefined {
    return this.#participants.get(id)
  }

  publications(): Iterable<Publication> {
    return this.#publications.values()
  }

  publication(id: string): Publication | undefined {
    return this.#publications.get(id)
  }

  invitations(): Iterable<Invitation> {
    return this.#invitations.values()
  }

  /** Undefined: it is not being recorded, nor is its last recording still being finished. */
  get recording(): SessionRecording | undefined {
    return this.#recording
  }

  /** @throws {SessionNotFoundError} it is closed @throws {SessionConflictError} @throws {SessionIdInvalidError} */
  invite(participant: Omit<ParticipantRequest, 'left'>): Invitation {
    this.#requireOpen()
    this.#requireFree(participant.id)
    if (this.#invitations.size >= MAX_INVITATIONS) throw new TooManySessionsError('open invitations', MAX_INVITATIONS)
    const invitation = { token: this.#makeToken(), createdAtMs: this.#options.runtime.nowMs(), participant }
    this.#invitations.set(invitation.token, invitation)
    return invitation
  }

  /** Its token is worth nothing any more. */
  revoke({ token }: Invitation): void {
    this.#invitations.delete(token)
  }

  /**
   * Lets in who has a token, which is used up by it.
   * @param arrival what is known only now; labels are added to those of the invitation
   * @throws {SessionTokenError} @throws {SessionNotFoundError} it is closed
   */
  join(token: string, arrival: Pick<ParticipantRequest, 'labels' | 'left'> = {}): Participant {
    this.#requireOpen()
    const invitation = this.#invitations.get(token)
    if (invitation === undefined) throw new SessionTokenError(this.id)
    const { participant } = invitation
    const joined = this.#admit({ ...participant, ...arrival, labels: { ...participant.labels, ...arrival.labels } })
    this.#invitations.delete(token)
    this.#tell({ type: 'joined', session: this, participant: joined })
    return joined
  }

  /** Lets in who has shown otherwise that he may. @throws {SessionNotFoundError} @throws {SessionConflictError} */
  admit(request: ParticipantRequest): Participant {
    this.#requireOpen()
    this.#requireFree(request.id)
    const participant = this.#admit(request)
    if (!participant.isHidden) this.#tell({ type: 'joined', session: this, participant })
    return participant
  }

  /**
   * Records the room. Resolves when it records.
   * @throws {SessionRecordedAlreadyError} @throws {SessionNotFoundError} it is closed
   * @throws {ComposingUnavailableError} @throws {TapedeckError}
   */
  async startRecording(request: SessionRecordingRequest): Promise<SessionRecording> {
    this.#requireOpen()
    if (this.#recording !== undefined) throw new SessionRecordedAlreadyError(this.id)
    const { runtime, recorder, composer } = this.#options
    const { composedPath } = this
    const options = { request, sessionId: this.id, composedPath, runtime, recorder, composer: composer() }
    const recording = new SessionRecording(options)
    this.#recording = recording
    try {
      await recording.start(this.#publications.values())
    } catch (error) {
      await recording.stop('failed')
      this.#recording = undefined
      throw error
    }
    // Somebody may have stopped it already.
    if (recording.state !== 'started') return recording
    this.#tell({ type: 'recording-started', session: this, recording })
    const { stopsUnusedAfterMs } = this.policy
    if (this.#publications.size === 0 && stopsUnusedAfterMs !== 'never' && stopsUnusedAfterMs > 0) {
      this.#stopWhenUnused(stopsUnusedAfterMs)
    }
    return recording
  }

  /** Resolves when its files are final. @throws {SessionNotRecordedError} */
  async stopRecording(reason: RecordingStopReason = 'requested'): Promise<SessionRecording> {
    const recording = this.#recording
    if (recording === undefined) throw new SessionNotRecordedError(this.id)
    if (reason === 'requested') this.#wasStoppedOnRequest = true
    clearTimeout(this.#unusedTimer)
    const isFirst = recording.reason === undefined
    const stopped = recording.stop(reason)
    if (isFirst) this.#tell({ type: 'recording-stopping', session: this, recording })
    const documents = await stopped
    if (isFirst) {
      if (this.#recording === recording) this.#recording = undefined
      this.#tell({ type: 'recording-stopped', session: this, recording, documents })
      // It was what kept the room.
      if (this.#wasJoined && this.participants().length === 0) this.close(reason === 'unused' ? 'unused' : 'empty')
    }
    return recording
  }

  /** Everybody has to leave; a recording is finished. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#closed !== undefined) return
    this.#closed = reason
    clearTimeout(this.#unusedTimer)
    this.#invitations.clear()
    for (const participant of [...this.#participants.values()]) {
      participant.leave(reason === 'shutdown' ? 'shutdown' : 'session-closed')
    }
    this.#stopInBackground(reason === 'shutdown' ? 'shutdown' : 'session-closed')
    this.#options.ended(this, reason)
    this.#tell({ type: 'closed', session: this, reason })
  }

  /** Called when a stream begins that is a publication's. */
  streamStarted(stream: Stream): void {
    const publication = this.#publications.get(stream.path.slice(this.#pathPrefix.length))
    if (publication?.path === stream.path) this.#recording?.flowing(publication, stream)
  }

  /** Of the stream that shows all of it, while one does; who reaches it reaches the room. */
  get composedPath(): string {
    return `${this.#pathPrefix}~composed`
  }

  get #pathPrefix(): string {
    return `${this.streamPrefix}/${this.id}/`
  }

  #admit(request: ParticipantRequest): Participant {
    const { maxParticipants } = this.#options
    if (this.#participants.size >= maxParticipants) throw new TooManySessionsError('participants', maxParticipants)
    if (this.#participants.has(request.id)) throw new SessionConflictError(`participant ${request.id} is there`)
    const participant = new Participant(request, this.#room)
    this.#participants.set(participant.id, participant)
    if (!participant.isHidden) this.#wasJoined = true
    return participant
  }

  #publish(participant: Participant, request: ConstructorParameters<typeof Publication>[1]): Publication {
    const id = checkId('publication', request.id)
    if (this.#publications.has(id)) throw new SessionConflictError(`publication ${id} is there`)
    const { runtime, hub } = this.#options
    const publication = new Publication(participant, request, {
      nowMs: runtime.nowMs(),
      path: `${this.#pathPrefix}${id}`,
      streamOf: (path) => hub.get(path),
      ended: (ended, reason) => this.#unpublished(ended, reason),
    })
    const isFirst = this.#publications.size === 0
    this.#publications.set(id, publication)
    clearTimeout(this.#unusedTimer)
    this.#recording?.published(publication)
    this.#tell({ type: 'published', session: this, publication })
    if (isFirst) this.#recordByItself()
    return publication
  }

  #unpublished(publication: Publication, reason: UnpublishReason): void {
    this.#publications.delete(publication.id)
    this.#recording?.unpublished(publication)
    this.#tell({ type: 'unpublished', session: this, publication, reason })
  }

  #subscription(type: 'subscribed' | 'unsubscribed', subscription: Subscription, participant: Participant): void {
    if (!participant.isHidden) this.#tell({ type, session: this, participant, subscription })
  }

  #left(participant: Participant, reason: LeaveReason): void {
    this.#participants.delete(participant.id)
    if (participant.isHidden) return
    this.#tell({ type: 'left', session: this, participant, reason })
    if (this.#closed !== undefined || this.participants().length > 0) return
    const { stopsUnusedAfterMs } = this.policy
    if (this.#recording === undefined) this.close('empty')
    else if (stopsUnusedAfterMs === 0) this.#stopInBackground('everybody-left')
    else if (stopsUnusedAfterMs !== 'never') this.#stopWhenUnused(stopsUnusedAfterMs)
  }

  #recordByItself(): void {
    const { automatic, startsAgain = true } = this.policy
    if (automatic === undefined || this.#recording !== undefined) return
    if (this.#wasStoppedOnRequest && !startsAgain) return
    const { log } = this.#options.runtime
    const failed = (err: unknown) => log.error({ event: 'session.not-recorded', session: this.id, err })
    try {
      this.startRecording(automatic()).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #stopWhenUnused(afterMs: number): void {
    clearTimeout(this.#unusedTimer)
    this.#unusedTimer = setTimeout(() => this.#stopInBackground('unused'), afterMs)
    this.#unusedTimer.unref()
  }

  #stopInBackground(reason: RecordingStopReason): void {
    if (this.#recording === undefined) return
    const { log } = this.#options.runtime
    this.stopRecording(reason).catch((err: unknown) => {
      log.error({ event: 'session.recording-not-stopped', session: this.id, err })
    })
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new SessionNotFoundError(this.id)
  }

  #requireFree(participantId: string): void {
    checkId('participant', participantId)
    const isInvited = [...this.#invitations.values()].some(({ participant }) => participant.id === participantId)
    if (isInvited || this.#participants.has(participantId)) {
      throw new SessionConflictError(`participant ${participantId} is there, or invited`)
    }
  }

  #tell(event: SessionEvent): void {
    this.events.emit(event)
  }
}
