import { TapedeckError } from '#base/error.ts'

/** The file was written by a newer Tapedeck. Nothing was changed. */
export class OutboxTooNewError extends TapedeckError {
  readonly code = 'hooks/outbox-too-new'
  readonly origin = 'operator'
  readonly path: string
  readonly version: number
  readonly newestKnown: number
  constructor(path: string, version: number, newestKnown: number) {
    super(
      `${path} has schema version ${version}, this Tapedeck knows up to ${newestKnown}: run the newer one, or move the ` +
        'file away, which forgets deliveries that wait',
    )
    this.path = path
    this.version = version
    this.newestKnown = newestKnown
  }
}

/** The file can't be opened, read or written now. */
export class OutboxFailedError extends TapedeckError {
  readonly code = 'hooks/outbox-failed'
  readonly origin = 'storage'
  readonly path: string
  readonly reason: string
  constructor(path: string, reason: string) {
    super(`${path}, which keeps what hooks are to be told, failed (${reason}): check its disk and the log`)
    this.path = path
    this.reason = reason
  }
}

/** Closed, or its thread has ended. */
export class OutboxClosedError extends TapedeckError {
  readonly code = 'hooks/outbox-closed'
  readonly origin = 'internal'
  constructor() {
    super('the outbox is closed: the server is being stopped, or see the log for why its thread ended')
  }
}

/** There is no such delivery, or it was so long ago that it is forgotten. */
export class DeliveryNotFoundError extends TapedeckError {
  readonly code = 'hooks/delivery-not-found'
  readonly origin = 'client'
  readonly deliveryId: string
  constructor(deliveryId: string) {
    super(`there is no delivery ${deliveryId}: see GET /api/v1/webhooks/deliveries; delivered ones are kept for 7 days`)
    this.deliveryId = deliveryId
  }
}

/** Replaying would send it to nobody. */
export class HookNotConfiguredError extends TapedeckError {
  readonly code = 'hooks/hook-not-found'
  readonly origin = 'client'
  readonly hook: string
  constructor(hook: string) {
    super(`the hook ${hook} is not configured any more: add it to hooks.webhooks, under this name, and restart`)
    this.hook = hook
  }
}
