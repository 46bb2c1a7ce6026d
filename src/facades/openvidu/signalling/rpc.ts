/** A request of a client's. spec section 7.2. */
export interface RpcRequest {
  readonly id: number | string
  readonly method: string
  readonly params: RpcParams
}

/** A request is refused with this. spec section 7.12. */
export class RpcRefusal extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** Numbers of the vendor's errors. spec section 7.12. */
export const RPC_CODES = {
  user: 10,
  userNotFound: 102,
  alreadyThere: 104,
  notPublishing: 105,
  publishingAlready: 106,
  room: 201,
  roomNotFound: 202,
  roomClosed: 203,
  roomNotCreated: 204,
  media: 301,
  sdp: 302,
  endpoint: 303,
  notAllowed: 401,
  metadata: 500,
  signalFormat: 600,
  signalTo: 601,
  forcedCodec: 800,
  notJoined: 803,
  generic: 999,
  reconnection: 40007,
  methodUnknown: -32601,
  invalidRequest: -32600,
} as const

/** Parameters by name, read as what they should be: nothing a client sends is trusted to be of any type. */
export class RpcParams {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: unknown) {
    this.#values = isObject(values) ? values : {}
  }

  /** Undefined: it is none, or longer. Numbers and flags are no texts. */
  text(name: string, maxCharacters: number): string | undefined {
    const value = this.raw(name)
    return typeof value === 'string' && value.length <= maxCharacters ? value : undefined
  }

  flag(name: string): boolean | undefined {
    const value = this.raw(name)
    if (typeof value === 'boolean') return value
    return value === 'true' ? true : value === 'false' ? false : undefined
  }

  integer(name: string): number | undefined {
    const value = Number(this.raw(name) ?? Number.NaN)
    return Number.isSafeInteger(value) ? value : undefined
  }

  raw(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }
}

/** Undefined: this is no request. */
export function readRequest(text: string): RpcRequest | undefined {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(message)) return undefined
  const { id, method, params } = message
  if (typeof method !== 'string' || (typeof id !== 'number' && typeof id !== 'string')) return undefined
  return { id, method, params: new RpcParams(params) }
}

/** Exactly one of result and error. */
export function writeAnswer(id: number | string, result: object): string {
  return JSON.stringify({ id, result, jsonrpc: '2.0' })
}

/** Texts of the original end in the code. */
export function writeError(id: number | string, { code, message }: RpcRefusal): string {
  return JSON.stringify({ id, error: { code, message: `${message}. Code: ${code}` }, jsonrpc: '2.0' })
}

/** Without an id, or the client takes it for a request. */
export function writeNotification(method: string, params: object): string {
  return JSON.stringify({ method, params, jsonrpc: '2.0' })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
