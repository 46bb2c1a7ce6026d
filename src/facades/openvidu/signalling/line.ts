import { timingSafeEqual } from 'node:crypto'
import { errorMessage, TapedeckError } from '#base/error.ts'
import type { PlayRequest } from '#hub/webrtc.ts'
import type { Desk } from '../desk.ts'
import { join } from './joining.ts'
import type { Member } from './member.ts'
import type { Reply } from './reply.ts'
import {
  RPC_CODES,
  type RpcParams,
  RpcRefusal,
  type RpcRequest,
  readRequest,
  writeAnswer,
  writeError,
  writeNotification,
} from './rpc.ts'

/** Who is at the other end of a WebSocket. */
export interface Caller extends Pick<PlayRequest, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'> {
  readonly userAgent: string
}

/** The way to a client. */
export interface Wire {
  send(text: string): void
  /** After what has been sent. */
  close(): void
}

/** What the core says, in the vendor's numbers. */
const CODES: Readonly<Record<string, number>> = {
  'session/not-found': RPC_CODES.roomClosed,
  'session/role-forbidden': RPC_CODES.notAllowed,
  'session/token-invalid': RPC_CODES.notAllowed,
  'session/conflict': RPC_CODES.alreadyThere,
}

/** Requests of one client that are not answered yet. */
const MAX_UNANSWERED = 64

/** A WebSocket of a client's. The member it speaks for may outlive it, and come back by another one. spec section 7. */
export class Line {
  readonly caller: Caller
  readonly #desk: Desk
  readonly #wire: Wire
  readonly #resume: (rpcId: string) => Member | undefined
  readonly #joined: (member: Member) => void
  #member: Member | undefined
  #unanswered = 0
  #heardAtMs: number

  constructor(
    desk: Desk,
    caller: Caller,
    wire: Wire,
    members: { readonly resume: (rpcId: string) => Member | undefined; readonly joined: (member: Member) => void },
  ) {
    this.caller = caller
    this.#desk = desk
    this.#wire = wire
    this.#resume = members.resume
    this.#joined = members.joined
    this.#heardAtMs = desk.runtime.monotonicMs()
  }

  /** Undefined: nobody has joined by it. */
  get member(): Member | undefined {
    return this.#member
  }

  silentMs(): number {
    return this.#desk.runtime.monotonicMs() - this.#heardAtMs
  }

  /** Takes a text frame. Never throws. */
  receive(text: string): void {
    this.#heardAtMs = this.#desk.runtime.monotonicMs()
    const request = readRequest(text)
    // Answers to notifications, of which there are none, and what is no message at all.
    if (request === undefined) return
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#wire.close()
      return
    }
    this.#unanswered++
    this.#answer(request)
      .catch((err: unknown) => this.#desk.runtime.log.error({ event: 'facade.signalling-failed', err }))
      .finally(() => this.#unanswered--)
  }

  notify(method: string, params: object): void {
    this.#wire.send(writeNotification(method, params))
  }

  close(): void {
    this.#wire.close()
  }

  /** The socket has gone. @param isGoodbye the page was closed */
  closed(isGoodbye: boolean): void {
    if (this.#member?.line === this) this.#member.lineLost(isGoodbye)
  }

  async #answer(request: RpcRequest): Promise<void> {
    try {
      const { result, after } = await this.#reply(request)
      this.#wire.send(writeAnswer(request.id, { ...result, sessionId: this.#member?.rpcId ?? '' }))
      after?.()
    } catch (error) {
      this.#wire.send(writeError(request.id, this.#refusal(error)))
    }
  }

  async #reply({ method, params }: RpcRequest): Promise<Reply> {
    if (method === 'ping') return { result: { value: 'pong' } }
    if (method === 'connect') return this.#connect(params)
    if (method === 'joinRoom') {
      if (this.#member !== undefined) throw new RpcRefusal(RPC_CODES.alreadyThere, 'this connection has joined already')
      const { member, reply } = join(this.#desk, this, params)
      this.#member = member
      this.#joined(member)
      return reply
    }
    if (this.#member === undefined)
      throw new RpcRefusal(RPC_CODES.notJoined, `"${method.slice(0, 64)}" before joinRoom`)
    return this.#member.call(method, params)
  }

  /** spec section 7.11. */
  #connect(params: RpcParams): Reply {
    const member = this.#member ?? this.#resume(params.text('sessionId', 128) ?? '')
    if (member === undefined) throw new RpcRefusal(RPC_CODES.reconnection, 'reconnection error')
    this.#member = member
    return { result: { value: 'reconnection successful' }, after: () => member.lineFound(this) }
  }

  #refusal(error: unknown): RpcRefusal {
    if (error instanceof RpcRefusal) return error
    if (error instanceof TapedeckError)
      return new RpcRefusal(CODES[error.code] ?? RPC_CODES.generic, errorMessage(error))
    this.#desk.runtime.log.error({ event: 'facade.signalling-failed', err: error })
    return new RpcRefusal(RPC_CODES.generic, 'something went wrong here; see the log')
  }
}

/** In constant time for a secret of the same length. */
export function isSecret(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}
