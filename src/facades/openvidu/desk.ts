import type { Runtime } from '#base/runtime.ts'
import type { Control } from '#control/control.ts'
import type { PublicAddress } from './configuration/public-url.ts'
import type { OpenViduSettings } from './configuration/settings.ts'
import type { Rooms } from './rooms.ts'

/** What REST and signalling share. */
export interface Desk {
  readonly runtime: Runtime
  readonly control: Control
  readonly settings: OpenViduSettings
  /** Absolute paths; the first takes new recordings. */
  readonly roots: readonly string[]
  /** URLs below which pages of others may show a room, and be given the secret. */
  readonly layoutUrls: readonly string[]
  /** Folder of the facade's own state. */
  readonly data: string
  readonly rooms: Rooms
  /** As clients are told to find this server; known once the door is open. */
  readonly publicAddress: () => PublicAddress
  /** `https://host:port` as a browser on this machine finds it; known once the door is open. */
  readonly localUrl: () => string
}
