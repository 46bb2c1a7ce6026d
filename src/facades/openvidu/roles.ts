import type { Role } from '#sessions/roles.ts'
import type { VendorRole } from './properties.ts'

/** The core's word for the vendor's. */
export function coreRole(role: VendorRole): Role {
  return ROLE_WORDS[role]
}

const ROLE_WORDS = { SUBSCRIBER: 'subscriber', PUBLISHER: 'publisher', MODERATOR: 'moderator' } as const
