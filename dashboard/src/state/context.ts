import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Session } from '../../../client/src/index.ts'
import type { ApiClient } from '../api/client.ts'
import type { HookDocument, PullDocument, RuleDocument } from '../api/documents.ts'
import type { TokenStore } from '../api/token-store.ts'
import type { Capture } from '../capture/capture.ts'
import type { Take } from '../capture/take.ts'
import type { LiveWays } from '../live/live-ways.ts'
import type { PictureSlots } from '../live/picture-slots.ts'
import type { Feed } from './feed.ts'
import type { Followed } from './followed.ts'
import type { LibraryView } from './library-view.ts'
import type { Toasts } from './toasts.ts'

/** The page's objects, made once by main.tsx. */
export interface App {
  readonly client: ApiClient
  readonly feed: Feed
  readonly library: LibraryView
  readonly rules: Followed<readonly RuleDocument[]>
  readonly hooks: Followed<readonly HookDocument[]>
  readonly pulls: Followed<readonly PullDocument[]>
  readonly toasts: Toasts
  readonly tokens: TokenStore
  readonly pictures: PictureSlots
  readonly ways: LiveWays
  /** Publishes and plays; made anew each time, for the token may change. */
  readonly session: () => Session
  readonly capture: Capture
  readonly take: Take
}

/** Provided by main.tsx around everything. */
export const AppContext = createContext<App | undefined>(undefined)

/** The page's objects, for any component below main.tsx. */
export function useApp(): App {
  const app = useContext(AppContext)
  if (app === undefined) throw new Error('useApp needs an AppContext.Provider above it')
  return app
}
