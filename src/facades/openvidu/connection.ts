import type { Participant } from '#sessions/participant.ts'
import type { Publication } from '#sessions/publication.ts'
import type { Invitation } from '#sessions/session.ts'
import type { ConnectionProperties, PublishedStream, VendorRole } from './properties.ts'

/** What is known of somebody once he has joined. */
export interface Arrival {
  readonly participant: Participant
  readonly activeAtMs: number
  readonly clientData: string
  readonly platform: string
  /** IP address. */
  readonly ip: string
  /** Version of the client's library; undefined: before 2.21. */
  readonly sdkVersion: string | undefined
  /** False: its socket is lost, and may come back. */
  readonly isReachable: () => boolean
  /** Tells it something; lost when it has gone. */
  readonly notify: (method: string, params: object) => void
}

/** What a connection publishes. */
export interface Published {
  readonly publication: Publication
  readonly stream: PublishedStream
  /** The others have been told. */
  isAnnounced: boolean
}

/** Who a connection is. */
export type ConnectionKind = 'client' | 'recorder' | 'camera'

/** A place in a session: pending until its token is used, active while somebody is there. spec section 3.5. */
export class Connection {
  readonly id: string
  readonly createdAtMs: number
  readonly properties: ConnectionProperties
  /** Undefined: it came without a token (recorder, insecure participant, camera). */
  readonly invitation: Invitation | undefined
  /** A client with a token or the secret, the page that records the room, or an IP camera. */
  readonly kind: ConnectionKind
  /** Set when somebody is there. */
  arrival: Arrival | undefined
  /** What it publishes; the vendor's participants publish one stream at most. */
  published: Published | undefined

  constructor(facts: {
    readonly id: string
    readonly createdAtMs: number
    readonly properties: ConnectionProperties
    readonly invitation: Invitation | undefined
    readonly kind: ConnectionKind
  }) {
    this.id = facts.id
    this.createdAtMs = facts.createdAtMs
    this.properties = facts.properties
    this.invitation = facts.invitation
    this.kind = facts.kind
  }

  get isRecorder(): boolean {
    return this.kind === 'recorder'
  }

  get status(): 'pending' | 'active' {
    return this.arrival === undefined ? 'pending' : 'active'
  }

  /** As it is now: it can be changed while somebody is there. */
  get role(): VendorRole {
    const role = this.arrival?.participant.role
    return role === undefined ? this.properties.role : (role.toUpperCase() as VendorRole)
  }

  /** The client's part and the server's, as pages see them. spec section 7.7. */
  get metadata(): string {
    const parts = [this.arrival?.clientData ?? '', this.properties.data]
    return parts.filter((part) => part !== '').join('%/%')
  }
}

/** A recording with longer labels is refused. */
const MAX_LABEL_CHARACTERS = 1_024

/** What recordings keep of somebody. */
export function recordingLabels(clientData: string, serverData: string): Record<string, string> {
  const short = (text: string) => text.slice(0, MAX_LABEL_CHARACTERS)
  return { clientData: short(clientData), serverData: short(serverData) }
}
