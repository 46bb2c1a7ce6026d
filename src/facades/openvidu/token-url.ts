import type { PublicAddress } from './configuration/public-url.ts'

/** What the join answer and the token say of the server's version. spec section 7.6. */
export const SERVER_VERSION = '2.32.0'

/** The form that libraries of every version understand. spec section 7.4. */
export function tokenUrl(
  { tokenHost }: PublicAddress,
  { session, token, role }: { readonly session: string; readonly token: string; readonly role: string },
): string {
  return `wss://${tokenHost}?sessionId=${session}&token=${token}&role=${role}&version=${SERVER_VERSION}`
}

/** The value of `token=` in what a client sends: the whole URL, or the value alone. Undefined: there is none. */
export function tokenOf(text: string): string | undefined {
  const decoded = /%[0-9a-f]{2}/i.test(text) ? tryDecode(text) : text
  const [, value] = /[?&]token=([^&#]*)/.exec(decoded) ?? []
  return value ?? (/^tok_\w+$/.test(decoded) ? decoded : undefined)
}

function tryDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
