import { SessionRoleError } from './errors.ts'

/** What participants may do: see; also publish; also end what others do. Each may what those before it may. */
export const ROLES = ['subscriber', 'publisher', 'moderator'] as const
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** What not everybody may. */
export type Privilege = 'publish' | 'moderate'

/** Whether somebody of this role may do that. */
export function may(role: Role, privilege: Privilege): boolean {
  return role === 'moderator' || (role === 'publisher' && privilege === 'publish')
}

/** @throws {SessionRoleError} */
export function requirePrivilege(role: Role, privilege: Privilege): void {
  if (!may(role, privilege)) throw new SessionRoleError(role, privilege)
}
