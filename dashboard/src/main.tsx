import { render } from 'preact'
import { Session } from '../../client/src/index.ts'
import { ApiClient } from './api/client.ts'
import { sessionTokenStore } from './api/token-store.ts'
import { Capture } from './capture/capture.ts'
import { Take } from './capture/take.ts'
import { Page } from './components/page.tsx'
import { LiveWays } from './live/live-ways.ts'
import { PictureSlots } from './live/picture-slots.ts'
import { type App, AppContext } from './state/context.ts'
import { Feed } from './state/feed.ts'
import { Followed } from './state/followed.ts'
import { LibraryView } from './state/library-view.ts'
import { Toasts } from './state/toasts.ts'

/** For lists that have events; the question only makes up for one that was missed. */
const SELDOM_MS = 15_000
/** For what changes without an event. */
const OFTEN_MS = 2_000

const nowMs = () => performance.now()
const tokens = sessionTokenStore(() => sessionStorage)
const client = new ApiClient({
  baseUrl: new URL('api/v1/', document.baseURI).href,
  fetch: (...request) => fetch(...request),
  token: () => tokens.get(),
})
const feed = new Feed({ client, nowMs })
const toasts = new Toasts()
const session = () => new Session({ url: new URL('./', document.baseURI), token: tokens.get() })
const app: App = {
  client,
  feed,
  toasts,
  tokens,
  library: new LibraryView({ client, feed, onError: (error) => feed.explains(error) || toasts.error(error) }),
  rules: new Followed({
    ask: () => client.rules(),
    feed,
    concerns: (type) => type.startsWith('rule.'),
    everyMs: SELDOM_MS,
  }),
  pulls: new Followed({
    ask: () => client.pulls(),
    feed,
    concerns: (type) => type.startsWith('pull.'),
    everyMs: SELDOM_MS,
  }),
  // Attempts have no events; what is told of has.
  hooks: new Followed({ ask: () => client.hooks(), feed, concerns: () => true, everyMs: OFTEN_MS }),
  pictures: new PictureSlots('locks' in navigator ? navigator.locks : undefined),
  ways: new LiveWays('RTCPeerConnection' in globalThis),
  session,
  capture: new Capture(),
  take: new Take(session),
}

const followVisibility = () => (document.hidden ? feed.stop() : feed.start())
document.addEventListener('visibilitychange', followVisibility)
followVisibility()

const root = document.getElementById('app')
if (root !== null) {
  render(
    <AppContext.Provider value={app}>
      <Page />
    </AppContext.Provider>,
    root,
  )
}
