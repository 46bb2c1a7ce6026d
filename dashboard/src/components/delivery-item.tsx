import type { DeliveryDocument } from '../api/documents.ts'
import { count, formatMoment } from '../format.ts'
import { deliveryReason } from '../state/hook-words.ts'
import { deliveryHref } from '../state/route.ts'
import { DeliveryBadge } from './delivery-badge.tsx'
import { ReplayButton } from './replay-button.tsx'

/** One delivery in the list. */
export function DeliveryItem(props: { delivery: DeliveryDocument; onReplayed: (delivery: DeliveryDocument) => void }) {
  const { delivery } = props
  const reason = deliveryReason(delivery)
  const when = formatMoment(delivery.createdAt, Date.now())
  return (
    <li class="item" data-delivery={delivery.id}>
      <div class="item-body">
        <h2 class="item-title">
          <a
            href={deliveryHref(delivery.id)}
            aria-label={`Delivery of ${delivery.event.type}${delivery.stream === '' ? '' : ` of ${delivery.stream}`}, ${when}`}
          >
            {delivery.event.type}
          </a>
          <DeliveryBadge delivery={delivery} />
        </h2>
        <p class="facts muted">
          <time dateTime={delivery.createdAt}>{when}</time>
          {delivery.stream !== '' && <span>{delivery.stream}</span>}
          <span>to {delivery.webhook}</span>
          {delivery.attempts > 1 && <span>{count(delivery.attempts, 'attempt')}</span>}
        </p>
        {reason !== '' && <p class="reason">{reason}</p>}
      </div>
      <div class="item-actions">
        <ReplayButton {...props} />
      </div>
    </li>
  )
}
