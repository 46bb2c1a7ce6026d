import { useApp } from '../state/context.ts'
import { useFollowed } from '../state/use-followed.ts'
import { Deliveries } from './deliveries.tsx'
import { HookItem } from './hook-item.tsx'
import { PageTitle } from './page-title.tsx'
import { Refusal } from './refusal.tsx'

/** Who is told of events, how that goes, and what was sent. */
export function HooksPage({ filter }: { filter: { readonly state: string; readonly recording: string } }) {
  const app = useApp()
  const { value: hooks, refusal } = useFollowed(app.hooks)
  const hasWebhooks = hooks?.some(({ kind }) => kind === 'webhook') === true
  return (
    <>
      <section aria-labelledby="page-title">
        <PageTitle text="Hooks" />
        <Refusal text={refusal} />
        {hooks === undefined && refusal === undefined && <div class="placeholder-row" aria-hidden="true" />}
        {hooks?.length === 0 && (
          <p class="empty">
            Nobody is told of events. Programs and web addresses are set under <code>hooks</code> in the configuration
            file.
          </p>
        )}
        {hooks !== undefined && hooks.length > 0 && (
          <>
            <p class="lead muted">
              Told of events as they happen; set under <code>hooks</code> in the configuration file.
            </p>
            <ul class="items">
              {hooks.map((hook) => (
                <HookItem key={hook.name} hook={hook} />
              ))}
            </ul>
          </>
        )}
      </section>
      {(hasWebhooks || filter.state !== '' || filter.recording !== '') && <Deliveries filter={filter} />}
    </>
  )
}
