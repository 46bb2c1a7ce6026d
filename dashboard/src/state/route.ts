/** Where in the page we are; each has an address of its own behind the `#`. */
export type Route =
  | { readonly page: 'home'; readonly section: 'live' | 'library' }
  | { readonly page: 'recording'; readonly id: string }
  | { readonly page: 'rules' }
  | { readonly page: 'new-rule' }
  | { readonly page: 'rule'; readonly id: string }
  | { readonly page: 'sources' }
  | { readonly page: 'record' }
  | { readonly page: 'hooks'; readonly state: string; readonly recording: string }
  | { readonly page: 'delivery'; readonly id: string }

/** Reads a location hash; anything unknown is the home page. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2)
  const [, page, ...rest] = path.split('/').map(safeDecode)
  const [id = '', subId = ''] = rest
  switch (page) {
    case 'recordings':
      if (id !== '') return { page: 'recording', id }
      break
    case 'rules':
      if (id === 'new') return { page: 'new-rule' }
      return id === '' ? { page: 'rules' } : { page: 'rule', id }
    case 'sources':
      return { page: 'sources' }
    case 'record':
      return { page: 'record' }
    case 'hooks': {
      if (id === 'deliveries' && subId !== '') return { page: 'delivery', id: subId }
      const filter = new URLSearchParams(query)
      return { page: 'hooks', state: filter.get('state') ?? '', recording: filter.get('recording') ?? '' }
    }
    default:
      break
  }
  return { page: 'home', section: page === 'library' ? 'library' : 'live' }
}

/** The address of a recording's page. */
export function recordingHref(id: string): string {
  return `#/recordings/${encodeURIComponent(id)}`
}

/** The address of a rule's form. */
export function ruleHref(id: string): string {
  return `#/rules/${encodeURIComponent(id)}`
}

/** The address of one webhook delivery. */
export function deliveryHref(id: string): string {
  return `#/hooks/deliveries/${encodeURIComponent(id)}`
}

/** The address of the deliveries that fit; empty texts fit all. */
export function hooksHref(filter: { readonly state: string; readonly recording: string }): string {
  const given = Object.entries(filter).filter(([, value]) => value !== '')
  return given.length === 0 ? '#/hooks' : `#/hooks?${new URLSearchParams(given).toString()}`
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
