import { DAMAGED_POLICIES, DEFAULT_PULL_OPTIONS, PULL_TRANSPORTS } from '#base/pull-options.ts'
import type { Config } from '../config.ts'
import { Key } from '../key.ts'
import type { ConfigProblem } from '../problem.ts'
import { choice } from '../values/choice.ts'
import { flag } from '../values/flag.ts'
import { integer } from '../values/integer.ts'
import { list } from '../values/list.ts'
import { record } from '../values/record.ts'
import { streamPath } from '../values/stream-path.ts'
import { text } from '../values/text.ts'
import { textMap } from '../values/text-map.ts'

/** What is to be fetched, as POST /pulls takes it. Which schemes there are is known to the protocols. */
const pull = record("a mapping such as { path: live/gate, url: 'rtmp://host/app/stream' }", {
  path: { type: streamPath, required: true },
  url: {
    type: text('an address such as rtmp://host/app/stream', { pattern: /^[a-z][a-z0-9+.-]*:\/\/./i }),
    required: true,
  },
  keepAlive: { type: flag, fallback: true },
  verifyTls: { type: flag, fallback: true },
  transport: { type: choice(PULL_TRANSPORTS), fallback: DEFAULT_PULL_OPTIONS.transport },
  damaged: { type: choice(DAMAGED_POLICIES), fallback: DEFAULT_PULL_OPTIONS.damaged },
  metadata: { type: textMap, fallback: {} },
})

/** Streams of other servers. */
export const PULLS_KEYS = {
  pulls: new Key(list(pull, 'pulls'), {
    default: [],
    about:
      'Streams fetched from other servers and published here: path, url (rtmp://, rtmps://, rtsp://, rtsps://, rtsp+http://, rtsp+https://, http://, https://, srt://, udp://, file://, page+http:// or page+https://, user:password@ and query where needed), keepAlive (true: tried again for ever), verifyTls (true), for RTSP transport (auto, udp or tcp) and damaged (drop or keep), and metadata.',
    secret: true,
  }),
  pullFolders: new Key(list(text('a folder', { minLength: 1 }), 'folders'), {
    default: [],
    about: 'Folders whose files may be pulled in real time (file:///…). None: no file is.',
  }),
  pullIdleTimeoutMs: new Key(integer({ min: 1000, max: 3_600_000, unit: 'milliseconds' }), {
    default: 20_000,
    about: 'A source pulled over http, https, srt or udp from which no media comes for this long is given up.',
  }),
}

/** The same stream twice in one place. Two sources of one path are fine: the second waits until the first is gone. */
export function checkPulls(pulls: Config['pulls']): ConfigProblem[] {
  return pulls.flatMap(({ path, url }, index) => {
    const first = pulls.findIndex((other) => other.path === path && other.url === url)
    if (first === index) return []
    return [{ path: `pulls[${index}]`, found: '', expected: `is the same as pulls[${first}]: remove one`, where: '' }]
  })
}
