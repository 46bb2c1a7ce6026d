import { useApp } from '../state/context.ts'
import { recordingHref } from '../state/route.ts'
import { useStore } from '../state/use-store.ts'
import { Icon } from './icon.tsx'

/** Recordings that lose media right now, above everything else, with the reason the server gives. */
export function TroubleBanner() {
  const { feed } = useApp()
  const { active, refusal, link } = useStore(feed.state)
  const impaired = [...active.values()].map(({ recording }) => recording).filter(({ error }) => error !== null)
  return (
    <div role="alert">
      {link === 'away' && (
        <p class="trouble">
          <Icon name="warning" /> The server does not answer. This is what it said last; the page follows again by
          itself.
        </p>
      )}
      {refusal !== '' && (
        <p class="trouble">
          <Icon name="warning" /> {refusal}
        </p>
      )}
      {impaired.length > 0 && (
        <section class="trouble" aria-label="Recordings in trouble">
          <Icon name="warning" />
          <div>
            <p>
              <strong>
                {impaired.length === 1 ? 'A recording is' : `${impaired.length} recordings are`} not being written
              </strong>
            </p>
            <ul>
              {impaired.slice(0, 5).map((recording) => (
                <li key={recording.id}>
                  <a href={recordingHref(recording.id)}>{recording.stream}</a>: {recording.error?.message}{' '}
                  <code>{recording.error?.code}</code>
                </li>
              ))}
            </ul>
            <p>What can't be written is counted in the ledger. Recording resumes by itself when the disk does.</p>
          </div>
        </section>
      )}
    </div>
  )
}
