import { useEffect, useState } from 'preact/hooks'
import { parseRoute, type Route } from './route.ts'

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
