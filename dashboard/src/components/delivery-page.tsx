import { useMemo } from 'preact/hooks'
import type { DeliveryWithBody } from '../api/documents.ts'
import { count, formatMoment } from '../format.ts'
import { useApp } from '../state/context.ts'
import { Followed } from '../state/followed.ts'
import { deliveryReason } from '../state/hook-words.ts'
import { hooksHref, recordingHref } from '../state/route.ts'
import { useFollowed } from '../state/use-followed.ts'
import { CopyField } from './copy-field.tsx'
import { DeliveryBadge } from './delivery-badge.tsx'
import { Icon } from './icon.tsx'
import { PageTitle } from './page-title.tsx'
import { Refusal } from './refusal.tsx'
import { ReplayButton } from './replay-button.tsx'

const REFRESH_MS = 2_000

/** One webhook delivery: what was sent, and what came of it. */
export function DeliveryPage({ id }: { id: string }) {
  const { client, feed } = useApp()
  const followed = useMemo(
    () => new Followed({ ask: () => client.delivery(id), feed, concerns: () => false, everyMs: REFRESH_MS }),
    [client, feed, id],
  )
  const { value: delivery, refusal } = useFollowed(followed)
  return (
    <section aria-labelledby="page-title" class="form-page">
      <a class="back" href="#/hooks">
        <Icon name="back" /> Hooks
      </a>
      <PageTitle text={delivery === undefined ? 'Delivery' : `Delivery of ${delivery.event.type}`}>
        {delivery !== undefined && (
          <ReplayButton
            delivery={delivery}
            onReplayed={(replayed) => followed.tell((shown) => ({ ...shown, ...replayed }))}
          />
        )}
      </PageTitle>
      <Refusal text={refusal} />
      {delivery !== undefined && <Facts delivery={delivery} />}
    </section>
  )
}

function Facts({ delivery }: { delivery: DeliveryWithBody }) {
  const reason = deliveryReason(delivery)
  const moment = (iso: string) => <time dateTime={iso}>{formatMoment(iso, Date.now())}</time>
  return (
    <>
      <p class="facts">
        <DeliveryBadge delivery={delivery} />
        <span>to {delivery.webhook}</span>
        <span>{count(delivery.attempts, 'attempt')}</span>
        {delivery.lastStatus !== null && <span>status {delivery.lastStatus}</span>}
        {delivery.lastDurationMs !== null && <span>in {Math.round(delivery.lastDurationMs)} ms</span>}
      </p>
      <p class="facts muted">
        <span>stored {moment(delivery.createdAt)}</span>
        {delivery.nextAttemptAt !== null && <span>next attempt {moment(delivery.nextAttemptAt)}</span>}
        {delivery.endedAt !== null && <span>over {moment(delivery.endedAt)}</span>}
        {delivery.stream !== '' && <span>{delivery.stream}</span>}
        {delivery.recording !== null && (
          <>
            <a href={recordingHref(delivery.recording)}>the recording</a>
            <a href={hooksHref({ state: '', recording: delivery.recording })}>its deliveries</a>
          </>
        )}
      </p>
      {reason !== '' && <p class="reason">{reason}</p>}
      <CopyField name="Tapedeck-Delivery" value={delivery.id} isLabelled />
      <h2>What is sent</h2>
      {/* It scrolls, so it has to be reached by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the reason above */}
      <pre class="document" tabIndex={0}>
        {JSON.stringify(delivery.body, undefined, 2)}
      </pre>
    </>
  )
}
