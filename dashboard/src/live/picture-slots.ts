/**
 * A browser opens six connections per server over HTTP/1.1, for all its tabs together, and a live picture keeps one as
 * long as it plays. Three pictures leave room for events, buttons and posters, even with a second window open.
 */
export const MAX_LIVE_PICTURES = 3

/** Somebody who wants to show a live picture. */
export interface PictureRequest {
  /** Chosen by the person, not only on screen: goes first, and may take the place of one that was not. */
  readonly wanted: boolean
  /** Place on the page from the top; lower goes first. */
  readonly rank: number
  readonly onGranted: () => void
  /** The place was given to another request. Close the connection now. */
  readonly onRevoked: () => void
}

/** The part of the Web Locks API that spreads the places over tabs; absent in insecure contexts. */
export interface TabLocks {
  request(name: string, options: { ifAvailable: true }, held: (lock: unknown) => Promise<void>): Promise<unknown>
}

interface Holder {
  readonly request: PictureRequest
  readonly giveBack: () => void
}

/** Places from another tab come free without notice; look this often while somebody waits. */
const RETRY_MS = 1_500

/** Pictures come into view one by one, in no order; wait this long to see who asks before the first gets a place. */
const GATHER_MS = 50

/** Hands out the few places for live pictures: what was chosen first, then from the top of the page. */
export class PictureSlots {
  readonly #locks: TabLocks | undefined
  readonly #gatherMs: number
  readonly #holders = new Map<number, Holder>()
  #queue: PictureRequest[] = []
  #assigning = false
  #assignAgain = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(locks: TabLocks | undefined, gatherMs: number = GATHER_MS) {
    this.#locks = locks
    this.#gatherMs = gatherMs
  }

  /** Asks for a place. Returns the way to withdraw or give it back. */
  ask(request: PictureRequest): () => void {
    this.#queue.push(request)
    this.#queue.sort((a, b) => Number(b.wanted) - Number(a.wanted) || a.rank - b.rank)
    this.#assignIn(this.#gatherMs)
    return () => {
      this.#queue = this.#queue.filter((other) => other !== request)
      for (const [place, holder] of this.#holders) if (holder.request === request) this.#free(place)
      this.#assignIn(this.#gatherMs)
    }
  }

  #assignIn(delayMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#assign(), delayMs)
  }

  async #assign(): Promise<void> {
    if (this.#assigning) {
      this.#assignAgain = true
      return
    }
    this.#assigning = true
    do {
      this.#assignAgain = false
      this.#revokeForWanted()
      for (let place = 0; place < MAX_LIVE_PICTURES && this.#queue.length > 0; place++) {
        if (!this.#holders.has(place)) await this.#tryPlace(place)
      }
    } while (this.#assignAgain)
    this.#assigning = false
    const isFull = this.#holders.size >= MAX_LIVE_PICTURES
    if (this.#queue.length > 0 && !isFull) this.#assignIn(RETRY_MS)
  }

  async #tryPlace(place: number): Promise<void> {
    const giveBack = await this.#lock(`tapedeck-picture-${place}`)
    if (giveBack === undefined) return
    const request = this.#queue.shift()
    if (request === undefined) {
      giveBack() // withdrawn while we waited for the lock
      return
    }
    this.#holders.set(place, { request, giveBack })
    request.onGranted()
  }

  #revokeForWanted(): void {
    if (this.#queue[0]?.wanted !== true || this.#holders.size < MAX_LIVE_PICTURES) return
    const holders = [...this.#holders].sort(([, a], [, b]) => Number(a.request.wanted) - Number(b.request.wanted))
    const [place, holder] = holders[0] ?? []
    if (place === undefined || holder === undefined) return
    this.#free(place)
    holder.request.onRevoked()
  }

  #free(place: number): void {
    this.#holders.get(place)?.giveBack()
    this.#holders.delete(place)
  }

  /** Resolves to the way to give the lock back, or undefined while another tab has it. */
  #lock(name: string): Promise<(() => void) | undefined> {
    const locks = this.#locks
    if (locks === undefined) return Promise.resolve(() => {})
    const { promise: taken, resolve: take } = Promise.withResolvers<(() => void) | undefined>()
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          take(undefined)
          return Promise.resolve()
        }
        const { promise: released, resolve: giveBack } = Promise.withResolvers<void>()
        take(giveBack)
        return released
      })
      .catch(() => take(undefined))
    return taken
  }
}
