import { randomBytes } from 'node:crypto'
import type { Runtime } from '#base/runtime.ts'
import { CloudRefusedError } from './errors.ts'
import type { Caller } from './request.ts'

/** A recording has to be started within this time. spec section 7. */
const START_WITHIN_MS = 5 * 60_000
/** Acquired and not started; who acquires more is flooding. */
const MAX_WAITING = 1_000
/** Bytes of an id: nobody finds another's by trying. */
const ID_BYTES = 48

/** What `acquire` gives: the right to one recording. */
export interface Resource {
  readonly id: string
  readonly caller: Caller
  readonly acquiredAtMs: number
  /** Calls about its recording are answered until then. */
  readonly expiresAtMs: number
}

/** The resources that wait for their start. */
export class Resources {
  readonly #nowMs: () => number
  readonly #waiting = new Map<string, Resource>()

  constructor({ nowMs }: Pick<Runtime, 'nowMs'>) {
    this.#nowMs = nowMs
  }

  /** @throws {CloudRefusedError} too many wait */
  acquire(caller: Caller, expiresHours: number): Resource {
    this.#forgetOld()
    if (this.#waiting.size >= MAX_WAITING)
      throw new CloudRefusedError({ status: 429, reason: 'API rate limit exceeded' })
    const nowMs = this.#nowMs()
    const id = randomBytes(ID_BYTES).toString('base64url')
    const resource = { id, caller, acquiredAtMs: nowMs, expiresAtMs: nowMs + expiresHours * 3_600_000 }
    this.#waiting.set(id, resource)
    return resource
  }

  /** For its start. @throws {CloudRefusedError} there is none of this id, it is another's, or it came too late */
  require(id: string, caller: Caller): Resource {
    const resource = this.#waiting.get(id)
    if (resource === undefined) {
      throw new CloudRefusedError({ status: 400, vendorCode: 1001, reason: 'Start: unknown resourceId, call acquire' })
    }
    if (resource.caller.cname !== caller.cname || resource.caller.uid !== caller.uid) {
      const reason = 'Start: cname or uid does not match the resourceId'
      throw new CloudRefusedError({ status: 400, vendorCode: 432, reason })
    }
    if (this.#nowMs() - resource.acquiredAtMs > START_WITHIN_MS) {
      const reason = 'Start: the resourceId has expired, start within five minutes after acquire'
      throw new CloudRefusedError({ status: 400, vendorCode: 433, reason })
    }
    return resource
  }

  /** It has become a recording. */
  used({ id }: Resource): void {
    this.#waiting.delete(id)
  }

  /** Those that are long expired, which nobody has to be told any more. */
  #forgetOld(): void {
    const before = this.#nowMs() - 2 * START_WITHIN_MS
    for (const { id, acquiredAtMs } of this.#waiting.values()) {
      if (acquiredAtMs < before) this.#waiting.delete(id)
    }
  }
}
