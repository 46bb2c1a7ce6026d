/** Where a publish or play command points: the path in the hub, and what its URL asked for besides. */
export interface StreamTarget {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

/** Flash Media Server's name for "no instance": not part of a path. */
const DEFAULT_INSTANCE = '_definst_'

/**
 * The hub path of a stream name within an application: `app/instance/name`, without queries and default instance. The
 * query may stand in tcUrl, in the application or in the name; the name's wins.
 */
export function streamTarget(app: string, tcUrl: string, streamName: string): StreamTarget {
  const [appPath, appQuery] = splitQuery(app)
  const [, urlQuery] = splitQuery(tcUrl)
  const [namePath, nameQuery] = splitQuery(streamName)
  const components = `${appPath}/${namePath}`.split('/').filter((part) => part !== '' && part !== DEFAULT_INSTANCE)
  // An empty name must not publish the application itself.
  const path = namePath.replaceAll('/', '') === '' ? '' : components.join('/')
  return { path, query: mergedQuery(urlQuery, appQuery, nameQuery) }
}

/** The application somebody connected to: its first component, the others, and the queries around it. */
export interface ApplicationPlace {
  readonly app: string
  /** Empty for the default instance. */
  readonly instance: string
  readonly query: Readonly<Record<string, string>>
}

/** Reads what `connect` names. */
export function applicationPlace(connectApp: string, tcUrl: string): ApplicationPlace {
  const [appPath, appQuery] = splitQuery(connectApp)
  const [, urlQuery] = splitQuery(tcUrl)
  const [app = '', ...instance] = appPath.split('/').filter((part) => part !== '' && part !== DEFAULT_INSTANCE)
  return { app, instance: instance.join('/'), query: mergedQuery(urlQuery, appQuery) }
}

/** Later ones win. */
function mergedQuery(...texts: readonly string[]): Record<string, string> {
  const query: Record<string, string> = Object.create(null)
  for (const text of texts) for (const [key, value] of new URLSearchParams(text)) query[key] = value
  return query
}

/** What stands before the first question mark, and after it. */
export function splitQuery(text: string): [string, string] {
  const at = text.indexOf('?')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
