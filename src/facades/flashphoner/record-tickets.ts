import { randomBytes } from 'node:crypto'

const COOKIE = 'tapedeck_records'
const TICKET = new RegExp(`(?:^|;\\s*)${COOKIE}=([A-Za-z0-9_-]{22})(?:;|$)`)
const MAX_TICKETS = 10_000
const MAX_RECORDS = 1_000

/**
 * Which records a browser may fetch without the password: those it has made. The vendor's page asks for them with
 * nothing but an address; a cookie is what the browser sends by itself, and it belongs to all ports of a name.
 */
export class RecordTickets {
  /** Names of records, by ticket; the oldest ticket first. */
  readonly #records = new Map<string, Set<string>>()

  /** The ticket in a Cookie header, if it is one of ours. */
  read(cookies: string | undefined): string | undefined {
    const ticket = TICKET.exec(cookies ?? '')?.[1]
    return ticket !== undefined && this.#records.has(ticket) ? ticket : undefined
  }

  /** A new ticket, which opens nothing yet. */
  issue(): string {
    const ticket = randomBytes(16).toString('base64url')
    this.#records.set(ticket, new Set())
    this.#bound(this.#records, MAX_TICKETS)
    return ticket
  }

  /** What gives a browser its ticket. Pages of other sites can't make it send it. */
  setCookie(ticket: string, isSecure: boolean): string {
    return `${COOKIE}=${ticket}; Path=/client/records/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  }

  /** Whoever has the ticket has made this record. */
  add(ticket: string, record: string): void {
    const records = this.#records.get(ticket)
    if (records === undefined) return
    records.add(record)
    this.#bound(records, MAX_RECORDS)
  }

  /** Whether the browser that sends these cookies has made the record. */
  admits(cookies: string | undefined, record: string): boolean {
    const ticket = this.read(cookies)
    return ticket !== undefined && this.#records.get(ticket)?.has(record) === true
  }

  #bound(kept: Map<string, unknown> | Set<string>, max: number): void {
    const [oldest] = kept.keys()
    if (kept.size > max && oldest !== undefined) kept.delete(oldest)
  }
}
