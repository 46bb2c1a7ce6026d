import { EVENT_NAMES } from '../../../src/control/event-names.ts'
import type { HookDocument } from '../api/documents.ts'
import { count, formatMoment } from '../format.ts'
import { outcomeWords } from '../state/hook-words.ts'
import { hooksHref } from '../state/route.ts'
import { Icon } from './icon.tsx'

const KINDS = { exec: 'program', webhook: 'webhook' } as const

/** One hook: what it is told, and how its last attempt ended. */
export function HookItem({ hook }: { hook: HookDocument }) {
  const { deliveries, lastAttempt } = hook
  return (
    <li class="item" data-hook={hook.name}>
      <div class="item-body">
        <h2 class="item-title">
          <code>{hook.target}</code>
          <span class="badge">{KINDS[hook.kind]}</span>
          {lastAttempt !== null && (
            <span class={`badge badge-delivery-${lastAttempt.verdict}`}>{outcomeWords(lastAttempt)}</span>
          )}
        </h2>
        <p class="facts muted">
          <span>{hook.name}</span>
          <span>
            streams <code>{hook.match}</code>
          </span>
          <span>{hook.events.length >= EVENT_NAMES.length ? 'all events' : hook.events.join(', ')}</span>
          {hook.isSigned && (
            <span>
              <Icon name="lock" /> signed
            </span>
          )}
        </p>
        <p class="facts">
          {lastAttempt === null ? (
            <span class="muted">not called since the server was started</span>
          ) : (
            <span>
              last <time dateTime={lastAttempt.at}>{formatMoment(lastAttempt.at, Date.now())}</time>:{' '}
              {lastAttempt.event}
            </span>
          )}
          <span class="figures">{count(deliveries.delivered, 'delivered', 'delivered')}</span>
          <span class="figures">{count(deliveries.pending, 'waits', 'wait')}</span>
          {deliveries.dead > 0 && (
            <span class="figures lost">
              {hook.kind === 'webhook' ? (
                <a href={hooksHref({ state: 'dead', recording: '' })}>{deliveries.dead} given up</a>
              ) : (
                `${deliveries.dead} given up`
              )}
            </span>
          )}
          {hook.refused > 0 && <span class="figures lost">{hook.refused} lost for want of room</span>}
        </p>
        {lastAttempt !== null && lastAttempt.error !== null && <p class="reason">{lastAttempt.error}</p>}
      </div>
    </li>
  )
}
