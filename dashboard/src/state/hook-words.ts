import type { DeliveryDocument, DeliveryState, HookDocument } from '../api/documents.ts'

/** States of a delivery, as a filter lists and a badge shows them. */
export const DELIVERY_WORDS = {
  pending: 'waiting',
  delivered: 'delivered',
  dead: 'given up',
} as const satisfies Record<DeliveryState, string>

/** A state of the address; anything else is no filter. */
export function deliveryState(text: string): DeliveryState | '' {
  return Object.hasOwn(DELIVERY_WORDS, text) ? (text as DeliveryState) : ''
}

/** How an attempt ended, in a badge. */
export function outcomeWords({ verdict }: NonNullable<HookDocument['lastAttempt']>): string {
  return { delivered: 'works', retry: 'failing, tried again', dead: 'failed', interrupted: 'interrupted' }[verdict]
}

/** Why the last attempt at a delivery did not do; empty when there is nothing to say. */
export function deliveryReason({ state, lastStatus, lastError }: DeliveryDocument): string {
  if (state === 'delivered') return ''
  return lastError ?? (lastStatus === null ? '' : `answered with status ${lastStatus}`)
}
