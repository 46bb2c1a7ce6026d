import { useApp } from '../state/context.ts'
import { useFollowed } from '../state/use-followed.ts'
import { useMay } from '../state/use-may.ts'
import { useStore } from '../state/use-store.ts'
import { PageTitle } from './page-title.tsx'
import { PublisherItem } from './publisher-item.tsx'
import { PullForm } from './pull-form.tsx'
import { PullItem } from './pull-item.tsx'
import { Refusal } from './refusal.tsx'

/** Where streams come from: those this server fetches from others, the form that adds one, and who publishes here. */
export function SourcesPage() {
  const app = useApp()
  const { value: pulls, refusal } = useFollowed(app.pulls)
  const { streams } = useStore(app.feed.state)
  const published = streams?.filter(({ protocol }) => !protocol.endsWith('-pull')) ?? []
  const mayManage = useMay('manage')
  return (
    <section aria-labelledby="page-title" class="form-page">
      <PageTitle text="Sources" />
      <p class="lead muted">
        Streams this server fetches from elsewhere. Each is live under its path, and recorded by the rules, as if it
        were published here.
        {!mayManage && ' Adding and removing them takes the role admin.'}
      </p>
      <Refusal text={refusal} />
      {pulls === undefined && refusal === undefined && <div class="placeholder-row" aria-hidden="true" />}
      {pulls?.length === 0 && <p class="empty">Nothing is fetched: streams are only published here.</p>}
      {pulls !== undefined && pulls.length > 0 && (
        <ul class="items">
          {pulls.map((pull) => (
            <PullItem key={pull.id} pull={pull} />
          ))}
        </ul>
      )}
      {mayManage && pulls !== undefined && <PullForm />}
      {published.length > 0 && (
        <>
          <h2>Published here</h2>
          <ul class="items" aria-label="Published here">
            {published.map((stream) => (
              <PublisherItem key={stream.id} stream={stream} />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
