const KEY = 'tapedeck.token'

/** Keeps the token for this tab only: closing it forgets the token. */
export interface TokenStore {
  get(): string
  set(token: string): void
}

/** In the tab's session storage, or in memory where the browser forbids storage. */
export function sessionTokenStore(storage: () => Storage): TokenStore {
  let remembered = ''
  try {
    remembered = storage().getItem(KEY) ?? ''
  } catch {
    // Storage switched off: the token then lives as long as the page.
  }
  return {
    get: () => remembered,
    set(token) {
      remembered = token
      try {
        if (token === '') storage().removeItem(KEY)
        else storage().setItem(KEY, token)
      } catch {
        // As above.
      }
    },
  }
}
