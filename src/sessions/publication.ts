import type { Stream } from '#hub/stream.ts'
import type { Participant } from './participant.ts'

/** Why somebody left, or stopped publishing. `lost`: without a goodbye. */
export type LeaveReason = 'left' | 'lost' | 'evicted-by-user' | 'evicted-by-server' | 'session-closed' | 'shutdown'
/** {@link LeaveReason}, or the participant stays and has only stopped publishing. */
export type UnpublishReason = LeaveReason | 'unpublished'

/** What a front end says of something that is published. */
export interface PublicationRequest {
  /** Unique in its room; the last part of the stream's path. */
  readonly id: string
  readonly kind: 'camera' | 'screen' | 'other'
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  /** Ends the media, however they come. Called once, when the publication ends for whatever reason. */
  readonly end: (reason: UnpublishReason) => void
}

/** A participant's stream in a room, from the moment it is announced: media may begin a little later. */
export class Publication {
  readonly id: string
  readonly participant: Participant
  readonly createdAtMs: number
  /** Of the stream in the hub. */
  readonly path: string
  readonly kind: PublicationRequest['kind']
  readonly hasAudio: boolean
  readonly hasVideo: boolean
  readonly #streamOf: (path: string) => Stream | undefined
  readonly #end: (reason: UnpublishReason) => void
  #ended: UnpublishReason | undefined

  constructor(
    participant: Participant,
    request: PublicationRequest,
    facts: {
      readonly nowMs: number
      readonly path: string
      readonly streamOf: (path: string) => Stream | undefined
      readonly ended: (publication: Publication, reason: UnpublishReason) => void
    },
  ) {
    this.id = request.id
    this.participant = participant
    this.createdAtMs = facts.nowMs
    this.path = facts.path
    this.kind = request.kind
    this.hasAudio = request.hasAudio
    this.hasVideo = request.hasVideo
    this.#streamOf = facts.streamOf
    this.#end = (reason) => {
      try {
        request.end(reason)
      } finally {
        facts.ended(this, reason)
      }
    }
  }

  /** Undefined: its media have not begun, or are interrupted. */
  get stream(): Stream | undefined {
    return this.#streamOf(this.path)
  }

  get ended(): UnpublishReason | undefined {
    return this.#ended
  }

  /** Ends its media, and tells the room. Idempotent. */
  end(reason: UnpublishReason): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#end(reason)
  }
}

/** Somebody who is sent what another publishes. */
export interface Subscription extends Disposable {
  readonly publication: Publication
  readonly createdAtMs: number
}
