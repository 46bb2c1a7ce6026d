import type { DeliveryDocument } from '../api/documents.ts'
import { DELIVERY_WORDS } from '../state/hook-words.ts'

/** The state in words; one that waits after a failure is marked. */
export function DeliveryBadge({ delivery }: { delivery: DeliveryDocument }) {
  const isFailing = delivery.state === 'pending' && delivery.attempts > 0
  return (
    <span class={`badge badge-delivery-${isFailing ? 'retry' : delivery.state}`}>
      {isFailing ? 'tried again' : DELIVERY_WORDS[delivery.state]}
    </span>
  )
}
