import { useApp } from '../state/context.ts'
import type { Route } from '../state/route.ts'
import { useMay } from '../state/use-may.ts'
import { useRoute } from '../state/use-route.ts'
import { useStore } from '../state/use-store.ts'

/** The ways through the page: what our credential may not see has none. */
export function Navigation({ liveCount }: { liveCount: number | undefined }) {
  const { take } = useApp()
  const isRunning = useStore(take.state).phase === 'running'
  const current = sectionOf(useRoute())
  const mayView = useMay('view')
  const mayRecord = useMay('record')
  const mayManage = useMay('manage')
  const link = (section: Section, href: string, text: string) => (
    <a href={href} aria-current={current === section ? 'page' : undefined}>
      {text}
      {section === 'live' && (
        <>
          {' '}
          <span class="count">{liveCount ?? ''}</span>
        </>
      )}
      {section === 'record' && isRunning && <span class="running-dot" role="img" aria-label="in progress" />}
    </a>
  )
  return (
    <nav aria-label="Sections">
      {link('live', '#/', 'Live')}
      {link('library', '#/library', 'Library')}
      {mayRecord && link('record', '#/record', 'Record')}
      {mayRecord && link('rules', '#/rules', 'Rules')}
      {mayView && link('sources', '#/sources', 'Sources')}
      {mayManage && link('hooks', '#/hooks', 'Hooks')}
    </nav>
  )
}

type Section = 'live' | 'library' | 'record' | 'rules' | 'sources' | 'hooks'

function sectionOf(route: Route): Section {
  switch (route.page) {
    case 'home':
      return route.section
    case 'recording':
      return 'library'
    case 'new-rule':
    case 'rule':
      return 'rules'
    case 'delivery':
      return 'hooks'
    default:
      return route.page
  }
}
