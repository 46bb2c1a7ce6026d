import { SessionConflictError } from './errors.ts'
import type { LeaveReason, Publication, PublicationRequest, Subscription } from './publication.ts'
import { type Role, requirePrivilege } from './roles.ts'

/** Who is to come into a room. */
export interface ParticipantRequest {
  /** Unique in its room. */
  readonly id: string
  readonly role: Role
  /** Nobody is told of him, he is in no list, and keeps no room open: who looks on in the server's service. */
  readonly isHidden?: boolean
  /** False: individual recordings leave out what he publishes. Default true. */
  readonly isRecorded?: boolean
  /** What his front end knows of him; kept in the metadata of recordings. */
  readonly labels?: Readonly<Record<string, string>>
  /** Called once when he leaves, or is made to. */
  readonly left?: (reason: LeaveReason) => void
}

/** What a participant asks of his room. */
export interface ParticipantRoom {
  nowMs(): number
  publish(participant: Participant, request: PublicationRequest): Publication
  subscribed(subscription: Subscription, participant: Participant): void
  unsubscribed(subscription: Subscription, participant: Participant): void
  left(participant: Participant, reason: LeaveReason): void
}

/** A front end's participant that asks for more than this is none. */
const MAX_PUBLICATIONS = 16
const MAX_SUBSCRIPTIONS = 1_000

/** Somebody in a room. */
export class Participant {
  readonly id: string
  readonly isHidden: boolean
  readonly joinedAtMs: number
  readonly labels: Readonly<Record<string, string>>
  /** May be changed while he is there; what he publishes goes on. */
  role: Role
  /** Counts for what he publishes from now on. */
  isRecorded: boolean
  readonly #room: ParticipantRoom
  readonly #leaving: (reason: LeaveReason) => void
  readonly #publications = new Map<string, Publication>()
  readonly #subscriptions = new Set<Subscription>()
  #left: LeaveReason | undefined

  constructor(request: ParticipantRequest, room: ParticipantRoom) {
    this.id = request.id
    this.role = request.role
    this.isHidden = request.isHidden ?? false
    this.isRecorded = request.isRecorded ?? true
    this.labels = request.labels ?? {}
    this.joinedAtMs = room.nowMs()
    this.#room = room
    this.#leaving = request.left ?? (() => {})
  }

  /** Set once he has left. */
  get left(): LeaveReason | undefined {
    return this.#left
  }

  publications(): Iterable<Publication> {
    return this.#publications.values()
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions
  }

  /**
   * Announces a stream; its media are expected under {@link Publication.path}.
   * @throws {SessionRoleError} @throws {SessionConflictError} @throws {SessionIdInvalidError}
   */
  publish(request: PublicationRequest): Publication {
    requirePrivilege(this.role, 'publish')
    if (this.#left !== undefined) throw new SessionConflictError(`participant ${this.id} has left`)
    if (this.#publications.size >= MAX_PUBLICATIONS) {
      throw new SessionConflictError(`participant ${this.id} publishes ${MAX_PUBLICATIONS} streams already`)
    }
    const end = (reason: Parameters<typeof request.end>[0]) => {
      this.#publications.delete(request.id)
      request.end(reason)
    }
    const publication = this.#room.publish(this, { ...request, end })
    this.#publications.set(request.id, publication)
    return publication
  }

  /** Notes that he is sent a stream; dispose it when he no longer is. @throws {SessionConflictError} */
  subscribe(publication: Publication): Subscription {
    if (this.#left !== undefined || this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new SessionConflictError(`participant ${this.id} can't be sent more`)
    }
    const subscription: Subscription = {
      publication,
      createdAtMs: this.#room.nowMs(),
      [Symbol.dispose]: () => {
        if (this.#subscriptions.delete(subscription)) this.#room.unsubscribed(subscription, this)
      },
    }
    this.#subscriptions.add(subscription)
    this.#room.subscribed(subscription, this)
    return subscription
  }

  /** Leaves, by himself or because others want it: everything of his ends. Idempotent. */
  leave(reason: LeaveReason): void {
    if (this.#left !== undefined) return
    this.#left = reason
    for (const subscription of [...this.#subscriptions]) subscription[Symbol.dispose]()
    for (const publication of [...this.#publications.values()]) publication.end(reason)
    try {
      this.#leaving(reason)
    } finally {
      this.#room.left(this, reason)
    }
  }
}
