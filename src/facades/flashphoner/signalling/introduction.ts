import type { Fields } from './fields.ts'

const MAX_KEY_CHARACTERS = 128
const MAX_LOGIN_CHARACTERS = 256
const MAX_CREDENTIAL_CHARACTERS = 4_096

/** What a client says of itself before anything else. spec section 7.1. */
export class Introduction {
  readonly #said: Fields

  constructor(said: Fields) {
    this.#said = said
  }

  get appKey(): string {
    return this.#said.text('appKey', MAX_KEY_CHARACTERS) ?? 'defaultApp'
  }

  /** spec section 3. */
  get login(): string {
    const login = this.#said.of('custom').text('login', MAX_LOGIN_CHARACTERS)
    return login ?? this.#said.text('sipLogin', MAX_LOGIN_CHARACTERS) ?? ''
  }

  /** What the client is answered: its own words, without what would make it send measurements. */
  get echo(): Readonly<Record<string, unknown>> {
    const { webRTCMetricsServerDescription: _, ...echo } = this.#said.all
    return echo
  }

  /**
   * What shows that the client may: query parameters, as other protocols have them. A page has four places for its key;
   * the nearest counts: the stream, the session, the session's authToken, the address.
   */
  credentials(custom: Fields, query: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const said = [custom, this.#said.of('custom')]
      .flatMap((place) => [
        place.text('key', MAX_CREDENTIAL_CHARACTERS),
        place.text('token', MAX_CREDENTIAL_CHARACTERS),
      ])
      .find((each) => each !== undefined)
    const key = said ?? this.#said.text('authToken', MAX_CREDENTIAL_CHARACTERS) ?? query['key'] ?? query['token']
    return key === undefined ? query : { ...query, key }
  }
}

/** A session with this application's key is in rooms. */
export const ROOM_APP = 'roomApp'
