import { useApp } from '../state/context.ts'
import type { LinkState } from '../state/feed.ts'
import { useStore } from '../state/use-store.ts'
import { Navigation } from './navigation.tsx'

const LINK_WORDS: Readonly<Record<LinkState, string>> = {
  connecting: 'Connecting…',
  live: 'Connected',
  polling: 'Connected',
  away: 'Reconnecting…',
}

/** Name, ways around, and whether the server is there. */
export function Header() {
  const { feed, tokens } = useApp()
  const { link, server, streams, needsToken } = useStore(feed.state)
  const forgetToken = () => {
    tokens.set('')
    feed.stop()
    feed.start()
  }
  return (
    <header class="header">
      <a class="brand" href="#/" aria-label="Tapedeck, home">
        <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
          <circle cx="16" cy="16" r="13.5" class="brand-ring" />
          <circle cx="16" cy="16" r="7.5" class="brand-dot" />
        </svg>
        Tapedeck
      </a>
      {!needsToken && <Navigation liveCount={streams?.length} />}
      <div class="header-end">
        {tokens.get() !== '' && !needsToken && (
          <button type="button" class="quiet" onClick={forgetToken}>
            Forget token
          </button>
        )}
        {server !== undefined && (
          <span class="muted version" title={server.node}>
            v{server.version}
          </span>
        )}
        <span class={`link link-${link}`} role="status">
          {needsToken ? 'Token needed' : LINK_WORDS[link]}
        </span>
      </div>
    </header>
  )
}
