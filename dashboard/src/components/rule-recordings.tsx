import { useApp } from '../state/context.ts'
import { recordingHref } from '../state/route.ts'
import { useStore } from '../state/use-store.ts'

/** More than this hides the next rule; the rest is counted. */
const MAX_SHOWN = 6

/** What a rule records now. */
export function RuleRecordings({ ruleId }: { ruleId: string }) {
  const { feed } = useApp()
  const { active } = useStore(feed.state)
  const running = [...active.values()]
    .map(({ recording }) => recording)
    .filter(({ rule }) => rule === ruleId)
    .sort((a, b) => (a.stream < b.stream ? -1 : 1))
  if (running.length === 0) return null
  const more = running.length - MAX_SHOWN
  return (
    <p class="facts rule-recordings">
      <span class="badge badge-recording">{running.length} in progress</span>
      {running.slice(0, MAX_SHOWN).map((recording) => (
        <a key={recording.id} href={recordingHref(recording.id)}>
          {recording.stream}
        </a>
      ))}
      {more > 0 && <span class="muted">and {more} more</span>}
    </p>
  )
}
