import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'

/** True while the element is in view, or nearly, and the page itself is looked at. */
export function useOnScreen(element: RefObject<Element | null>): boolean {
  const [isInView, setInView] = useState(false)
  const [isPageVisible, setPageVisible] = useState(!document.hidden)
  useEffect(() => {
    const target = element.current
    if (target === null) return undefined
    const observer = new IntersectionObserver((entries) => setInView(entries.at(-1)?.isIntersecting === true), {
      rootMargin: '80px',
    })
    observer.observe(target)
    return () => observer.disconnect()
  }, [element])
  useEffect(() => {
    const follow = () => setPageVisible(!document.hidden)
    document.addEventListener('visibilitychange', follow)
    return () => document.removeEventListener('visibilitychange', follow)
  }, [])
  return isInView && isPageVisible
}
