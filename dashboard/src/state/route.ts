import { useEffect, useState } from 'preact/hooks'

/** Where in the page we are; each has an address of its own behind the `#`. */
export type Route =
  | { readonly page: 'home'; readonly section: 'live' | 'library' }
  | { readonly page: 'recording'; readonly id: string }

/** Reads a location hash; anything unknown is the home page. */
export function parseRoute(hash: string): Route {
  const [, page, id] = hash.replace(/^#/, '').split('/')
  if (page === 'recordings' && id !== undefined && id !== '') return { page: 'recording', id: safeDecode(id) }
  return { page: 'home', section: page === 'library' ? 'library' : 'live' }
}

/** The address of a recording's page. */
export function recordingHref(id: string): string {
  return `#/recordings/${encodeURIComponent(id)}`
}

/** The present route; renders again when the address changes. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const follow = () => setHash(location.hash)
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return parseRoute(hash)
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
