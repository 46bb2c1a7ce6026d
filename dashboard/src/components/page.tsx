import { useEffect } from 'preact/hooks'
import { useApp } from '../state/context.ts'
import type { Route } from '../state/route.ts'
import { useRoute } from '../state/use-route.ts'
import { useStore } from '../state/use-store.ts'
import { Announcer } from './announcer.tsx'
import { DeliveryPage } from './delivery-page.tsx'
import { Header } from './header.tsx'
import { HooksPage } from './hooks-page.tsx'
import { Library } from './library.tsx'
import { LiveSection } from './live-section.tsx'
import { RecordPage } from './record-page.tsx'
import { RecordingPage } from './recording-page.tsx'
import { RulePage } from './rule-page.tsx'
import { RulesPage } from './rules-page.tsx'
import { SourcesPage } from './sources-page.tsx'
import { ToastList } from './toast-list.tsx'
import { TokenForm } from './token-form.tsx'
import { TroubleBanner } from './trouble-banner.tsx'

/** Everything: the header, then what the address asks for. */
export function Page() {
  const { feed } = useApp()
  const { needsToken, link } = useStore(feed.state)
  return (
    <>
      <button type="button" class="skip-link" onClick={focusMain}>
        Skip to content
      </button>
      <Header />
      <main id="main" tabIndex={-1}>
        {needsToken ? <TokenForm /> : link !== 'connecting' && <Content />}
      </main>
      <ToastList />
      <Announcer />
    </>
  )
}

function Content() {
  const route = useRoute()
  const section = route.page === 'home' ? route.section : undefined
  useEffect(() => {
    if (section === 'library') document.getElementById('library-title')?.scrollIntoView()
    else scrollTo(0, 0)
  }, [section, route.page])
  return (
    <>
      <TroubleBanner />
      <RoutedPage route={route} />
    </>
  )
}

function RoutedPage({ route }: { route: Route }) {
  const { feed } = useApp()
  const { link } = useStore(feed.state)
  switch (route.page) {
    case 'recording':
      return <RecordingPage key={route.id} id={route.id} />
    case 'rules':
      return <RulesPage />
    case 'new-rule':
      return <RulePage key="new" id={undefined} />
    case 'rule':
      return <RulePage key={route.id} id={route.id} />
    case 'sources':
      return <SourcesPage />
    case 'record':
      return <RecordPage />
    case 'hooks':
      return <HooksPage filter={route} />
    case 'delivery':
      return <DeliveryPage key={route.id} id={route.id} />
    default:
      return (
        <div class={link === 'away' ? 'stale' : undefined}>
          <LiveSection />
          <Library />
        </div>
      )
  }
}

/** A button, for the address belongs to the routes. */
function focusMain(): void {
  document.getElementById('main')?.focus()
}
