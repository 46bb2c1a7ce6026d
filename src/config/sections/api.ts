import { Key } from '../key.ts'
import { list } from '../values/list.ts'
import { listenAddress } from '../values/listen-address.ts'
import { text } from '../values/text.ts'

/** HTTP: REST API, events, playback and the page. */
export const API_KEYS = {
  listen: new Key(listenAddress(8000), {
    default: '127.0.0.1:8000',
    about: 'Where the page and the REST API are served.',
    flag: '--api-listen <address>',
  }),
  allowedOrigins: new Key(
    list(text('an origin such as https://studio.example', { pattern: /^https?:\/\/[^/]+$/ }), 'origins'),
    { default: [], about: 'Web pages of other origins that may use the API from a browser.' },
  ),
  allowedHosts: new Key(list(text('a host name', { pattern: /^[a-z0-9.:[\]-]+$/i }), 'host names'), {
    default: [],
    about: 'Names besides the listening address under which browsers reach this server (behind a proxy, for instance).',
  }),
}
