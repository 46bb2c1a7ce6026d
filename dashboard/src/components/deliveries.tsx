import { useMemo, useState } from 'preact/hooks'
import { useApp } from '../state/context.ts'
import { Followed } from '../state/followed.ts'
import { deliveryState } from '../state/hook-words.ts'
import { useFollowed } from '../state/use-followed.ts'
import { DeliveryFilters } from './delivery-filters.tsx'
import { DeliveryItem } from './delivery-item.tsx'
import { Refusal } from './refusal.tsx'

const PAGE_SIZE = 50
/** Attempts have no events. */
const REFRESH_MS = 2_000

/** What was sent to webhooks, and what waits to be; newest first. The address holds the filter. */
export function Deliveries({ filter }: { filter: { readonly state: string; readonly recording: string } }) {
  const { client, feed } = useApp()
  const state = deliveryState(filter.state)
  const { recording } = filter
  const [trail, setTrail] = useState<readonly string[]>([])
  const cursor = trail.at(-1)
  const followed = useMemo(
    () =>
      new Followed({
        ask: () => client.deliveries({ state, recording, cursor, limit: PAGE_SIZE }),
        feed,
        concerns: () => true,
        everyMs: REFRESH_MS,
      }),
    [client, feed, state, recording, cursor],
  )
  const { value: page, refusal } = useFollowed(followed)
  const isFiltered = state !== '' || recording !== ''
  const next = page?.nextCursor ?? null
  return (
    <section aria-labelledby="deliveries-title">
      <div class="section-head">
        <h1 id="deliveries-title">Webhook deliveries</h1>
        <DeliveryFilters state={state} recording={recording} onFilter={() => setTrail([])} />
      </div>
      <Refusal text={refusal} />
      {page === undefined && refusal === undefined && <div class="placeholder-row" aria-hidden="true" />}
      {page?.deliveries.length === 0 && (
        <p class="empty">{isFiltered ? 'No delivery matches.' : 'Nothing sent yet.'}</p>
      )}
      {page !== undefined && page.deliveries.length > 0 && (
        <ul class="items deliveries">
          {page.deliveries.map((delivery) => (
            <DeliveryItem
              key={delivery.id}
              delivery={delivery}
              onReplayed={(replayed) =>
                followed.tell((shown) => ({
                  ...shown,
                  deliveries: shown.deliveries.map((each) => (each.id === replayed.id ? replayed : each)),
                }))
              }
            />
          ))}
        </ul>
      )}
      {(trail.length > 0 || next !== null) && (
        <nav class="pager" aria-label="Pages of the deliveries">
          <button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
            Newer
          </button>
          <span class="muted">Page {trail.length + 1}</span>
          <button type="button" disabled={next === null} onClick={() => next !== null && setTrail([...trail, next])}>
            Older
          </button>
        </nav>
      )}
    </section>
  )
}
